"""Searching for a head: where to look among the finder's proposals, and which of the heads found there to believe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dense_face_ros.backends import CROP_SIZE
from dense_face_ros.face_finder import FaceCandidate
from dense_face_ros.geometry import Array, Crop
from dense_face_ros.head_fitting import MARGIN, FitLimits, HeadFit, NoHead

_SURE = 0.5  # score of proposals that are looked at first: the others are seldom heads, and each costs a fit


@dataclass(frozen=True)
class Look:
    """A window of the image, and how vague (:attr:`HeadFit.vagueness`) a head in it may be."""

    crop: Crop
    max_vagueness: float = np.inf


def looks(candidates: Sequence[FaceCandidate], most: int, limits: FitLimits | None) -> list[list[Look]]:
    """At most ``most`` proposals: of the sure ones, the most prominent first, then of the others.

    Args:
        limits: for heads that nobody asked for; None where one is expected.
    """
    prominent = sorted(candidates, key=lambda c: c.score * (c.box[2] - c.box[0]), reverse=True)
    sure = [c for c in prominent if c.score >= _SURE]
    unsure = [c for c in prominent if c.score < _SURE]
    parts = (sure[:most], unsure[: max(most - len(sure), 0)])
    return [[_look_at(candidate, limits) for candidate in part] for part in parts if part]


def _look_at(candidate: FaceCandidate, limits: FitLimits | None) -> Look:
    crop = crop_of(candidate)
    if limits is None:
        return Look(crop)
    return Look(crop, limits.max_new_vagueness * float(np.exp(limits.vagueness_per_score * candidate.score)))


def believed(fit: HeadFit, look: Look) -> HeadFit:
    """The fit itself; NoHead where it is vaguer than the look allows."""
    if fit.vagueness > look.max_vagueness:
        told = f"vagueness {fit.vagueness:.3f}, {look.max_vagueness:.3f} allowed"
        raise NoHead(f"what may be a face is doubtful: {told}")
    return fit


def centre_of(candidate: FaceCandidate) -> Array:
    """(u, v) of the middle of a proposed box, image pixels."""
    x0, y0, x1, y1 = candidate.box
    return np.array([0.5 * (x0 + x1), 0.5 * (y0 + y1)])


def crop_of(candidate: FaceCandidate) -> Crop:
    """The network's window around a proposal, turned upright where its roll is known."""
    crop = Crop.around_box(candidate.box, MARGIN, CROP_SIZE)
    return crop if np.isnan(candidate.roll) else replace(crop, angle=candidate.roll)
