"""What weights learned from, and the terms that leaves on them, as their files tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

RENDERINGS = "our own renderings of the shipped face model"
FREE = "Apache-2.0"
RESEARCH = "research use only: the weights saw photographs whose terms allow no other use"
RESEARCH_ONLY = "research use only"
NOT_TOLD = "terms not told"


@dataclass(frozen=True)
class Source:
    """Photographs that weights learned from: ``what`` they are, in words, and the ``terms`` on them; a line each."""

    what: str
    terms: str


BACKGROUNDS = Source("natural photographs as backgrounds", RESEARCH_ONLY)  #: unless their folder tells of others
#: What ``training.free_backgrounds`` writes: their terms ask for the authors' names and leave weights free.
FREE_BACKGROUNDS = Source(
    "backgrounds from environments of Poly Haven (CC0) and wallpapers of Lomiri",
    "their authors; CC0, CC-BY and CC-BY-SA",
)
LARGE_POSE = Source("photographs of 300W-LP with its fits of the Basel Face Model", RESEARCH_ONLY)


def faces_of(names: Sequence[str]) -> Source:
    """Those of the shipped networks' collections that are there, by name."""
    listed = ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]
    return Source(f"face photographs of {listed}", RESEARCH_ONLY)


def told(sources: Sequence[Source], beside: str = RENDERINGS) -> tuple[str, str]:
    """Training data and licence of weights that saw these photographs, and ``beside`` them what leaves them free, as
    ``FREE_BACKGROUNDS`` do."""
    research = [source.what for source in sources if source.terms == RESEARCH_ONLY]
    others = [source for source in sources if source.terms != RESEARCH_ONLY]
    words, terms = [beside], []
    if research:
        words.append(f"{', and '.join(research)} ({'all ' if len(research) > 1 else ''}{RESEARCH_ONLY})")
        terms.append(RESEARCH)
    words += [f"{source.what} ({source.terms})" for source in others]
    # What terms in somebody's own words allow is not for us to say: they are handed on.
    terms += [f"{source.terms}: the weights saw {source.what}" for source in others if source != FREE_BACKGROUNDS]
    return "; ".join(words), "; ".join(terms) or FREE


PORTRAITS_ALONE = f"{RENDERINGS}; portraits of the Face Research Lab London Set (DeBruine & Jones, CC-BY 4.0)"
PORTRAITS = told([FREE_BACKGROUNDS], PORTRAITS_ALONE)[0]
PHOTOGRAPHS = told([faces_of(("youtube_faces", "press_photos", "masked_faces")), BACKGROUNDS])[0]

_BETWEEN = re.compile(r"; (?![^()]*\))")  # sources, but not what stands in brackets behind one


def both_sources(first: str, second: str) -> str:
    """What weights learned from that learned from both, in that order, nothing twice."""
    return "; ".join(dict.fromkeys(_BETWEEN.split(f"{first}; {second}")))


def both_licences(first: str, second: str) -> str:
    """The terms on weights that both terms apply to: whatever is not free is kept, nothing twice."""
    kept = [terms for terms in dict.fromkeys(_BETWEEN.split(f"{first}; {second}")) if terms != FREE]
    return "; ".join(kept) or FREE
