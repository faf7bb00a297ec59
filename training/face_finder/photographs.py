"""The photographs the finder learns from: faces with a landmark outline, and face-free backgrounds.

All are kept as their compressed files in memory and decoded when drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.geometry import Array, roll_on_screen, yaw_pitch_roll_from_rotation
from training.backgrounds import face_free_photographs, random_window
from training.photographs.collection import read_photographs
from training.photographs.mesh478 import POINTS
from training.photographs.padding import unpadded

FloatArray = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]

#: Points of the 478-vertex face mesh whose bounding box is that of the 68 landmarks: jaw line, brows, nose tip,
#: outer eye corners and mouth corners.
_JAW = (127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454, 356)
_BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
_INNER = (1, 4, 33, 263, 61, 291)
OUTLINE = (*_JAW, *_BROWS, *_INNER)
_EYE_CORNERS = ((33, 133), (362, 263))

_EYES = (slice(36, 42), slice(42, 48))  # of the 68 landmarks: the person's right eye, then the left
_JPEG = 92


@dataclass(frozen=True)
class FacePhoto:
    """One face. ``window`` (x0, y0, x1, y1) leaves out black padding; points are pixels of that window.

    Attributes:
        file: the compressed picture.
        outline: (n, 2) landmarks whose bounding box is the face's box.
        eyes: (2, 2) eye centres, the person's right eye first.
        roll: radians, clockwise on the screen.
        yaw: radians, > 0 when turned to the image's right.
    """

    file: bytes
    window: tuple[int, int, int, int]
    outline: FloatArray
    eyes: FloatArray
    roll: float
    yaw: float

    def decode(self) -> Image:
        """(h, w, 3) BGR of the window."""
        x0, y0, x1, y1 = self.window
        return decode(self.file)[y0:y1, x0:x1]


def decode(file: bytes) -> Image:
    """Compressed picture -> (h, w, 3) BGR."""
    image = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("a picture cannot be decoded; fetch the data again")
    return np.asarray(image, dtype=np.uint8)


def window(photograph: Image, size: int, rng: np.random.Generator) -> Image:
    """A random square of a photograph (h, w, 3) BGR as (size, size, 3) RGB: what a face is drawn over."""
    side = int(rng.uniform(0.4, 1.0) * min(photograph.shape[:2]))
    return random_window(photograph[:, :, ::-1], side, size, rng, cv2.INTER_AREA)


def face_of_landmarks(image: Image, landmarks: npt.NDArray[np.floating], rotation: Array) -> FacePhoto:
    """A picture (h, w, 3) RGB whose 68 landmarks (68, 2) and head's rotation (3, 3), camera <- head, are known."""
    outline = np.asarray(landmarks, np.float32)
    eyes = np.stack([outline[eye].mean(axis=0) for eye in _EYES])
    roll, yaw = roll_on_screen(rotation), float(yaw_pitch_roll_from_rotation(rotation)[0])
    _, file = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG])
    return FacePhoto(file.tobytes(), (0, 0, image.shape[1], image.shape[0]), outline, eyes, roll, yaw)


def load_faces(data: Path, split: str) -> list[FacePhoto]:
    """Labelled faces of the "train" or "val" split, which is that of :func:`read_photographs`.

    Raises:
        FileNotFoundError, ValueError: naming a label file that is missing or of another format, or the split is empty.
    """
    photographs = read_photographs(data)
    mesh = photographs.mesh478[:, :POINTS]  # irises may be unknown
    rows = np.flatnonzero(np.isfinite(mesh).all(axis=(1, 2)))
    wanted = photographs.validation[rows] == (split == "val")
    if not wanted.any():
        raise ValueError(f"'{data}' has no photograph with mesh478 in the split '{split}'; add some")
    # Of all folders and both splits at once: those of one folder may all look to one side.
    poses = np.column_stack(head_pose(mesh[rows]))
    return [
        _face(photographs.paths[row].read_bytes(), photographs.mesh478[row, :, :2], float(roll), float(yaw))
        for row, (roll, yaw) in zip(rows[wanted], poses[wanted], strict=True)
    ]


def load_backgrounds(data: Path, split: str) -> list[bytes]:
    """Those of :func:`training.backgrounds.face_free_photographs`, compressed, raising as it does."""
    return [path.read_bytes() for path in face_free_photographs(data, split)]


def head_pose(mesh: FloatArray) -> tuple[FloatArray, FloatArray]:
    """In-plane roll and yaw (radians) of face meshes (N, n, 3) by rigid alignment with their mean (Kabsch).

    The mean over many people turned to either side looks straight ahead, so neither angle needs a reference model: give
    all people at once, not those that one camera filmed from one side.
    """
    centred = mesh - mesh.mean(axis=1, keepdims=True)
    centred /= np.sqrt((centred**2).sum(axis=(1, 2), keepdims=True))
    reference = centred.mean(axis=0)
    u, _, vt = np.linalg.svd(np.einsum("nki,kj->nij", centred, reference))
    sign = np.sign(np.linalg.det(u @ vt))
    u[:, :, 2] *= sign[:, None]
    rotation = u @ vt  # rotated = rotation @ reference
    up, facing = -rotation[:, :, 1], -rotation[:, :, 2]
    return np.arctan2(up[:, 0], -up[:, 1]), np.arctan2(facing[:, 0], -facing[:, 2])


def _face(file: bytes, points: FloatArray, roll: float, yaw: float) -> FacePhoto:
    window = unpadded(decode(file))
    origin = np.array(window[:2], np.float32)
    eyes = np.array([points[list(corners)].mean(axis=0) for corners in _EYE_CORNERS], np.float32)
    return FacePhoto(file, window, points[list(OUTLINE)] - origin, eyes - origin, roll, yaw)
