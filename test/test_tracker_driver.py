"""Whom FaceTracker tracks when several people are in view, or one after the other; as in ``test_tracker``."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from dense_face_ros import FaceTracker, HeadState, Status
from dense_face_ros.driver import Seat
from dense_face_ros.face_model import FaceModel
from dense_face_ros.tracker_settings import TrackerSettings
from training.benchmarks.stills import Still, View, stills
from training.rendering.clip import Truth

Frame = npt.NDArray[np.uint8]


def side_by_side(left: Frame | None, right: Frame | None) -> Frame:
    """640x480 with a head 0.18 m left of the middle, one a third further away on the right, or an empty seat."""
    out = np.full((480, 640, 3), 90, np.uint8)
    if left is not None:
        out[:, :320] = left[:, 160:480]
    if right is not None:
        out[60:420, 320:] = cv2.resize(right[:, 107:533], (320, 360), interpolation=cv2.INTER_AREA)
    return out


def middle(state: HeadState) -> float:
    """Column of the image in which the head is seen."""
    return float(state.landmarks_2d[:, 0].mean())


def test_of_two_heads_the_nearest_is_the_driver(tracker: FaceTracker, clip: list[Frame], truth: Truth) -> None:
    for image, column in (
        (side_by_side(clip[0], clip[3]), 160),
        (np.ascontiguousarray(side_by_side(clip[0], clip[3])[:, ::-1]), 480),
    ):
        tracker.reset()
        assert middle(tracker.update(image, 0.0, truth.camera)) == pytest.approx(column, abs=20)


def test_the_driver_is_whoever_sits_in_the_seat(clip: list[Frame], truth: Truth) -> None:
    tracker = FaceTracker(TrackerSettings(seat=Seat(left=0.55)))
    assert tracker.update(side_by_side(clip[0], None), 0.0, truth.camera).status is Status.SEARCHING
    state = tracker.update(side_by_side(clip[0], clip[3]), 0.1, truth.camera)
    assert middle(state) == pytest.approx(480, abs=20)
    tracker.close()


def test_a_driver_has_a_number_until_forgotten(clip: list[Frame], truth: Truth) -> None:
    tracker, empty = FaceTracker(TrackerSettings(remember_person=1.0)), np.full_like(clip[0], 90)
    seen = [(0.0, clip[0]), (0.1, empty), (0.8, clip[0]), (1.9, empty), (2.0, clip[0])]
    assert [tracker.update(image, stamp, truth.camera).track for stamp, image in seen] == [1, 0, 1, 0, 2]
    tracker.reset()
    assert tracker.update(clip[0], 0.0, truth.camera).track == 3 and tracker.fit(clip[0]).track == 0
    tracker.close()


def test_the_track_does_not_jump_to_another_person(tracker: FaceTracker, clip: list[Frame], truth: Truth) -> None:
    """The driver's face is hidden while the passenger's is in view: lost at once, found again, never mistaken."""
    for i in range(3):
        assert middle(tracker.update(side_by_side(clip[i], clip[3]), i / 30, truth.camera)) < 320
    size = tracker._identity.prior
    for i in range(3, 12):
        state = tracker.update(side_by_side(None, clip[3]), i / 30, truth.camera)
        assert state.status is Status.LOST and state.reason
    assert tracker._identity.prior is size, "the person is still the same"
    back = tracker.update(side_by_side(clip[3], clip[3]), 12 / 30, truth.camera)
    assert middle(back) < 320


def test_somebody_else_may_drive_when_the_driver_is_gone(tracker: FaceTracker, clip: list[Frame], truth: Truth) -> None:
    tracker.update(side_by_side(clip[0], clip[3]), 0.0, truth.camera)
    passenger = side_by_side(None, clip[3])
    stamps = np.arange(1, 40) / 30
    states = [tracker.update(passenger, float(stamp), truth.camera) for stamp in stamps]
    taken = [stamp for stamp, s in zip(stamps, states, strict=True) if s.status is Status.TRACKING]
    assert taken[0] == pytest.approx(tracker.settings.remember_person, abs=0.05)
    assert middle(states[-1]) > 320
    # Nothing of the first person is left: as if the passenger had been alone from the start.
    tracker.reset()
    fresh = [tracker.update(passenger, float(stamp), truth.camera) for stamp in taken]
    np.testing.assert_allclose(states[-1].coefficients, fresh[-1].coefficients, atol=1e-9)


def test_slow_frames_do_not_make_a_stranger_of_the_driver(
    tracker: FaceTracker, clip: list[Frame], truth: Truth
) -> None:
    for i in range(3):
        state = tracker.update(side_by_side(clip[i], clip[3]), 5.0 * i, truth.camera)
        assert state.status is Status.TRACKING
        assert middle(state) < 320
    assert tracker._identity.prior is not None
    tracker.update(np.full_like(clip[0], 90), 3600.0, truth.camera)
    assert tracker._identity.prior is None, "who is seen after an hour may be another"


def test_a_passenger_does_not_become_the_driver_of_slow_frames(
    tracker: FaceTracker, clip: list[Frame], truth: Truth
) -> None:
    """The driver is hidden in the second frame; nothing but its own step tells how far apart frames are."""
    for before in (0, 2):
        tracker.reset()
        empty = np.full_like(clip[0], 90)
        shown = [*[empty] * before, side_by_side(clip[0], clip[3]), side_by_side(None, clip[3])]
        assert tracker.update(shown[0], 0.0, truth.camera).status is not Status.LOST
        states = [tracker.update(image, 2.0 * i, truth.camera) for i, image in enumerate(shown[1:], start=1)]
        assert states[-1].status is Status.LOST


def test_a_repeated_frame_does_not_make_slow_frames_quick(
    tracker: FaceTracker, clip: list[Frame], truth: Truth
) -> None:
    for stamp in (0.0, 2.0, 2.0, 4.0):
        tracker.update(side_by_side(clip[0], clip[3]), stamp, truth.camera)
    tracker.update(side_by_side(clip[0], clip[3]), 4.0, truth.camera)
    assert tracker.update(side_by_side(None, clip[3]), 6.0, truth.camera).status is Status.LOST


@pytest.mark.parametrize("known", [{"fx": 900.0, "fy": 900.0}, {"cx": 220.0}], ids=["focal length", "middle"])
def test_the_driver_stays_the_same_when_the_camera_becomes_known(
    tracker: FaceTracker, clip: list[Frame], truth: Truth, monkeypatch: pytest.MonkeyPatch, known: dict[str, float]
) -> None:
    assert tracker.update(side_by_side(clip[0], clip[3]), 0.0).status is Status.TRACKING
    monkeypatch.setattr(tracker._finder, "find", lambda image: pytest.fail("searched anew"))
    state = tracker.update(side_by_side(clip[0], clip[3]), 0.1, replace(truth.camera, **known))
    assert state.status is Status.TRACKING
    assert middle(state) < 320


def two_people(model: FaceModel, yaw: float = 0.0) -> list[Still]:
    """Two people in the same place, the second turned by ``yaw`` degrees."""
    views = [View(np.array([angle, 0.0, 0.0]), np.array([0.0, 0.0, 0.7])) for angle in (0.0, yaw)]
    return [stills(model, seed, [view])[0] for seed, view in zip((3, 8), views, strict=True)]


@pytest.mark.parametrize("yaw", [0.0, 22.0])
def test_who_turns_up_where_the_driver_was_lost_must_look_alike(tracker: FaceTracker, yaw: float) -> None:
    driver, other = two_people(tracker.model, yaw)
    shown = [driver.image] * 5 + [np.full_like(driver.image, 90)] * 3 + [other.image] * 5 + [driver.image]
    states = [tracker.update(image, i / 30, driver.camera) for i, image in enumerate(shown)]
    assert [state.status for state in states[8:13]] == [Status.LOST] * 5
    assert "not the driver's" in states[12].reason and states[13].status is Status.TRACKING


def passing(driver: Still, other: Still, shift: int) -> Frame:
    """The driver's picture with the other's face, an oval of it, ``shift`` pixels beside the driver's."""
    low, high = other.landmarks.min(axis=0), other.landmarks.max(axis=0)
    oval = np.zeros(other.image.shape, np.uint8)
    centre, axes = (0.5 * (low + high)).astype(int), (0.62 * (high - low)).astype(int)
    cv2.ellipse(oval, centre.tolist(), axes.tolist(), 0.0, 0.0, 360.0, (1, 1, 1), -1)
    move = np.array([[1.0, 0.0, shift], [0.0, 1.0, 0.0]])
    size = (other.image.shape[1], other.image.shape[0])
    face, oval = cv2.warpAffine(other.image, move, size), cv2.warpAffine(oval, move, size)
    return np.where(oval > 0, face, driver.image).astype(np.uint8)


def test_a_face_that_passes_right_in_front_takes_the_track_no_further_than_it_hides_the_driver(
    tracker: FaceTracker,
) -> None:
    driver, other = two_people(tracker.model)
    home = float(driver.landmarks[:, 0].mean())
    width = float(np.ptp(driver.landmarks[:, 0]))
    shown = [driver.image] * 5 + [passing(driver, other, shift) for shift in range(240, -241, -12)]
    states = [tracker.update(image, i / 30, driver.camera) for i, image in enumerate(shown)]
    assert middle(states[-1]) == pytest.approx(home, abs=0.05 * width)
    off = [s for s in states if s.status is Status.TRACKING and abs(middle(s) - home) > width]
    assert len(off) <= 3, "as soon as the driver is seen again he is followed again"
    jumped = [s for before, s in pairwise(states) if abs(middle(s) - middle(before)) > 0.5 * width]
    assert jumped
    for state in jumped:
        np.testing.assert_array_equal(state.pose, state.pose_raw, "not smoothed with another's")


def test_what_is_learned_of_a_person_is_not_learned_of_a_passer_by(tracker: FaceTracker) -> None:
    driver, other = two_people(tracker.model)
    for i in range(10):
        tracker.update(driver.image, i / 30, driver.camera)
    known = tracker._identity.prior
    for i in range(10, 30):
        assert tracker.update(other.image, i / 30, driver.camera).status is Status.TRACKING
        assert tracker._identity.prior is known


def test_a_shadow_over_half_of_the_face_makes_no_other_person(tracker: FaceTracker) -> None:
    driver, _ = two_people(tracker.model)
    shadow, edge = driver.image.copy(), int(driver.landmarks[:, 0].mean())
    shadow[:, :edge] = shadow[:, :edge] // 5
    for i, image in enumerate([driver.image] * 5 + [shadow] * 3 + [driver.image] * 3):
        assert tracker.update(image, i / 30, driver.camera).status is Status.TRACKING


def test_a_pause_does_not_make_one_person_of_two(tracker: FaceTracker, clip: list[Frame], truth: Truth) -> None:
    for i in range(5):
        tracker.update(clip[0], i / 30, truth.camera)
    assert tracker._identity.prior is not None
    tracker.update(np.full_like(clip[0], 90), 4.0, truth.camera)
    assert tracker._identity.prior is None


def test_a_driver_who_was_covered_for_long_is_followed_again_as_himself(
    tracker: FaceTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another face stays in front for so long that it is taken for the driver's, and then stays in view beside him."""
    driver, other = two_people(tracker.model)
    home, width = float(driver.landmarks[:, 0].mean()), float(np.ptp(driver.landmarks[:, 0]))
    shifts = [0] * 60 + list(range(0, 210, 15)) + [210] * 12
    shown = [driver.image] * 20 + [passing(driver, other, shift) for shift in shifts]
    forgotten, learned, told = [], [], []
    forget, learn = tracker._identity.forget, tracker._identity.learn
    monkeypatch.setattr(tracker._identity, "forget", lambda: (forgotten.append(stamp), forget()))
    monkeypatch.setattr(tracker._identity, "learn", lambda *said: (learned.append(stamp), learn(*said)))
    for i, image in enumerate(shown):
        stamp = 0.1 * i
        told.append(middle(tracker.update(image, stamp, driver.camera)))
        if i == 79:
            assert tracker._driver._recognition.elsewhere is not None, "the other is taken for the driver"
    assert max(told) > home + 0.6 * width, "the other is followed at first"
    assert told[-6:] == pytest.approx([home] * 6, abs=0.05 * width)
    assert len(forgotten) == 1, "what was learned of the other is not the driver's"
    assert forgotten[0] not in learned, "nor is a fit that leans on it"
    assert max(learned) > forgotten[0]
