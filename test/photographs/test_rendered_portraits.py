"""Rendered people as photographs: the picture shows what its truth says, and labels come back in its pixels."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import yaw_pitch_roll_from_rotation
from training.photographs import rendered_portraits
from training.photographs.rendered_portraits import Portrait, labels, portraits

ANGLES = np.array([[0.0, 0.0, 0.0], [35.0, 5.0, 2.0], [-50.0, -5.0, 0.0]])


@pytest.fixture(scope="module")
def views(shipped_model: FaceModel) -> list[Portrait]:
    return portraits(shipped_model, 3, ANGLES)


def test_the_face_is_where_the_truth_says(shipped_model: FaceModel, views: list[Portrait]) -> None:
    assert len(views) == len(ANGLES)
    for view, angles in zip(views, ANGLES, strict=True):
        assert view.image.shape == (192, 192, 3)
        assert ((view.landmarks > 0) & (view.landmarks < 191)).all()
        np.testing.assert_allclose(np.degrees(yaw_pitch_roll_from_rotation(view.rotation)), angles, atol=1.5)
        shape = shipped_model.shape(np.concatenate([view.identity, np.zeros(shipped_model.expression_size)]))
        marks = shipped_model.at(shipped_model.landmarks, shape) @ view.pose[:3, :3].T + view.pose[:3, 3]
        np.testing.assert_allclose(view.camera.project(marks), view.landmarks, atol=1e-3)


def test_a_seed_is_a_person(shipped_model: FaceModel, views: list[Portrait]) -> None:
    again, other = portraits(shipped_model, 3, ANGLES[:1])[0], portraits(shipped_model, 4, ANGLES[:1])[0]
    np.testing.assert_array_equal(views[0].image, again.image)
    assert (views[0].identity == views[1].identity).all() and (views[0].identity != other.identity).any()


def test_labels_are_pixels_of_the_photograph(views: list[Portrait], tmp_path: Path, monkeypatch) -> None:
    """A labelling network that points at the brightest pixel of what it is shown."""

    def said(name: str, python: Path, images: list[Path], repeats: int, threads: int) -> list[str]:
        points = []
        for path in images:
            _, _, _, (u, v) = cv2.minMaxLoc(cv2.GaussianBlur(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), (0, 0), 2.0))
            points.append([[u, v, 4.0]] * 468)
        return [json.dumps({"points": p}) for p in points[:-1]] + [json.dumps({"points": None})]

    monkeypatch.setattr(rendered_portraits, "environment", lambda name, folder: folder)
    monkeypatch.setattr(rendered_portraits, "said", said)
    spots = []
    for view, at in zip(views, ((30, 40), (100, 17), (5, 5)), strict=True):
        view.image[:] = 0
        cv2.circle(view.image, at, 4, (255, 255, 255), -1)
        spots.append(at)
    found = labels(views, tmp_path)
    assert found[-1] is None
    for mesh, at in zip(found[:-1], spots, strict=False):
        assert mesh is not None and mesh.shape == (468, 3)
        np.testing.assert_allclose(mesh[0], [*at, 2.0], atol=0.5)
