from __future__ import annotations

import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel
from training.rendering.hair import Barber, Covering, long_hair
from training.rendering.head_mesh import SKULL_CENTRE, HeadMesh

BROWN = np.array([0.05, 0.03, 0.02])
EYES = {"lid_left", "lid_right", "eye_left", "eye_right"}
BROWS, EARS = {"brow_left", "brow_right"}, {"ear_left", "ear_right"}
INSIDE = {"mouth", "teeth"}


@pytest.fixture(scope="module")
def head(shipped_model: FaceModel) -> HeadMesh:
    return HeadMesh(shipped_model)


@pytest.fixture(scope="module")
def coverings(head: HeadMesh) -> dict[str, list[Covering]]:
    """40 of each kind."""
    barber, seeds = Barber(head), range(40)
    return {
        "hair": [barber.hair(np.random.default_rng(seed), BROWN, long=False) for seed in seeds],
        "long hair": [barber.hair(np.random.default_rng(seed), BROWN, long=True) for seed in seeds],
        "hat": [barber.hat(np.random.default_rng(seed)) for seed in seeds],
        "beard": [barber.beard(np.random.default_rng(seed), BROWN) for seed in seeds],
        "mask": [barber.face_mask(np.random.default_rng(seed)) for seed in seeds],
    }


def _places(head: HeadMesh) -> dict[str, np.ndarray]:
    """Vertices (V,) of the face model's regions, in the mouth and high on the back of the head."""
    regions = np.full(len(head.mean), -1)
    regions[head.parts.face] = head.model.regions
    places = {name: regions == i for i, name in enumerate(head.model.region_names)}
    for name in INSIDE:
        places[name] = np.zeros(len(head.mean), bool)
        places[name][getattr(head.parts, name)] = True
    places["crown"] = (head.mean[:, 2] > 0.06) & (head.mean[:, 0] < -0.1)
    return places


@pytest.mark.parametrize(
    ("kind", "bare", "covered"),
    [
        ("hair", {"nose", "lips", "chin", *EYES, *EARS, *INSIDE}, {"crown"}),
        ("long hair", {"nose", "lips", "chin", *EYES, *EARS, *INSIDE}, {"crown"}),
        ("hat", {"nose", "lips", "chin", *EYES, *BROWS, *EARS, *INSIDE}, {"crown"}),
        ("beard", {"forehead", "crown", *EYES, *BROWS, *EARS, *INSIDE}, set()),
        ("mask", {"forehead", "crown", *EYES, *BROWS, *EARS}, {"lips", "chin", *INSIDE}),
    ],
)
def test_each_covers_what_it_should_and_nothing_else(
    head: HeadMesh, coverings: dict[str, list[Covering]], kind: str, bare: set[str], covered: set[str]
) -> None:
    places, shares = _places(head), np.array([covering.share for covering in coverings[kind]])
    assert {name for name in bare if shares[:, places[name]].any()} == set()
    assert {name for name in covered if (shares[:, places[name]] < 1.0).any()} == set()
    assert (shares.max(axis=1) > 0.2).all(), "nothing is worn"


def test_only_hair_and_hats_hide_the_surface(coverings: dict[str, list[Covering]]) -> None:
    hiding = {kind: np.mean([worn.hides.any() for worn in drawn]) for kind, drawn in coverings.items()}
    assert hiding["beard"] == hiding["mask"] == 0.0
    assert hiding["long hair"] == hiding["hat"] == 1.0 and 0.5 < hiding["hair"] < 1.0


def test_hairlines_recede_but_for_fringes_that_come_down_to_the_brows(
    head: HeadMesh, coverings: dict[str, list[Covering]]
) -> None:
    middle = (np.abs(head.mean[:, 1]) < 0.012) & (head.mean[:, 0] > -0.03)
    height = head.mean[middle, 2]
    lowest = np.array([height[hair.share[middle] > 0.5].min(initial=height.max()) for hair in coverings["hair"]])
    usual = 0.068
    assert 0.1 < np.mean(lowest < usual - 0.012) < 0.3
    assert np.mean(lowest > usual + 0.012) > 0.4
    assert lowest.min() > 0.02, "over the eyes"


def test_long_hair_covers_more_of_the_skull(head: HeadMesh, coverings: dict[str, list[Covering]]) -> None:
    short, long = (
        np.mean([worn.share[head.parts.skull] for worn in coverings[kind]]) for kind in ("hair", "long hair")
    )
    assert short + 0.05 < long < 0.9


def test_a_curtain_of_hair_is_seen_from_both_sides_and_open_at_the_face() -> None:
    def turns(triangles: np.ndarray) -> set[tuple[int, ...]]:
        """Each with its lowest corner first, the way it runs."""
        return {tuple(np.roll(corners, -int(np.argmin(corners))).tolist()) for corners in triangles}

    for seed in range(3):
        points, triangles = long_hair(np.random.default_rng(seed))
        assert len(turns(triangles)) == len(triangles) and turns(triangles) == turns(triangles[:, ::-1])
        offset = points - SKULL_CENTRE
        angle = np.degrees(np.abs(np.arctan2(offset[:, 1], offset[:, 0])))
        assert 50.0 < angle.min() < 90.0 and angle.max() > 170.0
        assert points[:, 2].max() > 0.07 and points[:, 2].min() < -0.07
