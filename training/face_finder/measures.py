"""Scores of face finding: which true faces were found, and how many proposals meet none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: A proposal finds a face when its centre lies within this share of the box side, and the sides' ratio is below this.
CENTRE_WITHIN = 0.25
SIDE_RATIO = 1.4
#: A proposal that misses every face even by these looser marks is false; in between it is a face badly measured.
FALSE_CENTRE_BEYOND = 0.5
FALSE_SIDE_RATIO = 2.0


@dataclass(frozen=True)
class Match:
    """What was found in one picture.

    Attributes:
        best: (n,) per true face the score of the surest proposal that finds it, 0 without one.
        centre_error: (n,) its centre's distance in true box sides, NaN without one.
        log_side_error: (n,) log of its side over the true side.
        roll_error: (n,) radians.
        false_scores: (m,) scores of the proposals that are nowhere near a true face (nor one marked as open).
    """

    best: npt.NDArray[np.float64]
    centre_error: npt.NDArray[np.float64]
    log_side_error: npt.NDArray[np.float64]
    roll_error: npt.NDArray[np.float64]
    false_scores: npt.NDArray[np.float64]


def match(
    boxes: npt.NDArray[np.float64],
    scores: npt.NDArray[np.float64],
    rolls: npt.NDArray[np.float64],
    true_boxes: npt.NDArray[np.float64],
    true_rolls: npt.NDArray[np.float64],
) -> Match:
    """Compare proposals (m, 4), (m,), (m,), the surest first, with true faces (n, 4), (n,)."""
    count = len(true_boxes)
    best, errors = np.zeros(count), np.full((3, count), np.nan)
    centres, sides = _centre_and_side(boxes)
    true_centres, true_sides = _centre_and_side(true_boxes)
    distance = np.linalg.norm(centres[:, None] - true_centres[None], axis=2) / true_sides[None]
    log_ratio = np.log(sides[:, None] / true_sides[None])
    near = (distance < FALSE_CENTRE_BEYOND) & (np.abs(log_ratio) < np.log(FALSE_SIDE_RATIO))
    meets = (distance < CENTRE_WITHIN) & (np.abs(log_ratio) < np.log(SIDE_RATIO))
    for face in range(count):
        hits = np.flatnonzero(meets[:, face])
        if len(hits):
            best[face] = scores[hits[0]]
            turn = rolls[hits[0]] - true_rolls[face]
            errors[:, face] = distance[hits[0], face], log_ratio[hits[0], face], np.angle(np.exp(1j * turn))
    return Match(best, errors[0], errors[1], errors[2], scores[~near.any(axis=1)] if count else scores)


def _centre_and_side(boxes: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    extent = boxes[:, 2:] - boxes[:, :2]
    return 0.5 * (boxes[:, :2] + boxes[:, 2:]), np.sqrt(extent.prod(axis=1))
