"""Random coefficients, poses and crops of a head."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from dense_face_ros.face_model import FaceModel, FloatArray
from dense_face_ros.geometry import Array, rotation_from_vector, rotation_from_yaw_pitch_roll
from training.rendering.settings import Settings

_ONE_SIDED = ("jaw", "mouthLeft", "mouthRight")  # a left and a right that exclude each other


class Change(NamedTuple):
    """What is otherwise about a head that is shown again.

    ``lids`` or ``mouth`` are shut or opened by ``amount``, an activation; or the ``camera`` is turned about its
    vertical axis, so that the head is seen ``amount`` degrees to the right of the optical axis.
    """

    what: Literal["lids", "mouth", "camera"]
    amount: float

    @classmethod
    def draw(cls, rng: np.random.Generator, settings: Settings) -> Change:
        """Each as often as the others."""
        kind, share = rng.integers(3), float(rng.uniform())
        if kind == 0:
            return cls("lids", 0.7 + 0.3 * share)
        if kind == 1:
            return cls("mouth", 0.1 + 0.4 * share)
        return cls("camera", (2.0 * share - 1.0) * settings.off_axis)

    def turn(self, translation: Array) -> Array:
        """(3, 3) changed camera <- camera, for a head at ``translation``."""
        if self.what != "camera":
            return np.eye(3)
        aside = np.arctan2(translation[0], translation[2])
        return rotation_from_vector(np.array([0.0, np.radians(self.amount) - aside, 0.0]))


class CoefficientSampler:
    """Draws identity N(0, 1) and a few expressions at once, mostly the same on both sides."""

    def __init__(self, model: FaceModel) -> None:
        names = model.expression_names
        self._identities = model.identity_size
        self._spread = model.expression_spread.astype(np.float64)
        self._twins = _twins(names)
        self._blinks = np.array([i for i, name in enumerate(names) if "blink" in name.lower()], dtype=int)
        self._mouth = np.array([i for i, name in enumerate(names) if name.startswith(("jaw", "mouth"))], dtype=int)
        self._jaw = names.index("jawOpen") if "jawOpen" in names else None

    def draw(self, rng: np.random.Generator, settings: Settings, mouth_shut: bool = False) -> FloatArray:
        """Coefficients (K + E,), identity first; with ``mouth_shut`` the lips rest."""
        count = len(self._spread)
        active = rng.uniform(size=count) < rng.choice((0.0, 0.1, 0.3))
        expression = np.where(active, np.abs(rng.normal(0.0, 1.3, count)) * self._spread, 0.0)
        alike = rng.uniform(size=len(self._twins)) < 0.8
        left, right = self._twins[alike, 0], self._twins[alike, 1]
        expression[right] = expression[left] * rng.uniform(0.8, 1.2, len(left))
        if rng.uniform() < settings.lids_share:
            expression[self._blinks] = rng.uniform(*settings.lids)
        if self._jaw is not None and rng.uniform() < 0.15:
            expression[self._jaw] = rng.uniform(0.1, 0.8)
        if mouth_shut:
            expression[self._mouth] = 0.0
        identity = rng.normal(0.0, settings.identity_spread, self._identities)
        return np.concatenate([identity, np.clip(expression, 0.0, 1.0)]).astype(np.float32)

    def changed(self, coefficients: FloatArray, change: Change, mouth_shut: bool = False) -> FloatArray:
        """Coefficients with open lids (or a shut mouth) moved by the change's amount, and shut ones opened; under a
        mask, where the mouth is ``mouth_shut``, lids only."""
        if change.what == "camera":
            return coefficients
        own = self._blinks if change.what == "lids" or mouth_shut or self._jaw is None else np.array([self._jaw])
        out, places = coefficients.copy(), self._identities + own
        out[places] = change.amount if out[places].max(initial=0.0) < 0.5 * change.amount else 0.0
        return out


def _twins(names: tuple[str, ...]) -> npt.NDArray[np.int_]:
    """(N, 2) indices of the left and right form of the same expression."""
    pairs = [
        (i, names.index(name.removesuffix(left) + right))
        for i, name in enumerate(names)
        for left, right in (("_L", "_R"), ("Left", "Right"))
        if name.endswith(left) and name.removesuffix(left) + right in names and not name.startswith(_ONE_SIDED)
    ]
    return np.array(pairs, dtype=int).reshape(-1, 2)


def draw_pose(rng: np.random.Generator, settings: Settings) -> tuple[Array, Array]:
    """Rotation (3, 3) camera <- head, and the head's origin (3,) in the camera frame, metres."""
    kind = rng.uniform()
    if kind < settings.frontal_share:
        yaw = rng.normal(0.0, 22.0)
    elif kind < settings.frontal_share + settings.profile_share:
        yaw = rng.choice((-1.0, 1.0)) * rng.uniform(0.5, 1.0) * settings.yaw_limit
    else:
        yaw = rng.uniform(-0.65, 0.65) * settings.yaw_limit
    limits = np.array([settings.yaw_limit, settings.pitch_limit, settings.roll_limit])
    angles = np.clip([yaw, *rng.normal(0.0, (settings.pitch_spread, 13.0))], -limits, limits)
    distance = np.exp(rng.uniform(*np.log(settings.distance)))
    across = np.tan(np.radians(settings.off_axis)) * rng.uniform(-1.0, 1.0, 2) * (1.0, 0.7)
    # The head is turned relative to the ray on which it is seen, then brought to that ray.
    slope = float(np.hypot(*across))
    axis = np.array([-across[1], across[0], 0.0]) / max(slope, 1e-9)
    towards = rotation_from_vector(axis * np.arctan(slope))
    ray = np.array([*across, 1.0]) / np.hypot(slope, 1.0)
    return towards @ rotation_from_yaw_pitch_roll(np.radians(angles)), distance * ray


def draw_framing(
    rng: np.random.Generator, settings: Settings, marks: npt.NDArray[np.floating], size: int
) -> tuple[np.float32, npt.NDArray[np.float32]]:
    """The crop around landmarks (68, 3) in the camera frame, as ``pixel = scale * (x, y) / z + offset``."""
    flat = marks[:, :2] / marks[:, 2:]
    low, high = flat.min(axis=0), flat.max(axis=0)
    side = np.exp(rng.uniform(*np.log(settings.face_margin))) * float(np.sqrt(np.prod(high - low)))
    centre = 0.5 * (low + high) + side * settings.shift * rng.uniform(-1.0, 1.0, 2)
    scale = size / side
    return np.float32(scale), (0.5 * (size - 1) - scale * centre).astype(np.float32)
