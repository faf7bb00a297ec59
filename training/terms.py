"""What weights learned from, and the terms that leaves on them, as their files tell."""

from __future__ import annotations

from training.free_backgrounds import CREDIT as _BACKGROUNDS

RENDERINGS = "our own renderings of the shipped face model"
PORTRAITS = f"{RENDERINGS}; portraits of the Face Research Lab London Set (DeBruine & Jones, CC-BY 4.0); {_BACKGROUNDS}"
PHOTOGRAPHS = (
    f"{RENDERINGS}; face photographs of youtube_faces, press_photos and masked_faces, and natural photographs as "
    "backgrounds (all research use only)"
)
FREE = "Apache-2.0"
RESEARCH = "research use only: the weights saw photographs whose terms allow no other use"
