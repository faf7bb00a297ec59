"""Whose head is told when one passes in front of another."""

from __future__ import annotations

import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.head_state import HeadState, Status
from training.benchmarks.passing import figures, main, passing
from training.rendering.clip import Truth

CAMERA = PinholeCamera(600.0, 600.0, 319.5, 239.5, 640, 480)
FRAMES = 90
#: The driver at rest; the other comes after 30 frames, is in the middle after 45 and gone after 60.
HOME = np.tile([0.0, 0.0, 0.8], (FRAMES, 1))
OTHER = np.column_stack([np.interp(np.arange(FRAMES), [30, 60], [-0.6, 0.6]), np.zeros(FRAMES), np.full(FRAMES, 0.6)])


def truth(places: np.ndarray) -> Truth:
    poses = np.tile(np.eye(4), (FRAMES, 1, 1))
    poses[:, :3, 3] = places
    return Truth(CAMERA, np.arange(FRAMES) / 30, poses)


def told(places: np.ndarray, lost: slice = slice(0)) -> list[HeadState]:
    nobody = set(range(FRAMES)[lost])
    out = []
    for i, place in enumerate(places):
        status = Status.LOST if i in nobody else Status.TRACKING
        state = HeadState.without_head(i / 30, status, "", CAMERA, 6, 3)
        state.pose_raw[:] = np.eye(4)
        state.pose_raw[:3, 3] = place
        out.append(state)
    return out


def test_a_driver_who_is_told_throughout_is_never_wrong() -> None:
    found = figures(truth(HOME), truth(OTHER), told(HOME))
    assert found["hidden_s"] == pytest.approx(7 / 30), "140 pixels to each side, 40 a frame"
    assert found["late_s"] == found["hidden_wrong_s"] == found["lost_s"] == 0.0
    assert found["back"] == 1.0


def test_frames_with_the_other_count_by_whether_the_driver_is_covered() -> None:
    followed = np.where(np.arange(FRAMES)[:, None] < 45, HOME, OTHER)
    found = figures(truth(HOME), truth(OTHER), told(followed))
    assert found["late_s"] == pytest.approx((FRAMES - 49) / 30)
    assert found["hidden_wrong_s"] == pytest.approx(2 / 30), "the first two are within 8 cm of the driver's place"
    assert found["back"] == 0.0


def test_frames_without_a_head_are_not_wrong() -> None:
    found = figures(truth(HOME), truth(OTHER), told(OTHER, slice(45, 80)))
    assert found["lost_s"] == pytest.approx(35 / 30)
    assert found["late_s"] == pytest.approx(10 / 30)
    assert figures(truth(HOME), truth(OTHER), told(HOME, slice(85, 90)))["back"] == 0.0, "lost in the end"


def test_the_nearer_head_hides_the_other(shipped_model: FaceModel) -> None:
    shown = passing(shipped_model, 400_000)
    camera, middle = shown.driver.camera, shown.other.pose[:, :2, 3] / shown.other.pose[:, 2:3, 3]
    home = shown.driver.pose[:, :2, 3] / shown.driver.pose[:, 2:3, 3]
    apart = np.abs(middle - home)[:, 0]
    assert (apart[:30] * camera.fx > 200).all() and (apart[-30:] * camera.fx > 200).all(), "both are out of the way"
    covered = int(np.argmin(apart))
    u, v = (camera.project(shown.other.pose[covered, :3, 3]) + 0.5).astype(int)
    images = [image for i, (_, image) in enumerate(shown.frames()) if i in (0, covered)]
    nearer = shown.renderers[1].frame(covered)
    np.testing.assert_array_equal(images[1][v - 5 : v + 5, u - 5 : u + 5], nearer[v - 5 : v + 5, u - 5 : u + 5])
    assert (images[0] != shown.renderers[0].backdrop).any()


def test_who_stays_covers_the_driver_for_so_long_and_is_then_seen_beside_him(shipped_model: FaceModel) -> None:
    shown = passing(shipped_model, 400_000, stay=8.0)
    stamp = shown.driver.stamp
    depth = shown.other.pose[:, 2, 3]
    home = shown.driver.pose[:, :2, 3] / shown.driver.pose[:, 2:3, 3]
    apart = np.abs(shown.other.pose[:, :2, 3] / depth[:, None] - home)[:, 0]
    covered = stamp[apart * depth < 0.03]
    assert covered[-1] - covered[0] == pytest.approx(8.0, abs=0.4)
    last = stamp > stamp[-1] - 2.9
    assert (apart[last] * depth[last] > 0.15).all()
    for person in (shown.driver, shown.other):
        assert shown.driver.camera.shows(shown.driver.camera.project(person.pose[last, :3, 3])).all()


@pytest.mark.parametrize(("option", "value"), [("--pairs", "0"), ("--stay", "-1.0"), ("--stay", "nan")])
def test_bad_input_is_told_in_one_line(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([option, value]) == 2
    assert f"{option} is {value}" in capsys.readouterr().err
