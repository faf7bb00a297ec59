import cv2
import numpy as np
from ros.fake_tracker import make_model, tracked_state

from dense_face_ros.evaluation.key_frames import KeyFrames
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.head_state import HeadState, Status

CAMERA = PinholeCamera(80.0, 80.0, 31.5, 23.5, 64, 48)
MODEL = make_model()
IMAGE = np.full((48, 64, 3), 100, np.uint8)


def test_extremes_and_losses_are_among_them_and_their_number_is_bounded() -> None:
    frames = KeyFrames(MODEL)
    for i in range(300):
        if i in (120, 121):
            state = HeadState.without_head(i / 30, Status.LOST, "hidden", CAMERA, 6, 3)
        else:
            state = tracked_state(MODEL, i / 30, CAMERA, yaw={77: 0.9, 201: -0.8}.get(i, 0.0))
        frames.add(IMAGE, state, i / 30)
    chosen = frames.chosen()
    titles = {frame.index: frame.title for frame in chosen}
    assert titles[77] == "largest turn to the person's left" and titles[201] == "largest turn to the person's right"
    assert titles[120] == "lost" and 121 not in titles
    assert list(titles) == sorted(titles) and len(chosen) <= 12 + 8 + 5
    assert max(np.diff([frame.index for frame in chosen])) <= 60, "spread over the whole recording"
    assert cv2.imdecode(np.frombuffer(chosen[0].jpeg, np.uint8), cv2.IMREAD_COLOR) is not None
