"""Another light on a face that was photographed in an even one."""

from __future__ import annotations

import numpy as np

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array
from training.rendering.lighting import lamp_visibility, radiance, random_light, shadow_buffers

_SIDE_LIGHT, _CAMERA_LAMP = 0.25, 0.1  # shares of such lights
_GAMMA = 2.2  # of pictures
_BRIGHTEST = 1.7  # times as bright as before: a camera would have let less light in


def other_light(rng: np.random.Generator, model: FaceModel, points: Array) -> Array:
    """Factors (V, 3) on the colours of a face with vertices ``points`` (V, 3), camera frame, metres: what a random
    light makes of them, its cast shadows included. On the whole the face stays as bright as it was."""
    light = random_light(rng, _SIDE_LIGHT, _CAMERA_LAMP)
    vertices, normals = points.astype(np.float32), model.normals(points).astype(np.float32)
    lit = lamp_visibility(vertices, model.triangles, light.lamp, shadow_buffers())
    open_sky, matt = np.ones(len(vertices), np.float32), np.zeros(len(vertices), np.float32)
    sent = radiance(np.ones_like(vertices), normals, open_sky, lit, matt, light)
    factor = np.power(np.maximum(sent, 1e-3), 1.0 / _GAMMA)
    facing = (normals * points).sum(axis=1) < 0.0
    return np.asarray(np.minimum(factor / factor[facing].mean(), _BRIGHTEST))
