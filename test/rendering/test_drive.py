"""The scripts of the drives, without drawing them: what their true poses and lids make of the policy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dense_face_ros.attention.directions import camera_mounting
from dense_face_ros.attention.policy import AttentionPolicy, HeadSample
from dense_face_ros.attention.settings import PRESETS
from dense_face_ros.attention.states import State
from dense_face_ros.attention.zones import ZoneMap
from training.rendering.drive import DRIVES, Drive

SPREAD = np.radians(1.5) ** 2 * np.eye(6)


def told(drive: Drive) -> list[tuple[State, float]]:
    """What the policy says to the truth."""
    policy, truth = AttentionPolicy(PRESETS["euro_ncap"], ZoneMap.load(), camera_mounting(0, 0, 0)), drive.truth()
    assert truth.eye_openness is not None
    out = []
    for stamp, pose, openness in zip(truth.stamp, truth.pose, truth.eye_openness, strict=True):
        sample = HeadSample(float(stamp), pose[:3, :3], SPREAD, (float(openness), float(openness)))
        out.append((policy.update(sample).state, float(stamp)))
    return out


@pytest.mark.parametrize("name", sorted(DRIVES))
def test_the_true_poses_and_lids_raise_the_alarms_of_the_script_and_no_others(name: str) -> None:
    assert DRIVES[name].objections(told(DRIVES[name])) == []


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


def test_lids_stay_shut_through_a_closure() -> None:
    drive = replace(DRIVES["sleep"], blinks=())
    (begin, end) = drive.closures[0]
    truth = drive.truth()
    shut = (begin <= truth.stamp) & (truth.stamp <= end)
    assert truth.eye_openness[shut].max() == 0.0 and truth.eye_openness[~shut].min() > 0.0
