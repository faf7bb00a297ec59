from __future__ import annotations

from typing import Any

from training.reporting.aims import AIMS, aims
from training.reporting.sections import SECTIONS

OWN = {"correspondence.onnx": "a", "correspondence_free.onnx": "c"}
FREE = {"correspondence.onnx": "c", "correspondence_free.onnx": "c"}


def people(worst: float, models: dict[str, str]) -> dict[str, Any]:
    filtered = {"rms_deg": [0.5, worst, 0.7], "all": {"inside90": 0.8}}
    return {"filtered": filtered, "provenance": {"models": models}}


def test_what_misses_its_aim_is_in_bold() -> None:
    results = [("a.json", people(1.2, OWN)), ("b.json", people(0.9, FREE)), ("c.json", people(5.0, OWN))]
    *_, table = aims({"consistency": results, "steadiness": []})
    assert "| rotation of rendered people about the worst axis, ° rms | at most 1 | **1.20** | 0.90 |" in table
    assert "| true poses within the 90 % ellipsoid, % | at least 85 | **80.00** | **80.00** |" in table
    assert len(table.splitlines()) == 4, "nothing else was measured"


def test_what_an_older_result_does_not_tell_is_empty() -> None:
    older = people(1.2, OWN)
    del older["filtered"]["all"]
    *_, table = aims({"consistency": [("a.json", older)]})
    assert len(table.splitlines()) == 3 and "| **1.20** |  |" in table
    assert aims({"consistency": [("a.json", {"provenance": {"models": OWN}, "filtered": {}})]}) == []


def test_aims_are_of_results_that_the_page_shows() -> None:
    assert {aim.kind for aim in AIMS} <= set(SECTIONS)
