import numpy as np

from dense_face_ros.crop import Crop
from dense_face_ros.geometry import rotation_from_yaw_pitch_roll
from dense_face_ros.template import Template
from training.head_view import SURFACE_SIDE, HeadView, SurfaceMaps


def test_a_crop_is_the_image_of_a_camera_of_its_own(shipped_model):
    rotation = rotation_from_yaw_pitch_roll(np.radians([30.0, -10.0, 5.0]))
    points = shipped_model.mean @ rotation.T + [0.1, -0.05, 0.7]
    focal, centre = 640.0, np.array([320.0, 240.0])
    image_pixels = points[:, :2] * (focal / points[:, 2:]) + centre
    crop = Crop((400.0, 190.0), 150.0, np.radians(25.0))
    view = HeadView.through(crop, points, rotation, focal, centre)
    np.testing.assert_allclose(view.pixels, crop.from_image(image_pixels), atol=1e-9)
    np.testing.assert_allclose(view.rotation @ view.rotation.T, np.eye(3), atol=1e-12)
    origin = view.points - shipped_model.mean @ view.rotation.T
    np.testing.assert_allclose(origin, np.broadcast_to(origin[0], origin.shape), atol=1e-6)  # one rigid motion


def test_maps_hold_the_surface_where_the_template_draws_it(shipped_model):
    template = Template(shipped_model)
    vertices = shipped_model.mean + np.float32([0.0, 0.0, 0.5])
    arrays = SurfaceMaps(template).arrays(HeadView(vertices, np.eye(3), 200.0, np.array([63.5, 60.0])))
    step = template.size / SURFACE_SIDE
    for row, column in ((20, 32), (32, 32), (44, 40)):
        pixel = (np.array([[column, row]]) + 0.5) * step - 0.5
        point, moved = template.surface_points(pixel)
        assert moved[0] < 0.5
        np.testing.assert_allclose(arrays["surface"][:, row, column], shipped_model.at(point, vertices)[0], atol=1e-3)
    np.testing.assert_allclose(arrays["camera"], [200.0, 63.5, 60.0])


def test_maps_are_in_the_middle_of_their_squares(shipped_model):
    template = Template(shipped_model)
    laid_out = SurfaceMaps(template).laid_out(template.coordinates).reshape(SURFACE_SIDE, SURFACE_SIDE, 2)
    middles = (np.arange(SURFACE_SIDE) + 0.5) * (template.size / SURFACE_SIDE) - 0.5
    inside = template.triangle.reshape(SURFACE_SIDE, 2, SURFACE_SIDE, 2).min(axis=(1, 3)) >= 0
    off = (laid_out - np.stack(np.meshgrid(middles, middles), axis=-1))[inside]
    assert np.abs(off).max() < 1.0
    assert np.abs(off.mean(axis=0)).max() < 0.01  # template pixels
