"""What a network's file says of its errors, and that the tracker goes by it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from dense_face_ros import FaceTracker, TrackerSettings
from dense_face_ros.calibration import Calibration
from training.rendering.clip import Truth

Frame = npt.NDArray[np.uint8]
PATH = Path("net.onnx")
OWN = Calibration(0.3, 1.5, 0.8, 0.04, 1.0)


def told(**changes: object) -> dict[str, str]:
    return {"licence": "any", "calibration": json.dumps({**asdict(OWN), **changes})}


def test_a_file_says_what_was_written_into_it_and_without_it_errs_as_the_shipped_ones() -> None:
    assert Calibration.of(OWN.metadata, PATH) == OWN
    assert Calibration.of({"licence": "any"}, PATH) == Calibration()


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ({"calibration": "0.3"}, "has a calibration other than the numbers covariance_share, distance_factor"),
        ({"calibration": "{"}, "has a calibration that is no JSON"),
        (told(more=1.0), "has a calibration other than the numbers"),
        (told(lasting_share="0.9"), "has a calibration other than the numbers"),
        (told(lasting_share=True), "has a calibration other than the numbers"),
        (told(lasting_share=1.0), "calibration lasting_share is 1.0; it must be at least 0 and less than 1"),
        (told(covariance_share=float("nan")), "calibration covariance_share is nan; it must be above 0, and finite"),
        ({"calibration": told()["calibration"].replace("0.04", "9" * 400)}, "int too large to convert to float"),
        (told(distance_factor=0.5), "calibration distance_factor is 0.5; it must be at least 1"),
    ],
)
def test_what_is_no_calibration_is_refused_with_the_file(metadata: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=f"network 'net.onnx'.*{re.escape(why)}.*training.calibrate"):
        Calibration.of(metadata, PATH)


def test_the_least_that_the_numbers_may_be_is_taken() -> None:
    least = {"distance_factor": 1.0, "lasting_share": 0.0, "vagueness_per_score": 0.0}
    assert Calibration.of(told(**least), PATH) == replace(OWN, **least)


def test_a_new_head_may_be_the_vaguer_the_surer_the_finder_is() -> None:
    assert OWN.new_vagueness(0.0) == 0.04
    assert OWN.new_vagueness(1.0) == pytest.approx(0.04 * np.e)


def test_the_tracker_claims_what_the_networks_word_is_worth(clip: list[Frame], truth: Truth) -> None:
    usual = FaceTracker()
    assert usual.calibration == Calibration()
    # So much larger a share of what the frame says that the prior hardly counts in the rotation.
    less = replace(usual.calibration, covariance_share=usual.calibration.covariance_share / 4.0)
    doubting = FaceTracker(TrackerSettings(calibration=less))
    sure, unsure = (tracker.fit(clip[0], camera=truth.camera) for tracker in (usual, doubting))
    np.testing.assert_array_equal(sure.pose, unsure.pose)
    widened = np.diag(unsure.covariance_raw)[3:] / np.diag(sure.covariance_raw)[3:]
    assert (widened > 1.5).all() and (widened < 4.5).all()

    # With the share that lasts, more of a filtered pose's variance stays.
    passing = FaceTracker(TrackerSettings(calibration=replace(usual.calibration, lasting_share=0.0)))
    for i, frame in enumerate(clip[:8]):
        kept, smoothed = (tracker.update(frame, i / 30.0, truth.camera) for tracker in (usual, passing))
    np.testing.assert_allclose(kept.covariance_raw, smoothed.covariance_raw, rtol=1e-6)
    assert np.trace(kept.covariance[3:, 3:]) > 1.2 * np.trace(smoothed.covariance[3:, 3:])
    for tracker in (usual, doubting, passing):
        tracker.close()
