"""How far AFLW2000-3D's zero pose looks up in the head frame of the face model in use.

The shipped model's is a constant of ``training.benchmarks.conventions``. That of one's own is written beside the model
by ``training.face_models.place_landmarks``, ``mine_zero_pose.json`` of ``mine.npz``: in the model's format there is no
place for what belongs to a data set.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import numpy as np

from dense_face_ros.face_model import FaceModel
from dense_face_ros.whole_files import write_json
from training.benchmarks.conventions import AFLW2000_ZERO_PITCH
from training.face_model import VARIABLE, own_model
from training.result_files import read_result

_PITCH = "aflw2000_zero_pitch_degrees"
_CURE = "make it with python -m training.face_models.place_landmarks"


def zero_pose_file(model_file: Path) -> Path:
    """Beside a face model."""
    return model_file.with_name(f"{model_file.stem}_zero_pose.json")


def write_zero_pitch(model_file: Path, model: FaceModel, degrees: float) -> Path:
    """Write :func:`zero_pose_file` and return it; OSError where it cannot be written."""
    path = zero_pose_file(model_file)
    write_json(path, {"model": model.content_hash, _PITCH: degrees})
    return path


def zero_pitch(model: FaceModel) -> float:
    """Degrees, for ``model``, which is the one in use; the shipped model's where one's own has no file, and a line on
    stderr says so, once.

    Raises:
        ValueError: naming a file that is of another face model, or of no use.
    """
    own = own_model()
    return AFLW2000_ZERO_PITCH if own is None else _own_zero_pitch(zero_pose_file(own), model.content_hash)


@cache
def _own_zero_pitch(path: Path, model_hash: str) -> float:
    if not path.is_file():
        print(
            "warning: pose errors on AFLW2000-3D are told by the shipped face model's zero pose, as "
            f"{VARIABLE} is set and '{path}' does not exist; {_CURE}",
            file=sys.stderr,
        )
        return AFLW2000_ZERO_PITCH
    told = read_result(path)
    if told.get("model") != model_hash:
        raise ValueError(f"'{path}' is of another face model than the one in use ({VARIABLE}); {_CURE}")
    degrees = told.get(_PITCH)
    if isinstance(degrees, bool) or not isinstance(degrees, int | float) or not np.isfinite(degrees):
        raise ValueError(f"'{path}' has {degrees!r} for {_PITCH}, needed is a number; {_CURE}")
    return float(degrees)
