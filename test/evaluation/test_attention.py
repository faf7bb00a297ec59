from __future__ import annotations

import argparse
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ros.fake_tracker import make_model, tracked_state

from dense_face_ros.attention.policy import AttentionPolicy, HeadSample
from dense_face_ros.attention.settings import PRESETS
from dense_face_ros.attention.states import State
from dense_face_ros.evaluation.attention import AttentionJudge, add_attention_options, asked_policy, asked_values
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.head_state import HeadState, Status
from dense_face_ros.ros.message_content import pose_covariance

CAMERA = PinholeCamera(500.0, 500.0, 319.5, 239.5, 640, 480)
MODEL = make_model()


def asked(*arguments: str) -> AttentionPolicy:
    parser = argparse.ArgumentParser()
    add_attention_options(parser)
    return asked_policy(asked_values(parser.parse_args(arguments)), Path(__file__), "")


def test_a_long_look_aside_is_a_distraction_and_no_head_is_unknown() -> None:
    judge = AttentionJudge(asked("--camera", "0", "0", "0"))
    states = []
    for i in range(300):
        stamp = 1.7e9 + i / 30
        yaw = np.radians(60.0) if 60 <= i < 210 else 0.0
        state = tracked_state(MODEL, stamp, CAMERA, yaw=yaw)
        if i >= 270:
            state = HeadState.without_head(stamp, Status.LOST, "hidden", CAMERA, 6, 3)
        states.append(judge.judge(stamp, state).state)
    assert states[50] is State.ATTENTIVE and states[120] is State.ATTENTIVE
    assert states[200] is State.LONG_DISTRACTION and states[-1] is State.UNKNOWN


def test_an_unknown_mounting_is_learned_first() -> None:
    judge = AttentionJudge(asked())
    states = [judge.judge(i / 10, tracked_state(MODEL, i / 10, CAMERA)).state for i in range(400)]
    assert states[100] is State.UNKNOWN and states[-1] is State.ATTENTIVE


def test_a_head_seen_by_an_assumed_camera_is_as_doubtful_as_it_is_published() -> None:
    samples: list[HeadSample] = []
    policy: Any = SimpleNamespace(update=samples.append)
    state = tracked_state(MODEL, 1.0, PinholeCamera.from_field_of_view(640, 480, 60.0))
    AttentionJudge(policy).judge(1.0, state)
    assert samples[0].covariance is not None and np.array_equal(samples[0].covariance, pose_covariance(state))


def test_each_eye_is_itself_and_the_speed_is_told_without_a_head_too() -> None:
    samples: list[HeadSample] = []
    judge = AttentionJudge(SimpleNamespace(update=samples.append))  # type: ignore[arg-type]
    judge.judge(1.0, tracked_state(MODEL, 1.0, CAMERA), 20.0)
    judge.judge(2.0, HeadState.without_head(2.0, Status.LOST, "hidden", CAMERA, 6, 3), 20.0)
    assert samples[0].eye_openness == pytest.approx((0.9, np.nan), nan_ok=True)
    assert [sample.speed for sample in samples] == [20.0, 20.0] and samples[1].rotation is None


def test_the_node_s_parameter_file_is_taken_and_the_command_line_after_it(tmp_path: Path) -> None:
    file = tmp_path / "attention.yaml"
    file.write_text("/**/attention:\n  ros__parameters: {preset: custom, long_glance: 1.5, camera_yaw: 8.0}\n")
    policy = asked("--attention-params-file", str(file))
    assert policy.settings.glance_limit(None) == 1.5 and policy.neutral is not None
    mounted = asked("--attention-params-file", str(file), "--camera", "10", "0", "0")
    assert mounted.neutral is None and mounted.car_from_camera is not None
    assert asked("--preset", "nhtsa").settings is PRESETS["nhtsa"]
    file.write_text("attention: {ros__parameters: {mounting: tf}}\n")
    with pytest.raises(
        ValueError, match=r"'mounting' is 'tf' and '.*test_attention\.py' is no bag; give .* with --camera"
    ):
        asked("--attention-params-file", str(file))
    assert asked("--attention-params-file", str(file), "--camera", "10", "0", "0").neutral is None
