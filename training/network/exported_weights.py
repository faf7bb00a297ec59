"""Training goes on from an exported network: its weights, with the normalisations it was exported without.

An exported convolution holds the normalisation that followed it. Fresh normalisations are put behind the convolutions
such that, on the samples given, the network computes what the file computes, in training as in evaluation. A deeper
network's further residual blocks stay as they begin, without effect.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from dense_face_ros.backends.model_file import check_metadata
from training.exported import output_statistics, read_exported
from training.face_model import check_trained_for
from training.network.compact import CompactNetwork, ConvNorm

_EXPORTED = "network."  # how the exporter calls the network inside the graph


def load_exported(network: CompactNetwork, path: Path, template_hash: str, images: Iterable[Tensor]) -> dict[str, str]:
    """Put the weights of an exported ``compact`` network into ``network``.

    Args:
        template_hash: of the template that ``network`` is to map to.
        images: batches (N, 128, 128, 3) of training images, over which the normalisations are measured.

    Returns:
        The file's metadata, as ``training.export`` writes it.
    Raises:
        FileNotFoundError, ValueError: the file is missing, unreadable, or of another architecture, width, template or
            face model.
    """
    model, told = read_exported(path)
    check_metadata(told, path)
    check_trained_for(template_hash, told, path)
    weights = exported_weights(model)
    folded = network.for_inference()
    fresh = network.deeper_than(weights)
    wanted = {k: tuple(v.shape) for k, v in folded.state_dict().items() if not k.startswith(fresh)}
    if {name: tuple(value.shape) for name, value in weights.items()} != wanted:
        raise ValueError(f"'{path}' holds another architecture than this recipe; give an export of the same one")
    folded.load_state_dict(weights, strict=False)
    layers = {name: module.conv for name, module in folded.named_modules() if isinstance(module, ConvNorm)}
    statistics = output_statistics(folded, layers, images)
    own = dict(network.named_modules())
    with torch.no_grad():
        for name, module in folded.named_modules():
            if isinstance(module, ConvNorm) and not name.startswith(fresh):
                conv, norm = own[name].conv, own[name].norm
                mean, variance = statistics[name]
                conv.weight.copy_(module.conv.weight)
                norm.running_mean.copy_(mean - weights[f"{name}.conv.bias"])
                norm.running_var.copy_(variance)
                norm.weight.copy_(torch.sqrt(variance + norm.eps))
                norm.bias.copy_(mean)
        rest = {k: v for k, v in weights.items() if not isinstance(own[k.rsplit(".", 2)[0]], ConvNorm)}
        network.load_state_dict(rest, strict=False)
    return told


def exported_weights(model: onnx.ModelProto) -> dict[str, Tensor]:
    """Weights of an exported network by the names that ``for_inference()`` of the network has for them."""
    # Matrix products have their node's name only, and transposed weights.
    arrays = {tensor.name: np.array(numpy_helper.to_array(tensor), np.float32) for tensor in model.graph.initializer}
    named = {name.removeprefix(_EXPORTED): value for name, value in arrays.items() if name.startswith(_EXPORTED)}
    for node in model.graph.node:
        names = [name for name in node.input if name in arrays]
        if node.op_type == "MatMul" and names:
            layer = node.name.strip("/").removesuffix("/MatMul").replace("/", ".").removeprefix(_EXPORTED)
            named[f"{layer}.weight"] = arrays[names[0]].T
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in named.items()}
