"""Post-training quantisation: a network whose convolutions multiply bytes, which CPUs do two to three times as fast.

The ranges of the activations are those seen on pictures like the ones that the network is for. Weights have a scale per
channel.
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

#: What becomes bytes: between operations that all take bytes nothing is converted.
_OPERATIONS = ("Conv", "Add", "Relu", "Resize")
_IR_VERSION = 8  # of ONNX files: that of the operators used


class _Pictures(CalibrationDataReader):  # type: ignore[misc]  # the library has no types
    def __init__(self, name: str, pictures: Iterable[npt.NDArray[np.uint8]]) -> None:
        self._name, self._pictures = name, iter(pictures)

    def get_next(self) -> dict[str, npt.NDArray[np.uint8]] | None:
        picture = next(self._pictures, None)
        return None if picture is None else {self._name: picture}


def quantised(
    model: onnx.ModelProto, pictures: Iterable[npt.NDArray[np.uint8]], full_precision: Callable[[onnx.NodeProto], bool]
) -> onnx.ModelProto:
    """The model with its convolutions, and what lies between them, in bytes; metadata is kept.

    Args:
        pictures: values of the model's one input, on which the ranges are measured.
        full_precision: says of a node of the model that it stays as it is.
    """
    with tempfile.TemporaryDirectory() as folder, _quiet():
        source, prepared, out = (Path(folder) / f"{name}.onnx" for name in ("source", "prepared", "bytes"))
        onnx.save(model, source)
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        nodes = onnx.load(prepared).graph.node
        quantize_static(
            str(prepared),
            str(out),
            _Pictures(model.graph.input[0].name, pictures),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(_OPERATIONS),
            nodes_to_exclude=[node.name for node in nodes if full_precision(node)],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        result = onnx.load(out)
    # The library stamps files with all operators and the newest format it knows, which older versions of it refuse.
    used = {node.domain for node in result.graph.node}
    kept = [opset for opset in result.opset_import if opset.domain in used]
    del result.opset_import[:]
    result.opset_import.extend(kept)
    result.ir_version = min(result.ir_version, _IR_VERSION)
    onnx.helper.set_model_props(result, {entry.key: entry.value for entry in model.metadata_props})
    return result


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The library prints its progress, and advises what has been done."""
    logger: Any = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)
