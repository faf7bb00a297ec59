"""One crop of one image to a fitted head: crop, network, correspondences, outline, alignment; and is it one?

Keeps nothing between calls; the memory is in :mod:`dense_face_ros.tracker`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import atan2, hypot, sqrt

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.alignment import Aligner, Alignment, AlignmentFailure, AlignmentSettings, FindOutline
from dense_face_ros.backends import CROP_SIZE, CorrespondenceNetwork, NetworkOutput
from dense_face_ros.calibration import Calibration
from dense_face_ros.correspondence import cell_pixels, correspondences
from dense_face_ros.crop import Crop
from dense_face_ros.energy import FitState, IdentityPrior, median
from dense_face_ros.exposure import exposed
from dense_face_ros.face_model import FaceModel
from dense_face_ros.facing_view import FacingView
from dense_face_ros.geometry import Array, PinholeCamera, cross, roll_on_screen, rotation_from_vector
from dense_face_ros.grain import grain
from dense_face_ros.outline import Outline, OutlineFinder
from dense_face_ros.template import Template
from dense_face_ros.visibility import matched

#: Crop side over the geometric-mean side of the box around the 68 landmarks.
MARGIN = 1.5
_FROM_ABOVE = 0.3  # sine of the angle between sight and the head's up axis below which the image shows no up
# A face that the edge of the image cuts off at a side is reported as turned: from this share of its landmarks outside
# on, the variances are larger by the factor. Of 90 rendered heads, cut by 15 to 45 %, the normalised squared error was
# 1.6 to 2.8 at the sides and 1.0 to 1.2 at the top and bottom.
_CUT_SHARE, _CUT_FACTOR = 0.05, 2.0
# Networks do not say how much less a face of few pixels tells them: with a box of landmarks of this many squared,
# variances are twice what the fit claims, and an eighth more with twice as many a side. Without it, normalised squared
# errors of rendered people in images of 0.18 times 640x480 are 1.2 to 1.8 times those at full size.
_SMALL = 16.0
# Nor how much less a noisy one does: with noise of so many grey values in the crop variances are twice as large.
_NOISY = 20.0
_CELLS = 64  # a side of the mask of what the image shows of a crop; as fine as the network's answer
_COVERAGE_STEP = 11  # every eleventh triangle tells the coverage as well as all of them


class NoHead(Exception):
    """The crop shows no head that could be fitted; the message says why."""


@dataclass(frozen=True)
class FitLimits:
    """What a fit must reach to be believed.

    Attributes:
        min_points: correspondences found.
        min_inliers: share of correspondences that agree with the fitted head.
        min_coverage: mean matchability over the fitted surface that faces the camera; a face half hidden by hands
            still has 0.3 to 0.5.
        max_residual: root mean square distance of the inliers, in pixels of the network's crop.
        max_sigma: the network's own standard deviation, median over the matched cells in crop pixels. Of faces in
            videos it is 1 to 1.5, of the smallest and furthest turned up to 5; in the black of a covered lens, where
            it matches a face that is not there, 10 to 20.
        distance: (nearest, farthest) head in metres, for cameras whose intrinsics are known.
    """

    min_points: int = 40
    min_inliers: float = 0.6
    min_coverage: float = 0.3
    max_residual: float = 4.0
    max_sigma: float = 6.0
    distance: tuple[float, float] = (0.12, 8.0)


@dataclass(frozen=True)
class HeadFit:
    """A head fitted to one crop.

    vertices (V, 3), which lie column by column in memory, and landmarks (68, 3) are metres in the camera frame,
    ``pixels`` (68, 2) those of the distorted image, ``quality`` is as in ``HeadState.quality``. The network saw the
    ``window``, BGR or grey: what the ``view`` cuts out of the image, stretched where it was dark or pale.
    """

    alignment: Alignment
    camera: PinholeCamera
    view: FacingView
    window: npt.NDArray[np.uint8]
    output: NetworkOutput
    vertices: Array
    landmarks: Array
    pixels: Array
    quality: dict[str, float]

    @cached_property
    def box(self) -> Array:
        """Box (x0, y0, x1, y1) around the 68 landmarks, image pixels."""
        return np.concatenate([self.pixels.min(axis=0), self.pixels.max(axis=0)])

    @cached_property
    def centre(self) -> Array:
        """Middle (u, v) of that box."""
        return np.asarray(0.5 * (self.box[:2] + self.box[2:]))

    @property
    def vagueness(self) -> float:
        """How unsure the network is of where things are and of what matches at all: ``sigma`` times the variance
        m (1 - m) of the matchability, mean over the crop. The edges of animals it takes for heads are blurred to it.
        """
        matchability = self.output.matchability
        return self.quality["sigma"] * float(np.mean(matchability * (1.0 - matchability)))

    def next_view(self, camera: PinholeCamera) -> FacingView:
        """Where to look for this head next: around its landmarks, turned upright; the same wherever in the image it is.

        Raises:
            TooFarAside: it cannot be looked at straight.
        """
        if camera != self.camera:  # to which the pose does not belong
            upright = Crop.around_box(self.box, MARGIN, CROP_SIZE)
            return FacingView.of(replace(upright, angle=roll_on_screen(self.alignment.pose[:3, :3])), camera)
        # Seen along the line to their middle, by a camera that is not turned about that line.
        level = _level(self.landmarks.sum(axis=0))
        seen = self.landmarks @ level
        places = seen[:, :2] / seen[:, 2:]
        low, high = places.min(axis=0), places.max(axis=0)
        width, height = np.maximum(high - low, 1e-3).tolist()
        ahead = level[:, :2] @ (0.5 * (low + high)) + level[:, 2]
        # The head's own down; it vanishes for a face seen from above, which then stays as it is.
        down = -self.alignment.pose[:3, 2]
        if (down @ ahead) ** 2 >= (1.0 - _FROM_ABOVE**2) * (ahead @ ahead):
            down = self.view.rotation[:, 1]
        return FacingView.towards(ahead, down, CROP_SIZE / (MARGIN * sqrt(width * height)), CROP_SIZE, camera)


def _level(sight: Array) -> Array:
    """(3, 3) camera <- a camera that looks along ``sight``, turned there without a turn about it."""
    x, y, z = sight.tolist()
    across = hypot(x, y)
    turn = atan2(across, z) / max(across, 1e-12)
    return rotation_from_vector([-turn * y, turn * x, 0.0])


def outline_search(
    finder: OutlineFinder,
    output: NetworkOutput,
    view: FacingView,
    followed: tuple[Array, npt.NDArray[np.floating]] | None = None,
) -> FindOutline:
    """What tells the aligner where the outline of a face is in ``output``, the network's of ``view``.

    ``followed``: coefficients and vertices (V, 3), in the camera's frame, of a face that need not be shaped anew.
    """

    def search(face: FitState) -> Outline:
        if followed is not None and face.coefficients is followed[0]:
            vertices = (view.rotation.T @ followed[1].T.take(finder.looked_at, axis=1)).T
        else:
            vertices = finder.shape(face.coefficients) @ face.rotation.T + face.translation
        return finder(vertices.astype(np.float32), output, view)

    return search


class HeadFitter:
    """Fits heads with one face model and one network."""

    def __init__(
        self,
        model: FaceModel,
        template: Template,
        network: CorrespondenceNetwork,
        limits: FitLimits | None = None,
        alignment: AlignmentSettings | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        self.model, self.template, self.network = model, template, network
        self.limits = limits or FitLimits()
        self._aligner = Aligner(model, alignment, calibration)
        self._outline = OutlineFinder(model)
        self._sampled = model.triangles[::_COVERAGE_STEP].T.astype(np.intp, order="C")

    def fit(
        self,
        image: npt.NDArray[np.uint8],
        view: FacingView,
        start: HeadFit | None = None,
        identity: IdentityPrior | None = None,
    ) -> HeadFit:
        """Fit the head that a view of an image shows.

        Args:
            image: (H, W, 3) BGR or (H, W) grey.
            view: where to look, ``CROP_SIZE`` pixels a side.
            start: the fit to begin from, of the same head by the same camera; a closed form without. What lies too
                far from it belongs to somebody else and is left out.
            identity: what is known of the person; N(0, 1) without.

        Raises:
            NoHead: with the reason.
        """
        shown = shown_cells(view)
        window = exposed(view.cut(image), shown)
        rgb = cv2.cvtColor(window, cv2.COLOR_BGR2RGB if window.ndim == 3 else cv2.COLOR_GRAY2RGB)
        output = _of_image(self.network.run(np.asarray(rgb, dtype=np.uint8)), shown)
        expected = None if start is None else start.vertices
        pairs = correspondences(output, view, self.template, expected=expected)
        if len(pairs) < self.limits.min_points:
            raise NoHead(f"{len(pairs)} matchable points, {self.limits.min_points} needed")
        before = None if start is None else start.alignment.state.turned(view.rotation.T)
        followed = None if start is None else (start.alignment.coefficients, start.vertices)
        outline = outline_search(self._outline, output, view, followed)
        try:
            alignment = self._aligner.align(pairs, view.pinhole, start=before, identity_prior=identity, outline=outline)
        except AlignmentFailure as failure:
            raise NoHead(str(failure)) from failure
        return self._judged(alignment.turned(view.rotation), view, window, output)

    def _judged(
        self, alignment: Alignment, view: FacingView, window: npt.NDArray[np.uint8], output: NetworkOutput
    ) -> HeadFit:
        camera = view.camera
        shape = self.model.shape(alignment.coefficients)
        vertices = (alignment.pose[:3, :3] @ shape.T + alignment.pose[:3, 3:]).T
        landmarks = self.model.landmarks_of(vertices)
        nearest, farthest = self.limits.distance
        distance = float(alignment.pose[2, 3])
        if vertices[:, 2].min() <= 0 or (camera.metric and not nearest <= distance <= farthest):
            raise NoHead(f"the fitted head is {distance:.2f} m away, {nearest} to {farthest} m are allowed")
        pixels = camera.project(landmarks)
        quality = {
            "inliers": alignment.inliers,
            "residual": alignment.residual,
            "coverage": self._coverage(vertices, output, view),
            "sigma": float(np.exp(median(output.log_sigma[output.matchability > 0.5]))),
        }
        limits = self.limits
        if quality["inliers"] < limits.min_inliers:
            raise NoHead(f"{quality['inliers']:.0%} of the points agree, {limits.min_inliers:.0%} needed")
        if not quality["coverage"] >= limits.min_coverage:  # NaN is no coverage
            raise NoHead(f"{quality['coverage']:.0%} of the fitted face is matched, {limits.min_coverage:.0%} needed")
        for name, most in (("residual", limits.max_residual), ("sigma", limits.max_sigma)):
            if not quality[name] <= most:
                raise NoHead(f"{name} {quality[name]:.1f} crop pixels, {most} allowed")
        alignment = replace(alignment, doubt=_doubt(pixels, camera, window))
        return HeadFit(alignment, camera, view, window, output, vertices, landmarks, pixels, quality)

    def _coverage(self, vertices: Array, output: NetworkOutput, view: FacingView) -> float:
        """Mean matchability over a sample of the triangles that face the camera, each counted by the area it shows.

        A triangle outside the view counts as not matched.
        """
        a, b, c = vertices.T.take(self._sampled, axis=1).transpose(1, 2, 0)
        centre = (a + b + c) / 3.0
        squared = np.einsum("ij,ij->i", centre, centre)
        shown = -np.einsum("ij,ij->i", cross(b - a, c - a), centre) / (squared * np.sqrt(squared))
        weights = np.maximum(shown, 0.0)
        total = float(weights.sum())
        return float(weights @ matched(centre, output, view)) / total if total else np.nan


def _doubt(pixels: Array, camera: PinholeCamera, window: npt.NDArray[np.uint8]) -> float:
    """Variance of the pose over what the fit claims, with its landmarks (68, 2) there and the crop that it saw."""
    outside = 1.0 - int(np.count_nonzero(camera.shows(pixels))) / len(pixels)
    cut = 1.0 + (_CUT_FACTOR - 1.0) * min(outside / _CUT_SHARE, 1.0)
    width, height = (pixels.max(axis=0) - pixels.min(axis=0)).tolist()
    return cut * (1.0 + (_SMALL / sqrt(width * height)) ** 3 + (grain(window) / _NOISY) ** 2)


def shown_cells(view: FacingView) -> npt.NDArray[np.uint8] | None:
    """Which cells (64, 64) over a view the image shows: 1, else 0; None: all of them."""
    inside = view.within_image(cell_pixels(_CELLS, _CELLS, view.size).reshape(-1, 2))
    return None if inside is None else inside.reshape(_CELLS, _CELLS).astype(np.uint8)


def _of_image(output: NetworkOutput, shown: npt.NDArray[np.uint8] | None) -> NetworkOutput:
    """Nothing is matchable where the view shows no image: there the network can only guess."""
    if shown is None:
        return output
    inside = cv2.resize(shown, output.matchability.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return replace(output, matchability=output.matchability * inside)
