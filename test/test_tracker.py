"""FaceTracker with the shipped networks on frames the project renders itself: known pose, real inference."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from tracked_clip import FRAMES

from dense_face_ros import FaceTracker, PinholeCamera, Status
from dense_face_ros.energy import IdentityPrior
from dense_face_ros.geometry import vector_from_rotation
from dense_face_ros.head_size import person_of
from dense_face_ros.template import Template
from dense_face_ros.tracker_settings import TrackerSettings
from training.rendering.clip import ClipRenderer, Truth

Frame = npt.NDArray[np.uint8]


def rotation_error(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    return float(np.degrees(np.linalg.norm(vector_from_rotation(a[:3, :3] @ b[:3, :3].T))))


def test_a_rendered_head_is_tracked_near_its_true_pose(tracker: FaceTracker, clip: list[Frame], truth: Truth) -> None:
    states = [tracker.update(image, truth.stamp[i], truth.camera) for i, image in zip(FRAMES, clip, strict=True)]
    assert all(state.status is Status.TRACKING for state in states)
    errors = [rotation_error(s.pose_raw, truth.pose[i]) for i, s in zip(FRAMES, states, strict=True)]
    assert np.median(errors) < 8.0
    for i, state in zip(FRAMES, states, strict=True):
        assert abs(state.pose_raw[2, 3] / truth.pose[i][2, 3] - 1) < 0.2
        assert np.linalg.norm(state.pose_raw[:2, 3] - truth.pose[i][:2, 3]) < 0.02
    turning = [s.yaw_pitch_roll[0] for s in states]
    assert turning[-1] > turning[0] + 10, "yaw grows as the head turns to its left"


def test_the_size_of_the_head_is_part_of_the_depth_uncertainty(
    tracker: FaceTracker, clip: list[Frame], truth: Truth
) -> None:
    state = tracker.update(clip[0], 0.0, truth.camera)
    sigma = np.sqrt(np.diag(state.covariance_raw))
    assert sigma[2] > 3 * max(sigma[0], sigma[1])


@pytest.mark.parametrize("pupils", [0.057, 0.070])
def test_a_known_driver_is_seen_at_the_true_distance(shipped_model, truth: Truth, pupils: float) -> None:
    """A small head and a large one: nearer to where they are, and better known to be there."""
    renderer = ClipRenderer(shipped_model, identity=person_of(shipped_model, pupils).mean)
    shown = FRAMES[:5]
    frames, true = [renderer.frame(i) for i in shown], truth.pose[list(shown), 2, 3]
    errors, sigmas = [], []
    for distance in (0.0, pupils):
        tracker = FaceTracker(TrackerSettings(interpupillary_distance=distance))
        states = [tracker.update(image, truth.stamp[i], truth.camera) for i, image in zip(shown, frames, strict=True)]
        tracker.close()
        errors.append(np.median(np.abs([state.pose[2, 3] for state in states] / true - 1)))
        sigmas.append(np.median(np.sqrt([state.covariance[2, 2] for state in states]) / true))
    assert errors[1] < 0.7 * errors[0] and errors[1] < 0.03, errors
    assert sigmas[1] < 0.75 * sigmas[0], sigmas


@pytest.fixture
def learned(tracker: FaceTracker, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds for which each frame counts that the person is learned from."""
    seconds, learn = [], tracker._identity.learn

    def counted(posterior: IdentityPrior, elapsed: float) -> None:
        seconds.append(elapsed)
        learn(posterior, elapsed)

    monkeypatch.setattr(tracker._identity, "learn", counted)
    return seconds


@pytest.mark.parametrize(("rate", "times"), [(60.0, 9), (5.0, 5)])
def test_the_person_is_learned_from_a_few_frames_a_second(
    tracker: FaceTracker, learned: list[float], clip: list[Frame], rate: float, times: int
) -> None:
    """What the frames in between would say again is not asked for; the seconds are all counted."""
    tracker.update(clip[0], 0.0)
    assert len(learned) == 1, "the first frame is learned from at once"
    for i in range(1, round(rate) + 1):
        tracker.update(clip[0], i / rate)
        tracker.update(clip[0], i / rate)  # a repeated image is not
    assert times <= len(learned) - 1 <= times + 1
    assert sum(learned[1:]) == pytest.approx(1.0, abs=0.1)


def test_after_a_gap_a_frame_counts_as_one_look(tracker: FaceTracker, learned: list[float], clip: list[Frame]) -> None:
    for i in range(3):
        tracker.update(clip[0], 4.0 * i)
    assert learned[1:] == [tracker.settings.identity_look] * 2


def test_a_driver_who_is_forgotten_at_once_is_learned_while_seen(clip: list[Frame]) -> None:
    tracker = FaceTracker(TrackerSettings(remember_person=0.0), backend="onnxruntime-cpu")
    for i in range(4):
        tracker.update(clip[0], 0.1 * i)
    known = tracker._identity.prior
    assert known is not None and np.trace(known.information) > 1.1 * len(known.mean)
    empty = np.full_like(clip[0], 90)
    assert [tracker.update(empty, stamp).status for stamp in (0.4, 0.5)] == [Status.LOST, Status.SEARCHING]


def test_lost_found_and_forgotten(tracker: FaceTracker, clip: list[Frame]) -> None:
    empty = np.full_like(clip[0], 90)
    assert tracker.update(empty, 0.0).status is Status.SEARCHING
    assert tracker.update(clip[0], 0.1).status is Status.TRACKING
    lost = tracker.update(empty, 0.2)
    assert lost.status is Status.LOST
    assert lost.reason
    assert np.isnan(lost.pose).all()
    assert not lost.landmark_visible.any()
    assert tracker.update(clip[1], 0.3).status is Status.TRACKING, "found again in the next frame that shows it"
    assert tracker.update(empty, 0.4).status is Status.LOST
    assert tracker.update(empty, 2.0).status is Status.SEARCHING


@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_a_covered_lens_shows_no_head(tracker: FaceTracker, clip: list[Frame], noise: float) -> None:
    grain = np.random.default_rng(1).normal(4.0 if noise else 0.0, noise, clip[0].shape)
    dark = np.clip(grain, 0, 255).astype(np.uint8)
    for frame in (clip[0], clip[4], clip[8]):
        tracker.reset()
        assert tracker.update(frame, 0.0).status is Status.TRACKING
        assert [tracker.update(dark, 0.1 * (i + 1)).status for i in range(3)] == [Status.LOST] * 3
    x0, y0, x1, y1 = 200.0, 120.0, 440.0, 360.0
    assert tracker.fit(dark, (x0, y0, x1, y1)).status is not Status.TRACKING


@pytest.mark.parametrize(
    ("model", "numbers"), [("plumb_bob", (-0.1, 0.02, 0.0, 0.0)), ("equidistant", (0.0, 0.0, 0.0, 0.0))]
)
def test_a_frame_without_a_face_behind_a_lens_is_lost(
    tracker: FaceTracker, clip: list[Frame], truth: Truth, model: str, numbers: tuple[float, ...]
) -> None:
    lens = replace(truth.camera, distortion_model=model, distortion=numbers)
    assert tracker.update(clip[0], 0.0, lens).status is Status.TRACKING
    assert tracker.update(np.full_like(clip[0], 90), 0.1, lens).status is Status.LOST


def test_a_stamp_that_runs_backwards_begins_a_new_video(tracker: FaceTracker, clip: list[Frame]) -> None:
    first = tracker.update(clip[0], 10.0)
    tracker.update(clip[5], 10.2)
    again = tracker.update(clip[0], 0.0)
    np.testing.assert_allclose(again.pose, first.pose, atol=1e-9)


def test_nothing_is_smoothed_with_what_was_before_a_reset(
    tracker: FaceTracker, clip: list[Frame], truth: Truth
) -> None:
    for i in range(2):
        state = tracker.update(clip[4 * i], i / 30, truth.camera)
    assert not np.allclose(state.pose, state.pose_raw, atol=1e-6)
    tracker.reset()
    state = tracker.update(clip[8], 2 / 30, truth.camera)
    np.testing.assert_array_equal(state.pose, state.pose_raw)


def test_a_still_head_does_not_tremble(tracker: FaceTracker, clip: list[Frame], truth: Truth) -> None:
    rng = np.random.default_rng(0)
    poses = []
    for i in range(50):
        noisy = np.clip(clip[0] + rng.normal(0.0, 2.0, clip[0].shape), 0, 255).astype(np.uint8)
        poses.append(tracker.update(noisy, i / 30, truth.camera).pose)
    settled = np.stack(poses[15:])
    turns = np.stack([vector_from_rotation(pose[:3, :3] @ settled[0, :3, :3].T) for pose in settled])
    assert np.degrees(np.sqrt(turns.var(axis=0).sum())) < 0.3
    assert 1e3 * np.sqrt(settled[:, :2, 3].var(axis=0).sum()) < 1.0


def test_a_repeated_stamp_changes_nothing(tracker: FaceTracker, clip: list[Frame], truth: Truth) -> None:
    for i in range(3):
        state = tracker.update(clip[i], i / 30, truth.camera)
    known = tracker._identity.prior
    for _ in range(3):
        again = tracker.update(clip[2], 2 / 30, truth.camera)
        np.testing.assert_array_equal(again.pose, state.pose)
        np.testing.assert_array_equal(again.covariance, state.covariance)
    assert tracker._identity.prior is known
    kept = tracker._driver._recognition
    for _ in range(3):
        tracker.update(clip[2], 2 / 30, truth.camera)
    assert len(kept._fresh) <= 3, "what is seen again is no further look"


def test_a_state_that_is_edited_changes_nothing_of_the_next(
    tracker: FaceTracker, clip: list[Frame], truth: Truth
) -> None:
    def run(edit: bool) -> list[npt.NDArray[np.float64]]:
        tracker.reset()
        poses = []
        for i, image in enumerate(clip[:3]):
            state = tracker.update(image, i / 30, truth.camera)
            poses.append(state.pose_raw.copy())
            if edit:
                for name in ("pose", "pose_raw", "covariance", "covariance_raw", "coefficients", "landmarks_2d",
                             "landmarks_3d", "vertices"):  # fmt: skip
                    getattr(state, name)[:] *= 1000.0
        return poses

    np.testing.assert_array_equal(run(True), run(False))


def test_through_another_lens_the_shape_of_the_head_is_learned_anew(
    tracker: FaceTracker, clip: list[Frame], truth: Truth
) -> None:
    for i in range(3):
        tracker.update(clip[i], i / 30, truth.camera)
    known = tracker._identity.prior
    refocused = replace(truth.camera, fx=1.002 * truth.camera.fx, cx=truth.camera.cx + 1.0)
    track = tracker.update(clip[3], 0.1, refocused).track
    assert known is not None and tracker._identity.prior is not None
    assert tracker._identity.prior.information.trace() >= known.information.trace(), "autofocus is no other lens"
    other = replace(truth.camera, fx=0.7 * truth.camera.fx, fy=0.7 * truth.camera.fy)
    state = tracker.update(clip[4], 0.1 + 1e-3, other)
    assert state.status is Status.TRACKING and state.track == track, "the driver is the same"
    assert tracker._identity.prior is None, "a millisecond teaches nothing"
    np.testing.assert_array_equal(state.pose, state.pose_raw)


def test_the_same_frames_give_the_same_states(tracker: FaceTracker, clip: list[Frame]) -> None:
    def run() -> list[npt.NDArray[np.float64]]:
        tracker.reset()
        return [tracker.update(image, i / 30).pose for i, image in enumerate(clip[:4])]

    np.testing.assert_array_equal(run(), run())


def test_grey_frames_are_tracked_as_colour(tracker: FaceTracker, clip: list[Frame], truth: Truth) -> None:
    grey = clip[0].mean(axis=2).round().astype(np.uint8)
    state = tracker.update(grey, 0.0, truth.camera)
    assert state.status is Status.TRACKING
    assert rotation_error(state.pose_raw, truth.pose[0]) < 12.0


def test_one_photograph_leaves_no_memory(tracker: FaceTracker, clip: list[Frame]) -> None:
    found = tracker.fit(clip[0])
    assert found.status is Status.TRACKING
    low, high = found.landmarks_2d.min(axis=0), found.landmarks_2d.max(axis=0)
    boxed = tracker.fit(clip[0], box=[*low, *high])
    assert np.linalg.norm(boxed.landmarks_2d - found.landmarks_2d, axis=1).mean() < 0.03 * np.linalg.norm(high - low)
    assert not found.camera.metric
    assert boxed.camera.fx == pytest.approx(8.0 * np.sqrt(np.prod(high - low))), "as far away as portraits are taken"
    assert tracker.update(np.full_like(clip[0], 90), 0.0).status is Status.SEARCHING
    assert tracker.fit(np.full_like(clip[0], 90)).status is Status.SEARCHING


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_face_in_a_box_is_fitted_in_images_that_stand_otherwise(clip: list[Frame], turn: int) -> None:
    tracker = FaceTracker(TrackerSettings(image_rotation=turn))
    turned = np.rot90(clip[0], turn // 90).copy()  # counter-clockwise
    found = tracker.fit(turned)
    marks = found.landmarks_2d
    boxed = tracker.fit(turned, box=[*marks.min(axis=0), *marks.max(axis=0)])
    tracker.close()
    assert boxed.status is Status.TRACKING, boxed.reason
    assert np.linalg.norm(boxed.landmarks_2d - marks, axis=1).mean() < 0.03 * np.linalg.norm(np.ptp(marks, axis=0))


def test_a_small_face_in_a_huge_photograph_is_fitted(tracker: FaceTracker, clip: list[Frame]) -> None:
    small = cv2.resize(clip[0], None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA)
    fits = []
    for size in (400, 8000):
        photograph = np.full((size, size, 3), 90, np.uint8)
        photograph[100 : 100 + small.shape[0], 100 : 100 + small.shape[1]] = small
        fits.append(tracker.fit(photograph, box=[150.0, 134.0, 178.0, 166.0]))
    near, far = fits
    assert near.status is far.status is Status.TRACKING, far.reason
    assert far.pose[2, 3] > 15.0
    assert np.linalg.norm(far.landmarks_2d - near.landmarks_2d, axis=1).mean() < 2.0


def test_a_photograph_is_looked_at_once_more_than_a_new_head_in_a_video(
    tracker: FaceTracker, clip: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Frame] = []
    run = tracker.network.run
    monkeypatch.setattr(tracker.network, "run", lambda crop: seen.append(crop.copy()) or run(crop))
    tracker.reset()
    tracker.update(clip[0], 0.0)
    in_video = len(seen)
    tracker.fit(clip[0], box=[250.0, 170.0, 390.0, 330.0])
    assert (in_video, len(seen) - in_video) == (2, 3)
    second, third = (crop.astype(int) for crop in seen[-2:])
    assert 0 < np.abs(third - second).mean() < 10, "framed anew, a little better"


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_a_small_face_in_the_corner_of_a_photograph_is_fitted(
    tracker: FaceTracker, clip: list[Frame], share: float
) -> None:
    """At a tenth, 12 pixels high, only a closer look finds it; so far aside, a wide lens would fit no face to it."""
    expected = tracker.fit(clip[0]).landmarks_2d
    small = cv2.resize(clip[0], None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    photograph = np.full_like(clip[0], 90)
    height, width = small.shape[:2]
    photograph[20 : 20 + height, -width - 20 : -20] = small
    found = tracker.fit(photograph)
    assert found.status is Status.TRACKING, found.reason
    there = share * (expected + 0.5) - 0.5 + (photograph.shape[1] - width - 20, 20)
    size = np.linalg.norm(np.ptp(there, axis=0))
    assert np.linalg.norm(found.landmarks_2d - there, axis=1).mean() < 0.1 * size


def test_a_doubtful_face_is_no_driver_unless_the_driver_was_there(clip: list[Frame], truth: Truth) -> None:
    tracker = FaceTracker()
    sure = tracker.update(clip[0], 0.0, truth.camera)
    assert 0.3 < sure.quality["sigma"] < 3.0
    tracker._calibration = replace(tracker.calibration, max_new_vagueness=1e-3, vagueness_per_score=0.0)
    assert tracker.update(clip[0], 0.1, truth.camera).status is Status.TRACKING, "as long as it is tracked"
    assert tracker.update(np.full_like(clip[0], 90), 0.2, truth.camera).status is Status.LOST
    assert tracker.update(clip[0], 0.3, truth.camera).status is Status.TRACKING, "found again where it was"
    beside = np.roll(clip[0], 120, axis=1)
    assert tracker.update(beside, 0.7, truth.camera).status is Status.TRACKING, "or where it can have moved to"
    tracker.reset()
    doubtful = tracker.update(clip[0], 0.4, truth.camera)
    assert doubtful.status is Status.SEARCHING
    assert "doubtful" in doubtful.reason
    assert tracker.fit(clip[0]).status is Status.SEARCHING
    low, high = sure.landmarks_2d.min(axis=0), sure.landmarks_2d.max(axis=0)
    assert tracker.fit(clip[0], box=[*low, *high]).status is Status.TRACKING, "the box says that there is a face"
    tracker.close()


def test_an_image_of_another_size_begins_a_new_video(tracker: FaceTracker, clip: list[Frame]) -> None:
    tracker.update(clip[0], 0.0)
    half = cv2.resize(clip[0], (320, 240), interpolation=cv2.INTER_AREA)
    moved = np.roll(half, 80, axis=1)
    assert tracker.update(moved, 0.1).status is Status.TRACKING


def test_without_a_camera_the_pose_is_not_metric(tracker: FaceTracker, clip: list[Frame]) -> None:
    assert not tracker.update(clip[0], 0.0).camera.metric


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((480, 640, 4), np.uint8), r"image is uint8 \(480, 640, 4\)"),
        (np.zeros((480, 640, 3), np.float32), "image is float32"),
        (np.zeros((0, 640, 3), np.uint8), "there is nothing to see"),
        (None, "image is a NoneType; it must be an array"),
    ],
)
def test_what_is_no_image_is_refused(tracker: FaceTracker, image: Frame | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tracker.update(image, 0.0)


def test_a_camera_of_another_size_is_refused(tracker: FaceTracker, clip: list[Frame]) -> None:
    camera = PinholeCamera(600, 600, 640, 360, 1280, 720)
    with pytest.raises(ValueError, match="1280x720 images, this one is 640x480"):
        tracker.update(clip[0], 0.0, camera)


def test_a_stamp_that_is_no_time_is_refused(tracker: FaceTracker, clip: list[Frame]) -> None:
    with pytest.raises(ValueError, match="stamp is nan"):
        tracker.update(clip[0], float("nan"))


def test_settings_are_checked_before_a_network_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    def held(*arguments: object) -> None:
        pytest.fail("the network is loaded")

    monkeypatch.setattr("dense_face_ros.tracker.load_network", held)
    with pytest.raises(ValueError, match="look"):
        FaceTracker(TrackerSettings(identity_look=0.0))
    with pytest.raises(ValueError, match="remember_person is -1"):
        TrackerSettings(remember_person=-1.0)


def test_files_that_are_not_there_are_named(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.npz"):
        FaceTracker(model_path=tmp_path / "nothing.npz")
    with pytest.raises(FileNotFoundError, match=r"nothing\.onnx"):
        FaceTracker(network_path=tmp_path / "nothing.onnx")


def test_a_network_for_another_face_model_is_refused(small_model, tmp_path) -> None:
    small_model.save(tmp_path / "other.npz")
    with pytest.raises(ValueError, match=r"correspondence\.onnx' was trained for the cylindrical template"):
        FaceTracker(model_path=tmp_path / "other.npz")


def test_the_template_is_the_one_the_network_was_trained_for(shared_tracker, tmp_path, clip: list[Frame]) -> None:
    """A network of the paper's frontal template brings that template with it."""
    import onnx

    shipped = Path(str(resources.files("dense_face_ros") / "models" / "correspondence.onnx"))
    network = onnx.load(shipped)
    frontal = Template(shared_tracker.model, "frontal")
    for entry in network.metadata_props:
        entry.value = {"template_kind": "frontal", "template_hash": frontal.hash}.get(entry.key, entry.value)
    onnx.save(network, tmp_path / "frontal.onnx")
    tracker = FaceTracker(network_path=tmp_path / "frontal.onnx", backend="onnxruntime")
    assert tracker.template.hash == frontal.hash
    tracker.close()


def test_small_networks_come_with_the_network_and_terms_are_told(shared_tracker, tmp_path: Path) -> None:
    import onnx

    assert set(shared_tracker.licences) == {"network", "finder", "eyelids"}
    assert all("research" in terms for terms in shared_tracker.licences.values())
    free = FaceTracker(network_path="correspondence_free.onnx", backend="onnxruntime-cpu")
    assert set(free.licences.values()) == {"Apache-2.0"}
    free.close()
    models = Path(str(resources.files("dense_face_ros") / "models"))
    for kind in ("correspondence", "face_finder", "eyelids"):
        network = onnx.load(models / f"{kind}.onnx")
        for entry in network.metadata_props:
            entry.value = "mine" if entry.key == "licence" else entry.value
        onnx.save(network, tmp_path / f"{kind}_own.onnx")
    tracker = FaceTracker(network_path=tmp_path / "correspondence_own.onnx", backend="onnxruntime")
    assert set(tracker.licences.values()) == {"mine"}
    tracker.close()
