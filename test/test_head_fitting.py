"""Crop, network, correspondences and alignment together, with a network that cannot err."""

from __future__ import annotations

import numpy as np
import pytest
from painted_face import ReadingNetwork, head_at, paint

from dense_face_ros.backends import CROP_SIZE
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array, Crop, PinholeCamera, rotation_from_yaw_pitch_roll, vector_from_rotation
from dense_face_ros.head_fitting import MARGIN, HeadFitter, NoHead
from dense_face_ros.template import Template

CAMERA = PinholeCamera(600.0, 600.0, 319.5, 239.5, 640, 480)


@pytest.fixture(scope="module")
def template(shipped_model: FaceModel) -> Template:
    return Template(shipped_model)


@pytest.fixture(scope="module")
def fitter(shipped_model: FaceModel, template: Template) -> HeadFitter:
    return HeadFitter(shipped_model, template, ReadingNetwork())


def pose_at(yaw: float, pitch: float, roll: float, position: tuple[float, float, float]) -> Array:
    pose = np.eye(4)
    pose[:3, :3] = rotation_from_yaw_pitch_roll(np.radians([yaw, pitch, roll]))
    pose[:3, 3] = position
    return pose


def crop_on(pixels: Array, grow: float = 1.0, shift: float = 0.0) -> Crop:
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    crop = Crop.around_box([*low, *high], MARGIN * grow, CROP_SIZE)
    return Crop((crop.centre[0] + shift * crop.side, crop.centre[1]), crop.side, 0.0, CROP_SIZE)


def rotation_error(a: Array, b: Array) -> float:
    return float(np.degrees(np.linalg.norm(vector_from_rotation(a[:3, :3] @ b[:3, :3].T))))


def fit_painted(fitter: HeadFitter, template: Template, pose: Array, camera: PinholeCamera = CAMERA, grow: float = 1.0):
    points = head_at(template.model, pose)
    image = paint(template, points, camera)
    marks = camera.project(template.model.at(template.model.landmarks, points))
    return fitter.fit(image, crop_on(marks, grow), camera), marks


@pytest.mark.parametrize("yaw", [-70, -30, 0, 30, 70])
@pytest.mark.parametrize(("pitch", "roll"), [(0, 0), (20, -25)])
def test_known_pose_comes_back(fitter: HeadFitter, template: Template, yaw: float, pitch: float, roll: float) -> None:
    pose = pose_at(yaw, pitch, roll, (0.03, -0.02, 0.6))
    fit, marks = fit_painted(fitter, template, pose)
    assert rotation_error(fit.alignment.pose, pose) < 1.5
    assert np.linalg.norm(fit.alignment.pose[:2, 3] - pose[:2, 3]) < 0.004
    assert abs(fit.alignment.pose[2, 3] / 0.6 - 1) < 0.03
    size = np.sqrt(np.prod(np.ptp(marks, axis=0)))
    assert np.linalg.norm(fit.pixels - marks, axis=1).mean() < 0.012 * size


def test_a_head_beside_the_axis_does_not_look_turned(fitter: HeadFitter, template: Template) -> None:
    """The same head moved sideways keeps its yaw in the camera frame, though its picture is seen from the side."""
    for x in (-0.25, 0.0, 0.25):
        pose = pose_at(0.0, 0.0, 0.0, (x, 0.0, 0.6))
        fit, _ = fit_painted(fitter, template, pose)
        assert rotation_error(fit.alignment.pose, pose) < 1.0


def test_lens_distortion_is_taken_out(fitter: HeadFitter, template: Template) -> None:
    camera = PinholeCamera(500.0, 500.0, 319.5, 239.5, 640, 480, "plumb_bob", (-0.3, 0.1, 0.0, 0.0, 0.0))
    pose = pose_at(10.0, 5.0, 0.0, (0.2, 0.12, 0.6))
    fit, marks = fit_painted(fitter, template, pose, camera)
    assert rotation_error(fit.alignment.pose, pose) < 1.5
    assert np.linalg.norm(fit.alignment.pose[:3, 3] - pose[:3, 3]) < 0.02
    assert np.linalg.norm(fit.pixels - marks, axis=1).mean() < 1.5


def test_next_crop_is_centred_upright_and_the_same_for_any_first_crop(fitter: HeadFitter, template: Template) -> None:
    pose = pose_at(15.0, 0.0, 30.0, (0.0, 0.0, 0.7))
    crops = [fit_painted(fitter, template, pose, grow=grow)[0].next_crop() for grow in (0.9, 1.5)]
    assert crops[0].centre == pytest.approx(crops[1].centre, abs=2.0)
    assert crops[0].side == pytest.approx(crops[1].side, rel=0.02)
    points = head_at(template.model, pose)
    eyes = CAMERA.project(template.model.at(template.model.landmarks, points)[[36, 45]])
    right, left = crops[0].from_image(eyes)
    assert abs(np.degrees(np.arctan2(left[1] - right[1], left[0] - right[0]))) < 8.0


def test_a_second_face_in_front_does_not_steal_the_crop(fitter: HeadFitter, template: Template) -> None:
    """A nearer face moves in from the side, frame by frame, until it covers a quarter of the tracked one."""
    pose = pose_at(5.0, 0.0, 0.0, (0.0, 0.0, 0.65))
    alone = paint(template, head_at(template.model, pose), CAMERA)
    fit, _ = fit_painted(fitter, template, pose)
    for x in (0.25, 0.20, 0.16, 0.13, 0.11, 0.09):
        other = paint(template, head_at(template.model, pose_at(-10.0, 0.0, 0.0, (x, 0.0, 0.5))), CAMERA)
        both = np.where(other.any(axis=2, keepdims=True), other, alone)
        fit = fitter.fit(both, fit.next_crop(), CAMERA, start=fit)
        assert np.linalg.norm(fit.alignment.pose[:3, 3] - pose[:3, 3]) < 0.02
        assert rotation_error(fit.alignment.pose, pose) < 3.0
    covered = (both != alone).any(axis=2)[alone.any(axis=2)].mean()
    assert covered > 0.2, "the scene is what it says"


def test_a_crop_without_a_head_says_so(fitter: HeadFitter) -> None:
    with pytest.raises(NoHead, match="0 matchable points, 40 needed"):
        fitter.fit(np.zeros((480, 640, 3), np.uint8), Crop((320.0, 240.0), 200.0), CAMERA)


def test_a_scrambled_face_is_not_believed(fitter: HeadFitter, template: Template) -> None:
    points = head_at(template.model, pose_at(0, 0, 0, (0, 0, 0.6)))
    image = paint(template, points, CAMERA)
    face = np.flatnonzero(image[..., 0])
    flat = image.reshape(-1, 3)
    flat[face] = flat[np.random.default_rng(0).permutation(face)]
    flat[face, 0] = 255
    marks = CAMERA.project(template.model.at(template.model.landmarks, points))
    with pytest.raises(NoHead):
        fitter.fit(image, crop_on(marks), CAMERA)


def test_grey_images_are_read_like_colour(fitter: HeadFitter, template: Template) -> None:
    with pytest.raises(NoHead):
        fitter.fit(np.full((480, 640), 90, np.uint8), Crop((320.0, 240.0), 200.0), CAMERA)
