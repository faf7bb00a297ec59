"""Eyelid openness: where the eyes are cut out, what the network says of rendered lids, and when it is not asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from dense_face_ros.eyes import CORNERS, EyeOpenness, eye_patch, eye_view, seen_from
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import PinholeCamera, rotation_from_vector, rotation_from_yaw_pitch_roll
from training.rendering.drive import DRIVES, DriveRenderer

CAMERA = PinholeCamera(600.0, 600.0, 319.5, 239.5, 640, 480)
SEEN = np.ones(68)
_OPEN, _SHUT = 1.5, 2.2  # seconds of the drowsy drive between blinks, and in the middle of one


def landmarks_at(model: FaceModel, rotation: np.ndarray, place: tuple[float, float, float]) -> np.ndarray:
    return model.at(model.landmarks, model.mean).astype(float) @ rotation.T + place


def views(  # type: ignore[no-untyped-def]
    model: FaceModel, yaw: float = 0.0, roll: float = 0.0, x: float = 0.0
):
    """Of the left and the right eye, and the pixels of their corners in them."""
    rotation = rotation_from_yaw_pitch_roll(np.radians([yaw, 0.0, roll]))
    landmarks = landmarks_at(model, rotation, (x, 0.0, 0.7))
    found = [eye_view(landmarks[list(c)], rotation, CAMERA) for c in CORNERS]
    return found, [view.seen(landmarks[list(c)]) for view, c in zip(found, CORNERS, strict=True)]


@pytest.mark.parametrize("roll", [0.0, 25.0])
def test_an_eye_is_cut_out_about_its_middle_and_upright(shipped_model: FaceModel, roll: float) -> None:
    for corners in views(shipped_model, roll=roll)[1]:
        np.testing.assert_allclose(corners.mean(axis=0), [23.5, 23.5], atol=0.1)
        assert abs(corners[0, 1] - corners[1, 1]) < 4.0
        assert abs(corners[0, 0] - corners[1, 0]) == pytest.approx(24.0, abs=1.0), "half the patch"


def test_turning_the_head_leaves_the_size_of_the_patch(shipped_model: FaceModel) -> None:
    ((_, straight), _), ((_, turned), _) = views(shipped_model), views(shipped_model, yaw=50.0)
    assert turned.scale == pytest.approx(straight.scale, rel=0.08), "only the eye's distance changes a little"
    assert straight.scale == pytest.approx(1.0, abs=0.1), "600 pixels focal length, 28 mm, 0.7 m"
    aside = views(shipped_model, x=0.3)[1][1]
    assert abs(aside[0, 1] - aside[1, 1]) < 4.0, "a head at the image's edge is not a tilted head"


_LENSES = {
    "not square": PinholeCamera(500.0, 640.0, 319.5, 239.5, 640, 480),
    "off the axis": PinholeCamera(560.0, 560.0, -250.0, 239.5, 640, 480),
    "barrel": PinholeCamera(560.0, 560.0, -100.0, 239.5, 640, 480, "plumb_bob", (-0.35, 0.12, 0.0, 0.0, 0.0)),
    "fisheye": PinholeCamera(560.0, 560.0, -450.0, 239.5, 640, 480, "equidistant", (0.0, 0.0, 0.0, 0.0)),
}


@pytest.mark.parametrize("lens", _LENSES)
def test_an_eye_is_as_open_through_every_lens(driver: DriveRenderer, shipped_model: FaceModel, lens: str) -> None:
    """The same light from the same places of the head, wherever it falls."""
    truth, lens_camera = DRIVES["drowsy"].truth(), _LENSES[lens]
    pose, image, plain = truth.pose[0], driver.frame(0), truth.camera
    middle = landmarks_at(shipped_model, pose[:3, :3], tuple(pose[:3, 3])).mean(axis=0)
    ahead = lens_camera.rays(np.array([[319.5, 239.5]]))[0]
    turn = turned_to(middle, ahead)
    rays = lens_camera.rays(np.stack(np.meshgrid(np.arange(640.0), np.arange(480.0)), axis=-1).reshape(-1, 2)) @ turn
    u, v = (
        np.where(rays[:, 2:] > 0.1, plain.project(rays), -9.0)
        .reshape(480, 640, 2)
        .astype(np.float32)
        .transpose(2, 0, 1)
    )
    seen = cv2.remap(image, u, v, cv2.INTER_LINEAR)
    eyes = EyeOpenness()

    def told(picture: np.ndarray, pose: np.ndarray, camera: PinholeCamera) -> tuple[float, float]:
        landmarks = landmarks_at(shipped_model, pose[:3, :3], tuple(pose[:3, 3]))
        return eyes(np.ascontiguousarray(picture), landmarks, pose[:3, :3], camera, SEEN)

    moved = pose.copy()
    moved[:3] = turn @ pose[:3]
    np.testing.assert_allclose(told(seen, moved, lens_camera), told(image, pose, plain), atol=0.05)


def turned_to(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The shortest turn (3, 3) from one direction to another."""
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    axis = np.cross(a, b)
    return rotation_from_vector(axis / max(np.linalg.norm(axis), 1e-9) * np.arctan2(np.linalg.norm(axis), a @ b))


@pytest.mark.parametrize("side", [0.0, 0.4, 1.0])
def test_a_patch_holds_the_same_part_of_the_face_wherever_a_fisheye_shows_it(
    shipped_model: FaceModel, side: float
) -> None:
    fisheye = PinholeCamera(300.0, 300.0, 639.5, 479.5, 1280, 960, "equidistant", (0.0, 0.0, 0.0, 0.0))
    rotation = rotation_from_yaw_pitch_roll((-np.arctan2(side, 0.6), 0.0, 0.0))  # looks into the camera
    corners = landmarks_at(shipped_model, rotation, (side, 0.0, 0.6))[list(CORNERS[0])]
    view = eye_view(corners, rotation, fisheye)
    outer, inner = view.pinhole.project(corners @ view.rotation)
    assert np.linalg.norm(outer - inner) == pytest.approx(24.0, abs=3.0) and abs(outer[1] - inner[1]) < 3.0


def test_where_an_eye_is_seen_from(shipped_model: FaceModel) -> None:
    def directions(yaw: float = 0.0, pitch: float = 0.0, x: float = 0.0) -> list[np.ndarray]:
        rotation = rotation_from_yaw_pitch_roll(np.radians([yaw, pitch, 0.0]))
        landmarks = landmarks_at(shipped_model, rotation, (x, 0.0, 0.7))
        return [seen_from(landmarks[list(c)], rotation, mirrored=i == 0) for i, c in enumerate(CORNERS)]

    left, right = directions()
    np.testing.assert_allclose(left, right, atol=1e-3)
    assert left[0] > 0.99 and np.linalg.norm(left) == pytest.approx(1.0)
    bowed = directions(pitch=30.0)[0]
    assert np.degrees(np.arcsin(bowed[2])) == pytest.approx(30.0, abs=3.0), "seen from above"
    turned, other = directions(yaw=25.0)[0], directions(yaw=-25.0)[1]
    np.testing.assert_allclose(turned, other, atol=1e-3)
    assert turned[1] > 0.3, "mirrored: a head turned to its left shows the left eye from its nose's side"
    aside = directions(x=0.3)[1]
    assert np.degrees(np.arctan2(-aside[1], aside[0])) == pytest.approx(np.degrees(np.arctan2(0.3, 0.7)), abs=3.0)


def test_left_and_right_eye_look_alike(shipped_model: FaceModel) -> None:
    """On a mirror-symmetric picture both patches are the same."""
    (left, right), _ = views(shipped_model)
    half = np.random.default_rng(0).integers(0, 256, (480, 320), dtype=np.uint8)
    picture = np.hstack([half, half[:, ::-1]])
    a, b = eye_patch(picture, left, mirrored=True).astype(int), eye_patch(picture, right, mirrored=False).astype(int)
    assert a.shape == (32, 48)
    assert np.abs(a - b).mean() < 3.0


@pytest.fixture(scope="module")
def driver(shipped_model: FaceModel) -> DriveRenderer:
    return DriveRenderer(shipped_model, DRIVES["drowsy"])


def read(driver: DriveRenderer, model: FaceModel, time: float, visibility: np.ndarray = SEEN) -> tuple[float, float]:
    truth = DRIVES["drowsy"].truth()
    index = int(np.argmin(np.abs(truth.stamp - time)))
    pose = truth.pose[index]
    landmarks = landmarks_at(model, pose[:3, :3], tuple(pose[:3, 3]))
    return EyeOpenness()(driver.frame(index), landmarks, pose[:3, :3], truth.camera, visibility)


def test_rendered_lids_open_and_shut(driver: DriveRenderer, shipped_model: FaceModel) -> None:
    assert min(read(driver, shipped_model, _OPEN)) > 0.6
    assert max(read(driver, shipped_model, _SHUT)) < 0.25


def test_a_mirrored_picture_has_the_other_eye_s_answer(driver: DriveRenderer, shipped_model: FaceModel) -> None:
    truth = DRIVES["drowsy"].truth()
    pose, image, eyes = truth.pose[0], driver.frame(0), EyeOpenness()
    landmarks = landmarks_at(shipped_model, pose[:3, :3], tuple(pose[:3, 3]))
    left, right = eyes(image, landmarks, pose[:3, :3], truth.camera, SEEN)
    flip, corners = np.array([-1.0, 1.0, 1.0]), [*CORNERS[0], *CORNERS[1]]
    mirrored = flip * landmarks
    mirrored[corners] = mirrored[[*CORNERS[1], *CORNERS[0]]]
    turned = np.diag(flip) @ pose[:3, :3] @ np.diag([1.0, -1.0, 1.0])
    found = eyes(np.ascontiguousarray(image[:, ::-1]), mirrored, turned, truth.camera, SEEN)
    np.testing.assert_allclose(found, (right, left), atol=1e-3)


def test_colour_and_grey_give_the_same(driver: DriveRenderer, shipped_model: FaceModel) -> None:
    truth = DRIVES["drowsy"].truth()
    pose, image = truth.pose[0], np.repeat(driver.frame(0)[:, :, 1:2], 3, axis=2)
    landmarks = landmarks_at(shipped_model, pose[:3, :3], tuple(pose[:3, 3]))
    eyes = EyeOpenness()
    both = [eyes(i, landmarks, pose[:3, :3], truth.camera, SEEN) for i in (image, image[:, :, 0].copy())]
    np.testing.assert_allclose(both[0], both[1], atol=0.02)


def test_an_eye_that_is_hidden_or_too_small_is_unknown(driver: DriveRenderer, shipped_model: FaceModel) -> None:
    hidden = SEEN.copy()
    hidden[36:42] = 0.1
    left, right = read(driver, shipped_model, _OPEN, hidden)
    assert left > 0.6
    assert np.isnan(right)
    far = landmarks_at(shipped_model, rotation_from_yaw_pitch_roll(np.zeros(3)), (0.0, 0.0, 4.0))
    frame = driver.frame(0)
    assert np.isnan(EyeOpenness()(frame, far, rotation_from_vector(np.zeros(3)), CAMERA, SEEN)).all()


def test_an_eye_at_the_edge_of_the_image_is_as_open_as_in_the_middle(
    driver: DriveRenderer, shipped_model: FaceModel
) -> None:
    truth = DRIVES["drowsy"].truth()
    pose, image, eyes = truth.pose[0], cv2.add(driver.frame(0), np.full(4, 80.0)), EyeOpenness()
    landmarks = landmarks_at(shipped_model, pose[:3, :3], tuple(pose[:3, 3]))
    outer, inner = truth.camera.project(landmarks[list(CORNERS[1])])
    whole = eyes(image, landmarks, pose[:3, :3], truth.camera, SEEN)
    for share in (0.4, 0.2):  # of the eye's width, between its outer corner and the edge
        u = int(outer[0] - share * np.linalg.norm(outer - inner))
        camera = replace(truth.camera, cx=truth.camera.cx - u, width=truth.camera.width - u)
        cut = eyes(np.ascontiguousarray(image[:, u:]), landmarks, pose[:3, :3], camera, SEEN)
        np.testing.assert_allclose(cut, whole, atol=0.03)


def test_where_there_is_no_eye_none_is_claimed(shipped_model: FaceModel) -> None:
    rotation = rotation_from_yaw_pitch_roll(np.zeros(3))
    landmarks = landmarks_at(shipped_model, rotation, (0.0, 0.0, 0.5))
    black = np.zeros((480, 640), np.uint8)
    assert np.isnan(EyeOpenness()(black, landmarks, rotation, CAMERA, SEEN)).all()


def test_other_files_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.onnx"):
        EyeOpenness(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(ValueError, match=r"text\.onnx' cannot be read \(.*protobuf parsing failed.*\); give"):
        EyeOpenness(tmp_path / "text.onnx")
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("a", "b")]
    graph = helper.make_graph([helper.make_node("Identity", ["a"], ["b"])], "g", ends[:1], ends[1:])
    other = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(other, tmp_path / "other.onnx")
    with pytest.raises(ValueError, match=r"other\.onnx.*has kind None"):
        EyeOpenness(tmp_path / "other.onnx")


class Told:
    """A network that says the same of every patch, and keeps what it was shown."""

    def __init__(self, openness: float = 0.5) -> None:
        self._openness = openness
        self.shown = np.zeros((0, 32, 48), np.uint8)

    def run(self, names: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        self.shown = inputs["patches"]
        return [np.full(len(self.shown), self._openness, np.float32), np.ones(len(self.shown), np.float32)]


def asked(told: Told, model: FaceModel, image: np.ndarray, distance: float = 0.7) -> tuple[float, float]:
    eyes = EyeOpenness()
    eyes._session = told
    straight = rotation_from_yaw_pitch_roll(np.zeros(3))
    return eyes(image, landmarks_at(model, straight, (0.0, 0.0, distance)), straight, CAMERA, SEEN)


def test_left_is_the_persons_and_outer_corners_come_first(shipped_model: FaceModel) -> None:
    left, right = (shipped_model.at(shipped_model.landmarks, shipped_model.mean)[list(c), 1] for c in CORNERS)
    assert left[0] > left[1] > 0.0 > right[1] > right[0]


def test_every_outer_corner_is_at_the_left_of_its_patch(shipped_model: FaceModel) -> None:
    bright_outside = np.tile(np.abs(np.linspace(-255.0, 255.0, 640)), (480, 1)).astype(np.uint8)
    told = Told()
    asked(told, shipped_model, bright_outside)
    outer, inner = told.shown[:, :, :8].mean(axis=(1, 2)), told.shown[:, :, -8:].mean(axis=(1, 2))
    assert len(told.shown) == 2 and (outer > inner + 10.0).all()


@pytest.mark.parametrize(("said", "openness"), [(-0.1, 0.0), (0.06, 0.06), (1.0, 1.0), (1.2, 1.0)])
def test_no_eye_is_further_shut_than_shut_nor_further_open_than_open(
    shipped_model: FaceModel, said: float, openness: float
) -> None:
    grey = np.full((480, 640), 128, np.uint8)
    assert asked(Told(said), shipped_model, grey) == pytest.approx((openness, openness), abs=1e-3)


def test_an_eye_of_a_few_pixels_is_not_asked_for(shipped_model: FaceModel) -> None:
    grey = np.full((480, 640), 128, np.uint8)
    assert np.isfinite(asked(Told(), shipped_model, grey, distance=2.0)).all()  # 9 pixels from corner to corner
    assert np.isnan(asked(Told(), shipped_model, grey, distance=3.5)).all()  # 5 pixels
