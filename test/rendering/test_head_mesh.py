from __future__ import annotations

import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel
from training.rendering.head_mesh import HeadMesh
from training.rendering.lighting import vertex_normals


@pytest.fixture(scope="module")
def head(shipped_model: FaceModel) -> HeadMesh:
    return HeadMesh(shipped_model)


def test_skull_and_mouth_close_the_face_without_a_fold(head: HeadMesh) -> None:
    """Welded where they touch, neighbours run their edge in opposite ways, and no edge of theirs is free."""
    _, welded = np.unique(head.mean.round(6), axis=0, return_inverse=True)
    corners = welded.reshape(-1)[head.triangles]
    edges = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    present = set(map(tuple, edges.tolist()))
    assert len(present) == len(edges), "an edge is run twice the same way"
    free = {vertex for a, b in present if (b, a) not in present for vertex in (a, b)}
    for part in (head.parts.skull, head.parts.mouth):
        assert free.isdisjoint(welded.reshape(-1)[part].tolist())


def test_what_is_added_shows_the_side_that_is_seen(head: HeadMesh) -> None:
    normals = vertex_normals(head.mean, head.triangles)
    torso = head.mean[head.parts.torso]
    rings = [torso[:, 2] == height for height in np.unique(torso[:, 2])]
    axis = np.sum([np.outer(ring, torso[ring].mean(axis=0)) for ring in rings], axis=0)
    assert (((torso - axis) * normals[head.parts.torso])[:, :2].sum(axis=1) > 0.0).all(), "away from the axis"
    mouth = head.mean[head.parts.mouth]
    assert (((mouth.mean(axis=0) - mouth) * normals[head.parts.mouth]).sum(axis=1) > 0.0).all(), "seen from inside"
    assert (normals[head.parts.teeth, 0] > 0.0).all(), "forwards"


def test_teeth_and_mouth_lie_behind_the_lips(head: HeadMesh) -> None:
    mouth = head.mean[head.parts.mouth]
    rim = len(mouth) // 2  # then as many vertices again, and the innermost
    assert mouth[rim:, 0].max() < mouth[:rim, 0].min() - 0.005
    assert head.mean[head.parts.teeth, 0].max() < mouth[:rim, 0].max()


def test_the_rest_of_the_head_moves_with_the_face(head: HeadMesh) -> None:
    shift = np.float32([0.01, -0.02, 0.03])
    moved = head.vertices(head.model.mean + shift, np.eye(3), 1.0) - head.mean
    for part in (head.parts.skull, head.parts.mouth, head.parts.teeth):
        np.testing.assert_allclose(moved[part], np.broadcast_to(shift, moved[part].shape), atol=1e-6)
    assert not moved[head.parts.torso].any()


def test_the_skull_widens_with_the_face(head: HeadMesh) -> None:
    """As much where it leaves the face, ever less towards the back of the head."""
    half_width = np.ptp(head.mean[head.parts.face, 1]) / 2.0
    wide = head.vertices(head.model.mean * np.float32([1.0, 1.1, 1.0]), np.eye(3), 1.0)
    *rings, back = (wide - head.mean)[head.parts.skull, 1]
    wider = np.max(np.reshape(rings, (7, -1)), axis=1) / (0.1 * half_width)
    assert 0.7 < wider[0] < 1.0 and (np.diff(wider) < 0.0).all() and abs(back) < 1e-4
