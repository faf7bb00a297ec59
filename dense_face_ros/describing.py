"""What is told of a head that was fitted: HeadFit in, HeadState out, with nothing that the picture does not show."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dense_face_ros.expression_visibility import ExpressionVisibility
from dense_face_ros.eyes import EyeOpenness
from dense_face_ros.face_model import FaceModel
from dense_face_ros.frame_input import Image
from dense_face_ros.geometry import Array, PinholeCamera
from dense_face_ros.head_fitting import HeadFit
from dense_face_ros.head_state import HeadState, Status
from dense_face_ros.landmark_uncertainty import LandmarkUncertainty
from dense_face_ros.visibility import LandmarkVisibility

_VISIBLE = 0.5


class HeadDescriber:
    """Describes heads of one face model; keeps nothing between frames.

    Args:
        model: that the heads were fitted with.
        eyelids: the file of the network that reads them; None: the shipped one.
        threads: CPU threads of its inference.

    Raises:
        FileNotFoundError, ValueError, ImportError: as :class:`dense_face_ros.eyes.EyeOpenness`.
    """

    def __init__(self, model: FaceModel, eyelids: Path | None, threads: int) -> None:
        self._model = model
        self._visibility, self._uncertainty = LandmarkVisibility(model), LandmarkUncertainty(model)
        self._expressions = ExpressionVisibility(model)
        self._eyes = EyeOpenness(eyelids, threads=threads)

    @property
    def eyelid_metadata(self) -> dict[str, str]:
        """Of the eyelids' network."""
        return self._eyes.metadata

    def describe(
        self, image: Image, fit: HeadFit, stamp: float, pose: Array, covariance: Array, track: int
    ) -> HeadState:
        """The state of a head fitted to ``image``, with its smoothed ``pose`` (4, 4) and that one's ``covariance``."""
        alignment, output = fit.alignment, fit.output
        visibility = self._visibility(fit.vertices, output, fit.view)
        visible = visibility >= _VISIBLE
        activations = alignment.coefficients[self._model.identity_size :].clip(0.0, 1.0)
        activations[~self._expressions(visible)] = np.nan
        # The next frame starts from what this one left: a state is edited without an effect on it.
        return HeadState(
            stamp=stamp,
            status=Status.TRACKING,
            reason="",
            camera=fit.camera,
            pose=np.array(pose),
            pose_raw=np.array(alignment.pose),
            covariance=np.array(covariance),
            covariance_raw=np.array(alignment.covariance),
            coefficients=np.array(alignment.coefficients),
            expression=dict(zip(self._model.expression_names, activations.tolist(), strict=True)),
            landmarks_2d=np.array(fit.pixels),
            landmarks_3d=np.array(fit.landmarks),
            landmark_visible=visible,
            landmark_visibility=visibility,
            landmark_sigma=self._uncertainty(alignment, fit.landmarks, fit.camera),
            eye_openness=self._eyes(image, fit.landmarks, alignment.pose[:3, :3], fit.camera, visibility),
            vertices=np.array(fit.vertices),
            matchability=output.matchability,
            flow=output.flow,
            flow_sigma=np.exp(output.log_sigma),
            quality=fit.quality,
            view=fit.view,
            track=track,
        )

    def nothing(self, stamp: float, status: Status, reason: str, camera: PinholeCamera) -> HeadState:
        """The state of a frame without a head, with the reason."""
        size = self._model.identity_size + self._model.expression_size
        return HeadState.without_head(stamp, status, reason, camera, len(self._model.mean), size)
