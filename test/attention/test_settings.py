from __future__ import annotations

from dataclasses import replace

import pytest

from dense_face_ros.attention.settings import PRESETS

EURO_NCAP = PRESETS["euro_ncap"]


def test_presets_have_their_names_and_sources() -> None:
    assert all(settings.preset == name and settings.source for name, settings in PRESETS.items())


@pytest.mark.parametrize(
    ("preset", "kmh", "limit"),
    [
        ("euro_ncap", 0.0, 3.0),
        ("euro_ncap", None, 3.0),
        ("nhtsa", 130.0, 2.0),
        ("eu_addw", 19.9, None),
        ("eu_addw", 20.0, 6.0),
        ("eu_addw", 49.9, 6.0),
        ("eu_addw", 50.0, 3.5),
        ("euro_ncap", -0.9, 3.0),
        ("euro_ncap", -1.1, None),
        ("eu_addw", None, 3.5),
    ],
)
def test_longest_glance_at_a_speed(preset: str, kmh: float | None, limit: float | None) -> None:
    assert PRESETS[preset].glance_limit(None if kmh is None else kmh / 3.6) == limit


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sleep": 0.5}, "microsleep is 1.0; it must be less than sleep, which is 0.5"),
        ({"sleep": 1.0}, "microsleep is 1.0; it must be less than sleep, which is 1.0"),
        ({"evidence_hold": 0.0}, "evidence_hold is 0.0; it must be more than 0"),
        ({"closed": float("nan")}, "closed is nan"),
        ({"perclos_awake": 0.2}, "perclos_awake is 0.2; it must be less than perclos_drowsy"),
        ({"glance_budget": 40.0}, "glance_budget is 40.0; it must be less than budget_window, which is 30.0"),
        ({"glance_limits": ((50.0, 3.0), (20.0, 6.0))}, "glance_limits is .* ascending speeds"),
        ({"glance_limits": ((20.0, 6.0), (50.0, 0.0))}, "glance_limits is .* positive times"),
        ({"glance_limits": ()}, "glance_limits"),
    ],
)
def test_what_cannot_work_is_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(EURO_NCAP, **changes)  # type: ignore[arg-type]
