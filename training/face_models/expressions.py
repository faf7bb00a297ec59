"""The named expressions we keep of the ICT blendshapes: those a camera in front of the face can tell apart."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: Our name -> the blendshapes added up in it. Left and right are the person's.
KEPT: dict[str, tuple[str, ...]] = {
    "browDown_L": ("browDown_L",),
    "browDown_R": ("browDown_R",),
    "browInnerUp": ("browInnerUp_L", "browInnerUp_R"),
    "browOuterUp_L": ("browOuterUp_L",),
    "browOuterUp_R": ("browOuterUp_R",),
    "cheekPuff": ("cheekPuff_L", "cheekPuff_R"),
    "cheekSquint_L": ("cheekSquint_L",),
    "cheekSquint_R": ("cheekSquint_R",),
    "eyeBlink_L": ("eyeBlink_L",),
    "eyeBlink_R": ("eyeBlink_R",),
    "eyeSquint_L": ("eyeSquint_L",),
    "eyeSquint_R": ("eyeSquint_R",),
    "eyeWide_L": ("eyeWide_L",),
    "eyeWide_R": ("eyeWide_R",),
    "jawLeft": ("jawLeft",),
    "jawOpen": ("jawOpen",),
    "jawRight": ("jawRight",),
    "mouthDimple": ("mouthDimple_L", "mouthDimple_R"),
    "mouthFrown_L": ("mouthFrown_L",),
    "mouthFrown_R": ("mouthFrown_R",),
    "mouthFunnel": ("mouthFunnel",),
    "mouthLeft": ("mouthLeft",),
    "mouthLowerDown": ("mouthLowerDown_L", "mouthLowerDown_R"),
    "mouthPress": ("mouthPress_L", "mouthPress_R"),
    "mouthPucker": ("mouthPucker",),
    "mouthRight": ("mouthRight",),
    "mouthRollLower": ("mouthRollLower",),
    "mouthRollUpper": ("mouthRollUpper",),
    "mouthShrugLower": ("mouthShrugLower",),
    "mouthShrugUpper": ("mouthShrugUpper",),
    "mouthSmile_L": ("mouthSmile_L",),
    "mouthSmile_R": ("mouthSmile_R",),
    "mouthStretch": ("mouthStretch_L", "mouthStretch_R"),
    "mouthUpperUp": ("mouthUpperUp_L", "mouthUpperUp_R"),
    "noseSneer": ("noseSneer_L", "noseSneer_R"),
}

#: Everyday standard deviation of an activation, and the ones that move more. Our judgement, not a measurement.
_SPREAD = 0.25
_WIDER = {"eyeBlink_L": 0.4, "eyeBlink_R": 0.4, "jawOpen": 0.3, "mouthSmile_L": 0.4, "mouthSmile_R": 0.4}


def groups(available: tuple[str, ...]) -> tuple[tuple[str, ...], list[list[int]]]:
    """Our names that the source has all parts of, and for each the indices of its blendshapes."""
    index = {name: i for i, name in enumerate(available)}
    kept = {name: [index[p] for p in parts] for name, parts in KEPT.items() if all(p in index for p in parts)}
    if not kept:
        raise ValueError("the source has none of the expressions we know; are its names the ICT blendshape names?")
    return tuple(kept), list(kept.values())


def spread(names: tuple[str, ...]) -> npt.NDArray[np.float32]:
    """(E,) prior standard deviation of each activation."""
    return np.array([_WIDER.get(name, _SPREAD) for name in names], dtype=np.float32)
