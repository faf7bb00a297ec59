"""Random pairs of rendered heads with the exact flow between them: what the paper pre-trains on (Sec. 3.3 and 4.1)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch.utils.data import IterableDataset

from dense_face_ros.backends import CROP_SIZE
from dense_face_ros.template import Template
from training.backgrounds import Backgrounds
from training.loader import begin_stream
from training.rendering import synthetic
from training.rendering.fields import FloatArray
from training.rendering.photometric import augment
from training.rendering.targets import UV_THRESHOLD, cell_centres

_SLOPE = 2.0  # template pixels that one picture pixel may be worth on a face that fills its crop
_GREY = 0.5  # share of pairs on plain backgrounds, paper Sec. 4.1


class RenderedPairs(IterableDataset[dict[str, npt.NDArray[np.generic] | float]]):
    """Endless pairs; ``template`` holds target pixels and ``target`` the second picture, else as ``training.data``;
    ``skins`` and ``held_out`` as :class:`training.rendering.synthetic.SyntheticHeads` takes them."""

    def __init__(
        self,
        template: Template,
        data: Path,
        seed: int,
        stride: int,
        skins: FloatArray | None = None,
        held_out: bool = False,
    ) -> None:
        self.seed = seed
        self._template, self._stride = template, stride
        self._backgrounds = Backgrounds(data)
        self._heads = synthetic.SyntheticHeads(template, albedo=skins, stride=stride, held_out=held_out)

    def __iter__(self) -> Iterator[dict[str, npt.NDArray[np.generic] | float]]:
        rng = begin_stream(self.seed)
        while True:
            yield self.make(rng)

    def make(self, rng: np.random.Generator) -> dict[str, npt.NDArray[np.generic] | float]:
        """One pair: two different people, or one person twice."""
        plain = rng.random() < _GREY
        source, target = (self._heads.render(rng, None if plain else self._backgrounds.draw(rng)) for _ in range(2))
        where, matchable = pair_correspondences(self._template, source, target, self._stride)
        return {
            "image": augment(source.image, rng),
            "target": augment(target.image, rng),
            "template": where.astype(np.float16),
            "matchable": matchable.astype(np.uint8),
            "weight": 1.0,
        }


def pair_correspondences(
    template: Template, source: synthetic.Sample, target: synthetic.Sample, stride: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Where each cell of the source picture is in the target picture.

    A cell is matchable when its surface point is seen in both: the target picture shows, at that pixel, a surface
    point within 0.015 of the template's size (paper Sec. 3.3).

    Returns:
        Target pixels (2, h, w), 0 where not matchable, and matchability (h, w).
    """
    cells = source.targets.matchable
    out, matchable = np.zeros((2, *cells.shape), np.float32), np.zeros(cells.shape, np.bool_)
    rows, columns = np.nonzero(cells)
    coordinates = source.targets.template[:, rows, columns].T
    points, _ = template.surface_points(coordinates)
    pixels = template.model.at(points, target.pixels)
    seen = np.rint((pixels - (0.5 * stride - 0.5)) / stride).astype(np.intp)
    side = cells.shape[0]
    inside = ((seen >= 0) & (seen < side)).all(axis=1)
    there = np.clip(seen, 0, side - 1)
    shown = target.targets.template[:, there[:, 1], there[:, 0]].T
    # The target's surface is known at its cells' centres only: allow for the way from there to the pixel.
    slack = np.abs(pixels - cell_centres(cells.shape, stride)[:, there[:, 1], there[:, 0]].T).max(axis=1)
    near = np.linalg.norm(shown - coordinates, axis=1) <= UV_THRESHOLD * CROP_SIZE + _SLOPE * slack
    good = inside & near & target.targets.matchable[there[:, 1], there[:, 0]]
    out[:, rows[good], columns[good]] = pixels[good].T
    matchable[rows[good], columns[good]] = True
    return out, matchable
