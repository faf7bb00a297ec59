"""The tracker node with a network that a dark image makes lose its GPU, and a bright one makes find it again."""

from __future__ import annotations

import sys

import numpy as np
from fake_tracker import FakeTracker

from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.head_state import HeadState
from dense_face_ros.ros.tracker_node import TrackerNode, run


class LosingTracker(FakeTracker):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self._change("TensorRT on a GPU", "running")

    def update(self, image: np.ndarray, stamp: float, camera: PinholeCamera | None) -> HeadState:
        if image.mean() < 40:
            self._change("TensorRT (failed: GPU lost; CPU meanwhile)", "failed: GPU lost")
        else:
            self._change("TensorRT on a GPU", "running")
        return super().update(image, stamp, camera)

    def _change(self, name: str, state: str) -> None:
        self.network.name = name
        self.network.metadata = {"backend_reason": "backend is 'auto', and there is a GPU", "backend_state": state}


if __name__ == "__main__":
    sys.exit(run(lambda: TrackerNode(lambda values: LosingTracker(), diagnostics_period=0.1)))
