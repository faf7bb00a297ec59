"""Rotations and the pinhole camera: pure functions and a small frozen dataclass.

Pixels are (u, v) = (right, down) and the centre of the top-left pixel is (0, 0). The camera frame is the optical
frame of REP-103 (x right, y down, z forward), the head frame is the body frame of REP-103 (x out of the face,
y to the person's left, z up). Lengths are metres, angles radians unless a name says degrees.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import atan2, cos, hypot, isfinite, sin, sqrt

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

#: Camera <- head rotation of a face that looks straight into the camera.
FACING_CAMERA: Array = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]])


def skew(v: npt.ArrayLike) -> Array:
    """Cross-product matrices: ``skew(a) @ b == cross(a, b)``. v: (..., 3) -> (..., 3, 3)."""
    v = np.asarray(v, dtype=np.float64)
    out = np.zeros((*v.shape[:-1], 3, 3))
    out[..., 0, 1], out[..., 0, 2] = -v[..., 2], v[..., 1]
    out[..., 1, 0], out[..., 1, 2] = v[..., 2], -v[..., 0]
    out[..., 2, 0], out[..., 2, 1] = -v[..., 1], v[..., 0]
    return out


def cross(a: Array, b: Array) -> Array:
    """Cross products of rows (N, 3), or of two vectors (3,), in a fraction of the time of ``np.cross``."""
    x, y, z = a.T
    u, v, w = b.T
    out = np.empty_like(a, dtype=np.float64)
    out[..., 0], out[..., 1], out[..., 2] = y * w - z * v, z * u - x * w, x * v - y * u
    return out


def lengths(rows: Array) -> Array:
    """Lengths (N,) of rows (N, K), in half the time of ``np.linalg.norm``."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", rows, rows)))


def rotation_from_vector(vector: npt.ArrayLike) -> Array:
    """Rodrigues' formula: rotation vector (3,) in radians -> rotation matrix (3, 3)."""
    return np.asarray(cv2.Rodrigues(np.asarray(vector, dtype=np.float64))[0])


def vector_from_rotation(rotation: Array) -> Array:
    """Inverse of :func:`rotation_from_vector`; the angle lies in [0, pi]."""
    r = np.asarray(rotation, dtype=np.float64)
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = r.tolist()
    axial = 0.5 * np.array([zy - yz, xz - zx, yx - xy])
    sine, cosine = sqrt(axial @ axial), 0.5 * (xx + yy + zz - 1.0)
    if cosine < -0.99:  # near half a turn the axial part vanishes
        return np.asarray(cv2.Rodrigues(r)[0], dtype=np.float64).reshape(3)
    return axial if sine < 1e-12 else np.asarray(axial * (atan2(sine, cosine) / sine))


def rotation_from_yaw_pitch_roll(yaw_pitch_roll: npt.ArrayLike) -> Array:
    """Camera <- head rotation of a head turned by (yaw, pitch, roll) radians from :data:`FACING_CAMERA`.

    ``FACING_CAMERA @ Rz(yaw) @ Ry(pitch) @ Rx(roll)`` about the head's own axes (REP-103): yaw > 0 turns the face
    to the person's left (the image's right), pitch > 0 lowers it, roll > 0 tilts it to the person's right shoulder.
    """
    yaw, pitch, roll = np.asarray(yaw_pitch_roll, dtype=np.float64)
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    rz = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    ry = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    rx = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    return np.asarray(FACING_CAMERA @ rz @ ry @ rx)


def yaw_pitch_roll_from_rotation(rotation: Array) -> Array:
    """Inverse of :func:`rotation_from_yaw_pitch_roll`: (..., 3, 3) -> (..., 3) yaw, pitch, roll in radians, for people
    to read."""
    r = FACING_CAMERA.T @ np.asarray(rotation, dtype=np.float64)
    yaw = np.arctan2(r[..., 1, 0], r[..., 0, 0])
    pitch = np.arcsin(np.clip(-r[..., 2, 0], -1.0, 1.0))
    roll = np.arctan2(r[..., 2, 1], r[..., 2, 2])
    return np.stack([yaw, pitch, roll], axis=-1)


def roll_on_screen(rotation: Array) -> float:
    """Radians by which the head's up axis, seen in the image, is turned clockwise; as ``Crop.angle``."""
    across, down = rotation[:2, 2]
    return float(np.arctan2(across, -down))


def quaternion_from_rotation(rotation: Array) -> Array:
    """Unit quaternion (x, y, z, w), the order of ROS messages, with w >= 0."""
    x, y, z = vector_from_rotation(rotation).tolist()
    half = 0.5 * hypot(x, y, z)
    scale = 0.5 * sin(half) / half if half else 0.5
    return np.array([scale * x, scale * y, scale * z, cos(half)])


def rotation_from_quaternion(quaternion: npt.ArrayLike) -> Array:
    """Inverse of :func:`quaternion_from_rotation`; NaN where (x, y, z, w) is nowhere near a unit quaternion."""
    q = np.asarray(quaternion, dtype=np.float64)
    length = float(q @ q)
    if not abs(length - 1.0) <= 0.1:
        return np.full((3, 3), np.nan)
    x, y, z, w = q / np.sqrt(length)
    return np.array(
        [
            [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - z * w), 2.0 * (x * z + y * w)],
            [2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - x * w)],
            [2.0 * (x * z - y * w), 2.0 * (y * z + x * w), 1.0 - 2.0 * (x * x + y * y)],
        ]
    )


_OPENCV = (4, 5, 8, 12, 14)  # numbers that OpenCV's polynomial model takes


@dataclass(frozen=True)
class PinholeCamera:
    """A pinhole camera with the lens distortion models of ``sensor_msgs/CameraInfo``.

    ``distortion_model`` is ``""`` (none), ``plumb_bob`` or ``rational_polynomial`` (k1, k2, p1, p2, k3 to k6, thin
    prism and tilt in OpenCV's order, as far as given: drivers use either name for any length), or ``equidistant``
    (fisheye, 4 numbers). ``metric`` is False for a camera whose intrinsics were assumed.

    Raises:
        ValueError: naming the field, when it cannot describe a camera.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int
    distortion_model: str = ""
    distortion: tuple[float, ...] = ()
    metric: bool = True

    def __post_init__(self) -> None:
        # OpenCV wants floats, and calibrations come as arrays, which cannot be compared.
        for name in ("fx", "fy", "cx", "cy"):
            object.__setattr__(self, name, float(getattr(self, name)))
        object.__setattr__(self, "distortion", tuple(np.asarray(self.distortion, dtype=np.float64).ravel().tolist()))
        values = {"fx": self.fx, "fy": self.fy, "cx": self.cx, "cy": self.cy}
        for name, value in values.items():
            if not isfinite(value):
                raise ValueError(f"camera {name} is {value}; it must be a finite number of pixels")
        if self.fx <= 0 or self.fy <= 0:
            raise ValueError(f"camera focal length is fx={self.fx}, fy={self.fy}; calibrate the camera (fx, fy > 0)")
        if self.width <= 0 or self.height <= 0:
            raise ValueError(f"camera image size is {self.width}x{self.height}; it must be positive")
        lengths = {"": (0,), "plumb_bob": _OPENCV, "rational_polynomial": _OPENCV, "equidistant": (4,)}
        if self.distortion_model not in lengths:
            known = ", ".join(name or "'' (none)" for name in lengths)
            raise ValueError(f"camera distortion_model is '{self.distortion_model}'; known are {known}")
        if len(self.distortion) not in lengths[self.distortion_model]:
            raise ValueError(
                f"camera distortion has {len(self.distortion)} numbers; '{self.distortion_model}' takes "
                f"{' or '.join(map(str, lengths[self.distortion_model]))}"
            )
        if not all(map(isfinite, self.distortion)):
            raise ValueError(f"camera distortion is {self.distortion}; all numbers must be finite")

    @classmethod
    def from_field_of_view(cls, width: int, height: int, degrees: float = 60.0) -> PinholeCamera:
        """An assumed camera (``metric`` False): ``degrees`` spans the longer side of the image."""
        focal = 0.5 * max(width, height) / np.tan(0.5 * np.radians(degrees))
        return cls(focal, focal, 0.5 * (width - 1), 0.5 * (height - 1), width, height, metric=False)

    @cached_property
    def matrix(self) -> Array:
        """Intrinsic matrix K (3, 3)."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1]])

    @cached_property
    def distorts(self) -> bool:
        """Whether it is anything but a pinhole."""
        return self.distortion_model == "equidistant" or any(self.distortion)  # an ideal fisheye is no pinhole

    def project(self, points: Array) -> Array:
        """Camera-frame points (..., 3) in metres -> pixels (..., 2) of the distorted image. Depth must be positive."""
        points = np.asarray(points, dtype=np.float64)
        if not self.distorts or points.size == 0:
            return self.project_straight(points)
        flat, zero, k = points.reshape(-1, 1, 3), np.zeros(3), np.array(self.distortion)
        if self.distortion_model == "equidistant":
            pixels, _ = cv2.fisheye.projectPoints(flat, zero, zero, self.matrix, k)
        else:
            pixels, _ = cv2.projectPoints(flat, zero, zero, self.matrix, k)
        return np.asarray(pixels, dtype=np.float64).reshape(*points.shape[:-1], 2)

    def project_straight(self, points: Array) -> Array:
        """As :meth:`project`, to the pixels that :meth:`undistort` gives."""
        # Row by row, as numpy takes several times longer along axes of two.
        rows = self.matrix @ points.reshape(-1, 3).T
        return np.asarray((rows[:2] / rows[2]).T.reshape(*points.shape[:-1], 2))

    def undistort(self, pixels: Array) -> Array:
        """Pixels (..., 2) of the distorted image -> pixels of the same camera without distortion."""
        pixels = np.asarray(pixels, dtype=np.float64)
        if not self.distorts or pixels.size == 0:
            return pixels
        flat, k = pixels.reshape(-1, 1, 2), np.array(self.distortion)
        if self.distortion_model == "equidistant":
            out = cv2.fisheye.undistortPoints(flat, self.matrix, k, P=self.matrix)
        else:
            criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-9)
            if hasattr(cv2, "undistortPointsIter"):  # OpenCV 4, whose undistortPoints takes five steps and no criteria
                out = cv2.undistortPointsIter(flat, self.matrix, k, None, self.matrix, criteria)
            else:
                out = cv2.undistortPoints(flat, self.matrix, k, P=self.matrix, criteria=criteria)
        return np.asarray(out, dtype=np.float64).reshape(pixels.shape)

    def rays(self, pixels: Array) -> Array:
        """Directions (N, 3) of length 1 in which pixels (N, 2) of the distorted image look."""
        rays = np.ones((len(pixels), 3))
        rays[:, :2] = (self.undistort(pixels) - [self.cx, self.cy]) / [self.fx, self.fy]
        return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))

    def resized(self, width: int, height: int) -> PinholeCamera:
        """The camera of its images brought to another size, half-pixel correct."""
        across, down = width / self.width, height / self.height
        return replace(
            self,
            fx=across * self.fx,
            fy=down * self.fy,
            cx=across * (self.cx + 0.5) - 0.5,
            cy=down * (self.cy + 0.5) - 0.5,
            width=width,
            height=height,
        )

    def shows(self, pixels: Array) -> npt.NDArray[np.bool_]:
        """Which pixels (N, 2) lie in its image."""
        u, v = pixels[:, 0], pixels[:, 1]
        return np.asarray((u >= -0.5) & (u <= self.width - 0.5) & (v >= -0.5) & (v <= self.height - 0.5))

    def magnification(self, undistorted: Array) -> Array:
        """How many times larger, in length over all directions, the undistorted image is at its pixels (N, 2)."""
        undistorted = np.asarray(undistorted, dtype=np.float64)
        if not self.distorts:
            return np.ones(len(undistorted))
        focal, centre = np.array([self.fx, self.fy]), np.array([self.cx, self.cy])
        moved = undistorted + np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])[:, None]
        rays = np.concatenate([(moved - centre) / focal, np.ones((3, len(undistorted), 1))], axis=2)
        here, right, below = self.project(rays)
        (a, b), (c, d) = (right - here).T, (below - here).T
        return np.asarray(1.0 / np.sqrt(np.maximum(np.abs(a * d - b * c), 1e-9)))
