"""What was seen, drawn on the frame it was seen in: the fitted mesh, landmarks, head axes and a line of figures."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.face_model import FaceModel
from dense_face_ros.frame_input import Image, check_image
from dense_face_ros.geometry import Array
from dense_face_ros.head_state import HeadState, Status

Colour = tuple[int, int, int]

VISIBLE: Colour = (90, 255, 120)  # BGR; landmarks that can be seen
HIDDEN: Colour = (90, 90, 255)  # landmarks the head itself or something else hides
_NEAR, _FAR = np.array([255.0, 235.0, 170.0]), np.array([150.0, 70.0, 30.0])  # mesh lines, nearest to farthest
_AXES: tuple[Colour, Colour, Colour] = ((70, 70, 255), (80, 220, 80), (255, 140, 60))  # x red, y green, z blue
_AXIS_LENGTH = 0.08  # metres
_CELL, _BEFORE = 0.008, 0.03  # metres: side of the squares in which parts hide each other, and how far before
_SHADES = 6
_SMALLEST = 0.05  # of the font's scale: nobody reads that
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_SUBPIXEL_BITS = 3
_SUBPIXELS = 1 << _SUBPIXEL_BITS


def draw_overlay(image_bgr: Image, state: HeadState, model: FaceModel) -> Image:
    """A copy of the image with the head drawn on it.

    The lines of the mesh that face the camera are bright where they are near and dark where they are far; landmarks
    that can be seen are filled (:data:`VISIBLE`), hidden ones are rings (:data:`HIDDEN`); the head axes are red (out
    of the face), green (to the person's left) and blue (up). A strip at the bottom says the status and the figures.

    Args:
        image_bgr: (H, W, 3) or grey (H, W), uint8.
        state: the state of this very frame.
        model: the face model whose mesh ``state.vertices`` is.

    Raises:
        ValueError: it is no such image.
    """
    check_image(image_bgr)
    out: Image = image_bgr.copy() if image_bgr.ndim == 3 else np.repeat(image_bgr[:, :, None], 3, axis=2)
    draw_head(out, state, model)
    _draw_strip(out, status_line(state))
    return out


def draw_head(image: Image, state: HeadState, model: FaceModel) -> None:
    """Draw the head of a tracked state on an image (H, W, 3), in place: what ``draw_overlay`` draws, but no figures."""
    if state.status is Status.TRACKING:
        _draw_mesh(image, state, model)
        _draw_axes(image, state)
        _draw_landmarks(image, state)


def status_line(state: HeadState) -> str:
    """The line of figures under the picture; what is not known is shown as ``--``."""
    if state.status is not Status.TRACKING:
        return f"{state.status.value}: {state.reason}" if state.reason else state.status.value
    yaw, pitch, roll = state.yaw_pitch_roll
    distance = f"{np.linalg.norm(state.pose[:3, 3]):.2f} m" + ("" if state.camera.metric else "?")
    left, right = ("--" if np.isnan(e) else f"{100 * e:.0f}%" for e in state.eye_openness)
    angles = f"yaw {yaw:+.0f} pitch {pitch:+.0f} roll {roll:+.0f}"
    return f"{state.status.value}  {angles}  {distance}  eyes L {left} R {right}"


def contact_sheet(images: Sequence[Image], columns: int, width: int) -> Image:
    """Images (H, W, 3) of any size side by side, ``columns`` to a row, in one picture ``width`` pixels wide.

    Every image is scaled to fit a cell of the first image's proportions; unfilled cells stay dark.
    """
    if not images:
        raise ValueError("contact_sheet got no images; give at least one")
    if columns < 1 or width < columns:
        raise ValueError(f"contact_sheet got columns={columns}, width={width}; need columns >= 1 and width >= columns")
    cell_width = width // columns
    cell_height = max(1, round(cell_width * images[0].shape[0] / images[0].shape[1]))
    rows = -(-len(images) // columns)
    sheet = np.full((rows * cell_height, width, 3), 32, dtype=np.uint8)
    for index, image in enumerate(images):
        scale = min(cell_width / image.shape[1], cell_height / image.shape[0])
        w, h = max(1, int(image.shape[1] * scale)), max(1, int(image.shape[0] * scale))
        small = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        u = (index % columns) * cell_width + (cell_width - w) // 2
        v = (index // columns) * cell_height + (cell_height - h) // 2
        sheet[v : v + h, u : u + w] = small
    return sheet


def draw_caption(image: Image, text: str) -> None:
    """Write ``text`` on a darkened field in the top left corner of an image (H, W, 3), in place."""
    scale, thickness = _font_for(image, text)
    (width, height), below = cv2.getTextSize(text, _FONT, scale, thickness)
    field = image[: round(1.7 * height) + below, : round(width + 0.8 * height)]
    cv2.convertScaleAbs(field, dst=field, alpha=0.35)
    at = (round(0.4 * height), round(1.35 * height))
    cv2.putText(image, text, at, _FONT, scale, (255, 255, 255), thickness, cv2.LINE_AA)


def _draw_mesh(out: Image, state: HeadState, model: FaceModel) -> None:
    depth = state.vertices[:, 2]
    if not (np.isfinite(state.vertices).all() and (depth > 0).all()):
        return
    pixels = state.camera.project(np.asarray(state.vertices, dtype=np.float64))
    x0, y0 = np.maximum(np.floor(pixels.min(axis=0)).astype(int) - 1, 0)
    x1, y1 = np.minimum(np.ceil(pixels.max(axis=0)).astype(int) + 2, (out.shape[1], out.shape[0]))
    if x1 <= x0 or y1 <= y0:
        return
    corners = pixels[model.triangles] - (x0, y0)
    ab, ac = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    front = np.flatnonzero(area < 0)  # counter-clockwise from outside is clockwise in pixels that run down
    if not len(front):
        return
    near = depth[model.triangles[front]].mean(axis=1)
    centres = np.clip(corners[front].mean(axis=1), 0, (x1 - x0, y1 - y0))  # how far outside, nobody sees
    unhidden = _in_front(centres, near, state.camera.fx)
    front, near = front[unhidden], near[unhidden]
    shade = ((near - near.min()) / (np.ptp(near) + 1e-9) * (_SHADES - 1e-6)).astype(int)
    lines = np.rint(corners[front] * _SUBPIXELS).astype(np.int32)
    window = out[y0:y1, x0:x1]
    wires = window.copy()
    for index in range(_SHADES):
        colour = _NEAR + (_FAR - _NEAR) * index / (_SHADES - 1)
        cv2.polylines(wires, list(lines[shade == index]), True, colour.tolist(), 1, cv2.LINE_8, _SUBPIXEL_BITS)
    # Lines closer than their own width would paint the face over: the finer the mesh looks, the fainter it is.
    edge = float(np.sqrt(np.abs(area[front]).mean()))
    opacity = float(np.clip(0.12 * edge, 0.25, 0.55))
    cv2.addWeighted(wires, opacity, window, 1.0 - opacity, 0.0, dst=window)


def _in_front(pixels: Array, depth: npt.NDArray[np.floating], focal: float) -> npt.NDArray[np.bool_]:
    """Which of the points at pixels (N, 2) >= 0 and depths (N,), N >= 1, have no other well before them."""
    cell = max(1.0, focal * _CELL / float(np.median(depth)))
    column, row = np.floor(pixels / cell).astype(int).T
    index = row * (column.max() + 1) + column
    nearest = np.full(index.max() + 1, np.inf)
    np.minimum.at(nearest, index, depth)
    return np.asarray(depth <= nearest[index] + _BEFORE)


def _draw_axes(out: Image, state: HeadState) -> None:
    ends = np.vstack([np.zeros(3), _AXIS_LENGTH * np.eye(3)]) @ state.pose[:3, :3].T + state.pose[:3, 3]
    if not (np.isfinite(ends).all() and (ends[:, 2] > 0.01).all()):
        return
    pixels = _drawable(state.camera.project(ends), out)
    thickness = max(2, round(_face_size(state.landmarks_2d) / 90))
    for axis in np.argsort(-ends[1:, 2]):  # the axis that points to the camera last
        start, end = _integer(pixels[0]), _integer(pixels[axis + 1])
        cv2.arrowedLine(out, start, end, (0, 0, 0), thickness + 2, cv2.LINE_AA, tipLength=0.12)
        cv2.arrowedLine(out, start, end, _AXES[axis], thickness, cv2.LINE_AA, tipLength=0.12)


def _draw_landmarks(out: Image, state: HeadState) -> None:
    if not np.isfinite(state.landmarks_2d).all():
        return
    radius = float(np.clip(_face_size(state.landmarks_2d) / 105, 0.9, 5.0))
    size = round(radius * _SUBPIXELS)
    for point, visible in zip(_drawable(state.landmarks_2d, out), state.landmark_visible, strict=True):
        centre = _integer(point * _SUBPIXELS)
        if visible:
            cv2.circle(out, centre, size + 3 * _SUBPIXELS // 4, (0, 0, 0), -1, cv2.LINE_AA, _SUBPIXEL_BITS)
            cv2.circle(out, centre, size, VISIBLE, -1, cv2.LINE_AA, _SUBPIXEL_BITS)
        else:
            cv2.circle(out, centre, size, HIDDEN, 1, cv2.LINE_AA, _SUBPIXEL_BITS)


def _draw_strip(out: Image, text: str) -> None:
    scale, thickness = _font_for(out, text)
    (_, height), below = cv2.getTextSize(text, _FONT, scale, thickness)
    top = max(0, out.shape[0] - round(1.9 * height) - below)
    strip = out[top:]
    cv2.convertScaleAbs(strip, dst=strip, alpha=0.35)
    at = (max(3, round(0.6 * height)), out.shape[0] - below - round(0.35 * height))
    cv2.putText(out, text, at, _FONT, scale, (255, 255, 255), thickness, cv2.LINE_AA)


def _font_for(image: Image, text: str) -> tuple[float, int]:
    """Font scale and thickness: readable at the image's size, and the text no wider than the image."""
    scale = float(np.clip(image.shape[0] / 800, 0.4, 1.2))
    while True:  # the width of a text is not quite in proportion to its scale
        thickness = max(1, round(1.6 * scale))
        width = cv2.getTextSize(text, _FONT, scale, thickness)[0][0]
        room = 0.94 * image.shape[1] / max(1, width)
        if room >= 1.0 or scale < _SMALLEST:
            return scale, thickness
        scale *= min(room, 0.98)


def _face_size(landmarks: Array) -> float:
    return float(np.sqrt(np.prod(np.ptp(landmarks, axis=0))))


def _drawable(pixels: Array, image: Image) -> Array:
    """Far outside the image OpenCV's fixed-point drawing overflows; such points are drawn at a safe distance."""
    reach = 4.0 * max(image.shape[:2])
    return np.clip(pixels, -reach, reach)


def _integer(point: Array) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
