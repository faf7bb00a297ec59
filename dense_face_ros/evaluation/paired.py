"""Whether the difference of two runs over the same frames or images is more than noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from dense_face_ros.geometry import Array

_CONFIDENCE = 0.95


@dataclass(frozen=True)
class PairedDifference:
    """Mean of ``b - a`` over ``pairs`` pairs, and half the width of its 95 % interval (None: too few to tell)."""

    mean_a: float
    mean_b: float
    difference: float
    margin: float | None
    pairs: int

    @property
    def verdict(self) -> str:
        """``noise``, ``lower`` or ``higher`` (b against a), ``equal``, or ``cannot be told``."""
        if self.difference == 0.0:
            return "equal"
        if self.margin is None:
            return "cannot be told"
        if abs(self.difference) <= self.margin:
            return "noise"
        return "lower" if self.difference < 0 else "higher"


def paired_difference(a: Array, b: Array, block: int = 1) -> PairedDifference | None:
    """Compare two series (N,) value by value; pairs with an unknown value are left out, None when none is left.

    Neighbouring frames of a video err alike: values are averaged over blocks of ``block`` first, and the interval is
    Student's over the blocks' mean differences.
    """
    known = np.isfinite(a) & np.isfinite(b)
    if not known.any():
        return None
    change = (b - a)[known]
    blocks = np.array([part.mean() for part in np.array_split(change, max(1, round(len(change) / block)))])
    margin = None
    if len(blocks) >= 2:
        error = float(blocks.std(ddof=1)) / np.sqrt(len(blocks))
        margin = float(stdtrit(len(blocks) - 1, 0.5 + 0.5 * _CONFIDENCE)) * error
    mean_a, mean_b = float(a[known].mean()), float(b[known].mean())
    return PairedDifference(mean_a, mean_b, float(change.mean()), margin, int(known.sum()))
