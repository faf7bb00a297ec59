"""Bags with a tracker whose answers are known, for the tests of the evaluation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ros.fake_tracker import make_model, tracked_state

from dense_face_ros.geometry import PinholeCamera
from training.make_drive import write_bag
from training.rendering.clip import Truth

CAMERA = PinholeCamera(80.0, 80.0, 31.5, 23.5, 64, 48)
RATE = 20.0


def drive(
    path: Path, count: int = 20, dark: tuple[int, ...] = (), raw: bool = False, missing: tuple[int, ...] = ()
) -> Path:
    """A bag of grey images whose true pose is 10 mm nearer than what the fake tracker says; ``dark`` show no head, and
    the ``missing`` were not recorded."""
    pose = tracked_state(make_model(), 0.0, CAMERA).pose.copy()
    pose[2, 3] -= 0.01
    shown = [i for i in range(count) if i not in missing]
    truth = Truth(CAMERA, np.array(shown) / RATE, np.tile(pose, (len(shown), 1, 1)))
    images = (np.full((48, 64, 3), 10 if i in dark else 120, np.uint8) for i in shown)
    write_bag(path, truth, images, raw)
    return path
