"""Searching for a head: where to look among the finder's proposals, and which of the heads found there to believe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dense_face_ros.backends import CROP_SIZE
from dense_face_ros.face_finder import FaceCandidate
from dense_face_ros.geometry import Array, Crop
from dense_face_ros.head_fitting import MARGIN, FitLimits, HeadFit

_SURE = 0.5  # score of proposals that are looked at first: the others are seldom heads, and each costs a fit


def looks(candidates: Sequence[FaceCandidate], most: int) -> list[list[Crop]]:
    """Crops of at most ``most`` proposals: of the sure ones, the most prominent first, then of the others."""
    prominent = sorted(candidates, key=lambda c: c.score * (c.box[2] - c.box[0]), reverse=True)
    sure = [c for c in prominent if c.score >= _SURE]
    unsure = [c for c in prominent if c.score < _SURE]
    parts = (sure[:most], unsure[: max(most - len(sure), 0)])
    return [[crop_of(candidate) for candidate in part] for part in parts if part]


def certain(fits: list[HeadFit], reason: str, limits: FitLimits) -> tuple[list[HeadFit], str]:
    """Heads that the network doubts by no more than the limits allow, and ``reason`` or why none."""
    believed = [fit for fit in fits if fit.quality["sigma"] <= _allowed_sigma(fit, limits)]
    if fits and not believed:
        best = min(fits, key=lambda fit: fit.quality["sigma"])
        reason = (
            f"what may be a face is doubtful: sigma {best.quality['sigma']:.1f} crop pixels, "
            f"{_allowed_sigma(best, limits)} allowed where {best.quality['coverage']:.0%} of the face is matched"
        )
    return believed, reason


def _allowed_sigma(fit: HeadFit, limits: FitLimits) -> float:
    whole = fit.quality["coverage"] >= limits.min_doubtful_coverage
    return limits.max_new_sigma if whole else min(limits.doubtful_sigma, limits.max_new_sigma)


def centre_of(candidate: FaceCandidate) -> Array:
    """(u, v) of the middle of a proposed box, image pixels."""
    x0, y0, x1, y1 = candidate.box
    return np.array([0.5 * (x0 + x1), 0.5 * (y0 + y1)])


def crop_of(candidate: FaceCandidate) -> Crop:
    """The network's window around a proposal, turned upright where its roll is known."""
    crop = Crop.around_box(candidate.box, MARGIN, CROP_SIZE)
    return crop if np.isnan(candidate.roll) else replace(crop, angle=candidate.roll)
