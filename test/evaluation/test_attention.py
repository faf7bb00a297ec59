import numpy as np
from ros.fake_tracker import make_model, tracked_state

from dense_face_ros.attention.states import State
from dense_face_ros.evaluation.attention import AttentionJudge
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.head_state import HeadState, Status

CAMERA = PinholeCamera(500.0, 500.0, 319.5, 239.5, 640, 480)
MODEL = make_model()


def test_a_long_look_aside_is_a_distraction_and_no_head_is_unknown() -> None:
    judge = AttentionJudge("euro_ncap", camera=(0.0, 0.0, 0.0))
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
    judge = AttentionJudge()
    states = [judge.judge(i / 10, tracked_state(MODEL, i / 10, CAMERA)).state for i in range(400)]
    assert states[100] is State.UNKNOWN and states[-1] is State.ATTENTIVE
