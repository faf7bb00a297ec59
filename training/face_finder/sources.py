"""What finders learn from: ``best`` from all photographs at hand, ``free`` from what leaves the weights free."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dense_face_ros.face_model import FaceModel
from training.face_finder.made_images import ImageMaker
from training.face_finder.photographs import FacePhoto, face_of_landmarks, load_backgrounds, load_faces
from training.face_finder.rendered import ASIDE, rendered_faces
from training.face_finder.turned import turned_faces
from training.face_model import face_model
from training.photographs.heads import PhotographHeads
from training.photographs.portrait_heads import PortraitHeads
from training.photographs.portraits import load_skins
from training.rendering.settings import Settings

_TOWARDS = Settings(yaw_limit=60.0, profile_share=0.1, roll_limit=20.0, face_margin=ASIDE.face_margin, looks=512)
_PORTRAIT_SHARE = 0.15  # of the faces that look at the camera, where portraits are the only photographs
_KINDS = {"train": 0, "val": 1}  # of heads: none is drawn for both
DRAWN_HEADS = 6000  # of each kind, to learn from
_FEW = 0.1  # of what is drawn for training is drawn for validation


@dataclass(frozen=True)
class Source:
    """Where made pictures of one split ("train" or "val") come from.

    Attributes:
        maker: (data folder, split, heads to draw that look aside, fits of the photographs or None, skins or None, seed
            of the heads drawn).
        photographs: what they are, as :func:`training.photographs.sources.learned_from` takes it.
    """

    maker: Callable[[Path, str, int, Path | None, Path | None, int], ImageMaker]
    photographs: str


def _best(data: Path, split: str, count: int, fits: Path | None, skins: Path | None, seed: int) -> ImageMaker:
    """Photographs; to train also ``count`` rendered heads that look aside, as many photographs turned aside, and half
    as many rendered heads that look at the camera."""
    backgrounds = load_backgrounds(data, split)
    if split == "val":
        return ImageMaker(load_faces(data, split), backgrounds)
    if fits is None:
        raise ValueError("photographs are turned aside by their fits; give the file with --fits")
    model = face_model()
    painted = None if skins is None else load_skins(skins, model)
    heads = PhotographHeads(data, fits, model, validation=False)
    towards = rendered_faces(max(1, count // 2), backgrounds, (2, seed), _TOWARDS, painted)
    aside = rendered_faces(count, backgrounds, (0, seed), ASIDE, painted)
    turned = turned_faces(model, heads, backgrounds, count, (0, seed))
    return ImageMaker(load_faces(data, split) + towards, backgrounds, aside + turned)


def _free(data: Path, split: str, count: int, fits: Path | None, skins: Path | None, seed: int) -> ImageMaker:
    """Rendered heads that look at the camera, among portraits, and as many that look aside, among turned portraits."""
    model, backgrounds = face_model(), load_backgrounds(data, split)
    held_out = split == "val"
    count = max(1, round(_FEW * count)) if held_out else count
    painted = None if skins is None or held_out else load_skins(skins, model)
    heads, kind = PortraitHeads(data, model, validation=held_out), _KINDS[split]
    portraits = [_as_they_are(model, heads, int(index)) for index in heads.usable]
    often = max(1, round(_PORTRAIT_SHARE / (1.0 - _PORTRAIT_SHARE) * count / len(portraits)))
    towards = rendered_faces(count, backgrounds, (kind, seed), _TOWARDS, painted, held_out)
    aside = rendered_faces(count, backgrounds, (kind + 2, seed), ASIDE, painted, held_out)
    turned = turned_faces(model, heads, backgrounds, max(1, count // 2), (kind, seed))
    return ImageMaker(towards + often * portraits, backgrounds, aside + turned)


def _as_they_are(model: FaceModel, heads: PortraitHeads, index: int) -> FacePhoto:
    head = heads.labelled(index)
    return face_of_landmarks(head.photograph, model.at(model.landmarks, head.pixels), head.rotation)


SOURCES = {
    "best": Source(_best, "collections"),
    "free": Source(_free, "portraits"),
}
