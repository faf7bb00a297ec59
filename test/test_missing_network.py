"""While the network cannot run the tracker says so, and goes on when it is back."""

from __future__ import annotations

import numpy as np
import pytest

import dense_face_ros.tracker
from dense_face_ros import FaceTracker, Status
from dense_face_ros.backends import NetworkOutput, NetworkUnavailable
from dense_face_ros.backends.onnx_runtime import OnnxRuntimeNetwork
from training.rendering.clip import ClipRenderer, clip_truth


class Interrupted(OnnxRuntimeNetwork):
    """The shipped network, on a GPU that can be taken away."""

    missing = False

    def run(self, crop: np.ndarray) -> NetworkOutput:
        if self.missing:
            raise NetworkUnavailable("TensorRT: failed: cuGraphLaunch failed")
        return super().run(crop)


@pytest.fixture
def tracker(monkeypatch):
    monkeypatch.setattr(dense_face_ros.tracker, "load_network", lambda *arguments: Interrupted())
    tracker = FaceTracker(threads=1)
    yield tracker
    tracker.close()


def test_frames_without_a_network_are_unknown_at_once(tracker, shipped_model):
    camera = clip_truth().camera
    image = np.ascontiguousarray(ClipRenderer(shipped_model).frame(0)[:, :, ::-1])
    assert tracker.update(image, 0.0, camera).status is Status.TRACKING
    tracker.network.missing = True
    lost = tracker.update(image, 0.1, camera)
    assert lost.status is Status.LOST and lost.reason == "TensorRT: failed: cuGraphLaunch failed"
    assert np.isnan(lost.pose).all() and not lost.landmark_visible.any()
    searching = tracker.update(image, 5.0, camera)
    assert searching.status is Status.SEARCHING and "cuGraphLaunch" in searching.reason
    assert "cuGraphLaunch" in tracker.fit(image).reason
    tracker.network.missing = False
    assert tracker.update(image, 5.1, camera).status is Status.TRACKING


def test_a_tracker_is_made_before_its_network_is_ready(monkeypatch, shipped_model):
    network = Interrupted()
    network.missing = True
    monkeypatch.setattr(dense_face_ros.tracker, "load_network", lambda *arguments: network)
    tracker = FaceTracker(threads=1)
    with pytest.raises(NetworkUnavailable, match="cuGraphLaunch failed"):
        tracker.check_network()
    image = np.ascontiguousarray(ClipRenderer(shipped_model).frame(0)[:, :, ::-1])
    assert "cuGraphLaunch" in tracker.update(image, 0.0).reason
    network.missing = False
    tracker.check_network()
    assert tracker.update(image, 0.1).status is Status.TRACKING
    tracker.close()


def test_nothing_is_loaded_or_built_for_a_tracker_that_cannot_be_made(monkeypatch, tmp_path):
    def load(*arguments: object) -> None:
        raise AssertionError("a network was loaded")

    monkeypatch.setattr(dense_face_ros.tracker, "load_network", load)
    with pytest.raises(FileNotFoundError, match=r"none\.onnx"):
        FaceTracker(finder_path=tmp_path / "none.onnx")
