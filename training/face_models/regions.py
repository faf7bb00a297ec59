"""Region labels of the mesh and a plain mean skin colour, both placed by the landmarks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from training.face_models.decimation import Array, IntArray

NAMES = (
    "skin", "forehead", "chin", "nose", "lips", "brow_left", "brow_right",
    "lid_left", "lid_right", "ear_left", "ear_right", "eye_left", "eye_right",
)  # fmt: skip


def label(
    mean: Array, landmarks: IntArray, eyeball: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.uint8], tuple[str, ...]]:
    """(V,) region of each vertex. mean (V, 3) metres in the head frame, landmarks (68,) vertices."""
    marks = mean[landmarks]
    code = {name: i for i, name in enumerate(NAMES)}
    out = np.zeros(len(mean), dtype=np.uint8)

    def paint(name: str, which: list[int], reach: float) -> None:
        line = np.concatenate([marks[which], 0.5 * (marks[which][1:] + marks[which][:-1])])
        distance, _ = cKDTree(line).query(mean)
        out[distance < reach] = code[name]

    out[mean[:, 2] > marks[17:27, 2].max() + 0.008] = code["forehead"]
    out[(mean[:, 2] < marks[57, 2] - 0.012) & (np.abs(mean[:, 1]) < 0.03)] = code["chin"]
    paint("nose", [27, 28, 29, 30, 31, 32, 33, 34, 35], 0.012)
    paint("brow_right", list(range(17, 22)), 0.006)
    paint("brow_left", list(range(22, 27)), 0.006)
    paint("lid_right", [36, 37, 38, 39, 40, 41, 36], 0.007)
    paint("lid_left", [42, 43, 44, 45, 46, 47, 42], 0.007)
    upper, lower = [48, 49, 50, 51, 52, 53, 54], [48, 59, 58, 57, 56, 55, 54]
    for line in (upper, lower, [48, 60, 61, 62, 63, 64, 54], [48, 67, 66, 65, 54]):
        paint("lips", line, 0.004)
    ear = (mean[:, 0] < -0.055) & (np.abs(mean[:, 1]) > 0.07) & (np.abs(mean[:, 2] + 0.025) < 0.045)
    left = mean[:, 1] > 0
    out[ear & left], out[ear & ~left] = code["ear_left"], code["ear_right"]
    out[eyeball & left], out[eyeball & ~left] = code["eye_left"], code["eye_right"]
    return out, NAMES


def albedo(labels: npt.NDArray[np.uint8], names: tuple[str, ...], mean: Array) -> npt.NDArray[np.float32]:
    """(V, 3) RGB in [0, 1]: one skin tone, redder lips, darker brows, white eyes with a dark iris."""
    skin, white, iris = (0.80, 0.62, 0.53), (0.92, 0.91, 0.89), (0.25, 0.17, 0.12)
    colour = {"lips": (0.70, 0.42, 0.40), "lid": (0.68, 0.52, 0.45), "brow": (0.42, 0.31, 0.25), "eye": white}
    out = np.tile(skin, (len(labels), 1))
    for i, name in enumerate(names):
        out[labels == i] = colour.get(name.split("_")[0], skin)
    for side in ("eye_left", "eye_right"):
        eye = labels == names.index(side)
        if eye.any():
            # The ball's middle looks straight ahead; its foremost vertex, on the cornea's rim, need not.
            middle = 0.5 * (mean[eye].min(axis=0) + mean[eye].max(axis=0))
            out[eye & (np.hypot(*(mean - middle).T[1:]) < 0.0062)] = iris
    return out.astype(np.float32)
