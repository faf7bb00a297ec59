from __future__ import annotations

import numpy as np
import pytest

from rendering.meshes import CENTRE, FOCAL, project, ray_hits, soup, sphere
from training.rendering.rasteriser import Buffers, interpolate, rasterise, render_targets, texture_from_photograph

QUAD = np.array([[0, 2, 1], [0, 3, 2]], np.int32)  # seen from the camera, for corners given clockwise on screen


def _slanted_quad() -> np.ndarray:
    """A rectangle turned far away from the camera: its right side is twice as distant as its left."""
    return np.array([[-0.3, -0.3, 1.0], [0.6, -0.3, 2.0], [0.6, 0.3, 2.0], [-0.3, 0.3, 1.0]])


@pytest.mark.parametrize("cull", [True, False])
def test_agrees_with_ray_triangle_intersection(cull: bool) -> None:
    points, triangles = soup(np.random.default_rng(3))
    drawn = rasterise(*project(points), triangles, 128, cull=cull)
    v, u = np.mgrid[2:128:7, 1:128:7]
    index, weights = ray_hits(points, triangles, np.column_stack([u.ravel(), v.ravel()]).astype(float), cull)
    assert (index >= 0).sum() > 50 and (index < 0).sum() > 50
    # Vertices are rounded to single precision, so a pixel on an edge may fall to either side.
    same = drawn.index[v, u].ravel() == index
    assert same.mean() > 0.995
    hit = same & (index >= 0)
    np.testing.assert_allclose(drawn.weights[v, u].reshape(-1, 3)[hit], weights[hit], atol=2e-4)


def test_interpolation_is_perspective_correct() -> None:
    points = _slanted_quad()
    drawn = rasterise(*project(points), QUAD, 128)
    seen = interpolate(drawn, QUAD, points)
    rows, columns = np.nonzero(drawn.index >= 0)
    assert len(rows) > 1000
    x, _, z = seen[rows, columns].T
    np.testing.assert_allclose(x / z * FOCAL + CENTRE, columns, atol=2e-3)
    np.testing.assert_allclose(z, 1.0 + (x + 0.3) / 0.9, atol=1e-4)
    np.testing.assert_allclose(drawn.nearness[rows, columns], 1.0 / z, rtol=1e-4)
    assert not seen[drawn.index < 0].any()


def test_sphere_shows_the_analytic_surface() -> None:
    vertices, triangles = sphere()
    centre = np.array([0.1, -0.05, 4.0])
    drawn = rasterise(*project(vertices + centre), triangles, 128)
    seen = interpolate(drawn, triangles, vertices)
    rows, columns = np.nonzero(drawn.index >= 0)
    rays = np.column_stack([(columns - CENTRE) / FOCAL, (rows - CENTRE) / FOCAL, np.ones(len(rows))])
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    along = rays @ centre
    under = along**2 - centre @ centre + 1.0
    inner = under > 0.05  # away from the rim, where facets and sphere part
    expected = rays * (along - np.sqrt(np.maximum(under, 0)))[:, None] - centre
    assert inner.sum() > 3000
    np.testing.assert_allclose(seen[rows, columns][inner], expected[inner], atol=6e-3)


def test_the_nearer_surface_hides_the_other_in_either_order() -> None:
    near = np.array([[-0.1, -0.1, 0.8], [0.1, -0.1, 0.8], [0.1, 0.1, 0.8], [-0.1, 0.1, 0.8]])
    points = np.concatenate([near, near * (2, 2, 1.5)])
    for triangles in (np.concatenate([QUAD, QUAD + 4]), np.concatenate([QUAD + 4, QUAD])):
        drawn = rasterise(*project(points), triangles, 128)
        corner_depth = interpolate(drawn, triangles, points[:, 2:])[..., 0]
        assert corner_depth[64, 64] == pytest.approx(0.8)
        assert corner_depth[64, 64 + 22] == pytest.approx(1.2)


def test_inside_is_culled_and_what_is_behind_the_camera_is_not_drawn() -> None:
    points = _slanted_quad()
    assert (rasterise(*project(points), QUAD[:, ::-1].copy(), 128).index < 0).all()
    assert (rasterise(*project(points), QUAD[:, ::-1].copy(), 128, cull=False).index >= 0).any()
    pixels, depth = project(points)
    assert (rasterise(pixels, depth, QUAD[:1], 128).index >= 0).any()
    for corner in QUAD[0]:
        for behind in (-0.1, 0.0):
            moved = depth.copy()
            moved[corner] = behind
            assert (rasterise(pixels, moved, QUAD[:1], 128).index < 0).all()


def test_a_shared_edge_leaves_no_hole() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        pixels = np.array([[2, 2], [60, 2], [60, 60], [2, 60]], float) + rng.normal(0, 1, (4, 2))
        centre = rng.uniform(20, 40, 2)
        fan = np.array([[4, 1, 0], [4, 2, 1], [4, 3, 2], [4, 0, 3]], np.int32)
        drawn = rasterise(np.vstack([pixels, centre]), np.full(5, 1.0), fan, 64)
        assert (drawn.index[8:54, 8:54] >= 0).all()


def test_targets_are_drawn_at_cell_centres() -> None:
    points = _slanted_quad()
    coordinates = np.random.default_rng(1).uniform(0, 127, (4, 2)).astype(np.float32)
    pixels, depth = project(points)
    template, visible = render_targets(pixels, depth, QUAD, coordinates, 128, stride=2)
    assert template.shape == (2, 64, 64) and visible.shape == (64, 64) and visible.any() and not visible.all()
    # Drawing a picture twice as fine puts the cell centre (2 j + 0.5) on the fine pixel 4 j + 1.5, between two pixels;
    # drawing with pixels shifted by half a pixel puts it on a pixel.
    full = rasterise(pixels - 0.5, depth, QUAD, 128)
    expected = interpolate(full, QUAD, coordinates)[::2, ::2]
    np.testing.assert_array_equal(visible, full.index[::2, ::2] >= 0)
    np.testing.assert_allclose(template.transpose(1, 2, 0), expected, atol=1e-3)


def test_unmatchable_triangles_hide_but_are_not_visible() -> None:
    near = np.array([[-0.1, -0.1, 0.8], [0.1, -0.1, 0.8], [0.1, 0.1, 0.8], [-0.1, 0.1, 0.8]])
    points = np.concatenate([near, near * (2, 2, 1.5)])
    triangles = np.concatenate([QUAD, QUAD + 4])
    coordinates = np.full((8, 2), 5.0, np.float32)
    template, visible = render_targets(
        *project(points), triangles, coordinates, 128, 2, matchable=np.array([False, False, True, True])
    )
    assert not visible[32, 32] and visible[32, 32 + 11]
    assert template[0, 32, 32] == 0 and template[0, 32, 32 + 11] == 5


def test_targets_are_seen_through_what_shows_its_inside() -> None:
    near = np.array([[-0.1, -0.1, 0.8], [0.1, -0.1, 0.8], [0.1, 0.1, 0.8], [-0.1, 0.1, 0.8]])
    points = np.concatenate([near, near * (2, 2, 1.5)])
    coordinates = np.repeat(np.float32([[5.0, 6.0], [7.0, 8.0]]), 4, axis=0)
    triangles = np.concatenate([QUAD[:, ::-1], QUAD + 4])
    template, visible = render_targets(*project(points), triangles, coordinates, 128, 2)
    assert visible[32, 32]
    np.testing.assert_allclose(template[:, 32, 32], (7.0, 8.0), rtol=1e-6)


def test_a_mirrored_mesh_gives_the_mirrored_map() -> None:
    points, triangles = soup(np.random.default_rng(5))
    coordinates = points[:, :2].astype(np.float32) * 50
    template, visible = render_targets(*project(points), triangles, coordinates, 128, 2)
    mirrored, mirrored_visible = render_targets(
        *project(points * (-1, 1, 1)), triangles[:, ::-1], coordinates * np.float32([-1, 1]), 128, 2
    )
    np.testing.assert_array_equal(mirrored_visible, visible[:, ::-1])
    sign = np.array([-1, 1])[:, None, None]
    np.testing.assert_allclose(mirrored * sign, template[:, :, ::-1], atol=2e-3)


def test_photograph_is_carried_by_the_surface() -> None:
    v, u = np.mgrid[0:60, 0:80]
    photograph = np.stack([u * 3, v * 4, np.full_like(u, 100)], -1).astype(np.uint8)
    points = _slanted_quad()
    source = np.column_stack([(points[:, 0] + 0.3) * 70, (points[:, 1] + 0.3) * 70])
    pixels, depth = project(points)
    image = np.full((128, 128, 3), 7, np.uint8)
    covered = texture_from_photograph(pixels, depth, QUAD, source, photograph, image)
    surface = interpolate(rasterise(pixels, depth, QUAD, 128), QUAD, source)
    assert covered.any() and (image[~covered] == 7).all()
    expected = surface[covered] * (3, 4)
    np.testing.assert_allclose(image[covered][:, :2], expected, atol=0.6)
    shaded = image.copy()
    texture_from_photograph(pixels, depth, QUAD, source, photograph, shaded, shading=np.full(4, 0.5))
    np.testing.assert_allclose(shaded[covered], image[covered] * 0.5, atol=0.76)
    tint = (1.0, 0.5, 0.0)
    texture_from_photograph(pixels, depth, QUAD, source, photograph, shaded, shading=np.tile(tint, (4, 1)))
    np.testing.assert_allclose(shaded[covered], image[covered] * tint, atol=0.76)


def test_reused_buffers_hold_nothing_of_the_last_picture() -> None:
    buffers = Buffers.allocate(128)
    first = rasterise(*project(_slanted_quad()), QUAD, 128)
    rasterise(*project(soup(np.random.default_rng(0))[0]), soup(np.random.default_rng(0))[1], 128, buffers=buffers)
    again = rasterise(*project(_slanted_quad()), QUAD, 128, buffers=buffers)
    assert again is buffers
    np.testing.assert_array_equal(again.index, first.index)
    np.testing.assert_array_equal(again.nearness, first.nearness)
    np.testing.assert_array_equal(again.weights[again.index >= 0], first.weights[first.index >= 0])


def test_wrong_shapes_are_named() -> None:
    pixels, depth = project(_slanted_quad())
    with pytest.raises(ValueError, match="stride is 3"):
        render_targets(pixels, depth, QUAD, np.zeros((4, 2), np.float32), 128, 3)
    with pytest.raises(ValueError, match="depth"):
        rasterise(pixels, depth[:2], QUAD, 16)
    with pytest.raises(ValueError, match="buffers"):
        rasterise(pixels, depth, QUAD, 16, buffers=Buffers.allocate(8))
    with pytest.raises(ValueError, match="image"):
        photograph, image = np.zeros((4, 4, 3), np.uint8), np.zeros((8, 9, 3), np.uint8)
        texture_from_photograph(pixels, depth, QUAD, pixels, photograph, image)
