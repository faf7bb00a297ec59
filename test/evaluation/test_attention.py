from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest
from ros.fake_tracker import make_model, tracked_state

from dense_face_ros.attention.head_sample import HeadSample
from dense_face_ros.attention.pairing import NO_POSE
from dense_face_ros.attention.settings import PRESETS
from dense_face_ros.attention.states import State
from dense_face_ros.evaluation.attention import (
    AttentionJudge,
    add_attention_options,
    asked_judge,
    asked_values,
    head_sample,
)
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.head_state import HeadState, Status
from dense_face_ros.ros.message_content import pose_covariance

CAMERA = PinholeCamera(500.0, 500.0, 319.5, 239.5, 640, 480)
MODEL = make_model()


def asked(*arguments: str) -> AttentionJudge:
    parser = argparse.ArgumentParser()
    add_attention_options(parser)
    return asked_judge(asked_values(parser.parse_args(arguments)), Path(__file__), "")


def test_a_long_look_aside_is_a_distraction_and_no_head_is_unknown() -> None:
    judge = asked("--camera", "0", "0", "0")
    states = []
    for i in range(300):
        stamp = 1.7e9 + i / 30
        yaw = np.radians(60.0) if 60 <= i < 210 else 0.0
        state = tracked_state(MODEL, stamp, CAMERA, yaw=yaw)
        if i >= 270:
            state = HeadState.without_head(stamp, Status.LOST, "hidden", CAMERA, 6, 3)
        states += [told.state for told in judge.judge(head_sample(state, stamp))]
    assert states[50] is State.ATTENTIVE and states[120] is State.ATTENTIVE
    assert states[200] is State.LONG_DISTRACTION and states[-1] is State.UNKNOWN


def test_an_unknown_mounting_is_learned_first() -> None:
    judge = asked()
    samples = [head_sample(tracked_state(MODEL, i / 10, CAMERA), i / 10) for i in range(400)]
    states = [told.state for sample in samples for told in judge.judge(sample)]
    assert states[100] is State.UNKNOWN and states[-1] is State.ATTENTIVE


def test_a_head_seen_by_an_assumed_camera_is_as_doubtful_as_it_is_published() -> None:
    state = tracked_state(MODEL, 1.0, PinholeCamera.from_field_of_view(640, 480, 60.0))
    sample = head_sample(state, 1.0)
    assert sample.covariance is not None and np.array_equal(sample.covariance, pose_covariance(state))


def test_each_eye_is_itself_and_the_speed_is_told_without_a_head_too() -> None:
    seen = head_sample(tracked_state(MODEL, 1.0, CAMERA), 1.0, 20.0)
    lost = head_sample(HeadState.without_head(2.0, Status.LOST, "hidden", CAMERA, 6, 3), 2.0, 20.0)
    assert seen.eye_openness == pytest.approx((0.9, np.nan), nan_ok=True)
    assert (seen.speed, lost.speed) == (20.0, 20.0) and lost.rotation is None


def test_a_pose_that_is_withheld_is_not_judged_either() -> None:
    sample = head_sample(tracked_state(MODEL, 1.0, CAMERA), 1.0, with_pose=False)
    assert sample.rotation is None and sample.covariance is None
    assert sample.lacking == NO_POSE, "as the node says of such messages"
    assert sample.eye_openness == pytest.approx((0.9, np.nan), nan_ok=True), "expression tells it all the same"


def test_a_silence_longer_than_the_file_permits_is_unknown(tmp_path: Path) -> None:
    """Told before the sample that ends it, as the node tells it: from when it is too long."""
    file = tmp_path / "attention.yaml"
    file.write_text("attention: {ros__parameters: {max_silence: 1.0}}\n")
    stamps = (10.0, 10.3, 10.9, 12.4)
    told = {}
    for name, arguments in {"usual": (), "file": ("--attention-params-file", str(file))}.items():
        judge = asked(*arguments)
        told[name] = [(state.stamp, state.reason) for stamp in stamps for state in judge.judge(HeadSample(stamp))]
    assert [stamp for stamp, _ in told["usual"]] == pytest.approx([10.0, 10.3, 10.7, 10.9, 11.3, 12.4])
    assert [stamp for stamp, _ in told["file"]] == pytest.approx([10.0, 10.3, 10.9, 11.9, 12.4])
    assert (told["usual"][2][1], told["file"][3][1]) == ("nothing recorded for 0.4 s", "nothing recorded for 1 s")


def test_a_recording_that_is_played_again_holds_no_silence() -> None:
    judge = asked()
    told = [judge.judge(HeadSample(stamp)) for stamp in (10.0, 10.3, 5.0, 5.3, 5.2, 5.6)]
    assert [len(states) for states in told] == [1] * 6, "nor does a sample out of order begin one"


def test_the_node_s_parameter_file_is_taken_and_the_command_line_after_it(tmp_path: Path) -> None:
    file = tmp_path / "attention.yaml"
    file.write_text("/**/attention:\n  ros__parameters: {preset: custom, long_glance: 1.5, camera_yaw: 8.0}\n")
    policy = asked("--attention-params-file", str(file)).policy
    assert policy.settings.glance_limit(None) == 1.5 and policy.heading.neutral is not None
    mounted = asked("--attention-params-file", str(file), "--camera", "10", "0", "0").policy
    assert mounted.heading.neutral is None and mounted.heading.car_from_camera is not None
    assert asked("--preset", "nhtsa").policy.settings is PRESETS["nhtsa"]
    file.write_text("attention: {ros__parameters: {mounting: tf}}\n")
    with pytest.raises(
        ValueError, match=r"'mounting' is 'tf' and '.*test_attention\.py' is no bag; give .* with --camera"
    ):
        asked("--attention-params-file", str(file))
    assert asked("--attention-params-file", str(file), "--camera", "10", "0", "0").policy.heading.neutral is None
