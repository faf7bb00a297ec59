"""Searching for heads: where to look among the finder's proposals, and which of the heads found there to believe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dense_face_ros.backends import CROP_SIZE, NetworkUnavailable
from dense_face_ros.calibration import Calibration
from dense_face_ros.crop import Crop
from dense_face_ros.energy import IdentityPrior
from dense_face_ros.face_finder import FaceCandidate
from dense_face_ros.facing_view import FacingView, TooFarAside
from dense_face_ros.frame_input import Image
from dense_face_ros.geometry import Array, PinholeCamera
from dense_face_ros.head_fitting import MARGIN, HeadFit, HeadFitter, NoHead

#: Why a window has no fit: it shows no head, cannot be looked at, or the network could not be asked.
NO_FIT = (NoHead, TooFarAside, NetworkUnavailable)

_SURE = 0.5  # score of proposals that are looked at first: the others are seldom heads, and each costs a fit


@dataclass(frozen=True)
class Look:
    """A window of the image, and how sure, 0 to 1, the finder is of a face in it."""

    crop: Crop
    score: float = 1.0


def looks(candidates: Sequence[FaceCandidate], most: int) -> list[list[Look]]:
    """At most ``most`` proposals: of the sure ones, the most prominent first, then of the others."""
    prominent = sorted(candidates, key=lambda c: c.score * (c.box[2] - c.box[0]), reverse=True)
    sure = [c for c in prominent if c.score >= _SURE]
    unsure = [c for c in prominent if c.score < _SURE]
    parts = (sure[:most], unsure[: max(most - len(sure), 0)])
    return [[Look(crop_of(candidate), candidate.score) for candidate in part] for part in parts if part]


def heads(
    fitter: HeadFitter,
    image: Image,
    views: Sequence[tuple[Look, PinholeCamera]],
    believed: Calibration | None,
    identity: IdentityPrior | None = None,
    warm: bool = False,
    times: int = 2,
) -> tuple[list[HeadFit], str]:
    """The heads in the given windows, and the last reason why one shows none; empty where all show one.

    Each is fitted several times: where it was proposed, then where it is.

    Args:
        fitter: fits them; ``image`` and ``identity`` as its :meth:`HeadFitter.fit`.
        views: windows, and the camera that each is seen by.
        believed: how vague heads may be that nobody asked for; None where one is expected.
        warm: a fit begins from the one before.
        times: how often each is fitted.
    """
    fits, reason = [], ""
    for look, camera in views:
        try:
            fit = fitter.fit(image, FacingView.of(look.crop, camera), identity=identity)
            for _ in range(times - 1):
                fit = fitter.fit(image, fit.next_view(camera), fit if warm else None, identity)
            fits.append(fit if believed is None else _checked(fit, look, believed))
        except NO_FIT as why:
            reason = str(why)
    return fits, reason


def _checked(fit: HeadFit, look: Look, believed: Calibration) -> HeadFit:
    """The fit itself; NoHead where it is vaguer than a head that nobody asked for may be."""
    most = believed.new_vagueness(look.score)
    if not fit.vagueness <= most:
        raise NoHead(f"what may be a face is doubtful: vagueness {fit.vagueness:.3f}, {most:.3f} allowed")
    return fit


def centre_of(candidate: FaceCandidate) -> Array:
    """(u, v) of the middle of a proposed box, image pixels."""
    x0, y0, x1, y1 = candidate.box
    return np.array([0.5 * (x0 + x1), 0.5 * (y0 + y1)])


def crop_of(candidate: FaceCandidate) -> Crop:
    """The network's window around a proposal, turned upright where its roll is known."""
    crop = Crop.around_box(candidate.box, MARGIN, CROP_SIZE)
    return crop if np.isnan(candidate.roll) else replace(crop, angle=candidate.roll)
