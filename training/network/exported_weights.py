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
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from torch import Tensor, nn

from training.network.compact import CompactNetwork, ConvNorm

_TOLD = ("training_data", "licence", "images_seen")
_EXPORTED = "network."  # how the exporter calls the network inside the graph


def load_exported(network: CompactNetwork, path: Path, images: Iterable[Tensor]) -> dict[str, str]:
    """Put the weights of an exported ``compact`` network into ``network``.

    Args:
        images: batches (N, 128, 128, 3) of training images, over which the normalisations are measured.

    Returns:
        The file's metadata, as ``training.export`` writes it.
    Raises:
        FileNotFoundError, ValueError: the file is missing, unreadable, or holds another architecture or width.
    """
    model = _read(path)
    weights = exported_weights(model)
    told = {entry.key: entry.value for entry in model.metadata_props}
    lacking = [name for name in _TOLD if name not in told]
    if lacking:
        raise ValueError(f"'{path}' does not tell {', '.join(lacking)}; give a file that training.export wrote")
    folded = network.for_inference()
    fresh = network.deeper_than(weights)
    wanted = {k: tuple(v.shape) for k, v in folded.state_dict().items() if not k.startswith(fresh)}
    if {name: tuple(value.shape) for name, value in weights.items()} != wanted:
        raise ValueError(f"'{path}' holds another architecture than this recipe; give an export of the same one")
    folded.load_state_dict(weights, strict=False)
    statistics = _statistics(folded, images)
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


def _read(path: Path) -> onnx.ModelProto:
    if not path.is_file():
        raise FileNotFoundError(f"network '{path}' does not exist; give an exported .onnx file")
    try:
        return onnx.load(str(path))
    except (DecodeError, OSError) as error:
        raise ValueError(f"'{path}' is no ONNX file; give an exported network") from error


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


def _statistics(folded: nn.Module, images: Iterable[Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
    """Mean and variance (C,) of what each convolution gives, over all images."""
    sums: dict[str, list[Tensor]] = {}

    def measure(name: str, out: Tensor) -> None:
        found = [torch.tensor(float(out[:, 0].numel())), out.sum((0, 2, 3)), out.square().sum((0, 2, 3))]
        sums[name] = [a + b for a, b in zip(sums[name], found, strict=True)] if name in sums else found

    hooks = [
        module.conv.register_forward_hook(lambda _m, _i, out, name=name: measure(name, out))
        for name, module in folded.named_modules()
        if isinstance(module, ConvNorm)
    ]
    with torch.inference_mode():
        for batch in images:
            folded(batch)
    for hook in hooks:
        hook.remove()
    if not sums:
        raise ValueError("there are no images to measure the normalisations on; check --data")
    return {name: ((m := s / n).clone(), (q / n - m * m).clamp(min=0.0).clone()) for name, (n, s, q) in sums.items()}
