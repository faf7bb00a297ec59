from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

from dense_face_ros.face_model import FaceModel
from dense_face_ros.ros.message_readers import read_eyes
from training.make_drive import main, repeated, write_bag
from training.rendering.drive import DRIVES, Drive, DriveRenderer

STILL = ((0.0, 0, 0, 0, 0.0, 0.0, 0.6), (0.2, 0, 0, 0, 0.0, 0.0, 0.6))


@pytest.mark.parametrize("name", sorted(DRIVES))
def test_scripts_are_smooth_drives(name: str) -> None:
    truth = DRIVES[name].truth()
    assert len(truth.stamp) == round(30.0 * DRIVES[name].duration) and truth.camera.metric
    steps = np.diff(truth.pose[:, :3, 3], axis=0) * 30.0
    assert np.linalg.norm(steps, axis=1).max() < 0.5, "m/s"
    turns = np.einsum("nij,nkj->nik", truth.pose[1:, :3, :3], truth.pose[:-1, :3, :3])
    speed = np.degrees(np.arccos(np.clip((np.trace(turns, axis1=1, axis2=2) - 1) / 2, -1, 1))) * 30.0
    assert speed.max() < 350.0, "degrees/s"


def test_light_and_lids_follow_the_script(shipped_model: FaceModel) -> None:
    tunnel = DriveRenderer(shipped_model, Drive(((*STILL[0],), (3.0, *STILL[1][1:])), ((1.5, 0.1),), lighting="tunnel"))
    day, dark = tunnel.frame(0), tunnel.frame(45)
    assert dark.mean() < 0.35 * day.mean() and np.array_equal(dark, tunnel.frame(45))
    assert tunnel._drive.activations(1.5)["eyeBlink_L"] == 1.0
    infrared = DriveRenderer(shipped_model, Drive(STILL, (), lighting="infrared")).frame(0)
    assert (infrared[..., 0] == infrared[..., 2]).all() and infrared.shape == (480, 640, 3)


def test_a_drive_can_be_driven_again_and_again(shipped_model: FaceModel) -> None:
    once = DriveRenderer(shipped_model, DRIVES["mirrors"]).truth
    thrice = repeated(once, 3)
    assert len(thrice.stamp) == 900 and np.allclose(np.diff(thrice.stamp), 1.0 / 30.0)
    assert np.array_equal(thrice.pose[300:600], once.pose) and np.array_equal(thrice.pose[600:], once.pose)
    assert thrice.eye_openness is not None and np.array_equal(thrice.eye_openness[300:600], once.eye_openness)


def test_the_lids_of_each_eye_are_in_the_bag(shipped_model: FaceModel, tmp_path: Path) -> None:
    renderer = DriveRenderer(shipped_model, Drive(STILL, ()))
    truth = replace(renderer.truth, eye_openness=np.tile([0.2, 0.9], (len(renderer.truth.stamp), 1)))
    write_bag(tmp_path / "bag", truth, renderer.frames())
    with AnyReader([tmp_path / "bag"], default_typestore=get_typestore(Stores.ROS2_JAZZY)) as reader:
        connections = [one for one in reader.connections if one.topic == "/camera/expression/truth"]
        eyes = [read_eyes(reader.deserialize(data, one.msgtype)) for one, _, data in reader.messages(connections)]
    assert eyes == [pytest.approx((0.2, 0.9))] * len(truth.stamp)


def test_an_existing_bag_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mirrors", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "exists already" in error and error.count("\n") == 1
    assert main(["mirrors", str(tmp_path / "new"), "--times", "0"]) == 2
    error = capsys.readouterr().err
    assert "--times is 0" in error and error.count("\n") == 1
