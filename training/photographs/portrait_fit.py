"""The face model fitted to the 189 points placed by hand on a portrait of the Face Research Lab London Set.

Lids, mouth, nostrils and brows are landmarks. They say little of how wide the face is, and what they leave open shifts
cheeks, jaw and ears by several millimetres; so the edges of jaw and ears are measurements too
(:mod:`training.photographs.outline`). Under the chin the face goes over into the neck without an edge. The portraits
are told to be neutral, and are taken to be.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dense_face_ros.alignment import Aligner, Alignment, AlignmentFailure, AlignmentSettings
from dense_face_ros.correspondence import Correspondences
from dense_face_ros.face_model import FaceModel, SurfacePoints
from dense_face_ros.frame_input import photograph_camera
from dense_face_ros.geometry import Array, PinholeCamera
from training.benchmarks.metrics import box_of, box_size
from training.photographs.outline import Outline

#: Landmark of the 68 -> the portraits' points in whose middle it lies: lids, mouth, nostrils, chin, ends of the brows.
AT_LANDMARKS: dict[int, tuple[int, ...]] = {
    36: (18,), 37: (19,), 38: (20, 21), 39: (22,), 40: (29, 30), 41: (28,),
    42: (23,), 43: (24, 25), 44: (26,), 45: (27,), 46: (33,), 47: (31, 32),
    48: (87,), 49: (88,), 50: (89,), 51: (90,), 52: (91,), 53: (92,), 54: (93,),
    55: (108,), 56: (107,), 57: (106,), 58: (105,), 59: (104,),
    31: (64,), 35: (69,), 8: (129,), 17: (71,), 21: (74, 75), 22: (78, 79), 26: (82,),
}  # fmt: skip
#: Points on the edge of the jaw beside the mouth, and on the outer edge of the person's right and left ear.
JAW, RIGHT_EAR, LEFT_EAR = (125, 126, 132, 133), (115, 116, 117, 118, 119), (120, 121, 122, 123, 124)

_ROUGH = (8, 17, 21, 22, 26)  # where the two conventions only nearly agree
_SIGMA, _ROUGH_SIGMA, _JAW_SIGMA, _EAR_SIGMA = 0.01, 0.03, 0.015, 0.03  # of the face's size
_EXPRESSION_WEIGHT = 30.0
_ROUNDS = 6  # four more move a label by a tenth of a pixel

Image = npt.NDArray[np.uint8]


class PortraitFitter:
    """Fits ``model`` to portraits."""

    def __init__(self, model: FaceModel) -> None:
        self.model = model
        # Points placed by hand err independently. Of the fit's covariance nothing is used.
        settings = AlignmentSettings(
            independent_share=1.0,
            expression_weight=_EXPRESSION_WEIGHT,
            jaw_weight=_EXPRESSION_WEIGHT,
        )
        self._aligner = Aligner(model, settings)
        self._outline = Outline(model)
        marks = np.array(list(AT_LANDMARKS))
        self._places = SurfacePoints(model.landmarks.triangle[marks], model.landmarks.weights[marks])
        edges = [_JAW_SIGMA] * len(JAW) + [_EAR_SIGMA] * (len(RIGHT_EAR) + len(LEFT_EAR))
        self._sigma = np.concatenate([np.where(np.isin(marks, _ROUGH), _ROUGH_SIGMA, _SIGMA), edges])

    def fit(self, image: Image, points: Array) -> tuple[Alignment, PinholeCamera] | None:
        """The face model on a portrait's points (189, 2), and the camera assumed; None where it does not fit."""
        at_landmarks = np.array([points[list(own)].mean(axis=0) for own in AT_LANDMARKS.values()])
        size = box_size(box_of(at_landmarks))
        camera = photograph_camera(image, size)
        jaw, right, left = (points[list(edge)] for edge in (JAW, RIGHT_EAR, LEFT_EAR))
        pixels, sigma = np.concatenate([at_landmarks, jaw, right, left]), size * self._sigma
        count = len(at_landmarks)
        try:
            start = Correspondences(pixels[:count], self._places, np.ones(count), sigma[:count])
            fit = self._aligner.align(start, camera)
            for _ in range(_ROUNDS):
                seen = np.asarray(self.model.shape(fit.coefficients) @ fit.pose[:3, :3].T + fit.pose[:3, 3], np.float64)
                edges = (
                    self._outline.jaw(seen, camera, jaw),
                    self._outline.ear(seen, camera, "right", right),
                    self._outline.ear(seen, camera, "left", left),
                )
                places = _joined(self._places, *edges)
                pairs = Correspondences(pixels, places, np.ones(len(pixels)), sigma)
                fit = self._aligner.align(pairs, camera, start=fit)
        except AlignmentFailure:
            return None
        return fit, camera


def _joined(*points: SurfacePoints) -> SurfacePoints:
    return SurfacePoints(np.concatenate([p.triangle for p in points]), np.concatenate([p.weights for p in points]))
