"""What the attention node's parameters stand for. Needs no ROS installation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dense_face_ros.attention.directions import camera_mounting
from dense_face_ros.attention.neutral_pose import NeutralPose
from dense_face_ros.attention.policy import AttentionPolicy
from dense_face_ros.attention.settings import PRESETS, AttentionSettings
from dense_face_ros.attention.zones import ZoneMap
from dense_face_ros.ros.parameter_spec import defaults
from dense_face_ros.ros.parameters import ATTENTION

#: Parameters that are settings of preset custom.
_CUSTOM = ("glance_budget", "budget_window", "budget_reset", "microsleep", "sleep", "perclos_drowsy")


def attention_settings(values: dict[str, Any]) -> AttentionSettings:
    """The preset, or the custom one with its numbers.

    Raises:
        ValueError: a number is not permitted, or was given with a preset that does not take it.
    """
    preset = PRESETS[values["preset"]]
    if preset.preset == "custom":
        numbers: dict[str, Any] = {name: values[name] for name in _CUSTOM}
        # In the proportions of the other presets, and no less strict.
        awake = min(1.0, numbers["perclos_drowsy"] / preset.perclos_drowsy) * preset.perclos_awake
        closure = max(1.0, numbers["sleep"] / preset.sleep) * preset.unresponsive_closure
        limits = ((0.0, values["long_glance"]),)
        # The state after a warning is told by the time since it: the glance that warns is the user's to choose.
        return replace(
            preset,
            **numbers,
            glance_limits=limits,
            unresponsive_glance=None,
            perclos_awake=awake,
            unresponsive_closure=closure,
        )
    plain = defaults(ATTENTION)
    for name in ("long_glance", *_CUSTOM):
        if values[name] != plain[name]:
            raise ValueError(
                f"parameter '{name}' is {values[name]:g} and preset is '{preset.preset}', which has its own; "
                "set preset to 'custom'"
            )
    return preset


def attention_policy(values: dict[str, Any]) -> AttentionPolicy:
    """The policy; with mounting ``tf`` its mounting is not known yet.

    Raises:
        ValueError: naming the parameter or file.
    """
    angles = (values["camera_yaw"], values["camera_pitch"], values["camera_roll"])
    return AttentionPolicy(
        attention_settings(values),
        ZoneMap.load(values["zones"] or None, values["drive"]),
        None if values["mounting"] == "tf" else camera_mounting(*angles),
        NeutralPose() if values["mounting"] == "learned" else None,
    )
