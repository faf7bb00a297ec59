"""Training samples: photographs, photographs turned out of plane, and rendered heads, each with its exact target.

Every sample is a dict of ``image`` (128, 128, 3) uint8 RGB, ``template`` (2, h, w) float16 template pixels,
``matchable`` (h, w) uint8 and ``weight``, as ``training.loss`` takes them, and ``repeats`` and the arrays of
``training.head_view``, as ``training.pose_error`` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from torch.utils.data import Dataset, IterableDataset

from dense_face_ros.backends import CROP_SIZE
from dense_face_ros.crop import Crop
from dense_face_ros.geometry import FACING_CAMERA, Array
from dense_face_ros.template import Template
from training.backgrounds import Backgrounds
from training.face_model import face_model
from training.faceless import FacelessCrops
from training.framing import CLOSE, inside_close_edges, known_cells, surroundings
from training.head_view import HeadView, SurfaceMaps
from training.loader import begin_stream
from training.pairs import RenderedPairs
from training.photographs.heads import FITS, Heads, LabelledHead, NumberedHeads, PhotographHeads
from training.photographs.portrait_heads import PortraitHeads
from training.photographs.portraits import load_skins
from training.photographs.relighting import other_light
from training.photographs.rotation import draw_turned
from training.photographs.views import shown
from training.recipes import Recipe
from training.rendered import FixedHeads, RenderedHeads, Sample, as_sample, rendered_sample, rendered_twice
from training.rendering.fields import FloatArray
from training.rendering.occluders import add_random_occluder, covered_cells
from training.rendering.photometric import PhotometricSettings, augment
from training.rendering.synthetic import SyntheticHeads
from training.rendering.targets import TargetRenderer
from training.shards import KeptShardHeads, ShardHeads, shard_labels

_RELIT = 0.5  # share of the evenly lit photographs that are shown in another light


@dataclass(frozen=True)
class Mixture:
    """What samples are made of, and how the crop wanders around the face.

    Attributes:
        turned: share of photographs turned out of plane.
        synthetic: share of rendered heads.
        repeated: share of those that are shown a second time, with a blink, another mouth or a turned camera.
        faceless: share of crops without a face; the rest are photographs as they are.
        margin: crop side over face box, log-normal around this ...
        margin_spread: ... with this standard deviation of its logarithm.
        shift: standard deviation of the crop's centre, of the face box.
        roll: standard deviation of the crop's turn, degrees.
        occluded: probability of things drawn in front of the face.
    """

    turned: float = 0.4
    synthetic: float = 0.2
    repeated: float = 0.0
    faceless: float = 0.0
    margin: float = 1.5
    margin_spread: float = 0.2
    shift: float = 0.1
    roll: float = 16.0
    occluded: float = 0.3


class SampleMaker:
    """Makes one sample from one random generator, of the heads in photographs that ``heads`` has."""

    def __init__(
        self,
        heads: Heads,
        data: Path,
        template: Template,
        mixture: Mixture,
        stride: int,
        skins: FloatArray | None = None,
    ) -> None:
        self.heads, self._skins = heads, skins
        self.model, self.template, self.mixture, self.stride = template.model, template, mixture, stride
        self._backgrounds = Backgrounds(data)
        # Here, as what is missing is told in the main process; in a loader's worker it would end a run after its start.
        self._faceless = FacelessCrops(data) if mixture.faceless > 0.0 else None
        self.targets, self._surfaces = TargetRenderer(template, CROP_SIZE, stride), SurfaceMaps(template)
        ahead = HeadView(self.model.mean @ FACING_CAMERA.T + [0.0, 0.0, 0.6], FACING_CAMERA, 200.0, np.full(2, 63.5))
        self._nobody = self._surfaces.arrays(ahead)  # a batch's samples have the same arrays

    @cached_property
    def _heads(self) -> SyntheticHeads:
        return SyntheticHeads(self.template, albedo=self._skins, stride=self.stride)

    def make(self, rng: np.random.Generator) -> tuple[Sample, ...]:
        """A sample of the mixture, or the two of a head that is shown twice."""
        kind = rng.random()
        if kind < self.mixture.synthetic:
            return self.rendered(rng)
        if kind > 1.0 - self.mixture.faceless:
            return (self.faceless(rng),)
        turned = kind < self.mixture.synthetic + self.mixture.turned
        return (self.photograph(rng, self.heads.draw(rng), turned),)

    def rendered(self, rng: np.random.Generator) -> tuple[Sample, ...]:
        """A synthetic head in front of a background, once or twice."""
        twice = rng.random() < self.mixture.repeated
        background = self._backgrounds.draw(rng)
        beyond = surroundings(rng, background, self._backgrounds) if rng.random() < CLOSE else None
        scene = self._heads, self._surfaces, rng, background, beyond
        return rendered_twice(*scene) if twice else (rendered_sample(*scene),)

    def faceless(self, rng: np.random.Generator) -> Sample:
        """A crop in which nothing is matchable, of a mixture that has such."""
        assert self._faceless is not None
        image = augment(self._faceless.draw(rng, CROP_SIZE), rng, PhotometricSettings())
        cells = CROP_SIZE // self.stride
        nowhere = np.zeros((2, cells, cells), np.float32)
        return as_sample(image, nowhere, np.zeros((cells, cells), np.uint8), self._nobody)

    def photograph(self, rng: np.random.Generator, head: LabelledHead, turned: bool, clean: bool = False) -> Sample:
        """A photograph, as it is or turned out of plane; ``clean`` leaves out occluders and photometry."""
        view = shown(self.model, rng, head, turned)
        crop = self._crop(rng, view.pixels)
        source, photograph = view.head, view.head.photograph
        image = surroundings(rng, photograph, self._backgrounds)
        to_crop = cv2.invertAffineTransform(crop.to_image_matrix)
        smooth = _smoothed(photograph, to_crop)
        pixels = crop.from_image(view.pixels)
        seen = HeadView.through(crop, view.turned, view.rotation, source.focal, source.principal_point)
        inside = np.ones((CROP_SIZE, CROP_SIZE), dtype=np.bool_)
        if view.turn is None:
            inside = _paste(smooth, to_crop, image)
        else:
            relit = None
            if source.evenly_lit and not clean and rng.random() < _RELIT:
                relit = other_light(rng, self.model, view.turned)
            draw_turned(
                self.model,
                smooth,
                source.points,
                source.pixels,
                view.turned,
                pixels,
                view.turn,
                image,
                to_crop,
                relit,
            )
            if not clean and rng.random() < CLOSE:
                inside = inside_close_edges(rng, seen)
                image[~inside] = surroundings(rng, photograph, self._backgrounds)[~inside]
        targets = self.targets.render(pixels, view.turned[:, 2])
        matchable = known_cells(targets.matchable, inside)
        if not clean:
            if rng.random() < self.mixture.occluded:
                matchable[self._occlude(rng, image, pixels)] = 0
            image = augment(image, rng, PhotometricSettings())
        return as_sample(image, targets.template, matchable, self._surfaces.arrays(seen))

    def _occlude(self, rng: np.random.Generator, image: npt.NDArray[np.uint8], pixels: Array) -> npt.NDArray[np.bool_]:
        """Draw something in front of the face; a hand takes the colour of a cheek. Returns the covered cells."""
        marks = self.model.at(self.model.landmarks, pixels)
        u, v = np.clip(np.rint(0.5 * (marks[rng.choice((31, 35))] + marks[rng.choice((36, 45))])), 0, CROP_SIZE - 1)
        skin = image[int(v), int(u)].astype(np.float64)
        return covered_cells(add_random_occluder(image, skin, rng, self._backgrounds.draw(rng)), self.stride)

    def _crop(self, rng: np.random.Generator, pixels: Array) -> Crop:
        m = self.mixture
        marks = self.model.at(self.model.landmarks, pixels)
        box = np.concatenate([marks.min(axis=0), marks.max(axis=0)])
        base = Crop.around_box(box, m.margin * float(np.exp(rng.normal(0.0, m.margin_spread))))
        size = base.side / m.margin
        u, v = np.asarray(base.centre) + size * m.shift * rng.standard_normal(2)
        return Crop((float(u), float(v)), base.side, float(np.radians(m.roll * rng.standard_normal())))


def _smoothed(photograph: npt.NDArray[np.uint8], to_crop: Array) -> npt.NDArray[np.uint8]:
    """The photograph without what is too fine for the crop: turned or not, it must look alike in it."""
    shrink = float(np.sqrt(abs(np.linalg.det(to_crop[:, :2]))))
    return photograph if shrink >= 0.7 else np.asarray(cv2.GaussianBlur(photograph, (0, 0), 0.4 / shrink), np.uint8)


def _paste(photograph: npt.NDArray[np.uint8], to_crop: Array, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Draw the photograph into the crop in place; returns where it reaches."""
    size = (image.shape[1], image.shape[0])
    inside = cv2.warpAffine(np.full(photograph.shape[:2], 255, np.uint8), to_crop, size, flags=cv2.INTER_NEAREST)
    warped = cv2.warpAffine(photograph, to_crop, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    image[inside > 0] = warped[inside > 0]
    return np.asarray(inside > 0)


class SampleStream(IterableDataset[Sample]):
    """Endless random samples; every loader worker draws its own from the seed the loader gave it."""

    def __init__(self, maker: SampleMaker, seed: int) -> None:
        self.maker, self.seed = maker, seed

    def __iter__(self) -> Iterator[Sample]:
        rng = begin_stream(self.seed)
        while True:
            yield from self.maker.make(rng)


class ValidationSet(Dataset[Sample]):
    """A fixed set of photographs of people never trained on: every other one as it is, the others turned far aside.

    Where the people are fewer than ``least`` samples want, they come again, seen otherwise.
    """

    def __init__(self, maker: SampleMaker, heads: NumberedHeads, seed: int, least: int = 0) -> None:
        self.maker, self.heads, self.seed = maker, heads, seed
        self._rounds = max(1, -(-least // (2 * len(heads.usable))))

    def __len__(self) -> int:
        return 2 * len(self.heads.usable) * self._rounds

    def __getitem__(self, item: int) -> Sample:
        if item >= len(self):
            raise IndexError(item)
        rng = np.random.default_rng((self.seed, item))
        order = np.random.default_rng(self.seed).permutation(self.heads.usable)
        return self.maker.photograph(
            rng, self.heads.labelled(int(order[item // 2 % len(order)])), turned=item % 2 == 1, clean=True
        )


def make_dataset(
    recipe: Recipe,
    data: Path | None,
    split: str,
    seed: int,
    stride: int,
    fits: Path = FITS,
    skins: Path | None = None,
    shards: Path | None = None,
    large_pose: Path | None = None,
) -> Dataset[Sample]:
    """The data set of a recipe: ``split`` is ``train`` (endless stream) or ``validation`` (fixed set).

    Args:
        fits: labels of the photographs, where the recipe has any.
        skins: file of measured skins for the renderings trained on, see :mod:`training.photographs.portraits`.
        shards: folder with the photographs and their labels, see :mod:`training.shards`, instead of the collections.
        large_pose: the labels that shards of 300W-LP were packed with.
    Raises:
        ValueError: the recipe needs data and got none, or takes no shards or labels of any.
        FileNotFoundError, ValueError: naming a file of skins or labels, or a folder of shards, that cannot be used.
    """
    if recipe.pairs or recipe.synthetic_share == 1.0:
        for option, given in (("--shards", shards), ("--large-pose", large_pose)):
            if given is not None:
                raise ValueError(f"recipe '{recipe.name}' learns from renderings; it takes no {option}")
    template = Template(face_model(), recipe.template_kind)
    measured = None if skins is None else load_skins(skins, template.model)
    if recipe.synthetic_share == 1.0 and not recipe.pairs:
        if split == "train":
            return RenderedHeads(template, seed, stride, measured)
        return FixedHeads(template, recipe.validation_samples, seed, stride)
    if data is None:
        raise ValueError(f"recipe '{recipe.name}' needs photographs; give the folder that holds them with --data")
    validation = split == "validation"
    if recipe.pairs:
        return RenderedPairs(template, data, seed, stride, None if validation else measured, held_out=validation)
    mixture = Mixture(
        turned=recipe.turned_share,
        synthetic=recipe.synthetic_share,
        repeated=recipe.repeated_share,
        faceless=recipe.faceless_share,
    )
    heads: NumberedHeads
    if shards is not None:
        if recipe.photographs != "collections":
            raise ValueError(f"recipe '{recipe.name}' learns from {recipe.photographs}; it takes no --shards")
        make_head = shard_labels(template.model, large_pose)
        if not validation:
            packed = ShardHeads(shards, make_head)
            return SampleStream(SampleMaker(packed, data, template, mixture, stride, measured), seed)
        heads = KeptShardHeads(shards, make_head)
    elif recipe.photographs == "portraits":
        heads = PortraitHeads(data, template.model, validation)
    else:
        heads = PhotographHeads(data, fits, template.model, validation)
    maker = SampleMaker(heads, data, template, mixture, stride, measured)
    return ValidationSet(maker, heads, seed, recipe.validation_samples) if validation else SampleStream(maker, seed)
