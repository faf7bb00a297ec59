"""The face model that the commands of this folder work with: the shipped one, or one's own, told once for all of them.
And the networks that go with it.

    export DENSE_FACE_MODEL=mine.npz

A variable rather than an option, as every command needs the same one, and so do the processes that it starts. The
tracker does not read it: its parameter ``model`` takes the file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dense_face_ros.backends import CorrespondenceNetwork
from dense_face_ros.backends.choose import load_network
from dense_face_ros.backends.model_file import check_template, network_path
from dense_face_ros.face_model import FaceModel
from dense_face_ros.template import Template

VARIABLE = "DENSE_FACE_MODEL"


def own_model() -> Path | None:
    """The file of one's own face model; None: the shipped one is used.

    Raises:
        FileNotFoundError: the variable names a file that does not exist.
    """
    told = os.environ.get(VARIABLE)
    if told and not Path(told).is_file():
        raise FileNotFoundError(
            f"{VARIABLE}: face model '{told}' does not exist; make one with training.face_models, or unset the variable"
        )
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
    except ValueError as error:
        raise ValueError(f"{VARIABLE}: {error}") from error


def network_for(model: FaceModel, file: Path | None) -> tuple[CorrespondenceNetwork, Template]:
    """A correspondence network as the CPU runs it, and the template of ``model`` that it was trained for.

    Args:
        file: as ``--network`` takes it; None: the shipped one.
    Raises:
        FileNotFoundError, ValueError: as :func:`load_network`, or the network was trained with another face model.
    """
    path = network_path(file)
    network = load_network("onnxruntime-cpu", path)
    try:
        template = Template(model, network.metadata["template_kind"])
        check_trained_for(template.hash, network.metadata, path, "--network")
    except ValueError:
        network.close()
        raise
    return network, template


def check_trained_for(template_hash: str, told: Mapping[str, str], path: Path, option: str = "--start-from") -> None:
    """Raises ValueError where the network at ``path`` was trained for another template than the one in use.

    Args:
        told: its metadata, or ``template_kind`` and ``template_hash`` alone.
        option: that named the network.
    """
    try:
        check_template(told, path, template_hash)
    except ValueError as error:
        # One of the two is easily forgotten, and nothing else would tell: the labels would be wrong, no more.
        raise ValueError(f"{error} ({VARIABLE} names the face model, {option} the network)") from error
