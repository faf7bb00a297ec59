"""A finder's training goes on from an exported finder: its weights are bytes, and hold the normalisations.

An exported convolution has a bias b in place of the normalisation that followed it. The normalisation that is put back
has the mean m and the spread s of what the convolution gives on pictures, and scales by s and shifts by m + b: the
network computes what the file computes, in training as in evaluation.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from training.exported import output_statistics, read_exported
from training.face_finder.network import FinderNetwork

_EXPORTED = "network."  # how the exporter calls the network inside the graph
_TOLD = ("trained_on", "licence", "images")
_BYTES, _BIAS = "_quantized", "weight_bias"


def load_exported(network: FinderNetwork, path: Path, pictures: Iterable[Tensor]) -> dict[str, str]:
    """Put the weights of an exported finder into ``network``.

    Args:
        pictures: batches (N, 1, H, W) of what it goes on to learn from, on which the normalisations are measured.

    Returns:
        The file's metadata, as ``training.face_finder.export`` writes it.
    Raises:
        FileNotFoundError, ValueError: the file is missing, unreadable, or no finder of this architecture.
    """
    model, told = read_exported(path)
    weights, lacking = exported_weights(model), [name for name in _TOLD if name not in told]
    norms = _norms(network)
    held = {name: value for name, value in network.state_dict().items() if name.rsplit(".", 1)[0] not in norms.values()}
    wanted = {name: tuple(value.shape) for name, value in held.items()}
    wanted |= {f"{conv}.bias": (held[f"{conv}.weight"].shape[0],) for conv in norms}
    if told.get("kind") != "face_finder" or {k: tuple(v.shape) for k, v in weights.items()} != wanted:
        raise ValueError(f"'{path}' is no finder of this architecture; give one of training.face_finder.export")
    if lacking:
        raise ValueError(f"'{path}' does not tell {', '.join(lacking)}; give one of training.face_finder.export")
    modules: dict[str, Any] = dict(network.named_modules())
    with torch.no_grad():
        network.load_state_dict({name: weights[name] for name in held}, strict=False)
        for conv, name in norms.items():
            norm = modules[name]
            norm.running_mean.zero_()
            norm.running_var.fill_(1.0 - norm.eps)
            norm.weight.fill_(1.0)
            norm.bias.copy_(weights[f"{conv}.bias"])
        layers = {conv: modules[conv] for conv in norms}
        for conv, (mean, variance) in output_statistics(network.eval(), layers, pictures).items():
            norm = modules[norms[conv]]
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
            norm.weight.copy_(torch.sqrt(variance + norm.eps))
            norm.bias.copy_(weights[f"{conv}.bias"] + mean)
    network.train()
    return told


def exported_weights(model: onnx.ModelProto) -> dict[str, Tensor]:
    """Weights of an exported finder by the names of the network's layers, each convolution with its ``.bias``."""
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    out = {}
    for name, array in arrays.items():
        plain = name.removesuffix(_BYTES)
        if not name.startswith(_EXPORTED) or plain.endswith(("_scale", "_zero_point")):
            continue
        scale = next((arrays[s] for s in (f"{plain}_scale", f"{name}_scale") if s in arrays), np.ones(1, np.float32))
        value = _scaled(array, scale) if name != plain else array
        layer = plain.removeprefix(_EXPORTED)
        layer = layer.removesuffix(_BIAS) + "bias" if layer.endswith(_BIAS) else layer
        out[layer] = torch.from_numpy(np.array(value, np.float32))
    return out


def _scaled(array: npt.NDArray[Any], scale: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Bytes times the scale of their channel."""
    return np.asarray(array * scale.reshape(-1, *(1,) * (array.ndim - 1)))


def _norms(network: nn.Module) -> dict[str, str]:
    """Names of the convolutions that are followed by a normalisation, and those of the normalisations."""
    names = [name for name, module in network.named_modules() if isinstance(module, (nn.Conv2d, nn.BatchNorm2d))]
    modules = dict(network.named_modules())
    pairs = zip(names[:-1], names[1:], strict=True)
    return {conv: norm for conv, norm in pairs if isinstance(modules[norm], nn.BatchNorm2d)}
