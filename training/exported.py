"""What a training that goes on from an exported network reads off the file, and off the network it builds of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import onnx
import torch
from google.protobuf.message import DecodeError
from torch import Tensor, nn


def read_exported(path: Path) -> tuple[onnx.ModelProto, dict[str, str]]:
    """An exported network and its metadata.

    Raises:
        FileNotFoundError, ValueError: there is no such file, or it is no ONNX file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"network '{path}' does not exist; give an exported .onnx file")
    try:
        model = onnx.load(str(path))
    except (DecodeError, OSError) as error:
        raise ValueError(f"'{path}' is no ONNX file; give an exported network") from error
    return model, {entry.key: entry.value for entry in model.metadata_props}


def output_statistics(
    network: nn.Module, layers: Mapping[str, nn.Module], images: Iterable[Tensor]
) -> dict[str, tuple[Tensor, Tensor]]:
    """Mean and variance (C,) of what each of the network's layers (name -> module) gives, over all images.

    Raises:
        ValueError: there are no images.
    """
    sums: dict[str, list[Tensor]] = {}

    def measure(name: str, out: Tensor) -> None:
        found = [torch.tensor(float(out[:, 0].numel())), out.sum((0, 2, 3)), out.square().sum((0, 2, 3))]
        sums[name] = [a + b for a, b in zip(sums[name], found, strict=True)] if name in sums else found

    hooks = [
        layer.register_forward_hook(lambda _m, _i, out, name=name: measure(name, out)) for name, layer in layers.items()
    ]
    with torch.inference_mode():
        for batch in images:
            network(batch)
    for hook in hooks:
        hook.remove()
    if not sums:
        raise ValueError("there are no images to measure the normalisations on; check --data")
    return {name: ((m := s / n).clone(), (q / n - m * m).clamp(min=0.0).clone()) for name, (n, s, q) in sums.items()}
