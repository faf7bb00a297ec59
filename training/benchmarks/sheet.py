"""A contact sheet of benchmark pictures, the worst fits first: what a figure hides is seen at a glance."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.drawing import contact_sheet, draw_caption, draw_head
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array
from dense_face_ros.head_state import HeadState, Status
from training.benchmarks.metrics import box_of, box_size

_TRUE = (0, 215, 255)  # BGR of the true landmarks
_CELL = 480  # pixels
_VIEW = 1.9  # side of the pictured window over the face's size


class Sheet:
    """Collects overlays and writes them as one PNG. Only the ``most`` worst are kept, so that memory stays bounded."""

    def __init__(self, model: FaceModel, most: int = 40, columns: int = 4) -> None:
        self._model, self._most, self._columns = model, most, columns
        self._cells: list[tuple[float, str, npt.NDArray[np.uint8]]] = []

    def add(self, image: npt.NDArray[np.uint8], state: HeadState, true: Array, caption: str, error: float) -> None:
        """Draw one face: the fit as ``draw_overlay`` shows it, the true landmarks (N, 2) as yellow crosses."""
        x0, y0, x1, y1 = box_of(true)
        side = _VIEW * max(box_size((x0, y0, x1, y1)), 8.0)
        scale = _CELL / side
        corner = np.array([0.5 * (x0 + x1), 0.5 * (y0 + y1)]) - 0.5 * side
        window = np.column_stack([scale * np.eye(2), -scale * corner])
        cell: npt.NDArray[np.uint8] = np.zeros((_CELL, _CELL, 3), dtype=np.uint8)
        cv2.warpAffine(image, window, (_CELL, _CELL), dst=cell, flags=cv2.INTER_LINEAR)
        draw_head(cell, _seen_through(state, scale, corner), self._model)
        for u, v in (true - corner) * scale:
            cv2.drawMarker(cell, (round(u), round(v)), _TRUE, cv2.MARKER_TILTED_CROSS, 7, 1, cv2.LINE_AA)
        draw_caption(cell, caption if state.status is Status.TRACKING else f"{caption} no fit: {state.reason}")
        self._cells.append((error, caption, cell))
        self._cells = sorted(self._cells, key=lambda c: (-c[0], c[1]))[: self._most]

    def write(self, path: Path) -> None:
        """Write the PNG; ValueError when nothing was drawn, OSError when it cannot be written."""
        write_png(path, contact_sheet([cell for _, _, cell in self._cells], self._columns, self._columns * _CELL))


def _seen_through(state: HeadState, scale: float, corner: Array) -> HeadState:
    """The state with its camera and pixels moved into a window: ``pixel = scale * (image pixel - corner)``."""
    c = state.camera
    cx, cy = scale * (np.array([c.cx, c.cy]) - corner)
    camera = replace(c, fx=scale * c.fx, fy=scale * c.fy, cx=cx, cy=cy, width=_CELL, height=_CELL)
    return replace(state, camera=camera, landmarks_2d=scale * (state.landmarks_2d - corner))


def write_png(path: Path, image: npt.NDArray[np.uint8]) -> None:
    """Write a picture whatever the ending of the path; OSError naming the path when it cannot be written."""
    encoded, data = cv2.imencode(".png", image)
    if not encoded:
        raise OSError(f"picture '{path}' of shape {image.shape} cannot be encoded")
    path.write_bytes(data.tobytes())
