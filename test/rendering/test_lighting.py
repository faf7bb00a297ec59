from __future__ import annotations

import numpy as np
import pytest

from dense_face_ros.geometry import rotation_from_yaw_pitch_roll
from rendering.meshes import sphere
from training.rendering.head_mesh import lattice
from training.rendering.lighting import Light, lamp_visibility, radiance, random_light, shadow_buffers

TO_CAMERA = np.float32([0.0, 0.0, -1.0])
LAMP = np.float32([0.6, 0.0, -0.8])
LAMP_COLOUR = np.float32([3.0, 2.0, 1.0])


@pytest.mark.parametrize("turn", [np.eye(3), rotation_from_yaw_pitch_roll((0.8, 0.4, 0.3))], ids=["along z", "across"])
def test_a_plate_shades_just_what_is_behind_it(turn: np.ndarray) -> None:
    """Two plates, the larger 10 cm behind the smaller as seen from a lamp 2 m away."""
    across = np.linspace(-1.0, 1.0, 13)
    y, x = (grid.ravel() for grid in np.meshgrid(across, across, indexing="ij"))
    plate = np.column_stack([x, y, np.zeros(len(x))])
    points = np.concatenate([0.05 * plate, 0.12 * plate + (0.0, 0.0, 0.1)]) @ turn.T
    one = lattice(13, 13, closed=False)
    triangles = np.concatenate([one, one + np.int32(len(plate))])
    lit = lamp_visibility(points.astype(np.float32), triangles, turn @ TO_CAMERA, shadow_buffers())
    assert (lit[: len(plate)] == 1.0).all(), "the front plate shades itself"
    shadow = 0.05 * 2.1 / 2.0  # half its side on the plate behind
    np.testing.assert_array_equal(lit[len(plate) :], 0.12 * np.maximum(np.abs(x), np.abs(y)) > shadow)


def test_what_is_sent_is_the_albedo_times_the_sky_and_the_lamp_that_arrive() -> None:
    """In an even environment of irradiance pi, so that white in it sends 1."""
    harmonics = np.zeros((9, 3), np.float32)
    harmonics[0] = np.pi / 0.282095
    albedo, normals = np.float32([[0.8, 0.5, 0.2]] * 4), np.tile(LAMP, (4, 1))
    sky, lit = np.float32([0.0, 0.5, 1.0, 0.0]), np.float32([0.0, 0.0, 0.0, 0.25])
    light = Light(harmonics, LAMP, LAMP_COLOUR)
    seen = radiance(albedo, normals, sky, lit, gloss=np.zeros(4, np.float32), light=light)
    np.testing.assert_allclose(seen, albedo * (sky[:, None] + lit[:, None] * LAMP_COLOUR / np.pi), rtol=1e-5)
    assert not seen[0].any(), "light without a source"


def test_the_sheen_is_brightest_where_a_mirror_would_show_the_lamp() -> None:
    normals = sphere(20, 40)[0].astype(np.float32)
    half = (LAMP + TO_CAMERA) / np.linalg.norm(LAMP + TO_CAMERA)
    black, whole = np.zeros_like(normals), np.ones(len(normals), np.float32)
    light = Light(np.zeros((9, 3), np.float32), LAMP, LAMP_COLOUR)
    sheen = radiance(black, normals, sky=whole, lit=0.5 * whole, gloss=0.2 * whole, light=light)
    expected = 0.2 * np.maximum(normals @ half, 0.0)[:, None] ** 16 * 0.5 * LAMP_COLOUR
    np.testing.assert_allclose(sheen, expected, atol=1e-5)


def test_lamps_beside_the_camera_shine_from_there() -> None:
    lights = [random_light(np.random.default_rng(seed), 0.0, 1.0) for seed in range(30)]
    assert max(light.lamp[2] for light in lights) < -0.8
    assert all(light.lamp_colour.min() > 0.5 for light in lights)


def test_lamps_from_anywhere_shine_from_above_and_the_cameras_side_more_often() -> None:
    lamps = np.array([random_light(np.random.default_rng(seed), 0.0, 0.0).lamp for seed in range(200)])
    above, front = (lamps[:, 1:] < 0).mean(axis=0)  # y points down, z away from the camera
    assert 0.6 < above < 0.9 and 0.55 < front < 0.85
