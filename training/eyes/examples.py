"""Pictures of eyes with how far they are open and whether they can be seen, from photographs and renderings.

Openness has one definition for both (:mod:`training.eyes.openness`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from dense_face_ros.eyes import CORNERS, LANDMARKS, PATCH_WIDTH, eye_view, seen_from
from dense_face_ros.face_model import FaceModel
from dense_face_ros.facing_view import TooFarAside
from dense_face_ros.geometry import Array, PinholeCamera
from dense_face_ros.template import Template
from dense_face_ros.visibility import LandmarkVisibility
from training.backgrounds import Backgrounds
from training.eyes.openness import LANDMARK_EYES, MESH_EYES, openness
from training.photographs.collection import Photographs, read_image
from training.photographs.fit import PhotographFits
from training.photographs.portrait_heads import PortraitHeads
from training.rendering.fields import FloatArray
from training.rendering.settings import Settings
from training.rendering.synthetic import Sample, SyntheticHeads

Image = npt.NDArray[np.uint8]

ROOM = 1.5  #: stored pictures are this much larger than the network's patch, so that patches can wander in them
STORED = round(ROOM * PATCH_WIDTH)
_RENDERED_SIZE = 192  # pixels: an eye is then about as large as on a photograph
Example = tuple[Image, Array, float, bool]
_FACING, _AVERTED = 0.25, 0.0  # cosines to the camera: seen for certain, hidden for certain
_FREE, _BEHIND = 0.6, 0.2  # shares of an eye that no nose or brow hides: seen for certain, hidden for certain
_SMALLEST = 8.0  # pixels of an eye's width


@dataclass(frozen=True)
class Examples:
    """N pictures (N, 72, 72) grey, directions (N, 3) as :func:`dense_face_ros.eyes.seen_from` gives them, openness (N,)
    (NaN where not seen) and visible (N,) bool."""

    pictures: Image
    directions: FloatArray
    openness: npt.NDArray[np.float32]
    visible: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, parts: Iterator[Example], total: int, what: str) -> Examples:
        """Gather single examples; ``total`` and ``what`` are for the progress bar."""
        kept = list(tqdm(parts, total=total, desc=what, unit="eye", mininterval=5))
        return cls(
            np.stack([picture for picture, _, _, _ in kept]),
            np.array([direction for _, direction, _, _ in kept], np.float32),
            np.array([gap for _, _, gap, _ in kept], np.float32),
            np.array([visible for _, _, _, visible in kept], bool),
        )

    def __add__(self, other: Examples) -> Examples:
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Examples(*(np.concatenate(pair) for pair in pairs))


def from_photographs(
    model: FaceModel, photographs: Photographs, fits: PhotographFits, validation: bool, seed: int
) -> Examples:
    """Both eyes of every accepted photograph that are large enough and clearly turned to the camera or away from it.

    fits: of these photographs. Raises ValueError where none of the split is accepted.
    """
    which = np.flatnonzero(fits.accepted & (photographs.validation == validation))
    if not len(which):
        raise ValueError(
            f"no photograph {'for validation' if validation else 'to train on'} has an accepted fit; add some"
        )
    rng, judge = np.random.default_rng(seed), LandmarkVisibility(model)

    def parts() -> Iterator[Example]:
        for i in which:
            camera = PinholeCamera(float(fits.focal[i]), float(fits.focal[i]), 95.5, 95.5, 192, 192, metric=False)
            pose = fits.pose[i].astype(np.float64)
            vertices = model.shape(fits.coefficients[i]) @ pose[:3, :3].T + pose[:3, 3]
            picture = _one_channel(read_image(photographs.paths[i]), rng)
            gaps = openness(photographs.mesh478[i].astype(np.float64), MESH_EYES)
            yield from _both(model, judge, vertices, pose[:3, :3], camera, picture, gaps, (True, True))

    return Examples.of(parts(), 2 * len(which), "photographs")


def from_portraits(model: FaceModel, heads: PortraitHeads, seed: int) -> Examples:
    """Both eyes of the portraits, as they are."""
    rng, judge = np.random.default_rng(seed), LandmarkVisibility(model)

    def parts() -> Iterator[Example]:
        for index in heads.usable:
            head = heads.labelled(int(index))
            height, width = head.photograph.shape[:2]
            cx, cy = head.principal_point.tolist()
            camera = PinholeCamera(head.focal, head.focal, cx, cy, width, height, metric=False)
            gaps = openness(model.landmarks_of(head.points), LANDMARK_EYES)
            picture = _one_channel(head.photograph, rng)
            yield from _both(model, judge, head.points, head.rotation, camera, picture, gaps, (True, True))

    return Examples.of(parts(), 2 * len(heads.usable), "portraits")


def from_renderings(
    template: Template,
    data: Path,
    count: int,
    dark_glasses: bool,
    seed: int,
    skins: FloatArray | None = None,
    held_out: bool = False,
) -> Examples:
    """Both eyes of ``count`` rendered heads; with ``dark_glasses`` every head wears them and no eye is visible.

    skins, held_out: as :class:`SyntheticHeads` takes them.
    """
    plain = Settings(
        occluder=0.0, profile_share=0.1, yaw_limit=75.0, pitch_spread=25.0, looks=128, glasses=0.3, dark_glasses=0.0,
        lids_share=0.6, lids=(0.0, 1.0),
    )  # fmt: skip
    settings = replace(plain, glasses=1.0, dark_glasses=1.0) if dark_glasses else plain
    heads = SyntheticHeads(template, settings, skins, size=_RENDERED_SIZE, held_out=held_out)
    model, rng, backgrounds = template.model, np.random.default_rng(seed), Backgrounds(data)
    judge = LandmarkVisibility(model)

    def parts() -> Iterator[Example]:
        for _ in range(count):
            behind = cv2.resize(backgrounds.draw(rng), (_RENDERED_SIZE, _RENDERED_SIZE))
            sample = heads.render(rng, np.asarray(behind, dtype=np.uint8))
            shape = model.shape(sample.coefficients)
            vertices = shape @ sample.pose[:3, :3].T + sample.pose[:3, 3]
            seen = (False, False) if dark_glasses else _uncovered(model, sample)
            gaps = openness(model.landmarks_of(shape), LANDMARK_EYES)
            picture = _one_channel(sample.image, rng)
            yield from _both(model, judge, vertices, sample.pose[:3, :3], sample.camera, picture, gaps, seen)

    return Examples.of(parts(), 2 * count, "dark glasses" if dark_glasses else "renderings")


def _both(
    model: FaceModel, judge: LandmarkVisibility, vertices: Array, rotation: Array, camera: PinholeCamera,
    picture: Image, gaps: tuple[float, float], uncovered: tuple[bool, bool],
) -> Iterator[Example]:  # fmt: skip
    landmarks = model.landmarks_of(vertices)
    facing = judge.facing(vertices, landmarks)
    unhidden = judge.unhidden(vertices, landmarks, facing)
    for side, corners in enumerate(CORNERS):
        try:
            view = eye_view(landmarks[list(corners)], rotation, camera, ROOM, STORED)
        except TooFarAside:
            continue
        towards, free = float(facing[LANDMARKS[side]].mean()), float(unhidden[LANDMARKS[side]].mean())
        if view.scale * STORED < 2.0 * ROOM * _SMALLEST or _AVERTED < towards < _FACING or _BEHIND < free < _FREE:
            continue
        cut = view.cut(picture, cv2.BORDER_REPLICATE)
        visible = towards >= _FACING and free >= _FREE and uncovered[side]
        direction = seen_from(landmarks[list(corners)], rotation, mirrored=side == 0)
        yield (cut[:, ::-1] if side == 0 else cut), direction, gaps[side] if visible else np.nan, visible


def _uncovered(model: FaceModel, sample: Sample) -> tuple[bool, bool]:
    """Whether hair or a hat leave most of the left and the right eye free."""
    matchable = sample.targets.matchable
    stride = sample.image.shape[0] // matchable.shape[0]
    marks = model.at(model.landmarks, sample.pixels)
    free = []
    for points in (marks[LANDMARKS[0]], marks[LANDMARKS[1]]):
        cells = np.floor((points + 0.5) / stride).astype(int)
        inside = ((cells >= 0) & (cells < matchable.shape)).all(axis=1)
        free.append(bool(inside.all() and matchable[cells[:, 1], cells[:, 0]].mean() > 0.6))
    return free[0], free[1]


def _one_channel(image: Image, rng: np.random.Generator) -> Image:
    """A monochrome camera's view of an RGB picture: one random mix of its colours."""
    return np.asarray(cv2.transform(image, rng.dirichlet((4.0, 5.0, 1.5))[None].astype(np.float32)), dtype=np.uint8)
