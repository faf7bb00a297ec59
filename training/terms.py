"""What weights learned from, and the terms that leaves on them, as their files tell."""

from __future__ import annotations

import re

from training.free_backgrounds import CREDIT as _BACKGROUNDS

RENDERINGS = "our own renderings of the shipped face model"
PORTRAITS = f"{RENDERINGS}; portraits of the Face Research Lab London Set (DeBruine & Jones, CC-BY 4.0); {_BACKGROUNDS}"
PHOTOGRAPHS = (
    f"{RENDERINGS}; face photographs of youtube_faces, press_photos and masked_faces, and natural photographs as "
    "backgrounds (all research use only)"
)
LARGE_POSE = (
    f"{RENDERINGS}; photographs of 300W-LP with its fits of the Basel Face Model, and natural photographs as "
    "backgrounds (all research use only)"
)
FREE = "Apache-2.0"
RESEARCH = "research use only: the weights saw photographs whose terms allow no other use"

_BETWEEN = re.compile(r"; (?![^()]*\))")  # sources, but not what stands in brackets behind one


def both_sources(first: str, second: str) -> str:
    """What weights learned from that learned from both, in that order, nothing twice."""
    return "; ".join(dict.fromkeys(_BETWEEN.split(f"{first}; {second}")))


def both_licences(first: str, second: str) -> str:
    """The terms on weights that both terms apply to: whatever is not free is kept."""
    return second if first == FREE else first
