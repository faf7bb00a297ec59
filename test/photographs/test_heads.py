from __future__ import annotations

import numpy as np

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import FACING_CAMERA
from training.photographs.heads import fitted_head


def test_the_black_around_a_photograph_is_no_part_of_it(small_model: FaceModel) -> None:
    pose = np.eye(4)
    pose[:3, :3], pose[2, 3] = FACING_CAMERA, 0.6
    size = small_model.identity_size + small_model.expression_size
    label = {"pose": pose, "coefficients": np.zeros(size), "focal": np.asarray(400.0)}
    whole = np.random.default_rng(0).integers(60, 256, (192, 192, 3), dtype=np.uint8)
    padded = np.zeros_like(whole)
    padded[40:150, 30:160] = whole[40:150, 30:160]
    plain, cut = (fitted_head(small_model, photograph, label) for photograph in (whole, padded))
    assert plain.photograph.shape == (192, 192, 3)
    np.testing.assert_allclose(plain.principal_point, [95.5, 95.5])
    np.testing.assert_array_equal(cut.photograph, whole[40:150, 30:160])
    np.testing.assert_allclose(cut.pixels + [30.0, 40.0], plain.pixels)
    np.testing.assert_allclose(cut.principal_point, [65.5, 55.5])
