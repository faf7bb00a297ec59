"""The attention policy over a recording, as the attention node would run it over the tracker's messages."""

from __future__ import annotations

from dense_face_ros.attention.directions import camera_mounting
from dense_face_ros.attention.neutral_pose import NeutralPose
from dense_face_ros.attention.policy import AttentionPolicy, HeadSample
from dense_face_ros.attention.settings import PRESETS
from dense_face_ros.attention.states import Attention
from dense_face_ros.attention.zones import ZoneMap
from dense_face_ros.head_state import HeadState, Status
from dense_face_ros.ros.message_content import pose_covariance
from dense_face_ros.ros.parameters import ATTENTION, defaults

#: Seconds without a frame after which nothing is known, as for the node unless it is told otherwise.
SILENCE = float(defaults(ATTENTION)["max_silence"])


class AttentionJudge:
    """Takes the states of a recording in order.

    Args:
        preset: of the thresholds.
        drive: side of the car on which the driver sits, ``left`` or ``right``.
        camera: yaw, pitch, roll of the camera's mounting, degrees, as the node's parameters; None: learned from the
            driving, which takes half a minute.
    """

    def __init__(
        self, preset: str = "euro_ncap", drive: str = "left", camera: tuple[float, float, float] | None = None
    ) -> None:
        neutral, mounting = (None if camera else NeutralPose()), camera_mounting(*(camera or (0.0, 0.0, 0.0)))
        self._policy = AttentionPolicy(PRESETS[preset], ZoneMap.load(None, drive), mounting, neutral)

    def judge(self, stamp: float, state: HeadState) -> Attention:
        """What the policy concludes at a stamp in seconds."""
        if state.status is not Status.TRACKING:
            return self._policy.update(HeadSample(stamp))
        covariance = pose_covariance(state)
        return self._policy.update(HeadSample(stamp, state.pose[:3, :3], covariance, state.eye_openness))
