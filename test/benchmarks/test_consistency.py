"""The figures that say whether a covariance means something, on errors that are drawn from one."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from dense_face_ros.geometry import PinholeCamera, rotation_from_vector
from dense_face_ros.head_state import HeadState, Status
from training.benchmarks.consistency import (
    Track,
    errors_of,
    figures,
    main,
    nees,
    pose_error,
    report,
    run,
    split_errors,
    unfollowed,
)
from training.benchmarks.rendered_people import Sequence


def drawn(count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Errors with the covariances they were drawn from, units as mixed as those of poses."""
    rng = np.random.default_rng(0)
    roots = rng.normal(size=(count, 6, 6)) * np.array([0.003, 0.003, 0.03, 0.02, 0.02, 0.01])[:, None]
    errors = (roots @ rng.normal(size=(count, 6, 1)))[:, :, 0]
    return errors, roots @ roots.transpose(0, 2, 1)


def test_right_covariances_give_one_and_nine_tenths() -> None:
    found = figures(*drawn())
    for part in ("all", "translation", "rotation", "depth"):
        assert found[part]["nees"] == pytest.approx(1.0, abs=0.07)
        assert found[part]["inside90"] == pytest.approx(0.9, abs=0.02)


def test_a_covariance_that_promises_too_much_is_told() -> None:
    errors, covariances = drawn()
    found = figures(errors, covariances / 4.0)
    assert found["all"]["nees"] == pytest.approx(4.0, rel=0.07)
    assert found["all"]["inside90"] < 0.3
    covariances[:, 2, 2] *= 100.0
    assert nees(errors, covariances, slice(2, 3)).mean() < 0.1, "one dimension can be looked at alone"


def pose(vector: list[float], position: list[float]) -> np.ndarray:
    out = np.eye(4)
    out[:3, :3], out[:3, 3] = rotation_from_vector(vector), position
    return out


def test_the_error_is_found_from_true_about_the_cameras_axes() -> None:
    true = pose([0.3, -0.2, 0.1], [0.1, 0.0, 0.7])
    found = pose([0.0, 0.02, 0.0], [0.0, 0.0, 0.0])
    found[:3, :3], found[:3, 3] = found[:3, :3] @ true[:3, :3], [0.1, 0.01, 0.75]
    np.testing.assert_allclose(pose_error(found, true), [0.0, 0.01, 0.05, 0.0, 0.02, 0.0], atol=1e-12)


def test_a_track_can_be_filtered_again_and_its_beginning_is_not_scored() -> None:
    stamp = np.arange(30) / 15
    still = np.tile(pose([0.0, 0.0, 0.0], [0.0, 0.0, 0.6]), (30, 1, 1))
    covariance = np.tile(np.diag([1e-5] * 3 + [1e-3] * 3), (30, 1, 1))
    track = Track(stamp, still, still, covariance, still, covariance, missed=0)
    errors, covariances = errors_of([track, track], filtered=True)
    assert len(errors) == len(covariances) == 2 * (stamp >= 0.5).sum()
    smooth, lasting = (errors_of([track.filtered_by(share)], filtered=True)[1].mean(axis=0) for share in (0.0, 0.9))
    assert (np.diag(smooth) < np.diag(lasting)).all()
    np.testing.assert_array_equal(replace(track, missed=3).raw, still)


def test_what_a_person_always_errs_by_is_told_from_what_comes_and_goes() -> None:
    stamp = np.arange(100) / 20
    true = np.stack([pose([1.0 + 0.01 * t, -0.4, 0.1], [0.0, 0.0, 0.6]) for t in stamp])
    found = true.copy()
    offsets = np.where(np.arange(100) % 2, 0.01, -0.01)
    for i, wave in enumerate(offsets):  # 2 degrees up always, one about the vertical axis to and fro
        found[i, :3, :3] = true[i, :3, :3] @ rotation_from_vector(np.radians([0.0, 2.0, 0.0]))
        found[i, :3, :3] = found[i, :3, :3] @ rotation_from_vector(np.radians([0.0, 0.0, 100.0 * wave]))
        found[i, 2, 3] = 0.6 * (1.03 + wave)
    covariance = np.tile(np.eye(6), (100, 1, 1))
    split = split_errors([Track(stamp, true, found, covariance, found, covariance, missed=0)])
    np.testing.assert_allclose(split["constant"]["deg"], [0.0, 2.0, 0.0], atol=0.03)
    np.testing.assert_allclose(split["about_it"]["deg"], [0.0, 0.0, 1.0], atol=0.03)
    assert split["constant"]["depth_percent"] == pytest.approx(3.0)
    assert split["about_it"]["depth_percent"] == pytest.approx(1.0)
    np.testing.assert_allclose(split["people"], [[0.0, 2.0, 0.0, 3.0]], atol=0.03)


class LosesAFrame:
    """Stands in for the tracker: the head in the middle of the picture, but of the people ``lost``."""

    def __init__(self, lost: set[int]) -> None:
        self._lost, self._person = lost, -1

    def reset(self) -> None:
        self._person += 1

    def update(self, image: np.ndarray, stamp: float, camera: PinholeCamera) -> HeadState:
        status = Status.LOST if self._person in self._lost else Status.TRACKING
        state = HeadState.without_head(stamp, status, "", camera, 6, 3)
        covariance, head = np.diag([1e-5] * 3 + [1e-3] * 3), pose([0.0, 0.0, 0.0], [0.0, 0.0, 0.6])
        return replace(state, pose=head, pose_raw=head, covariance=covariance, covariance_raw=covariance)


def shown() -> Sequence:
    camera = PinholeCamera(600.0, 600.0, 7.5, 5.5, 16, 12)
    stamp = np.arange(12) / 10.0
    _, encoded = cv2.imencode(".jpg", np.zeros((12, 16, 3), np.uint8))
    return Sequence(camera, stamp, np.tile(pose([0.0, 0.0, 0.0], [0.0, 0.0, 0.61]), (12, 1, 1)), [encoded] * 12)


def test_people_who_are_not_followed_are_counted_and_the_others_scored() -> None:
    tracker = LosesAFrame({1})
    result = report([run(tracker, shown()) for _ in range(3)])
    assert (result["people"], result["people_missed"], result["missed"], result["n"]) == (3, [1], 12, 14)
    assert result["raw"]["rms_mm"][2] == pytest.approx(10.0)
    first, lost, last = result["filtered_split"]["people"]
    assert first == last and lost == [None] * 4
    json.dumps(result, allow_nan=False)
    nobody = run(LosesAFrame({0}), shown())
    assert len(nobody.filtered_by(0.5).filtered) == 0
    with pytest.raises(
        ValueError, match=r"no head is told of any .*\(seeds 7 to 8\) .*the network is not trained enough"
    ):
        unfollowed([nobody, nobody], 7)


def test_a_number_of_people_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--people", "0"]) == 2
    assert "--people is 0" in capsys.readouterr().err
