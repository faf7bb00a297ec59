"""Edges of jaw and ears, against the edge of a filled drawing of the same head."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dense_face_ros.alignment import Alignment
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array, PinholeCamera, rotation_from_yaw_pitch_roll
from training.photographs.outline import Outline

CAMERA = PinholeCamera(2000.0, 2000.0, 319.5, 319.5, 640, 640)


def fitted(model: FaceModel, yaw_pitch_roll: tuple[float, float, float], seed: int = 0) -> Alignment:
    """Some person at 1.5 m."""
    pose = np.eye(4)
    pose[:3, :3] = rotation_from_yaw_pitch_roll(np.radians(yaw_pitch_roll))
    pose[2, 3] = 1.5
    coefficients = np.zeros(model.identity_size + model.expression_size)
    coefficients[: model.identity_size] = 0.7 * np.random.default_rng(seed).normal(size=model.identity_size)
    return Alignment(pose, coefficients, CAMERA.fx, 1.0, 0.0, 1.0, 1, np.eye(6), model.identity_size)


def seen(model: FaceModel, fit: Alignment) -> Array:
    return np.asarray(model.shape(fit.coefficients) @ fit.pose[:3, :3].T + fit.pose[:3, 3], np.float64)


def left_edge(model: FaceModel, fit: Alignment, row: int, without_ears: bool) -> Array:
    """The leftmost pixel of a filled drawing of the head in a row."""
    names = [model.region_names.index(name) for name in ("ear_left", "ear_right")]
    kept = ~np.isin(model.regions[model.triangles], names).any(axis=1) | (not without_ears)
    mask = np.zeros((640, 640), np.uint8)
    for triangle in np.rint(CAMERA.project(seen(model, fit))).astype(np.int32)[model.triangles[kept]]:
        cv2.fillConvexPoly(mask, triangle, 1)
    return np.array([np.flatnonzero(mask[row])[0], row], dtype=np.float64)


@pytest.mark.parametrize("angles", [(0, 0, 0), (12, -5, 8), (-15, 8, -4)])
def test_the_jaw_ends_where_the_drawn_face_does(shipped_model: FaceModel, angles: tuple[float, float, float]) -> None:
    fit = fitted(shipped_model, angles)
    mouth, chin = CAMERA.project(seen(shipped_model, fit))[
        shipped_model.triangles[shipped_model.landmarks.triangle[[57, 8]], 0]
    ]
    edge = np.array(
        [left_edge(shipped_model, fit, round(mouth[1] + share * (chin[1] - mouth[1])), True) for share in (0.0, 0.3)]
    )
    places = Outline(shipped_model).jaw(seen(shipped_model, fit), CAMERA, edge + [-6.0, 0.0])
    assert places.weights.sum(axis=1) == pytest.approx(1.0)
    found = CAMERA.project(shipped_model.at(places, seen(shipped_model, fit)).astype(np.float64))
    for place, pixel in zip(found, edge, strict=True):
        assert np.linalg.norm(place - pixel) < 8.0, "of a face of 270 pixels, along the edge"
        assert place == pytest.approx(left_edge(shipped_model, fit, round(place[1]), True), abs=2.0), "across it"


def test_an_ear_ends_where_the_drawn_head_does(shipped_model: FaceModel) -> None:
    fit = fitted(shipped_model, (0, 0, 0))
    pixels = CAMERA.project(seen(shipped_model, fit))
    ear = pixels[shipped_model.regions == shipped_model.region_names.index("ear_right")]
    edge = left_edge(shipped_model, fit, round(ear[:, 1].mean()), False)
    places = Outline(shipped_model).ear(
        seen(shipped_model, fit), CAMERA, "right", np.array([edge, ear[ear[:, 1].argmax()] + [0.0, 9.0]])
    )
    found = CAMERA.project(shipped_model.at(places, seen(shipped_model, fit)).astype(np.float64))
    assert np.linalg.norm(found[0] - edge) < 8.0, "vertices of the hull lie this far apart"
    assert found[1] == pytest.approx(ear[ear[:, 1].argmax()]), "the lobe"
    assert set(shipped_model.regions[shipped_model.triangles[places.triangle]].ravel()) >= {
        shipped_model.region_names.index("ear_right")
    }


@pytest.mark.parametrize("yaw", range(-180, 180, 45))
@pytest.mark.parametrize("pitch", (-80, -40, 0, 40, 80))
def test_every_view_has_an_edge(shipped_model: FaceModel, yaw: int, pitch: int) -> None:
    points = seen(shipped_model, fitted(shipped_model, (yaw, pitch, 0)))
    places = Outline(shipped_model).jaw(points, CAMERA, np.zeros((1, 2)))
    assert places.weights.sum() == pytest.approx(1.0)
    ends = shipped_model.triangles[places.triangle[0]][places.weights[0] > 0.0]
    around = shipped_model.triangles[np.isin(shipped_model.triangles, ends).sum(axis=1) == len(ends)]
    a, b, c = (points[around[:, i]] for i in range(3))
    facing = (np.cross(b - a, c - a) * a).sum(axis=1) < 0.0
    assert facing.any() and not facing.all(), "on one side of it the surface is turned away"
