"""What RViz shows at the start: the head upright, from about where the camera is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

CONFIG = Path(__file__).parents[1] / "config" / "tracker.rviz"
AHEAD, UP = np.array([0.0, 0.0, 1.0]), np.array([0.0, -1.0, 0.0])  # of the camera's optical frame


def test_the_view_looks_where_the_camera_looks_and_has_its_up() -> None:
    view = yaml.safe_load(CONFIG.read_text())["Visualization Manager"]["Views"]["Current"]
    assert view["Class"].endswith("/Orbit") and view["Target Frame"] == "<Fixed Frame>"
    yaw, pitch = view["Yaw"], view["Pitch"]
    # An orbit's eye is at these spherical coordinates around the focal point; its up is the frame's z axis, or the
    # opposite of it where that is inverted.
    ahead = -np.array([np.cos(pitch) * np.cos(yaw), np.cos(pitch) * np.sin(yaw), np.sin(pitch)])
    axis = -AHEAD if view["Invert Z Axis"] else AHEAD
    up = axis - (axis @ ahead) * ahead
    up /= np.linalg.norm(up)
    right = np.cross(ahead, up)
    assert ahead @ AHEAD > 0.9 and up @ UP > 0.9
    assert np.cross(AHEAD, UP) == pytest.approx(right, abs=0.01)

    focal = np.array([view["Focal Point"][axis] for axis in "XYZ"], dtype=float)
    eye = focal - view["Distance"] * ahead
    assert eye @ AHEAD < 0.0 < eye @ UP, "not behind and above the camera"
    # A head 0.5 to 0.9 m before the camera, in the view's 45 degrees.
    for distance in (0.5, 0.9):
        seen = distance * AHEAD - eye
        assert np.degrees(np.arctan2(abs(seen @ up), seen @ ahead)) < 15.0
