"""Things drawn in front of faces: where they lie, in which colour, and which landmarks they cover."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dense_face_ros.geometry import Array, rotation_from_yaw_pitch_roll
from training.benchmarks.covers import COLOURS, COVERS, SHAPES, Cover, middle_colour, sides_of

_MOUTH, _NOSE_BASE, _CHIN = range(48, 68), range(31, 36), 8
_RIGHT_EYE, _LEFT_EYE, _BRIDGE = range(36, 42), range(42, 48), range(27, 30)
_SEEN = np.ones(68, bool)
_SIZE = (240, 320)
#: Landmarks that a shape must cover, and some that it must leave.
_EXPECTED = {
    "band": ({*_MOUTH, *_NOSE_BASE, _CHIN, 5, 11}, {*_RIGHT_EYE, *_LEFT_EYE, *_BRIDGE}),
    "box": ({*_MOUTH, *_NOSE_BASE, _CHIN, 5, 11}, {*_RIGHT_EYE, *_LEFT_EYE, *_BRIDGE}),
    "ellipse": ({*_MOUTH}, {*_RIGHT_EYE, *_LEFT_EYE, *_BRIDGE}),
    "eye": ({*_RIGHT_EYE}, {*_LEFT_EYE, *_MOUTH, *_BRIDGE}),
    "cheek": ({36, 1, 2, 3, 4}, {39, 12, 13, 14, *_LEFT_EYE, *_BRIDGE, *range(50, 54)}),
}


def face(state_of, roll: float = 0.0) -> Array:
    return np.asarray(state_of(rotation_from_yaw_pitch_roll([0.0, 0.0, np.radians(roll)])).landmarks_2d)


def landmarks_of(cover: Cover, points: Array, seen: np.ndarray = _SEEN, margin: float = 1.0) -> tuple[set, set]:
    covered, beside = sides_of(cover.over(points, seen, *_SIZE), points, margin)
    return set(np.flatnonzero(covered)), set(np.flatnonzero(beside))


@pytest.mark.parametrize("roll", [0.0, 40.0, -40.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_covers_its_part_of_the_face_however_that_is_tilted(shape: str, roll: float, state_of) -> None:
    covered, beside = landmarks_of(Cover(shape, "grey"), face(state_of, roll))
    wanted, left = _EXPECTED[shape]
    assert wanted <= covered, wanted - covered
    assert left <= beside, left - beside
    assert not covered & beside


def test_a_band_goes_on_to_the_edges_of_the_picture_and_a_box_does_not(state_of) -> None:
    points = face(state_of)
    row = round(points[48, 1])
    assert Cover("band", "grey").over(points, _SEEN, *_SIZE)[row].all()
    box = np.flatnonzero(Cover("box", "grey").over(points, _SEEN, *_SIZE)[row])
    x0, x1 = points[:, 0].min(), points[:, 0].max()
    assert x0 - 15 < box.min() < x0 and x1 < box.max() < x1 + 15


@pytest.mark.parametrize("shape", ["eye", "cheek"])
def test_the_side_that_shows_more_is_covered(shape: str, state_of) -> None:
    points, seen = face(state_of), np.ones(68, bool)
    seen[36] = False
    covered, beside = landmarks_of(Cover(shape, "grey"), points, seen)
    assert 45 in covered and {36, 39} <= beside


def test_landmarks_next_to_the_edge_or_outside_the_picture_are_on_neither_side() -> None:
    mask = np.zeros((40, 40), bool)
    mask[:, 20:] = True
    points = np.tile([-5.0, 20.0], (68, 1))
    points[:5] = [[10.0, 9.0], [17.0, 9.0], [22.0, 9.0], [30.0, 9.0], [41.0, 9.0]]
    covered, beside = sides_of(mask, points, 5.0)
    assert (np.flatnonzero(covered).tolist(), np.flatnonzero(beside).tolist()) == ([3], [0])


def test_every_landmark_is_beside_a_cover_that_is_elsewhere(state_of) -> None:
    covered, beside = sides_of(np.zeros(_SIZE, bool), face(state_of), 3.0)
    assert not covered.any() and beside.all()


def test_paint_changes_what_is_covered_and_nothing_else(state_of) -> None:
    points = face(state_of)
    image = np.random.default_rng(0).integers(0, 255, (*_SIZE, 3)).astype(np.uint8)
    kept = image.copy()
    for cover in COVERS:
        mask = cover.over(points, _SEEN, *_SIZE)
        painted = cover.paint(image, points, mask)
        assert (painted[~mask] == image[~mask]).all() and len(np.unique(painted[mask], axis=0)) == 1
        if COLOURS[cover.colour] is not None:
            assert tuple(painted[mask][0]) == COLOURS[cover.colour]
    assert (image == kept).all()


def test_skin_is_the_colour_of_most_of_the_face(state_of) -> None:
    points = face(state_of)
    image = np.full((*_SIZE, 3), 250, np.uint8)
    cv2.fillConvexPoly(image, cv2.convexHull(np.rint(points).astype(np.int32)), (90, 120, 180))
    for eye in (_RIGHT_EYE, _LEFT_EYE, _MOUTH):
        cv2.fillConvexPoly(image, cv2.convexHull(np.rint(points[list(eye)]).astype(np.int32)), (0, 0, 0))
    assert middle_colour(image, points).tolist() == [90, 120, 180]


def test_every_shape_comes_in_every_colour_once() -> None:
    assert len(set(COVERS)) == len(COVERS) == len(SHAPES) * len(COLOURS)
