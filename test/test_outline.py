"""The outline of a face against the mask of a drawn one."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from dense_face_ros.backends import NetworkOutput
from dense_face_ros.face_model import FaceModel
from dense_face_ros.facing_view import FacingView
from dense_face_ros.geometry import PinholeCamera, rotation_from_yaw_pitch_roll
from dense_face_ros.outline import Outline, OutlineFinder, OutlineSettings

CAMERA = PinholeCamera(600.0, 600.0, 319.5, 239.5, 640, 480)
VIEW = FacingView.towards(np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0]), 300.0, 128, CAMERA)
DISTANCE = 0.6
PIXEL = DISTANCE / VIEW.pinhole.fx  # metres on the face
SETTINGS = OutlineSettings(parts=("face", "side", "edge"))
_FINE = 8


def head(model: FaceModel, yaw: float, person: np.ndarray | None = None) -> np.ndarray:
    """Vertices (V, 3) in the frame of :data:`VIEW`, in its middle."""
    coefficients = np.zeros(model.identity_size + model.expression_size)
    if person is not None:
        coefficients[: model.identity_size] = person
    vertices = model.shape(coefficients) @ rotation_from_yaw_pitch_roll(np.radians([yaw, 0.0, 0.0])).T
    middle = 0.5 * (vertices.min(axis=0) + vertices.max(axis=0))
    return np.asarray(vertices - [*middle[:2], 0.0] + [0.0, 0.0, DISTANCE], np.float64)


def mask_of(model: FaceModel, vertices: np.ndarray) -> NetworkOutput:
    """What a network that errs nowhere says of a head: the share of each cell that it covers."""
    size = VIEW.size * _FINE
    pixels = np.rint((VIEW.pinhole.project(vertices) + 0.5) * _FINE - 0.5).astype(np.int32)
    drawn = np.zeros((size, size), np.float32)
    for corners in pixels[model.triangles]:
        cv2.fillConvexPoly(drawn, corners, 1.0)
    matchability = cv2.resize(drawn, (64, 64), interpolation=cv2.INTER_AREA)
    return NetworkOutput(np.zeros((2, 64, 64), np.float32), matchability, np.zeros((64, 64), np.float32))


def beside(model: FaceModel, outline: Outline, vertices: np.ndarray) -> np.ndarray:
    """(M,) how far out of the points of a face the edge of the mask is, pixels."""
    places = VIEW.pinhole.project(np.asarray(model.at(outline.points, vertices), np.float64))
    return np.asarray(((outline.pixels - places) * outline.normals).sum(axis=1))


@pytest.mark.parametrize("yaw", [0.0, -35.0, 60.0])
def test_the_outline_of_a_face_is_the_edge_of_its_mask(small_model: FaceModel, yaw: float) -> None:
    vertices = head(small_model, yaw)
    outline = OutlineFinder(small_model, SETTINGS)(vertices, mask_of(small_model, vertices), VIEW)
    assert len(outline) >= 20
    np.testing.assert_allclose(np.linalg.norm(outline.normals, axis=1), 1.0)
    assert np.abs(beside(small_model, outline, vertices)).max() < 0.6
    out, inwards = (outline.pixels + side * 3.0 * outline.normals for side in (1.0, -1.0))
    mask = mask_of(small_model, vertices).matchability
    assert max(mask[int((v + 0.5) / 2), int((u + 0.5) / 2)] for u, v in out) < 0.3
    assert min(mask[int((v + 0.5) / 2), int((u + 0.5) / 2)] for u, v in inwards) > 0.7


@pytest.mark.parametrize("moved", [(0.004, 0.0), (0.0, -0.005)])
def test_it_tells_how_far_a_face_lies_beside_its_picture(small_model: FaceModel, moved: tuple[float, float]) -> None:
    true = head(small_model, 20.0)
    outline = OutlineFinder(small_model, SETTINGS)(true + [*moved, 0.0], mask_of(small_model, true), VIEW)
    expected = -(outline.normals @ np.array(moved)) / PIXEL
    assert np.abs(expected).max() > 1.5
    found = beside(small_model, outline, true + [*moved, 0.0])
    assert np.sqrt(np.mean((found - expected) ** 2)) < 0.4


def test_it_tells_a_wide_face_from_a_narrow_one(small_model: FaceModel) -> None:
    wide = np.eye(small_model.identity_size)[1]  # 4 % wider, 3 mm to either side
    guess, true = head(small_model, 0.0), head(small_model, 0.0, wide)
    outline = OutlineFinder(small_model, SETTINGS)(guess, mask_of(small_model, true), VIEW)
    aside = np.abs(outline.normals[:, 0]) > 0.9
    assert np.median(beside(small_model, outline, guess)[aside]) == pytest.approx(0.003 / PIXEL, rel=0.25)


def test_a_nose_in_front_of_a_cheek_is_no_outline(small_model: FaceModel) -> None:
    vertices = head(small_model, 30.0)
    nose_only = replace(small_model, regions=np.where(_is_nose(small_model), 0, 3).astype(np.uint8))
    finder = OutlineFinder(nose_only, replace(SETTINGS, parts=("face",)))
    assert len(finder(vertices, mask_of(small_model, vertices), VIEW)) == 0
    profile = head(small_model, 85.0)  # where the nose is the outline
    assert len(finder(profile, mask_of(small_model, profile), VIEW)) >= 3


def _is_nose(model: FaceModel) -> np.ndarray:
    return np.asarray(model.mean[:, 0] > model.mean[:, 0].max() - 0.015)


def test_only_the_parts_that_are_asked_for_are_used(small_model: FaceModel) -> None:
    vertices = head(small_model, 0.0)
    output = mask_of(small_model, vertices)
    sides = OutlineFinder(small_model, replace(SETTINGS, parts=("side",)))(vertices, output, VIEW)
    assert len(sides) >= 5
    weights, corners = sides.points.weights, small_model.triangles[sides.points.triangle]
    assert (small_model.regions[corners[weights > 0.0]] == 1).all()
    assert len(OutlineFinder(small_model)(vertices, output, VIEW)) == 0  # this model has none of the usual parts


def test_where_the_model_ends_the_mask_is_not_its_outline(small_model: FaceModel) -> None:
    """Neck and crown go on in the picture of a whole head."""
    vertices = head(small_model, 0.0)
    outline = OutlineFinder(small_model, replace(SETTINGS, rim=0.02))(vertices, mask_of(small_model, vertices), VIEW)
    low, high = small_model.mean[:, 2].min(), small_model.mean[:, 2].max()
    height = small_model.at(outline.points, small_model.mean)[:, 2]
    assert len(outline)
    assert low + 0.015 < height.min()
    assert height.max() < high - 0.015


def test_an_edge_that_is_far_away_or_unclear_is_none(small_model: FaceModel) -> None:
    vertices = head(small_model, 0.0)
    finder, output = OutlineFinder(small_model, SETTINGS), mask_of(small_model, vertices)
    assert len(finder(vertices, output, VIEW))
    far = vertices * [1.25, 1.25, 1.0]
    assert len(finder(far, output, VIEW)) == 0
    vague = replace(output, matchability=0.3 + 0.3 * output.matchability)
    assert len(finder(vertices, vague, VIEW)) == 0
    nothing = replace(output, matchability=np.zeros_like(output.matchability))
    assert len(finder(vertices, nothing, VIEW)) == 0


def test_a_face_that_reaches_behind_the_camera_has_none(small_model: FaceModel) -> None:
    vertices = head(small_model, 0.0)
    output = mask_of(small_model, vertices)
    assert len(OutlineFinder(small_model, SETTINGS)(vertices - [0.0, 0.0, vertices[:, 2].max()], output, VIEW)) == 0


def test_a_hand_takes_away_its_part_of_the_outline_only(small_model: FaceModel) -> None:
    vertices = head(small_model, 0.0)
    finder, output = OutlineFinder(small_model, SETTINGS), mask_of(small_model, vertices)
    covered = output.matchability.copy()
    covered[:, :24] = 0.0
    whole = finder(vertices, output, VIEW)
    rest = finder(vertices, replace(output, matchability=covered), VIEW)
    kept = whole.pixels[:, 0] > 60.0
    np.testing.assert_allclose(rest.pixels[rest.pixels[:, 0] > 60.0], whole.pixels[kept])
    assert not ((rest.pixels[:, 0] < 40.0) & (np.abs(rest.normals[:, 0]) > 0.9)).any()


def test_where_the_image_ends_no_face_does(small_model: FaceModel) -> None:
    """The mask ends there too, for want of a picture."""
    vertices = head(small_model, 0.0)
    cut = PinholeCamera(600.0, 600.0, 60.0, 239.5, 640, 480)  # its left edge lies 30 view pixels left of the middle
    view = replace(VIEW, camera=cut)
    output = mask_of(small_model, vertices)
    shown = (np.arange(64) + 0.5) * 2 - 0.5 >= 63.5 - 0.5 * 60.0
    output = replace(output, matchability=output.matchability * shown)
    outline = OutlineFinder(small_model, SETTINGS)(vertices, output, view)
    assert len(outline)
    assert outline.pixels[:, 0].min() > 63.5 - 0.5 * 60.0 + 3.0
