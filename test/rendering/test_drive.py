"""The scripts of the drives, without drawing them: what their true poses and lids make of the policy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dense_face_ros.attention.directions import camera_mounting
from dense_face_ros.attention.head_sample import HeadSample
from dense_face_ros.attention.policy import AttentionPolicy
from dense_face_ros.attention.settings import PRESETS
from dense_face_ros.attention.states import State
from dense_face_ros.attention.zones import ZoneMap
from dense_face_ros.face_model import FaceModel
from training.rendering.drive import DRIVES, Drive, DriveRenderer

SPREAD = np.radians(1.5) ** 2 * np.eye(6)


def told(model: FaceModel, drive: Drive) -> list[tuple[State, float]]:
    """What the policy says to the truth."""
    policy = AttentionPolicy(PRESETS["euro_ncap"], ZoneMap.load(), camera_mounting(0, 0, 0))
    truth = DriveRenderer(model, drive).truth
    assert truth.eye_openness is not None
    out = []
    for stamp, pose, (left, right) in zip(truth.stamp, truth.pose, truth.eye_openness, strict=True):
        sample = HeadSample(float(stamp), pose[:3, :3], SPREAD, (float(left), float(right)))
        out.append((policy.update(sample).state, float(stamp)))
    return out


@pytest.mark.parametrize("name", sorted(DRIVES))
def test_the_true_poses_and_lids_raise_the_alarms_of_the_script_and_no_others(
    shipped_model: FaceModel, name: str
) -> None:
    assert DRIVES[name].objections(told(shipped_model, DRIVES[name])) == []


def test_drives_with_alarms_are_not_all_alike() -> None:
    scripted = {state for drive in DRIVES.values() for state, _ in drive.alarms}
    assert scripted == set(State) - {State.UNKNOWN, State.ATTENTIVE}
    assert len([name for name, drive in DRIVES.items() if not drive.alarms]) >= 6


def test_objections() -> None:
    drive = replace(DRIVES["sleep"], alarms=((State.MICROSLEEP, 3.5), (State.SLEEP, 5.5)))
    right = [(State.UNKNOWN, 0.0), (State.ATTENTIVE, 0.2), (State.MICROSLEEP, 3.6), (State.SLEEP, 5.4)]
    assert drive.objections(right) == []
    in_doubt = [*right, (State.UNKNOWN, 5.9), (State.SLEEP, 6.4), (State.ATTENTIVE, 7.0)]
    assert drive.objections(in_doubt) == [], "an alarm in doubt for a while is the same alarm"
    assert drive.objections([*right, (State.ATTENTIVE, 6.8), (State.SLEEP, 9.0)]) == [
        "sleep at 9.00 s is not in the script"
    ]
    assert drive.objections(right[:-1]) == ["sleep should begin at 5.50 s"]
    assert drive.objections([*right[:-1], (State.SLEEP, 6.0)]) == [
        "sleep should begin at 5.50 s",
        "sleep at 6.00 s is not in the script",
    ]
    assert drive.objections([*right, (State.LONG_DISTRACTION, 8.0)]) == [
        "long_distraction at 8.00 s is not in the script"
    ]


def test_lids_stay_shut_through_a_closure_and_are_as_far_apart_as_they_are_drawn(shipped_model: FaceModel) -> None:
    drive = replace(DRIVES["sleep"], blinks=())
    (begin, end) = drive.closures[0]
    truth = DriveRenderer(shipped_model, drive).truth
    assert truth.eye_openness is not None
    shut, apart = (begin <= truth.stamp) & (truth.stamp <= end), np.array([drive.lids(t) for t in truth.stamp]) < 0.5
    assert truth.eye_openness[shut].max() < 0.05 and truth.eye_openness[apart].min() > 0.2
    other = DriveRenderer(shipped_model, drive, identity=np.zeros(shipped_model.identity_size)).truth.eye_openness
    assert other is not None
    np.testing.assert_allclose(other[0], 1.0, atol=0.02)
    assert (np.abs(truth.eye_openness[0] - 1.0) > 0.05).all(), "this driver's eyes are narrower"
