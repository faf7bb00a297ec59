"""What eyelid networks learn from: ``best`` all photographs at hand, ``free`` what leaves the weights free."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dense_face_ros.face_model import FaceModel
from dense_face_ros.template import Template
from training.eyes.examples import Examples, from_photographs, from_portraits, from_renderings
from training.face_model import face_model
from training.photographs.collection import read_photographs
from training.photographs.fit import PhotographFits
from training.photographs.portrait_heads import PortraitHeads
from training.photographs.portraits import load_skins

_SEED = {"train": 10, "validation": 20}


@dataclass(frozen=True)
class Source:
    """Where pictures of eyes of one split ("train" or "validation") come from.

    Attributes:
        examples: (split, data folder, heads to render, fits of the photographs, skins or None) -> examples by name.
        photographs: what they are, as :func:`training.photographs.sources.learned_from` takes it.
    """

    examples: Callable[[str, Path, int, Path, Path | None], dict[str, Examples]]
    photographs: str


def _best(split: str, data: Path, count: int, fits: Path, skins: Path | None) -> dict[str, Examples]:
    """Photographs and renderings."""
    model, seed = face_model(), _SEED[split]
    photographs = read_photographs(data)
    labels = PhotographFits.load_for(fits, model, photographs)
    eyes = from_photographs(model, photographs, labels, split == "validation", seed)
    return {"photographs": eyes, **_rendered(model, data, count, split, skins)}


def _free(split: str, data: Path, count: int, fits: Path, skins: Path | None) -> dict[str, Examples]:
    """Portraits and renderings."""
    model, seed = face_model(), _SEED[split]
    eyes = from_portraits(model, PortraitHeads(data, model, split == "validation"), seed)
    return {"portraits": eyes, **_rendered(model, data, count, split, skins)}


def _rendered(model: FaceModel, data: Path, count: int, split: str, skins: Path | None) -> dict[str, Examples]:
    template, seed, held_out = Template(model), _SEED[split], split == "validation"
    painted = None if skins is None else load_skins(skins, model)
    return {
        "renderings": from_renderings(template, data, count, False, seed, painted, held_out),
        "dark_glasses": from_renderings(template, data, count // 4, True, seed + 1, painted, held_out),
    }


SOURCES = {
    "best": Source(_best, "collections"),
    "free": Source(_free, "portraits"),
}
