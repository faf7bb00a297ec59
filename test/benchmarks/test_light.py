"""What little light and haze cost: what the camera is given, and what is counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from dense_face_ros import FaceModel, FaceTracker, PinholeCamera
from dense_face_ros.geometry import Array
from dense_face_ros.head_state import HeadState, Status
from training.benchmarks.light import LIGHTS, Seen, main, measure
from training.benchmarks.rendered_people import sequence


@pytest.mark.parametrize(("share", "veil"), [(1.0, 0.0), (0.1, 0.0), (0.1, 180.0)])
def test_light_is_dimmed_and_veiled_and_noise_grows_with_its_root(share: float, veil: float) -> None:
    image = np.full((200, 200, 3), 100, np.uint8)
    seen = Seen("", share, veil)(image, np.random.default_rng(0)).astype(float)
    light = veil + 100.0 * share
    assert seen.mean() == pytest.approx(light, abs=0.1)
    assert seen.var() == pytest.approx(0.49 + 0.09 * light + 1.0 / 12.0, rel=0.05), "of read-out, photons, rounding"


@dataclass
class Blind:
    """A tracker that tells the true head, 10 mm too far, in light; nothing in the dark."""

    poses: dict[float, Array]
    resets: int = 0

    def reset(self) -> None:
        self.resets += 1

    def update(self, image: np.ndarray, stamp: float, camera: PinholeCamera) -> HeadState:
        state = HeadState.without_head(stamp, Status.SEARCHING, "dark", camera, 3, 1)
        if image.mean() < 20:
            return state
        state.pose_raw[:] = self.poses[stamp]
        state.pose_raw[2, 3] += 0.01
        state.covariance_raw[:] = np.diag([0.01**2] * 6)
        return state.__class__(**{**vars(state), "status": Status.TRACKING})


def test_frames_errors_and_their_covariance_are_counted(shipped_model: FaceModel) -> None:
    pytest.importorskip("numba", reason="numba is not installed")
    shown = sequence(shipped_model, 1)
    tracker = Blind(dict(zip(shown.stamp.tolist(), shown.pose, strict=True)))
    lit = measure(tracker, [shown, shown], LIGHTS[0])  # type: ignore[arg-type]
    assert tracker.resets == 2 and lit["tracked"] == 1.0
    assert lit["frames"] == 2 * (shown.stamp[::2] >= 0.5).sum()
    assert lit["raw"]["rms_mm"] == pytest.approx([0.0, 0.0, 10.0]) and lit["raw"]["depth"]["nees"] == pytest.approx(1.0)
    assert lit["raw"]["rms_deg"] == pytest.approx([0.0, 0.0, 0.0], abs=1e-6)
    dark = measure(tracker, [shown], Seen("night", 0.01))  # type: ignore[arg-type]
    assert dark["tracked"] == 0.0 and dark["raw"] is None


def test_the_shipped_tracker_follows_a_head_at_night(tracker: FaceTracker) -> None:
    pytest.importorskip("numba", reason="numba is not installed")
    found = measure(tracker, [sequence(tracker.model, 500_000)], Seen("night", 0.03))
    assert found["tracked"] == 1.0
    assert max(found["raw"]["rms_deg"]) < 4.0


def test_a_number_of_people_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--people", "0"]) == 2
    assert "--people is 0" in capsys.readouterr().err
