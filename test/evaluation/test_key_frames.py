from dataclasses import replace

import cv2
import numpy as np
from ros.fake_tracker import make_model, tracked_state

from dense_face_ros.evaluation.key_frames import KeyFrame, KeyFrames
from dense_face_ros.geometry import PinholeCamera, rotation_from_yaw_pitch_roll
from dense_face_ros.head_state import HeadState, Status

CAMERA = PinholeCamera(80.0, 80.0, 31.5, 23.5, 64, 48)
MODEL = make_model()
IMAGE = np.full((48, 64, 3), 100, np.uint8)


def tracked(index: int, yaw: float = 0.0, pitch: float = 0.1, inliers: float = 0.9) -> HeadState:
    state = tracked_state(MODEL, index / 30, CAMERA)
    pose = state.pose.copy()
    pose[:3, :3] = rotation_from_yaw_pitch_roll((yaw, pitch, 0.0))
    return replace(state, pose=pose, quality={"inliers": inliers})


def chosen(count: int, unusual: dict[int, HeadState], *lost: int) -> list[KeyFrame]:
    """Of frames with a head that is held still, but for the ``unusual`` ones and where it is lost."""
    frames = KeyFrames(MODEL)
    for i in range(count):
        nobody = HeadState.without_head(i / 30, Status.LOST, "hidden", CAMERA, 6, 3)
        frames.add(IMAGE, nobody if i in lost else unusual.get(i, tracked(i)), i / 30)
    return frames.chosen()


def test_extremes_and_losses_are_among_them_and_their_number_is_bounded() -> None:
    unusual = {
        77: tracked(77, yaw=0.9),
        150: tracked(150, pitch=0.6, inliers=0.7),
        170: tracked(170, pitch=-0.5),
        201: tracked(201, yaw=-0.8),
    }
    frames = chosen(300, unusual, 120, 121)
    titles = {frame.index: frame.title for frame in frames}
    assert titles[77] == "largest turn to the person's left" and titles[201] == "largest turn to the person's right"
    assert titles[150] == "lowest face, fewest inliers" and titles[170] == "highest face"
    assert titles[120] == "lost" and 121 not in titles
    assert list(titles) == sorted(titles) and len(frames) <= 12 + 8 + 5
    assert 0 in titles and max(np.diff([frame.index for frame in frames])) <= 60, "spread over the whole recording"


def test_of_many_losses_the_first_ones_are_shown() -> None:
    frames = chosen(40, {}, *range(1, 40, 2))
    assert [frame.index for frame in frames if "lost" in frame.title] == list(range(1, 16, 2))


def test_pictures_keep_the_proportions_of_the_image() -> None:
    jpeg = np.frombuffer(chosen(1, {})[0].jpeg, np.uint8)
    assert cv2.imdecode(jpeg, cv2.IMREAD_COLOR).shape == (300, 400, 3)
