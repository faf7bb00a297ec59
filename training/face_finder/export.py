"""Export a checkpoint for the runtime: ``python -m training.face_finder.export DATA RUN/best.pt face_finder.onnx``.

It computes in bytes, see :mod:`training.quantisation`; ranges are measured on made pictures of the training people.
"""

from __future__ import annotations

import argparse
import json
import logging
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from dense_face_ros.face_finder import FORMAT_VERSION, INPUT_HEIGHT, INPUT_WIDTH
from dense_face_ros.whole_files import whole_file
from training.face_finder.network import FinderNetwork
from training.face_finder.sources import SOURCES
from training.face_finder.train import load_finder
from training.photographs.heads import FITS
from training.quantisation import quantised
from training.result_files import check_destination, told_file

_OPSET = 18
_CALIBRATION_PICTURES, _HEADS = 128, 64


class _Deployed(nn.Module):
    """uint8 picture in, probabilities out."""

    def __init__(self, network: FinderNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        score, geometry = self.network(image.float())
        return score.sigmoid(), geometry


def export(data: Path, checkpoint: Path, destination: Path, fits: Path) -> None:
    """Write the averaged weights of ``checkpoint`` as ONNX with the metadata the runtime checks.

    Raises:
        OSError, ValueError: naming the file that is missing, is no such checkpoint, or cannot be written.
    """
    check_destination(destination, "destination")
    state = load_finder(checkpoint)
    wanted, found = state.get("given", {}).get("fits", "nothing"), told_file(fits)  # older runs kept none
    if wanted not in ("nothing", found):
        raise ValueError(f"'{checkpoint}' was trained with {wanted}, --fits is {found}; give that")
    network = FinderNetwork()
    network.load_state_dict(state["averaged"])
    image = torch.zeros(1, 1, INPUT_HEIGHT, INPUT_WIDTH, dtype=torch.uint8)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it warns of operators that nothing here uses
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of torch about torch
        program = torch.onnx.export(
            _Deployed(network).eval(),
            (image,),
            input_names=["image"],
            output_names=["score", "geometry"],
            opset_version=_OPSET,
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch exported no ONNX program")
    model = program.model_proto
    drop_traces(model)
    maker = SOURCES[state["sources"]].maker(data, "train", _HEADS, fits, None, 0)
    pictures = (maker.make(np.random.default_rng(seed)).image[None, None] for seed in range(_CALIBRATION_PICTURES))
    outputs = [node.name for node in model.graph.node if node.op_type == "Conv"][-2:]
    model = quantised(model, pictures, lambda node: node.name in outputs)
    metadata = {
        "kind": "face_finder",
        "format_version": FORMAT_VERSION,
        "trained_on": state["trained_on"],
        "licence": state["licence"],
        "images": str(state["images"]),
        "validation": json.dumps(state["validation"]),
    }
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    with whole_file(destination) as file:
        file.write(model.SerializeToString())


def drop_traces(model: onnx.ModelProto) -> None:
    """Remove what the exporter notes about its own source lines, in place."""
    for node in model.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    model.graph.ClearField("value_info")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with the training data")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("destination", type=Path)
    parser.add_argument("--fits", type=Path, default=FITS, help="labels by which photographs are turned aside")
    try:
        export(**vars(parser.parse_args()))
    except (OSError, ValueError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
