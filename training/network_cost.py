"""What a network costs on one CPU thread, whatever its weights: parameters, multiply-adds and milliseconds per crop."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from dense_face_ros.backends import CROP_SIZE
from dense_face_ros.backends.onnx_runtime import OnnxRuntimeNetwork
from dense_face_ros.template import Template
from training.benchmark import timed
from training.checkpoint import save_checkpoint
from training.export import export
from training.network import recipe_network
from training.recipes import Recipe


def network_cost(recipe: Recipe, template: Template, runs: int = 20, repeats: int = 5) -> dict[str, Any]:
    """The cost of a recipe's network with fresh weights, exported and run at full precision.

    Returns:
        ``parameters`` that are learned; ``multiply_adds`` of one crop with everything constant folded; and
        ``milliseconds``, those of :func:`training.benchmark.timed` for ONNX Runtime on one thread.
    """
    torch.manual_seed(recipe.seed)
    network = recipe_network(recipe, template).eval()
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        network.for_inference()(torch.zeros(1, CROP_SIZE, CROP_SIZE, 3, dtype=torch.uint8))
    with TemporaryDirectory() as folder:
        checkpoint, exported = Path(folder) / "checkpoint.pt", Path(folder) / "network.onnx"
        of = {"kind": template.kind, "hash": template.hash}
        state = {"recipe": asdict(recipe), "template": of, "images": 0, "average": network.state_dict()}
        save_checkpoint(checkpoint, state)
        export(checkpoint, exported)
        session = OnnxRuntimeNetwork(exported, threads=1)
    crops = np.random.default_rng(0).integers(0, 256, (runs, CROP_SIZE, CROP_SIZE, 3), dtype=np.uint8)
    return {
        "parameters": sum(weights.numel() for weights in network.parameters()),
        "multiply_adds": counter.get_total_flops() // 2,
        "milliseconds": timed(lambda index: session.run(crops[index]), runs, repeats),
    }
