"""From the network's output to the correspondences that are fitted: pixels and points on the face surface.

Paper Sec. 3.4: correspondences of low matchability are dropped and the others become 2D-3D pairs. Two hundred of
them, spread evenly over the template, carry all that the fit can use: neighbouring cells repeat each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from dense_face_ros.backends import NetworkOutput
from dense_face_ros.face_model import FloatArray, SurfacePoints
from dense_face_ros.facing_view import FacingView
from dense_face_ros.geometry import Array, lengths
from dense_face_ros.template import Template

_BESIDE_COSTS = 1e3  # more than any difference in information


@dataclass(frozen=True)
class Correspondences:
    """N pairs of a pixel and a point on the face surface.

    Attributes:
        pixels: (N, 2) of the pinhole camera through which the face is seen.
        points: N surface points.
        weight: (N,) probability in [0, 1] that the pair is right, e.g. the matchability.
        sigma: (N,) standard deviation of the pixels per axis.
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
        bucket: side in template pixels of the squares of which each gives its best cell; 8 gives 120 to 220 pairs.
            With 6, nearly twice as many, landmarks and angles err as much, and the unfiltered distance trembles less.
        max_moved: a cell that points further than this beside the drawn face is dropped, in template pixels.
        min_sigma: least standard deviation in crop pixels: what the face model and the grid cannot explain.
        reach: metres that a face moves from one frame to the next at most; the faces of two people are further apart.
    """

    min_matchability: float = 0.5
    bucket: float = 8.0
    max_moved: float = 2.0
    min_sigma: float = 0.5
    reach: float = 0.08


@cache
def cell_pixels(height: int, width: int, size: int) -> npt.NDArray[np.float32]:
    """Crop pixel (u, v) each cell of an h x w grid over a ``size`` x ``size`` crop speaks for, (h, w, 2)."""
    u = (np.arange(width, dtype=np.float32) + 0.5) * (size / width) - 0.5
    v = (np.arange(height, dtype=np.float32) + 0.5) * (size / height) - 0.5
    out = np.stack(np.meshgrid(u, v), axis=-1)
    out.flags.writeable = False  # all callers share it
    return out


@cache
def _cell_axes(height: int, width: int, size: int) -> tuple[FloatArray, FloatArray]:
    """:func:`cell_pixels` as u (h * w,) and v (h * w,)."""
    flat = cell_pixels(height, width, size).reshape(-1, 2)
    return flat[:, 0].copy(), flat[:, 1].copy()


def correspondences(
    output: NetworkOutput,
    view: FacingView,
    template: Template,
    settings: CorrespondenceSettings = CorrespondenceSettings(),
    expected: npt.NDArray[np.floating] | None = None,
) -> Correspondences:
    """Choose matchable cells, at most one per bucket of the template, and lift them to 2D-3D pairs.

    Within a bucket the cell with the most information, matchability / sigma^2, is taken; the order is that of the
    buckets, row by row, so equal outputs give equal correspondences. There may be none.

    Args:
        output: of the network on ``view``, whose ``pinhole`` the pixels are of.
        expected: (V, 3) vertices, in the camera frame, of the head that is followed. Cells that show a part of a face
            further from there than ``reach`` are left out: they belong to somebody else.
    """
    height, width = output.matchability.shape
    cells = np.flatnonzero(output.matchability >= settings.min_matchability)
    # Across and down each by themselves, as numpy takes several times longer along axes of two.
    u, v = (centre.take(cells) for centre in _cell_axes(height, width, view.size))
    flow_u, flow_v = output.flow.reshape(2, -1)
    across, down = u + flow_u.take(cells), v + flow_v.take(cells)
    last = template.size - 1
    inside = (across >= 0.0) & (across <= last) & (down >= 0.0) & (down <= last)  # NaN is not
    if not inside.all():
        cells = cells[inside]
        u, v, across, down = (values[inside] for values in (u, v, across, down))

    matchability, log_sigma = output.matchability.reshape(-1).take(cells), output.log_sigma.reshape(-1).take(cells)
    pixel = np.rint(down).astype(np.intp) * template.size + np.rint(across).astype(np.intp)
    # Those on the face are the better ones.
    information = (np.log(matchability) - 2.0 * log_sigma).astype(np.float64)
    information -= _BESIDE_COSTS * (template.triangle.reshape(-1).take(pixel) < 0)
    side = int(template.size / settings.bucket) + 1
    column, row = (((pixels + 0.5) / settings.bucket).astype(np.intp) for pixels in (across, down))
    bucket = row * side + column
    if expected is not None:
        places, reach = _places(template, settings, expected, view)
        away_u, away_v = u - places[:, 0].take(bucket), v - places[:, 1].take(bucket)
        information[away_u * away_u + away_v * away_v > (reach * reach).take(bucket)] = -np.inf
    most = np.full(side * side, -np.inf)
    np.maximum.at(most, bucket, information)
    winners = np.flatnonzero((information == most.take(bucket)) & (information > -np.inf))
    best = np.full(side * side, -1, dtype=np.intp)
    best[bucket[winners]] = winners  # of equals the last one stays
    chosen = best[best >= 0]

    points, moved = template.surface_points(np.array([across[chosen], down[chosen]]).T)
    on_face = moved <= settings.max_moved
    chosen = chosen[on_face]
    sigma = np.maximum(np.exp(log_sigma[chosen].astype(np.float64)), settings.min_sigma)
    return Correspondences(
        pixels=np.array([u[chosen], v[chosen]], dtype=np.float64).T,
        points=SurfacePoints(points.triangle[on_face], points.weights[on_face]),
        weight=matchability[chosen].astype(np.float64),
        sigma=sigma,
    )


def _places(
    template: Template,
    settings: CorrespondenceSettings,
    expected: npt.NDArray[np.floating],
    view: FacingView,
) -> tuple[FloatArray, FloatArray]:
    """View pixel (B, 2) where the part of the face in the middle of each bucket is expected, and the reach (B,) there.

    All of a bucket lies within a centimetre of its middle, which is little beside the reach.
    """
    points = expected.T.take(_middle_vertices(template, settings.bucket), axis=1).T
    reach = settings.reach * view.pinhole.fx / lengths(points)
    return view.seen(points).astype(np.float32), reach.astype(np.float32)


@lru_cache(maxsize=8)
def _middle_vertices(template: Template, bucket: float) -> npt.NDArray[np.intp]:
    """A vertex (B,) in the middle of each bucket."""
    side = int(template.size / bucket) + 1
    middle = np.minimum((np.arange(side) + 0.5) * bucket - 0.5, template.size - 1)
    triangle = template.nearest_triangle[np.ix_(*2 * [np.rint(middle).astype(np.intp)])].ravel()
    return template.model.triangles[triangle, 0].astype(np.intp)
