"""Export a checkpoint for the runtime: ``python -m training.face_finder.export RUN/best.pt face_finder.onnx``.

Weights are stored in half precision and widened when the file is loaded: half the size, the arithmetic stays fp32.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from dense_face_ros.face_finder import FORMAT_VERSION, INPUT_HEIGHT, INPUT_WIDTH
from training.face_finder.network import FinderNetwork

_OPSET = 18
_SOURCES = (
    "YouTube Faces, press photographs and masked faces with face-mesh labels; our own renderings; BSDS500 backgrounds"
)
_LICENCE = "weights trained on research-only photographs: research use only"


class _Deployed(nn.Module):
    """uint8 picture in, probabilities out."""

    def __init__(self, network: FinderNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        score, geometry = self.network(image.float())
        return score.sigmoid(), geometry


def export(checkpoint: Path, destination: Path) -> None:
    """Write the averaged weights of ``checkpoint`` as ONNX with the metadata the runtime checks."""
    state = torch.load(checkpoint, weights_only=True)
    network = FinderNetwork()
    network.load_state_dict(state["averaged"])
    image = torch.zeros(1, 1, INPUT_HEIGHT, INPUT_WIDTH, dtype=torch.uint8)
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
    store_weights_in_half(model)
    metadata = {
        "kind": "face_finder",
        "format_version": FORMAT_VERSION,
        "trained_on": _SOURCES,
        "licence": _LICENCE,
        "images": str(state["images"]),
        "validation": json.dumps(state["validation"]),
    }
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model)
    onnx.save(model, destination)


def drop_traces(model: onnx.ModelProto) -> None:
    """Remove what the exporter notes about its own source lines, in place."""
    for node in model.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    model.graph.ClearField("value_info")


def store_weights_in_half(model: onnx.ModelProto) -> None:
    """Replace every sizeable fp32 initializer by an fp16 one and a Cast, in place."""
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or int(np.prod(tensor.dims)) < 64:
            continue
        name = tensor.name
        half = numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("destination", type=Path)
    arguments = parser.parse_args()
    export(arguments.checkpoint, arguments.destination)


if __name__ == "__main__":
    main()
