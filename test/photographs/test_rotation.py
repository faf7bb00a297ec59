"""Heads turned out of the picture's plane, reshaped and lit anew."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import FACING_CAMERA, rotation_from_vector, yaw_pitch_roll_from_rotation
from dense_face_ros.template import Template
from training.photographs.heads import LabelledHead
from training.photographs.relighting import other_light
from training.photographs.rotation import _draw_surroundings, colour_sources, draw_turned, skin_around
from training.photographs.views import shown
from training.rendering.targets import TargetRenderer

_FOCAL, _SIDE = 300.0, 192
_WALL, _SKIN = (0, 200, 0), (200, 150, 120)


@pytest.fixture(scope="module")
def head(shipped_model: FaceModel) -> LabelledHead:
    """Somebody before a green wall whose label is a few pixels too wide; ears are part of the face here."""
    points = shipped_model.mean @ FACING_CAMERA.T + [0.0, 0.0, 0.6]
    pixels = points[:, :2] * (_FOCAL / points[:, 2:]) + 0.5 * (_SIDE - 1)
    photograph = np.full((_SIDE, _SIDE, 3), _WALL, np.uint8)
    middle = pixels.mean(axis=0)
    outline = cv2.convexHull((middle + 0.98 * (pixels - middle)).astype(np.float32))[:, 0]
    cv2.fillConvexPoly(photograph, np.rint(outline).astype(np.int32), _SKIN)
    return LabelledHead(photograph, points, pixels, FACING_CAMERA, _FOCAL)


def test_what_lies_behind_a_head_is_not_on_its_cheek(head: LabelledHead, shipped_model: FaceModel) -> None:
    turn = rotation_from_vector([0.0, np.radians(45.0), 0.0])
    middle = head.points.mean(axis=0)
    turned = (head.points - middle) @ turn.T + middle
    seen = (turned[:, :2] * (_FOCAL / turned[:, 2:]) + 63.5).astype(np.float64)
    image, to_image = np.zeros((128, 128, 3), np.uint8), np.array([[1.0, 0.0, -32.0], [0.0, 1.0, -32.0]])
    draw_turned(shipped_model, head.photograph, head.points, head.pixels, turned, seen, turn, image, to_image)
    face = TargetRenderer(Template(shipped_model), 128, 1).render(seen, turned[:, 2]).matchable
    green = (image[:, :, 1].astype(int) > image[:, :, 0]) & face
    assert face.sum() > 2000
    assert green.sum() < 0.02 * face.sum()
    assert (image[~face] == _WALL).all(axis=-1).mean() > 0.3


def test_what_the_photograph_cuts_off_has_the_colour_of_the_skin_beside_it(
    head: LabelledHead, shipped_model: FaceModel
) -> None:
    """The picture ends above the mouth and its last row is green, as a frame drawn around it would be."""
    end = int(shipped_model.at(shipped_model.landmarks, head.pixels)[33, 1])
    photograph = head.photograph[:end].copy()
    photograph[-1] = _WALL
    turn, middle = rotation_from_vector([0.0, np.radians(30.0), 0.0]), head.points.mean(axis=0)
    turned = (head.points - middle) @ turn.T + middle
    seen = (turned[:, :2] * (_FOCAL / turned[:, 2:]) + 63.5).astype(np.float64)
    image, to_image = np.zeros((128, 128, 3), np.uint8), np.array([[1.0, 0.0, -32.0], [0.0, 1.0, -32.0]])
    draw_turned(shipped_model, photograph, head.points, head.pixels, turned, seen, turn, image, to_image)
    face = TargetRenderer(Template(shipped_model), 128, 1).render(seen, turned[:, 2]).matchable
    lower = face & (np.arange(128)[:, None] > seen[:, 1].mean() + 10)
    green = (image[:, :, 1].astype(int) > image[:, :, 0]) & lower
    assert lower.sum() > 500 and green.sum() < 0.05 * lower.sum()


def test_a_face_has_its_own_colours_where_the_photograph_shows_them(shipped_model: FaceModel) -> None:
    left = shipped_model.mean[:, 1] > 0.0
    both, one, none = np.ones(len(left)), np.where(left, 1.0, 0.0), np.zeros(len(left))
    assert set(colour_sources(shipped_model, both)) == {0} and set(colour_sources(shipped_model, none)) == {2}
    sources, right = colour_sources(shipped_model, one), ~left[shipped_model.triangles].any(axis=1)
    assert set(sources[left[shipped_model.triangles].all(axis=1)]) == {0} and np.median(sources[right]) == 1


def test_skin_that_is_not_shown_is_as_that_nearby() -> None:
    photograph = np.zeros((9, 30, 3), np.uint8)
    photograph[:, :15], photograph[:, 15:] = (200, 0, 0), (0, 0, 200)
    near, far = np.tile([0.001, 0.0, 0.0], (6, 1)), np.tile([0.1, 0.0, 0.0], (6, 1))
    pixels = np.concatenate([np.tile([5.0, 4.0], (6, 1)), np.tile([25.0, 4.0], (6, 1)), [[15.0, 4.0]]])
    facing = np.append(np.ones(12), 0.0)
    red, _, blue = skin_around(photograph, np.concatenate([near, far, np.zeros((1, 3))]), pixels, facing)[-1]
    assert red > 5.0 * blue > 0.0


def test_what_is_around_a_head_turns_with_it_and_about_its_middle(head: LabelledHead) -> None:
    turn, middle = rotation_from_vector([0.0, 0.4, 0.5]), 0.5 * (head.pixels.min(axis=0) + head.pixels.max(axis=0))
    for offset in ([0.0, 0.0], [30.0, 0.0], [0.0, -30.0]):
        photograph, image = np.zeros((_SIDE, _SIDE, 3), np.uint8), np.zeros((_SIDE, _SIDE, 3), np.uint8)
        cv2.circle(photograph, tuple(np.rint(middle + offset).astype(int).tolist()), 5, (255, 255, 255), -1)
        _draw_surroundings(photograph, head.points, head.pixels, turn, image, np.eye(3)[:2])
        rows, columns = np.nonzero(image[:, :, 0] > 128)
        assert [columns.mean(), rows.mean()] == pytest.approx(middle + turn[:2, :2] @ offset, abs=1.5)


def test_turned_heads_have_other_shapes_and_others_their_own(head: LabelledHead, shipped_model: FaceModel) -> None:
    def lengths(turned: bool, seed: int) -> np.ndarray:
        """Of some edges, which no turn changes."""
        view = shown(shipped_model, np.random.default_rng(seed), head, turned)
        corners = view.turned[shipped_model.triangles[::40]]
        return np.linalg.norm(corners[:, 0] - corners[:, 1], axis=1)

    assert np.abs(lengths(False, 0) / lengths(False, 1) - 1.0).max() < 0.1, "but for the mirror image"
    changes = [np.median(np.abs(lengths(True, i) / lengths(False, i) - 1.0)) for i in range(6)]
    assert all(0.005 < change < 0.2 for change in changes)


def test_heads_are_turned_no_further_than_they_may(head: LabelledHead, shipped_model: FaceModel) -> None:
    for widest in (30.0, 95.0):
        of_kind = LabelledHead(head.photograph, head.points, head.pixels, head.rotation, head.focal, widest)
        views = (shown(shipped_model, np.random.default_rng(i), of_kind, turned=True) for i in range(60))
        yaws = [abs(float(np.degrees(yaw_pitch_roll_from_rotation(view.rotation)[0]))) for view in views]
        assert 0.8 * widest < max(yaws) < widest + 1e-3


def test_another_light_keeps_the_brightness_and_comes_from_somewhere(shipped_model: FaceModel) -> None:
    points = shipped_model.mean @ FACING_CAMERA.T + [0.0, 0.0, 0.6]
    facing = (shipped_model.normals(points) * points).sum(axis=1) < 0.0
    left = facing & (shipped_model.mean[:, 1] > 0.02)
    sides = []
    for seed in range(12):
        factor = other_light(np.random.default_rng(seed), shipped_model, points)
        np.testing.assert_array_equal(factor, other_light(np.random.default_rng(seed), shipped_model, points))
        assert factor.shape == points.shape and factor.min() > 0.0 and factor.max() <= 1.7
        assert factor[facing].mean() == pytest.approx(1.0, abs=0.3)
        sides.append(factor[left].mean() / factor[shipped_model.mirror[left]].mean())
    assert min(sides) < 0.9 and max(sides) > 1.1
