"""From the network's output to the correspondences that are fitted: image pixels and points on the face surface.

Paper Sec. 3.4: correspondences of low matchability are dropped and the others become 2D-3D pairs. A few hundred of
them, spread evenly over the template, carry all that the fit can use: neighbouring cells repeat each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dense_face_ros.backends import NetworkOutput
from dense_face_ros.face_model import SurfacePoints
from dense_face_ros.geometry import Array, Crop, PinholeCamera
from dense_face_ros.template import Template


@dataclass(frozen=True)
class Correspondences:
    """N pairs of an image pixel and a point on the face surface.

    Attributes:
        pixels: (N, 2) undistorted pixels of the image: those of an ideal pinhole with the camera's fx, fy, cx, cy.
        points: N surface points.
        weight: (N,) probability in [0, 1] that the pair is right, e.g. the matchability.
        sigma: (N,) standard deviation of the pixels per axis, in image pixels.
    """

    pixels: Array
    points: SurfacePoints
    weight: Array
    sigma: Array

    def __len__(self) -> int:
        return len(self.pixels)


@dataclass(frozen=True)
class CorrespondenceSettings:
    """Which cells of the network's grid are used.

    Attributes:
        min_matchability: cells below this probability are dropped.
        bucket: side in template pixels of the squares of which each gives its best cell; 6 gives 200 to 400 pairs.
        max_moved: a cell that points further than this beside the drawn face is dropped, in template pixels.
        min_sigma: least standard deviation in crop pixels: what the face model and the grid cannot explain.
    """

    min_matchability: float = 0.5
    bucket: float = 6.0
    max_moved: float = 2.0
    min_sigma: float = 0.5


def cell_pixels(height: int, width: int, size: int) -> npt.NDArray[np.float32]:
    """Crop pixel (u, v) each cell of an h x w grid over a ``size`` x ``size`` crop speaks for, (h, w, 2)."""
    u = (np.arange(width, dtype=np.float32) + 0.5) * (size / width) - 0.5
    v = (np.arange(height, dtype=np.float32) + 0.5) * (size / height) - 0.5
    return np.stack(np.meshgrid(u, v), axis=-1)


def correspondences(
    output: NetworkOutput,
    crop: Crop,
    template: Template,
    camera: PinholeCamera,
    settings: CorrespondenceSettings = CorrespondenceSettings(),
) -> Correspondences:
    """Choose matchable cells, at most one per bucket of the template, and lift them to 2D-3D pairs.

    Within a bucket the cell with the most information, matchability / sigma^2, is taken; the order is that of the
    buckets, row by row, so equal outputs give equal correspondences. There may be none.
    """
    height, width = output.matchability.shape
    cells = np.flatnonzero(output.matchability >= settings.min_matchability)
    crop_pixels = cell_pixels(height, width, crop.size).reshape(-1, 2)[cells]
    template_pixels = crop_pixels + output.flow.reshape(2, -1)[:, cells].T
    inside = ((template_pixels >= 0.0) & (template_pixels <= template.size - 1)).all(axis=1)  # NaN is not
    cells, crop_pixels, template_pixels = cells[inside], crop_pixels[inside], template_pixels[inside]

    matchability, log_sigma = output.matchability.reshape(-1)[cells], output.log_sigma.reshape(-1)[cells]
    nearest = np.rint(template_pixels).astype(np.intp)
    beside = template.triangle[nearest[:, 1], nearest[:, 0]] < 0
    order = np.lexsort((np.log(matchability) - 2.0 * log_sigma, ~beside))  # those on the face are the better ones
    bucket = ((template_pixels + 0.5) / settings.bucket).astype(np.intp)
    columns = int(template.size / settings.bucket) + 1
    best = np.full(columns * columns, -1, dtype=np.intp)
    best[bucket[order, 1] * columns + bucket[order, 0]] = order  # of those in one bucket the last one stays
    chosen = best[best >= 0]

    points, moved = template.surface_points(template_pixels[chosen])
    on_face = moved <= settings.max_moved
    chosen = chosen[on_face]
    sigma = np.maximum(np.exp(log_sigma[chosen].astype(np.float64)), settings.min_sigma)
    return Correspondences(
        pixels=camera.undistort(crop.to_image(crop_pixels[chosen].astype(np.float64))),
        points=SurfacePoints(points.triangle[on_face], points.weights[on_face]),
        weight=matchability[chosen].astype(np.float64),
        sigma=sigma * (crop.side / crop.size),
    )
