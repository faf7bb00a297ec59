"""The face model that the commands of this folder work with: the shipped one, or one's own, told once for all of them.

    export DENSE_FACE_MODEL=mine.npz

A variable rather than an option, as every command needs the same one, and so do the processes that it starts. The
tracker does not read it: its parameter ``model`` takes the file.
"""

from __future__ import annotations

import os
from pathlib import Path

from dense_face_ros.face_model import FaceModel

VARIABLE = "DENSE_FACE_MODEL"


def own_model() -> Path | None:
    """The file of one's own face model; None: the shipped one is used."""
    told = os.environ.get(VARIABLE)
    return Path(told) if told else None


def face_model() -> FaceModel:
    """The face model to work with.

    Raises:
        FileNotFoundError, ValueError: as :meth:`FaceModel.load`, naming the variable, which is easily forgotten.
    """
    path = own_model()
    if path is None:
        return FaceModel.load()
    try:
        return FaceModel.load(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{VARIABLE}: {error}") from error
    except ValueError as error:
        raise ValueError(f"{VARIABLE}: {error}") from error
