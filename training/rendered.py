"""Rendered heads alone, on made backgrounds: training samples that need no data and leave no terms on the weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
from torch.utils.data import Dataset, IterableDataset

from dense_face_ros.template import Template
from training.framing import inside_close_edges, known_cells
from training.head_view import HeadView, SurfaceMaps
from training.loader import begin_stream
from training.rendering.fields import FloatArray
from training.rendering.photometric import Image, augment
from training.rendering.pose import Change
from training.rendering.synthetic import SyntheticHeads

Sample = dict[str, npt.NDArray[np.generic] | float]


class RenderedHeads(IterableDataset[Sample]):
    """Endless random samples, as ``training.data`` describes them; ``skins`` and ``held_out`` as
    :class:`SyntheticHeads` takes them."""

    def __init__(
        self, template: Template, seed: int, stride: int, skins: FloatArray | None = None, held_out: bool = False
    ) -> None:
        self.seed, self._surfaces = seed, SurfaceMaps(template)
        self._heads = SyntheticHeads(template, albedo=skins, stride=stride, held_out=held_out)

    def __iter__(self) -> Iterator[Sample]:
        rng = begin_stream(self.seed)
        while True:
            yield self.make(rng)

    def make(self, rng: np.random.Generator) -> Sample:
        """A head in front of grey or blotches, as some camera shows it."""
        return rendered_sample(self._heads, self._surfaces, rng)


class FixedHeads(Dataset[Sample]):
    """``count`` rendered heads, the same ones for a seed: what runs without photographs are validated on."""

    def __init__(self, template: Template, count: int, seed: int, stride: int) -> None:
        self._stream, self._count = RenderedHeads(template, seed, stride, held_out=True), count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, item: int) -> Sample:
        if item >= self._count:
            raise IndexError(item)
        return self._stream.make(np.random.default_rng((self._stream.seed, 1, item)))


def rendered_sample(
    heads: SyntheticHeads,
    surfaces: SurfaceMaps,
    rng: np.random.Generator,
    background: Image | None = None,
    beyond: Image | None = None,
    change: Change | None = None,
) -> Sample:
    """A random head, before a photograph or a made background, as some camera shows it; ``change`` as it takes it.

    The picture ends close around the head where there is something ``beyond`` (128, 128, 3).
    """
    sample = heads.render(rng, background, change)
    camera, rotation = sample.camera, sample.pose[:3, :3]
    points = heads.model.shape(sample.coefficients) @ rotation.T + sample.pose[:3, 3]
    view = HeadView(points, rotation, camera.fx, np.array([camera.cx, camera.cy]))
    image, inside = sample.image, np.ones(sample.image.shape[:2], dtype=np.bool_)
    if beyond is not None:
        inside = inside_close_edges(rng, view)
        image = np.where(inside[:, :, None], image, beyond)
    matchable = known_cells(sample.targets.matchable, inside)
    return as_sample(augment(image, rng), sample.targets.template, matchable, surfaces.arrays(view))


def rendered_twice(
    heads: SyntheticHeads,
    surfaces: SurfaceMaps,
    rng: np.random.Generator,
    background: Image | None = None,
    beyond: Image | None = None,
) -> tuple[Sample, Sample]:
    """A random head, and the same picture of it with a blink, another mouth or the camera turned; the second
    ``repeats`` the first."""
    change, state = Change.draw(rng, heads.settings), rng.bit_generator.state
    first = rendered_sample(heads, surfaces, rng, background, beyond)
    rng.bit_generator.state = state
    return first, {**rendered_sample(heads, surfaces, rng, background, beyond, change), "repeats": 1}


def as_sample(
    image: Image,
    template: npt.NDArray[np.float32],
    matchable: npt.NDArray[np.uint8],
    head: Mapping[str, npt.NDArray[np.float32]],
) -> Sample:
    """What ``training.train`` takes, of equal weight; ``head`` as :class:`SurfaceMaps` gives it."""
    maps: Sample = {"image": image, "template": template.astype(np.float16), "matchable": matchable}
    return {**maps, "weight": 1.0, "repeats": 0, **head}
