"""Every benchmark's pose convention, converted to ours and back: the one place where signs and axes are decided.

Ours (``dense_face_ros.geometry``): camera <- head, optical camera axes (x right, y down, z forward), head axes x out
of the face, y to the person's left, z up. Yaw > 0 turns the face to the image's right.

- **AFLW2000-3D / 300W-LP** store (pitch, yaw, roll) in radians of a weak-perspective view with x right, y up, z to the
  viewer, ``R = X(-pitch) Y(-yaw) Z(-roll)`` of the usual right-handed axis rotations. So pitch > 0 looks up, yaw > 0
  turns the face to the image's **left** and roll > 0 tilts the head clockwise on the screen. Seen in the label files:
  the rotation that best lays the mean inner landmarks on ``pt3d_68`` (its y runs down the image, its z to the viewer)
  agrees with this formula to 2.3 degrees on average, and with none of the other orders and signs to 4.8.
- **AFW** gives yaw in steps of 15 degrees, positive towards the image's right, as ours.
- **Pointing'04** gives tilt and pan in degrees, the direction into which the nose points; roll is not labelled. Tilt
  > 0 looks up. Pan > 0 is the person's own right, the image's **left**: against AFW's sign and ours, and of the sign
  that AFLW2000-3D and BIWI have. Published measurements on its pictures find the nose left of the eyes' middle there.
- **Synthesis AI** gives a head turn in degrees, world <- head = ``X(pitch) Z(roll) Y(-yaw)``, and the camera in OpenGL
  axes (x right, y up, z to the viewer).

The zero pose of AFLW2000-3D is that of its own mean face, which nods differently from our head frame by a constant.
``python -m training.face_models.place_landmarks`` derives it again from landmark definitions and the mean of the people
in the training photographs, without an image of the benchmark.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dense_face_ros.geometry import (
    Array,
    rotation_from_vector,
    rotation_from_yaw_pitch_roll,
    yaw_pitch_roll_from_rotation,
)
from training.benchmarks.metrics import INNER

#: Degrees by which a face in AFLW2000-3D's zero pose looks up in the head frame of the shipped face model; see
#: :func:`zero_pose_pitch`. That of another model: :mod:`training.benchmarks.zero_pose`.
AFLW2000_ZERO_PITCH = -0.59

# x right, y up, z to the viewer  <-  the head's x out of the face, y to the person's left, z up, in zero pose.
_UPRIGHT_FROM_HEAD: Array = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
# Optical camera axes <- x right, y up, z to the viewer (OpenGL's camera).
OPTICAL_FROM_OPENGL: Array = np.diag([1.0, -1.0, -1.0])


def _about(axis: int, angle: float) -> Array:
    return rotation_from_vector(angle * np.eye(3)[axis])


def aflw2000_rotation(pitch_yaw_roll: npt.ArrayLike, zero_pitch_degrees: float = AFLW2000_ZERO_PITCH) -> Array:
    """``Pose_Para``'s (pitch, yaw, roll) in radians -> our camera <- head rotation along the line of sight (3, 3)."""
    pitch, yaw, roll = np.asarray(pitch_yaw_roll, dtype=np.float64)
    turned = _about(0, -pitch) @ _about(1, -yaw) @ _about(2, -roll) @ _about(0, -np.radians(zero_pitch_degrees))
    return np.asarray(OPTICAL_FROM_OPENGL @ turned @ _UPRIGHT_FROM_HEAD)


def aflw2000_angles(rotation: Array, zero_pitch_degrees: float = AFLW2000_ZERO_PITCH) -> Array:
    """Inverse of :func:`aflw2000_rotation`: (pitch, yaw, roll) in radians, yaw in [-pi/2, pi/2]."""
    turned = OPTICAL_FROM_OPENGL @ rotation @ _UPRIGHT_FROM_HEAD.T @ _about(0, np.radians(zero_pitch_degrees))
    pitch = np.arctan2(turned[1, 2], turned[2, 2])
    yaw = -np.arcsin(np.clip(turned[0, 2], -1.0, 1.0))
    roll = np.arctan2(turned[0, 1], turned[0, 0])
    return np.array([pitch, yaw, roll])


def along_line_of_sight(pose: Array) -> Array:
    """Rotation (3, 3) of a pose (4, 4) camera <- head as seen along the ray to the head.

    A weak-perspective label knows no camera: the same picture of a head, cut from anywhere in the photograph, has the
    same label. A perspective pose is brought to that footing by the smallest rotation that turns the ray through the
    head's origin onto the optical axis.
    """
    ray = pose[:3, 3] / np.linalg.norm(pose[:3, 3])
    axis = np.cross(ray, [0.0, 0.0, 1.0])
    sine = float(np.linalg.norm(axis))
    angle = float(np.arctan2(sine, ray[2]))
    correction = rotation_from_vector(axis * (angle / sine)) if sine > 1e-12 else np.eye(3)
    return np.asarray(correction @ pose[:3, :3])


def afw_yaw(rotation: Array) -> float:
    """Yaw in degrees as AFW labels it, of a camera <- head rotation along the line of sight."""
    return float(np.degrees(yaw_pitch_roll_from_rotation(rotation)[0]))


def pointing04_rotation(tilt_pan_degrees: npt.ArrayLike) -> Array:
    """Pointing'04's (tilt, pan) in degrees -> camera <- head rotation along the line of sight (3, 3), without roll."""
    tilt, pan = np.radians(np.asarray(tilt_pan_degrees, dtype=np.float64))
    return rotation_from_yaw_pitch_roll([-pan, -tilt, 0.0])


def pointing04_angles(rotation: Array) -> Array:
    """(tilt, pan) in degrees, as Pointing'04 labels them, of a camera <- head rotation along the line of sight."""
    yaw, pitch, _ = np.degrees(yaw_pitch_roll_from_rotation(rotation))
    return np.array([-pitch, -yaw])


def synthesis_ai_rotation(yaw_pitch_roll_degrees: npt.ArrayLike, camera_from_world: Array) -> Array:
    """Head turn in degrees and the rotation (3, 3) of ``transform_world2cam`` -> our camera <- head rotation."""
    yaw, pitch, roll = np.radians(np.asarray(yaw_pitch_roll_degrees, dtype=np.float64))
    world_from_head = _about(0, pitch) @ _about(2, roll) @ _about(1, -yaw)
    return np.asarray(OPTICAL_FROM_OPENGL @ camera_from_world @ world_from_head @ _UPRIGHT_FROM_HEAD)


def rotation_between(source: Array, target: Array) -> Array:
    """Rotation (3, 3) of the similarity that minimises ``sum |target_i - (s R source_i + t)|^2``; both (N, 3)."""
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    u, _, vt = np.linalg.svd(b.T @ a)
    return np.asarray(u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt)


def zero_pose_pitch(head_landmarks: Array, mean_shape: Array) -> float:
    """How far (degrees) our head looks up when it lies on AFLW2000-3D's mean shape in its zero pose.

    Args:
        head_landmarks: (68, 3) of our mean of the people in photographs, head frame.
        mean_shape: (68, 3) of AFLW2000-3D at its zero pose; x right, y up, z to the viewer.

    The inner landmarks are laid on each other by a similarity; both faces being symmetric, what is left is a nod.
    """
    turned = rotation_between(head_landmarks[INNER] @ _UPRIGHT_FROM_HEAD.T, mean_shape[INNER])
    return float(np.degrees(np.arctan2(turned[1, 2], turned[2, 2])))
