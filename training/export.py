"""Write a trained network as ONNX: ``python -m training.export runs/best/checkpoint.pt correspondence.onnx``.

The file takes a crop as the camera gives it and returns what :class:`dense_face_ros.backends.NetworkOutput` says;
normalisation is inside, and everything constant is folded. ``--half`` writes the half-precision file for GPUs: weights
and activations are halves, inputs and outputs stay as they are. ``--int8`` writes the file for CPUs: all but the finest
level computes in bytes, whose ranges are read off on renderings.
"""

from __future__ import annotations

import argparse
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from dense_face_ros.backends import CROP_SIZE
from dense_face_ros.backends.cpu_session import session_options
from dense_face_ros.backends.model_file import FORMAT_VERSION, INPUT_NAME, OUTPUT_NAMES
from dense_face_ros.template import Template
from dense_face_ros.whole_files import whole_file
from training.checkpoint import load_run, network_of, recipe_of, weights_sha256
from training.face_model import VARIABLE, face_model
from training.network import CorrespondenceModule, cell_grid
from training.quantisation import quantised
from training.rendered import RenderedHeads

Precision = Literal["full", "half", "int8"]

_OPSET = 17
# Largest differences allowed to the torch network: flow in pixels, probability, log sigma. Halves round on their way.
_TOLERANCE = {"full": (0.02, 1e-3, 1e-2), "half": (1.0, 0.05, 0.2)}
# Bytes are judged where they are used, on matched cells of rendered heads: mean difference of the flow in pixels.
_BYTES_TOLERANCE = 0.5
_CALIBRATION_HEADS, _TEST_HEADS = 128, 32


def export(checkpoint: Path, out: Path, precision: Precision = "full") -> None:
    """Write the averaged weights of ``checkpoint`` to ``out``, then check the file against the torch network.

    Raises:
        FileNotFoundError, ValueError: the checkpoint is missing or not usable, or its architecture has no such file;
            for bytes also: it was trained with another face model than the one in use.
        RuntimeError: the written network does not compute the same; nothing is left at ``out``.
    """
    if out.is_dir():
        raise ValueError(f"'{out}' is a folder; name the file to write")
    state = load_run(checkpoint)
    recipe = recipe_of(state, checkpoint)
    network = network_of(state, checkpoint)
    heads = _rendered_heads(checkpoint, state["template"], network.stride) if precision == "int8" else None
    model = _to_onnx(_Exported(network, precision == "half"))
    metadata = {
        "format_version": FORMAT_VERSION,
        "architecture": recipe.architecture,
        "stride": str(network.stride),
        "template_kind": state["template"]["kind"],
        "template_hash": state["template"]["hash"],
        "recipe": recipe.name,
        "training_data": recipe.training_data,
        "licence": recipe.licence,
        "images_seen": str(state["images"]),
        # Two runs of one recipe and length agree in all of the above; files of different runs must not be mixed.
        "weights_sha256": weights_sha256(state),
    }
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    reference = _Exported(network, half=False)
    if heads is not None:
        model = _in_bytes(model, network, heads, reference)
    else:
        _check(model, reference, _TOLERANCE[precision])
    out.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(out) as file:
        file.write(model.SerializeToString())


class _Exported(nn.Module):
    """image (1, 128, 128, 3) uint8 -> flow (1, 2, h, w), matchability (1, h, w), log_sigma (1, h, w)."""

    grid: Tensor

    def __init__(self, network: CorrespondenceModule, half: bool) -> None:
        super().__init__()
        inference = network.for_inference()
        self.kind = torch.float16 if half else torch.float32
        self.network = inference.to(self.kind)
        self.register_buffer("grid", cell_grid(CROP_SIZE // network.stride), persistent=False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        # TensorRT can cast bytes and do nothing else with them: the cast must come first.
        prediction = self.network(image.to(self.kind))
        return prediction.template - self.grid, torch.sigmoid(prediction.logit), prediction.log_sigma


def _to_onnx(module: nn.Module) -> onnx.ModelProto:
    image = torch.zeros(1, CROP_SIZE, CROP_SIZE, 3, dtype=torch.uint8)
    buffer = io.BytesIO()
    with torch.inference_mode(), warnings.catch_warnings():
        # The tracing exporter writes the plainer graph of the two for static shapes; torch warns of its age.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            module.eval(), (image,), buffer,  # type: ignore[arg-type]
            input_names=[INPUT_NAME], output_names=list(OUTPUT_NAMES),
            opset_version=_OPSET, dynamo=False,
        )  # fmt: skip
    return onnx.load_from_string(buffer.getvalue())


def _rendered_heads(checkpoint: Path, template: dict[str, str], stride: int) -> RenderedHeads:
    """Heads as the network was trained on; ValueError where the face model in use is another than it was trained with.

    Bytes whose ranges are those of other heads would be less accurate, and the check on such heads would not tell.
    """
    here = Template(face_model(), template["kind"])
    if here.hash != template["hash"]:
        raise ValueError(
            f"'{checkpoint}' was trained for the {here.kind} template {template['hash'][:12]}, but the face model in "
            f"use has template {here.hash[:12]}; set {VARIABLE} to the face model that it was trained with, or unset "
            "it for the shipped one"
        )
    return RenderedHeads(here, 0, stride)


def _in_bytes(
    model: onnx.ModelProto, network: CorrespondenceModule, heads: RenderedHeads, reference: nn.Module
) -> onnx.ModelProto:
    """The quantised model; ranges are measured on rendered heads, and it is checked on others."""
    if not network.coarse_parts:
        raise ValueError("no part of this architecture is known to bear being computed in bytes; export it with --half")
    coarse = tuple(f"/network/{part}" for part in network.coarse_parts)

    def pictures(first: int, count: int) -> Iterator[npt.NDArray[np.uint8]]:
        for seed in range(first, first + count):
            yield np.asarray(heads.make(np.random.default_rng(seed))["image"], dtype=np.uint8)[None]

    result = quantised(model, pictures(0, _CALIBRATION_HEADS), lambda node: not node.name.startswith(coarse))
    session = _session(result)
    differences = []
    for image in pictures(_CALIBRATION_HEADS, _TEST_HEADS):
        with torch.inference_mode():
            flow, matchability, _ = (part.numpy()[0] for part in reference(torch.from_numpy(image)))
        found = session.run(["flow"], {INPUT_NAME: image})[0][0]
        differences.append(np.linalg.norm(found - flow, axis=0)[matchability > 0.5])
    mean = float(np.concatenate(differences).mean())
    if not mean <= _BYTES_TOLERANCE:
        raise RuntimeError(f"in bytes the flow differs by {mean:.2f} px in the mean, allowed is {_BYTES_TOLERANCE}")
    return result


def _session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    # As the tracker runs it: without what it sets, bytes overflow on older processors and good files are refused.
    return onnxruntime.InferenceSession(
        model.SerializeToString(), session_options(threads=1), providers=["CPUExecutionProvider"]
    )


def _check(model: onnx.ModelProto, reference: nn.Module, tolerance: tuple[float, float, float]) -> None:
    session = _session(model)
    for image in _test_images():
        with torch.inference_mode():
            wanted = reference(torch.from_numpy(image))
        found = session.run(list(OUTPUT_NAMES), {INPUT_NAME: image})
        for name, a, b, limit in zip(OUTPUT_NAMES, wanted, found, tolerance, strict=True):
            if a.shape != b.shape:
                raise RuntimeError(f"the exported network's {name} has shape {b.shape}, torch gives {tuple(a.shape)}")
            difference = float(np.abs(a.numpy() - b).max())
            if not difference <= limit:
                raise RuntimeError(
                    f"the exported network's {name} differs from torch by {difference:.3g}, allowed is {limit}"
                )


def _test_images() -> list[npt.NDArray[np.uint8]]:
    """Smooth patterns, as crops are smooth, at different brightness."""
    v, u = np.mgrid[:CROP_SIZE, :CROP_SIZE][..., np.newaxis] / CROP_SIZE
    phase = np.array([0.0, 1.0, 2.0])
    waves = [np.sin(k * (u + 2 * v) + phase) * np.cos(k * (v - u) - phase) for k in (3.0, 8.0, 20.0)]
    return [(127.5 + gain * wave).astype(np.uint8)[None] for gain, wave in zip((120.0, 90.0, 50.0), waves, strict=True)]


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="training.export", description="Write a trained network as ONNX.")
    parser.add_argument("checkpoint", type=Path, help="checkpoint.pt of a training run")
    parser.add_argument("out", type=Path, help="ONNX file to write")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--half", action="store_const", dest="precision", const="half", help="half precision, for GPUs")
    kinds.add_argument("--int8", action="store_const", dest="precision", const="int8", help="bytes inside, for CPUs")
    parser.set_defaults(precision="full")
    given = parser.parse_args(arguments)
    try:
        export(given.checkpoint, given.out, given.precision)
    except (ValueError, OSError, RuntimeError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    print(f"{given.out}: {given.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
