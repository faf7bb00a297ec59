"""The tracker node with a network that is ready once a file ``ready`` is there, and given up once ``hopeless`` is."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from fake_tracker import FakeNetwork, FakeTracker

from dense_face_ros.backends import CROP_SIZE, NetworkOutput
from dense_face_ros.backends.build_engine import BuildFailed
from dense_face_ros.backends.recovering_network import RecoveringNetwork
from dense_face_ros.ros.tracker_node import TrackerNode, run


class GpuNetwork(FakeNetwork):
    """What is there in the end."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "TensorRT on a GPU"

    def run(self, crop: np.ndarray) -> NetworkOutput:
        cells = np.zeros((64, 64), np.float32)
        return NetworkOutput(np.stack([cells, cells]), cells, cells)

    def close(self) -> None:
        pass


def build(report: Callable[[str], None], stop: threading.Event) -> GpuNetwork:
    report("building, step 1 of 3")
    while not stop.wait(0.01):
        if Path("ready").exists():
            return GpuNetwork()
        if Path("hopeless").exists():
            raise BuildFailed("the engine could not be built: out of memory")
    raise BuildFailed("the build was stopped")


class LateTracker(FakeTracker):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.network = RecoveringNetwork(build, "TensorRT", {})

    def check_network(self) -> None:
        self.network.run(np.zeros((CROP_SIZE, CROP_SIZE, 3), np.uint8))

    def close(self) -> None:
        self.network.close()


if __name__ == "__main__":
    sys.exit(run(lambda: TrackerNode(lambda values: LateTracker(), diagnostics_period=0.1)))
