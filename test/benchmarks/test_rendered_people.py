"""Sequences of rendered people seen by a camera of fewer pixels."""

from __future__ import annotations

import cv2
import numpy as np

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import PinholeCamera
from training.benchmarks.rendered_people import PersonRenderer, Sequence, render
from training.rendering.drive import Drive


def test_every_other_frame_has_its_own_pose_and_every_seed_its_own_person(shipped_model: FaceModel) -> None:
    motion = ((0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.6), (0.2, 30.0, 0.0, 0.0, 0.0, 0.0, 0.8))
    drive = Drive(motion, ())
    truth, shown = drive.truth(), render(shipped_model, drive, 3, 2)
    np.testing.assert_array_equal(shown.pose, truth.pose[::2])
    np.testing.assert_array_equal(shown.stamp, truth.stamp[::2])
    people = [PersonRenderer(shipped_model, drive, seed).identity for seed in (3, 3, 4)]
    assert np.array_equal(people[0], people[1]) and not np.array_equal(people[0], people[2])


def test_a_reduced_camera_sees_the_same_where_it_says() -> None:
    camera = PinholeCamera(500.0, 520.0, 321.0, 236.0, 640, 480)
    point = np.array([[0.12, -0.07, 0.6]])
    image = np.zeros((480, 640, 3), np.uint8)
    cv2.circle(image, tuple(np.rint(camera.project(point)[0]).astype(int).tolist()), 12, (255, 255, 255), -1)
    encoded = cv2.imencode(".jpg", image)[1]
    whole = Sequence(camera, np.zeros(1), np.eye(4)[None], [np.asarray(encoded, np.uint8)])
    part = whole.reduced(0.25)
    ((_, _, small),) = part.frames()
    assert small.shape == (120, 160, 3) and (part.camera.width, part.camera.height) == (160, 120)
    weights = small[..., 0].astype(float)
    rows, columns = np.indices(weights.shape)
    seen = np.array([(columns * weights).sum(), (rows * weights).sum()]) / weights.sum()
    np.testing.assert_allclose(seen, part.camera.project(point)[0], atol=0.2)
