"""The image source in a process of its own, playing to a subscriber in the test's process."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

from builtin_interfaces.msg import Time
from ros.materials import CALIBRATION, picture, write_bag, write_video
from ros.processes import Observer
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.ros.bag_source import Bag, BagFrame
from dense_face_ros.ros.bag_topics import is_bag
from dense_face_ros.ros.frame_sources import Frame, SourceError
from dense_face_ros.ros.image_source_node import ImageSourceNode
from dense_face_ros.ros.images import decode_compressed, decode_image
from dense_face_ros.ros.messages import seconds
from training.make_drive import write_bag as write_drive
from training.rendering.clip import Truth

NODE = ("-m", "dense_face_ros.ros.image_source_node", "--ros-args")


def parameters(**values: object) -> list[str]:
    return [argument for name, value in values.items() for argument in ("-p", f"{name}:={value}")]


def test_video_with_an_unknown_camera(start: Any, observer: Observer, tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.avi", count=8)
    images, infos = observer.collect(Image, "image"), observer.collect(CameraInfo, "camera_info")
    process = start(*NODE, *parameters(source=path, frame_id="cabin"))
    observer.wait_until(lambda: len(images) == len(infos) == 8, "8 images and camera_infos")
    assert process.wait() == 0
    assert f"end of '{path}': 8 frames" in process.output
    for image, info in zip(images, infos, strict=True):
        assert image.header == info.header and image.header.frame_id == "cabin"
        assert (info.width, info.height) == (64, 48) and not info.k.any(), "an unknown camera is not calibrated"
    assert [round(decode_image(image).mean() / 30) for image in images[:5]] == [0, 1, 2, 3, 4]
    gaps = np.diff([seconds(image.header) for image in images])
    assert gaps.min() > 0.0 and gaps.mean() == pytest.approx(0.04, abs=0.02)


def test_folder_with_a_calibration_file(start: Any, observer: Observer, tmp_path: Path) -> None:
    folder, calibration = tmp_path / "pictures", tmp_path / "front.yaml"
    folder.mkdir()
    calibration.write_text(CALIBRATION.replace("640", "64").replace("480\n", "48\n"))
    for i in range(2):
        cv2.imwrite(str(folder / f"{i}.png"), picture(i))
    cv2.imwrite(str(folder / "2.png"), np.full((48, 64), 32, np.uint16))  # of 12 bits: 2 of 8
    images, infos = observer.collect(Image, "image"), observer.collect(CameraInfo, "camera_info")
    process = start(*NODE, *parameters(source=folder, camera_info_file=calibration, rate=30, bit_depth=12))
    observer.wait_until(lambda: len(images) == len(infos) == 3, "3 images and camera_infos")
    assert process.wait() == 0
    assert infos[0].k[0] == 500.0 and [int(decode_image(image)[0, 0, 0]) for image in images] == [0, 1, 2]


def test_bag_with_its_own_time(start: Any, observer: Observer, tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "drive", "mcap")
    images, infos = observer.collect(Image, "image"), observer.collect(CameraInfo, "camera_info")
    clocks = observer.collect(Clock, "/clock")
    process = start(*NODE, *parameters(source=bag, publish_clock="true"))
    observer.wait_until(lambda: len(images) == len(infos) == len(clocks) == 4, "4 images, camera_infos and clocks")
    assert process.wait() == 0
    stamps = [seconds(image.header) for image in images]
    assert stamps == pytest.approx(1.6e9 + np.array([0.0, 0.05, 0.1, 0.15]), abs=1e-6)
    assert [clock.clock.nanosec for clock in clocks] == pytest.approx([1e8, 1.5e8, 2e8, 2.5e8], abs=1000)
    assert {image.header.frame_id for image in images} == {"recorded"} and infos[0].k[0] == 500.0
    assert [int(decode_image(image)[0, 0, 0]) for image in images] == [0, 10, 20, 30]


def test_images_without_stamps_have_the_time_of_recording(start: Any, observer: Observer, tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "drive", "mcap", calibrated=False, stamped=False)
    images = observer.collect(Image, "image")
    process = start(*NODE, *parameters(source=bag, publish_clock="true", field_of_view=70.0))
    observer.wait_until(lambda: len(images) == 4, "4 images")
    assert process.wait() == 0
    assert [seconds(image.header) for image in images] == pytest.approx(1.6e9 + 0.1 + 0.05 * np.arange(4), abs=1e-6)
    assert "parameter 'field_of_view' is not for bags" in process.output


def test_a_simulation_is_played_in_its_own_time(start: Any, observer: Observer, tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "drive", "mcap", simulated=True)
    images, clocks = observer.collect(Image, "image"), observer.collect(Clock, "/clock")
    process = start(*NODE, *parameters(source=bag, publish_clock="true"))
    observer.wait_until(lambda: len(images) == len(clocks) == 4, "4 images and clocks")
    assert process.wait() == 0
    told = [clock.clock.sec + 1e-9 * clock.clock.nanosec for clock in clocks]
    assert told == pytest.approx([seconds(image.header) for image in images], abs=1e-6)
    unstamped = Bag(write_bag(tmp_path / "unstamped", "mcap", simulated=True, stamped=False))
    assert [frame.time for frame in unstamped.frames()] == pytest.approx(1.6e9 + 0.1 + 0.05 * np.arange(4), abs=1e-6)
    from_zero = Bag(write_bag(tmp_path / "zero", "mcap", simulated=True, began=0))
    assert [frame.time for frame in from_zero.frames()] == pytest.approx(0.05 * np.arange(4), abs=1e-6)


def test_a_simulation_that_began_anew_keeps_its_pace() -> None:
    due: list[float] = []
    frames = [Frame(time, picture(0)) for time in (5.0, 5.1, 0.0, 0.1)]
    node: Any = SimpleNamespace(
        _source=SimpleNamespace(live=False, interval=0.1, frames=lambda: iter(frames)),
        _settings=SimpleNamespace(number=lambda name: 0.0),
        _spin_until=due.append,
        _due=0.0,
    )
    assert list(ImageSourceNode._paced(node)) == frames
    assert np.diff(due) == pytest.approx([0.1, 0.0, 0.1])


@pytest.mark.parametrize(("times", "rate", "apart"), [([0.0], 0.0, 0.2), ([0.0, 0.1], 0.0, 0.1), ([7.0], 4.0, 0.25)])
def test_a_pass_begins_an_interval_after_the_last_frame_of_the_one_before(
    times: list[float], rate: float, apart: float
) -> None:
    due: list[float] = []
    source = Bag.__new__(Bag) if rate else SimpleNamespace()
    vars(source).update(live=False, interval=0.2, frames=lambda: (Frame(time, picture(0)) for time in times))
    node: Any = SimpleNamespace(
        _source=source, _settings=SimpleNamespace(number=lambda name: rate), _spin_until=due.append, _due=100.0
    )
    for _ in range(3):
        list(ImageSourceNode._paced(node))
    assert due[0] == 100.0 and np.diff(due) == pytest.approx(np.full(3 * len(times) - 1, apart))


def test_short_bags_that_begin_again_with_their_own_stamps_are_told(
    start: Any, observer: Observer, tmp_path: Path
) -> None:
    bag = write_bag(tmp_path / "drive", "mcap")
    warning = f"the stamps of '{bag}' last 0.15 s: going back by less than 1 s they are out of order to the tracker"
    for clock in ("true", "false"):
        images = observer.collect(Image, f"images_{clock}")
        named = ("-r", f"image:=images_{clock}", "-r", f"__node:=source_{clock}")
        process = start(*NODE, *parameters(source=bag, loop="true", publish_clock=clock), *named)
        observer.wait_until(lambda images=images: len(images) >= 9, "a third pass")
        assert process.stop() == 0, process.output
        assert process.output.count(warning) == (clock == "true")


def test_a_simulated_time_that_nobody_tells_is_named(start: Any, observer: Observer, tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.avi")
    module = "dense_face_ros.ros.image_source_node"
    impatient = ("-c", f"import sys, {module} as node; node._PATIENCE = 1.0; sys.exit(node.main())", "--ros-args")
    images = observer.collect(Image, "image")
    process = start(*impatient, *parameters(source=path, use_sim_time="true"))
    assert process.wait() == 2
    assert "parameter 'use_sim_time' is set and nobody publishes /clock; set 'publish_clock'" in process.output

    clock = observer.node.create_publisher(Clock, "/clock", 5)
    process = start(*NODE, *parameters(source=path, use_sim_time="true"))  # which finds the publisher meanwhile
    waiting = "the time on /clock is 0: waiting for it to begin"
    observer.wait_until(lambda: waiting in process.output, "a clock that stands still is waited for")
    assert process.running and not images

    def told() -> bool:
        clock.publish(Clock(clock=Time(sec=7)))
        return len(images) == 5

    observer.wait_until(told, "the video plays by the clock")
    assert {image.header.stamp.sec for image in images} == {7} and process.wait() == 0


def test_bag_of_compressed_images_again_and_again_at_a_rate(start: Any, observer: Observer, tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "drive", "sqlite3", compressed=True)
    images = observer.collect(CompressedImage, "image/compressed")
    process = start(*NODE, *parameters(source=bag, loop="true", rate=5.0))
    observer.wait_until(lambda: len(images) >= 6, "6 images: the bag begins anew")
    assert process.stop() == 0, process.output
    now = 1e-9 * observer.node.get_clock().now().nanoseconds
    assert all(abs(seconds(image.header) - now) < 20.0 for image in images)
    values = [int(decode_compressed(image)[0, 0, 0]) for image in images]
    assert {(b - a) % 40 for a, b in itertools.pairwise(values)} == {10}
    first_pass = [seconds(image.header) for image in images[:4]]
    assert first_pass[3] - first_pass[0] > 0.4, "0.6 s at 5 Hz; it was recorded in 0.15 s"


def test_calibration_is_beside_the_images(start: Any, observer: Observer, tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.avi", count=3)
    images = observer.collect(Image, "/cabin/image_raw")
    infos = observer.collect(CameraInfo, "/cabin/camera_info")
    start(*NODE, *parameters(source=path), "-r", "image:=/cabin/image_raw")
    observer.wait_until(lambda: len(images) == len(infos) == 3, "3 images and camera_infos")


def test_calibration_is_beside_compressed_images_that_are_remapped_themselves(
    start: Any, observer: Observer, tmp_path: Path
) -> None:
    bag = write_bag(tmp_path / "drive", "mcap", compressed=True)
    images = observer.collect(CompressedImage, "/cabin/raw/compressed")
    infos = observer.collect(CameraInfo, "/cabin/camera_info")
    start(*NODE, *parameters(source=bag), "-r", "image/compressed:=/cabin/raw/compressed")
    observer.wait_until(lambda: len(images) == len(infos) == 4, "4 images and camera_infos")


def test_a_subscriber_to_the_other_kind_is_told(start: Any, observer: Observer, tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "drive", "mcap", compressed=True)
    observer.collect(Image, "image")
    process = start(*NODE, *parameters(source=bag))
    hint = "/image has one, but the bag holds compressed images: set the tracker's parameter 'compressed'"
    observer.wait_until(lambda: hint in process.output, "a hint")


def test_what_cannot_be_played_is_named_in_one_line(start: Any, tmp_path: Path) -> None:
    film, calibration = write_video(tmp_path / "clip.avi"), tmp_path / "front.yaml"
    calibration.write_text(CALIBRATION)
    cases = {
        "source 'missing.mp4' does not exist": {"source": "missing.mp4"},
        "source '~no one/clip.mp4' cannot be found: ": {"source": "~no one/clip.mp4"},
        "parameter 'rate' is -1.0; it must be 0 to 1000 Hz; parameter 'sorce' is unknown; did you mean 'source'?": {
            "rate": -1.0,
            "sorce": film,
        },
        "is for 640x480 pixels, ": {"source": film, "camera_info_file": calibration, "wait_for_subscriber": "false"},
    }
    processes = [start(*NODE, *parameters(**values)) for values in cases.values()]
    for text, process in zip(cases, processes, strict=True):
        assert process.wait() == 2, process.output
        errors = [line for line in process.output.splitlines() if "ERROR" in line and "image_source" in line]
        assert len(errors) == 1 and text in errors[0], process.output
        assert "Traceback" not in process.output


def test_bags_that_cannot_be_played_are_named(tmp_path: Path) -> None:
    empty, damaged = tmp_path / "bag", tmp_path / "damaged.mcap"
    empty.mkdir()
    (empty / "metadata.yaml").write_text("nothing: here")
    damaged.write_bytes(b"\x89MCAP0\r\n nothing more")
    for path in (empty, damaged):
        assert is_bag(path)
        with pytest.raises(SourceError, match=f"bag '{path}' cannot be read"):
            Bag(path)
    good = write_bag(tmp_path / "drive", "mcap")
    with pytest.raises(SourceError, match="no image topic '/rear'; its image topics: /cabin/image_raw"):
        Bag(good, "/rear")
    truth = Truth(PinholeCamera(80.0, 80.0, 31.5, 23.5, 64, 48), np.zeros(0), np.zeros((0, 4, 4)))
    write_drive(tmp_path / "idle", truth, [])
    with pytest.raises(SourceError, match=r"bag '.*idle' holds no image on /camera/image_raw/compressed"):
        list(Bag(tmp_path / "idle").frames())
    storage = next(good.glob("*.mcap"))
    storage.write_bytes(storage.read_bytes()[:20_000])
    with pytest.raises(SourceError, match=r"bag '.*' (cannot be read|is damaged)"):
        list(Bag(good).frames())


class Clocks:
    """As a node's clock, which nobody looks at."""

    def now(self) -> Any:
        return SimpleNamespace(to_msg=Time)


class Playing:
    """An image source without a node: what it waits for and publishes, seen from inside."""

    def __init__(self, live: bool) -> None:
        self.due: list[float] = []
        self.clocks: list[Clock] = []
        self._image, self._due, self._info = Image(), 0.0, None
        frames = [Frame(1.6e9 + 0.1 * i if live else 0.1 * i, picture(0)) for i in range(3)]
        self._source = SimpleNamespace(live=live, interval=0.1, frames=lambda: iter(frames))
        self._spin_until = self.due.append
        self.get_clock = Clocks
        self._settings = SimpleNamespace(number=lambda name: 0.0)
        self._clock_publisher = SimpleNamespace(publish=self.clocks.append)
        self._info_publisher = self._image_publisher = SimpleNamespace(publish=lambda message: None)
        self._messages = lambda frame: (self._image, CameraInfo())

    def play(self) -> None:
        source: Any = self
        for frame in ImageSourceNode._paced(source):
            ImageSourceNode._publish(source, frame)


def test_a_camera_info_that_was_recorded_once_is_told_with_every_image() -> None:
    playing, told = Playing(live=False), []
    playing._info_publisher = SimpleNamespace(publish=lambda info: told.append((info.width, seconds(info.header))))
    source: Any = playing
    for i, info in enumerate((None, CameraInfo(width=64), None, None)):
        image = Image()
        image.header.stamp.sec = 100 + i
        ImageSourceNode._publish(source, BagFrame(float(i), image, info))
    assert told == [(64, 101.0), (64, 102.0), (64, 103.0)]


def test_a_camera_sets_its_own_pace_and_a_file_is_given_its() -> None:
    camera, file = Playing(live=True), Playing(live=False)
    camera.play()
    file.play()
    assert camera.due == [0.0] * 3
    assert np.diff(file.due) == pytest.approx([0.1, 0.1])


def test_the_clock_shows_a_camera_s_time_and_that_since_a_file_began() -> None:
    for live in (True, False):
        playing = Playing(live)
        playing.play()
        begin = 1.6e9 if live else playing._epoch
        told = [1e-9 * clock.clock.nanosec + clock.clock.sec for clock in playing.clocks]
        assert told == pytest.approx(begin + np.array([0.0, 0.1, 0.2]), abs=1e-6)
        assert seconds(playing._image.header) == pytest.approx(told[-1], abs=1e-6)
