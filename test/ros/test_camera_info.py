from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ros.materials import CALIBRATION

from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.ros import camera_info
from dense_face_ros.ros.camera_info import (
    CameraCache,
    camera_from_message,
    camera_info_topic,
    fill_from_field_of_view,
    image_topic,
    read_calibration,
)


def info(**changes: Any) -> Any:
    message = SimpleNamespace(
        header=SimpleNamespace(frame_id="camera"),
        width=640,
        height=480,
        distortion_model="plumb_bob",
        d=[0.1, -0.05, 0.001, 0.002, 0.0],
        k=[500.0, 0.0, 320.5, 0.0, 501.0, 240.5, 0.0, 0.0, 1.0],
        p=[480.0, 0.0, 319.0, 0.0, 0.0, 482.0, 239.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        binning_x=0,
        binning_y=0,
        roi=SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0),
    )
    vars(message).update(changes)
    return message


@pytest.mark.parametrize(
    ("remapped", "compressed", "image", "info"),
    [
        ({}, False, "/image", "/camera_info"),
        ({}, True, "/image/compressed", "/camera_info"),
        ({"/image": "/cabin/image_raw"}, False, "/cabin/image_raw", "/cabin/camera_info"),
        ({"/image": "/cabin/image_raw"}, True, "/cabin/image_raw/compressed", "/cabin/camera_info"),
        ({"/camera_info": "/calibration"}, False, "/image", "/calibration"),
        ({"/image": "/cabin/raw", "/camera_info": "/calibration"}, False, "/cabin/raw", "/calibration"),
        ({"/image/compressed": "/cabin/raw/compressed"}, True, "/cabin/raw/compressed", "/cabin/camera_info"),
        ({"/image/compressed": "/cabin/jpeg"}, True, "/cabin/jpeg", "/cabin/camera_info"),
        ({"/image/compressed": "/cabin/jpeg", "/image": "/raw"}, True, "/cabin/jpeg", "/cabin/camera_info"),
        ({"/image/compressed": "/cabin/jpeg"}, False, "/image", "/camera_info"),
        ({"/image": "/raw", "/raw/compressed": "/cabin/jpeg"}, True, "/cabin/jpeg", "/cabin/camera_info"),
    ],
)
def test_camera_info_lies_beside_the_images_unless_it_is_remapped_itself(
    remapped: dict[str, str], compressed: bool, image: str, info: str
) -> None:
    def resolve(name: str, only_expand: bool = False) -> str:
        full = name if name.startswith("/") else f"/{name}"
        return full if only_expand else remapped.get(full, full)

    node = SimpleNamespace(resolve_topic_name=resolve)
    assert image_topic(node, compressed) == image and camera_info_topic(node, image) == info


def test_raw_and_rectified_images_have_different_cameras() -> None:
    raw, rectified = camera_from_message(info()), camera_from_message(info(), rectified=True)
    assert (raw.fx, raw.fy, raw.cx, raw.cy) == (500.0, 501.0, 320.5, 240.5)
    assert raw.distortion_model == "plumb_bob" and raw.distortion[0] == 0.1
    assert (rectified.fx, rectified.fy, rectified.cx, rectified.cy) == (480.0, 482.0, 319.0, 239.0)
    assert rectified.distortion == () and raw.metric and rectified.metric


def test_binning_and_region_of_interest_keep_the_same_rays() -> None:
    point = np.array([0.1, -0.05, 1.0])
    full = camera_from_message(info(d=[]))
    roi = SimpleNamespace(x_offset=100, y_offset=40, width=400, height=300)
    part = camera_from_message(info(d=[], roi=roi, binning_x=2, binning_y=3))
    assert (part.width, part.height) == (200, 100)
    # Outer pixel edges, at -0.5, are what cropping and binning scale about.
    assert np.allclose((part.project(point) + 0.5) * (2, 3) - 0.5 + (100, 40), full.project(point))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"k": [0.0] * 9}, "focal length in K is zero; calibrate the camera"),
        ({"k": [500.0, 0.0, 320.0, 0.0, 0.0, 240.0, 0.0, 0.0, 1.0]}, "focal length in K is zero"),
        ({"k": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]}, "focal length in K is 1, 1 for 640x480 pixels"),
        ({"k": [0.78, 0.0, 0.5, 0.0, 1.04, 0.5, 0.0, 0.0, 1.0]}, "in K is 0.78, 1.04 .*; calibrate the camera, in pix"),
        ({"k": [5e8, 0.0, 320.0, 0.0, 500.0, 240.0, 0.0, 0.0, 1.0]}, "focal length in K is 5e.08, 500"),
        ({"k": [500.0, 0.0, 0.0, 0.0, 500.0, 0.0, 0.0, 0.0, 1.0]}, "principal point in K is 0, 0, a corner"),
        ({"k": [float("nan")] * 9}, "must be a finite number"),
        ({"d": [float("inf")] * 5}, "distortion"),
        ({"distortion_model": "wavy"}, "distortion_model is 'wavy'"),
        ({"width": 0}, "image size is 0x480"),
        ({"distortion_model": "equidistant", "d": []}, "D of a fisheye is empty; calibrate the camera"),
    ],
)
def test_unusable(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        camera_from_message(info(**changes))


def test_the_matrix_that_counts_is_named() -> None:
    identity = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    with pytest.raises(ValueError, match="focal length in P is 1, 1"):
        camera_from_message(info(p=identity), rectified=True)
    assert camera_from_message(info(p=identity)).metric


@pytest.mark.parametrize("focal", [2.0 * 640 / (2 * math.pi) / 3, 56.0 * 640])
def test_lenses_that_there_are_may_be_used(focal: float) -> None:
    """A fisheye of a circle and a half and a telescope of a degree; a part of the image need not hold its middle."""
    matrix = [focal, 0.0, -400.0, 0.0, focal, 0.0, 0.0, 0.0, 1.0]
    assert camera_from_message(info(k=matrix, distortion_model="equidistant", d=[0.0] * 4)).fx == focal


LENSES = [
    ("plumb_bob", [-0.35, 0.12, 0.001, -0.001, -0.02], "webcam"),
    ("plumb_bob", [-0.4, 0.0, 0.0, 0.0], "wide, of one number, which folds outside the middle"),
    ("plumb_bob", [0.3, 0.2, 0.0, 0.0, 0.0], "pincushion"),
    ("rational_polynomial", [8.0, -3.0, 0.0, 0.0, 0.5, 8.2, -2.0, 0.3], "wide, as calibrators tell it"),
    ("equidistant", [0.0, 0.0, 0.0, 0.0], "ideal fisheye"),
    ("equidistant", [-0.01, 0.02, -0.01, 0.002], "fisheye"),
]


@pytest.mark.parametrize("focal", [300.0, 900.0])
@pytest.mark.parametrize(("model", "d"), [lens[:2] for lens in LENSES], ids=[lens[2] for lens in LENSES])
def test_distortion_of_lenses_that_there_are(model: str, d: list[float], focal: float) -> None:
    matrix = [focal, 0.0, 319.5, 0.0, focal, 239.5, 0.0, 0.0, 1.0]
    assert camera_from_message(info(k=matrix, distortion_model=model, d=d)).distortion == tuple(d)


@pytest.mark.parametrize(
    ("model", "d"),
    [
        ("plumb_bob", [-3.0, 0.0, 0.0, 0.0, 0.0]),
        ("plumb_bob", [-35.0, 12.0, 0.0, 0.0, 0.0]),
        ("plumb_bob", [1e6, 0.0, 0.0, 0.0, 0.0]),
        ("plumb_bob", [0.0, 0.0, 0.5, 0.5, 0.0]),
        ("plumb_bob", [500.0, 320.0, 500.0, 240.0, 0.0]),
        ("rational_polynomial", [-8.0, -3.0, 0.0, 0.0, 0.5, 8.2, -2.0, 0.3]),
        ("equidistant", [-3.0, 0.0, 0.0, 0.0]),
    ],
)
def test_distortion_that_no_lens_has_is_told(model: str, d: list[float]) -> None:
    with pytest.raises(ValueError, match=f"^D is .* for '{model}', which folds or tears the middle of the image"):
        camera_from_message(info(distortion_model=model, d=d))
    assert camera_from_message(info(distortion_model=model, d=d), rectified=True).distortion == ()


def test_zero_distortion_of_any_length_is_none() -> None:
    assert camera_from_message(info(distortion_model="", d=[0.0] * 5)).distortion == ()


def test_fisheye_is_another_name_for_equidistant() -> None:
    camera = camera_from_message(info(distortion_model="fisheye", d=[0.1, 0.0, 0.0, 0.0]))
    assert camera.distortion_model == "equidistant"
    ideal = camera_from_message(info(distortion_model="equidistant", d=[0.0] * 4))
    rectified = camera_from_message(info(distortion_model="equidistant", d=[0.1, 0.0, 0.0, 0.0]), rectified=True)
    assert (rectified.fx, rectified.distortion_model, rectified.distortion) == (480.0, "", ())
    assert ideal.distortion_model == "equidistant", "radius and angle are proportional, which a pinhole's are not"


def test_the_cache_says_what_is_wrong_and_assumes_a_camera() -> None:
    cache = CameraCache("/camera_info")
    camera, problem = cache.camera_for(640, 480, "camera", False, 90.0)
    assert not camera.metric and camera.fx == pytest.approx(320.0)
    assert problem == "no camera_info on /camera_info"
    cache.update(info(k=[0.0] * 9))
    camera, problem = cache.camera_for(640, 480, "camera", False, 90.0)
    assert not camera.metric and "camera_info on /camera_info is unusable: focal length in K is zero" in problem
    cache.update(info())
    assert cache.camera_for(640, 480, "camera", False, 90.0) == (camera_from_message(info()), "")
    assert cache.camera_for(640, 480, "camera", True, 90.0)[0].fx == 480.0
    camera, problem = cache.camera_for(320, 240, "camera", False, 90.0)
    assert not camera.metric and "is for 640x480 pixels, the image has 320x240" in problem
    assert not cache.camera_for(640, 360, "camera", False, 90.0)[0].metric, "as wide, and cut off"
    camera, problem = cache.camera_for(640, 480, "other", False, 90.0)
    assert camera.metric and problem == "camera_info on /camera_info has frame_id 'camera', the image 'other'"


def test_images_may_come_before_any_camera_info() -> None:
    cache = CameraCache("/camera_info")
    for rectified in (True, False):
        camera, problem = cache.camera_for(640, 480, "camera", rectified, 90.0)
        assert not camera.metric and problem == "no camera_info on /camera_info"


def test_images_and_messages_may_come_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_info, "camera_from_message", _slowly)
    cache = CameraCache("/camera_info")
    cache.update(info())
    with ThreadPoolExecutor(1) as pool:
        updates = pool.submit(lambda: [cache.update(info()) for _ in range(20)])
        seen = []
        while not updates.done():
            seen.append(cache.camera_for(640, 480, "camera", False, 90.0))
    assert seen and all(camera.metric and not problem for camera, problem in seen)


def _slowly(message: Any, rectified: bool) -> PinholeCamera:
    time.sleep(0.005)
    return camera_from_message(message, rectified)


def test_calibration_file(tmp_path: Path) -> None:
    path, message = tmp_path / "front.yaml", info(width=0, height=0, distortion_model="", d=[], k=[], p=[])
    turned = [0.8, 0.0, 0.6, 0.0, 1.0, 0.0, -0.6, 0.0, 0.8]
    path.write_text(CALIBRATION.replace("[1, 0, 0, 0, 1, 0, 0, 0, 1]", str(turned)))
    read_calibration(path, message)
    assert camera_from_message(message) == camera_from_message(info())
    assert camera_from_message(message, rectified=True).fx == 480.0
    assert (message.distortion_model, message.r) == ("plumb_bob", turned)


def test_a_calibration_without_a_projection_matrix_has_that_of_the_raw_camera(tmp_path: Path) -> None:
    path, message = tmp_path / "front.yaml", info(p=[])
    path.write_text(CALIBRATION.split("rectification_matrix")[0])
    read_calibration(path, message)
    assert np.array_equal(np.reshape(message.r, (3, 3)), np.eye(3))
    assert np.array_equal(np.reshape(message.p, (3, 4)), np.c_[np.reshape(message.k, (3, 3)), np.zeros(3)])
    raw, rectified = camera_from_message(message), camera_from_message(message, rectified=True)
    assert np.array_equal(rectified.matrix, raw.matrix)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (CALIBRATION.replace("image_width", "image_with"), "lacks image_width"),
        (CALIBRATION.replace("500.0, 0,", "500.0,"), "8 numbers where 9 are needed"),
        (CALIBRATION.replace("500.0", "0.0"), "focal length in K is zero"),
        (CALIBRATION.replace("image_width: 640", "image_width: .inf"), "is not a camera calibration: cannot convert"),
        ("just words", "is not a camera calibration"),
        ("a: [", "is not a camera calibration"),
    ],
)
def test_wrong_calibration_files_are_named(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=reason) as caught:
        read_calibration(path, info())
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_missing_calibration_file() -> None:
    with pytest.raises(ValueError, match=r"'nowhere\.yaml' cannot be read: No such file"):
        read_calibration("nowhere.yaml", info())


def test_field_of_view() -> None:
    message = info(d=[])
    fill_from_field_of_view(message, 640, 480, 90.0)
    camera = camera_from_message(message)
    assert (camera.fx, camera.cx, camera.cy) == pytest.approx((320.0, 319.5, 239.5))
    assert camera_from_message(message, rectified=True) == camera and message.r == np.eye(3).ravel().tolist()
    unknown = info(k=[0.0] * 9)
    fill_from_field_of_view(unknown, 320, 240, 0.0)
    assert unknown.k == [0.0] * 9 and (unknown.width, unknown.height) == (320, 240)
