from __future__ import annotations

from typing import Any

from dense_face_ros.evaluation.provenance import model_hashes
from training.reporting.aims import AIMS, aims
from training.reporting.sections import SECTIONS

DEFAULT = {"correspondence.onnx": model_hashes()["correspondence.onnx"]}
FREE = {"correspondence.onnx": model_hashes()["correspondence_free.onnx"]}
EARLIER = {"correspondence.onnx": "e" * 64}


def people(worst: float, models: dict[str, str]) -> dict[str, Any]:
    filtered = {"rms_deg": [0.5, worst, 0.7], "all": {"inside90": 0.8}}
    return {"filtered": filtered, "provenance": {"models": models}}


def test_what_misses_its_aim_is_in_bold() -> None:
    results = [
        ("_.json", people(9.0, EARLIER)),
        ("a.json", people(1.2, DEFAULT)),
        ("b.json", people(0.9, FREE)),
        ("c.json", people(5.0, DEFAULT)),
    ]
    *_, table = aims({"consistency": results, "steadiness": []})
    assert "| rotation of rendered people about the worst axis, ° rms | at most 1 | **1.20** | 0.90 |" in table
    assert "| true poses within the 90 % ellipsoid, % | at least 85 | **80.00** | **80.00** |" in table
    assert len(table.splitlines()) == 4, "nothing else was measured"


def test_what_an_older_result_does_not_tell_is_empty() -> None:
    older = people(1.2, DEFAULT)
    del older["filtered"]["all"]
    *_, table = aims({"consistency": [("a.json", older)]})
    assert len(table.splitlines()) == 3 and "| **1.20** |  |" in table
    assert aims({"consistency": [("a.json", {"provenance": {"models": DEFAULT}, "filtered": {}})]}) == []


def test_what_cannot_be_told_is_empty() -> None:
    found = {"nme68_mean_of_bins": None, "nme_visible_inner_bins": [None], "pose_mae": 2.0}
    *_, table = aims({"aflw2000": [("a.json", {**found, "provenance": {"models": DEFAULT}})]})
    assert len(table.splitlines()) == 3 and "| at most 2.5 | 2.00 |  |" in table


def test_aims_are_of_results_that_the_page_shows() -> None:
    assert {aim.kind for aim in AIMS} <= set(SECTIONS)
