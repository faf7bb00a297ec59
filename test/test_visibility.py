"""Landmark visibility: side views, self-occlusion and matchability."""

from __future__ import annotations

import numpy as np
import pytest

from dense_face_ros.backends import NetworkOutput
from dense_face_ros.crop import Crop
from dense_face_ros.face_model import FaceModel
from dense_face_ros.facing_view import FacingView
from dense_face_ros.geometry import PinholeCamera, rotation_from_yaw_pitch_roll
from dense_face_ros.visibility import LandmarkVisibility, matched

CAMERA = PinholeCamera(600.0, 600.0, 319.5, 239.5, 640, 480)
VIEW = FacingView.of(Crop((319.5, 239.5), 320.0), CAMERA)
RIGHT_EYE, LEFT_EYE, NOSE_TIP = np.arange(36, 42), np.arange(42, 48), 30


def _output(matchability: float = 1.0) -> NetworkOutput:
    grid = np.zeros((64, 64), np.float32)
    return NetworkOutput(np.zeros((2, 64, 64), np.float32), grid + np.float32(matchability), grid)


def _turned(model: FaceModel, yaw: float) -> np.ndarray:
    rotation = rotation_from_yaw_pitch_roll(np.radians([yaw, 0.0, 0.0]))
    return model.mean.astype(np.float64) @ rotation.T + (0.0, 0.0, 0.6)


def test_frontal_face_shows_eyes_nose_and_mouth(small_model: FaceModel) -> None:
    visible = LandmarkVisibility(small_model)(_turned(small_model, 0.0), _output(), VIEW)
    assert visible.shape == (68,)
    assert visible[36:].min() > 0.9
    assert visible[NOSE_TIP] > 0.9


@pytest.mark.parametrize(("yaw", "near", "far"), [(-80.0, LEFT_EYE, RIGHT_EYE), (80.0, RIGHT_EYE, LEFT_EYE)])
def test_side_view_hides_the_far_eye(small_model: FaceModel, yaw: float, near: np.ndarray, far: np.ndarray) -> None:
    visible = LandmarkVisibility(small_model)(_turned(small_model, yaw), _output(), VIEW)
    assert visible[near].min() > 0.8
    assert visible[far].max() < 0.3


def test_a_surface_in_front_hides_what_faces_the_camera(small_model: FaceModel) -> None:
    """The eyes still face the camera when other vertices stand before them like a screen."""
    vertices = _turned(small_model, 0.0)
    judge = LandmarkVisibility(small_model)
    landmarks = small_model.at(small_model.landmarks, vertices)
    facing = judge.facing(vertices, landmarks)
    assert judge.unhidden(vertices, landmarks, facing)[36:48].min() > 0.9
    eyes = landmarks[36:48]
    screened = vertices.copy()
    low, high = 0.9 * eyes.min(axis=0) - 0.01, 0.9 * eyes.max(axis=0) + 0.01
    x, y = np.meshgrid(np.linspace(low[0], high[0], 30), np.linspace(low[1], high[1], 14))
    # Made of the vertices that are furthest from the eyes, which stay as they are.
    away = np.linalg.norm(vertices - eyes.mean(axis=0), axis=1).argsort()[-x.size :]
    screened[away] = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, 0.9 * eyes[:, 2].min())])
    assert judge.unhidden(screened, landmarks, facing)[36:48].max() < 0.1
    assert judge(vertices, _output(), VIEW)[36:48].min() > 0.9
    assert judge(screened, _output(), VIEW)[36:48].max() < 0.1


def test_facing_is_the_cosine_to_the_camera(small_model: FaceModel) -> None:
    judge = LandmarkVisibility(small_model)
    for yaw in (0.0, 50.0, 180.0):
        vertices = _turned(small_model, yaw)
        landmarks = small_model.at(small_model.landmarks, vertices)
        normals = small_model.at(small_model.landmarks, small_model.normals(vertices))
        cosine = -(normals * landmarks).sum(axis=1) / np.linalg.norm(landmarks, axis=1)
        assert np.abs(judge.facing(vertices, landmarks) - cosine).mean() < 0.1


def test_matchability_is_read_at_the_landmarks_cell() -> None:
    output = _output(0.2)
    output.matchability[10, 20] = 0.7
    # Crop pixels from 39.5 to 41.5 and 19.5 to 21.5 are cell (10, 20).
    pixels = np.array([[39.6, 19.6], [41.4, 21.4], [39.4, 20.5], [41.6, 20.5], [40.5, 19.4], [40.5, 21.6]])
    centres = VIEW.to_image(pixels)
    points = 0.8 * np.column_stack([(centres - (CAMERA.cx, CAMERA.cy)) / (CAMERA.fx, CAMERA.fy), np.ones(6)])
    assert matched(points, output, VIEW) == pytest.approx([0.7, 0.7, 0.2, 0.2, 0.2, 0.2])
    assert matched(np.array([[5.0, 0.0, 1.0]]), output, VIEW) == pytest.approx([0.0])


def test_unmatched_landmarks_are_not_visible(small_model: FaceModel) -> None:
    visible = LandmarkVisibility(small_model)(_turned(small_model, 0.0), _output(0.05), VIEW)
    assert visible.max() < 0.06


@pytest.mark.parametrize("everywhere", [-1.0, 0.0, 2.0])
def test_what_the_network_is_vaguer_of_than_of_the_rest_is_covered(small_model: FaceModel, everywhere: float) -> None:
    vertices, judge = _turned(small_model, 0.0), LandmarkVisibility(small_model)
    landmarks = small_model.at(small_model.landmarks, vertices)
    output = _output()
    output.log_sigma[:] = everywhere
    bare = judge(vertices, output, VIEW)
    assert bare[36:].min() > 0.9, "how vague all of it is tells nothing"
    lips = np.floor((VIEW.seen(landmarks[33:34])[0, 1] + 0.5) * (64 / VIEW.size)).astype(int)
    output.log_sigma[lips:] += 2.0
    covered = judge(vertices, output, VIEW)
    assert covered[48:].max() < 0.05 and covered[36:48] == pytest.approx(bare[36:48])
    assert covered[5:12].max() < 0.5 * bare[5:12].max()


def test_slanting_parts_may_be_vaguer(small_model: FaceModel, monkeypatch: pytest.MonkeyPatch) -> None:
    judge, output = LandmarkVisibility(small_model), _output()
    vertices = _turned(small_model, 0.0)
    landmarks = small_model.at(small_model.landmarks, vertices)
    monkeypatch.setattr(judge, "unhidden", lambda *_: np.ones(68))
    nose = np.floor((VIEW.seen(landmarks[33:34])[0, 1] + 0.5) * (64 / VIEW.size)).astype(int)
    output.log_sigma[nose:] += 0.8
    for facing, least, most in ((1.0, 0.0, 0.1), (0.3, 0.9, 1.0)):
        monkeypatch.setattr(judge, "facing", lambda *_, told=facing: np.full(68, told))
        mouth = judge(vertices, output, VIEW)[48:]
        assert least <= mouth.min() and mouth.max() <= most


@pytest.mark.parametrize(("facing", "probability"), [(0.0, 0.27), (0.05, 0.5), (0.1, 0.73), (0.3, 0.99)])
def test_a_surface_edge_on_is_seen_as_often_as_not(
    small_model: FaceModel, monkeypatch: pytest.MonkeyPatch, facing: float, probability: float
) -> None:
    judge = LandmarkVisibility(small_model)
    monkeypatch.setattr(judge, "facing", lambda *_: np.full(68, facing))
    monkeypatch.setattr(judge, "unhidden", lambda *_: np.ones(68))
    found = judge(_turned(small_model, 0.0), _output(), VIEW)
    assert found == pytest.approx(np.full(68, probability), abs=0.01)


def test_a_slanting_surface_does_not_hide_itself(small_model: FaceModel) -> None:
    judge, rng = LandmarkVisibility(small_model), np.random.default_rng(0)
    slant = np.radians(75.0)
    x, y = rng.uniform(-0.1, 0.1, (2, len(small_model.mean)))
    plane = np.column_stack([x * np.cos(slant), y, 0.7 + x * np.sin(slant)])
    landmarks = small_model.at(small_model.landmarks, plane)
    assert judge.unhidden(plane, landmarks, np.full(68, np.cos(slant))).min() > 0.9


@pytest.mark.parametrize(("behind", "probability"), [(0.0, 0.99), (0.01, 0.5), (0.015, 0.08)])
def test_what_lies_a_centimetre_behind_a_surface_is_hidden_as_often_as_not(
    small_model: FaceModel, behind: float, probability: float
) -> None:
    flat = _turned(small_model, 0.0)
    flat[:, 2] = 0.6
    points = small_model.at(small_model.landmarks, flat) * (1.0 + behind / 0.6)
    found = LandmarkVisibility(small_model).unhidden(flat, points, np.ones(68))
    assert np.median(found) == pytest.approx(probability, abs=0.02)
