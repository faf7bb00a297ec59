"""Train the eyelid network and write it for the runtime.

    python -m training.eyes.train --data DATA --out dense_face_ros/models/eyelids.onnx

Half an hour on one core. The figures at the end are over people never trained on, and go into the file.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.eyes import FORMAT_VERSION, PATCH_HEIGHT, PATCH_WIDTH
from dense_face_ros.whole_files import whole_file
from training.averaging import MovingAverage
from training.backgrounds import Backgrounds
from training.eyes.augment import patch_of, plain_patch, remains_visible
from training.eyes.examples import STORED, Examples
from training.eyes.network import Deployed, EyelidNetwork
from training.eyes.sources import SOURCES
from training.options import check_least
from training.photographs.heads import FITS
from training.photographs.portraits import credited
from training.photographs.sources import learned_from
from training.result_files import check_destination
from training.schedule import cosine, warm_up

_SHUT = 0.25  # eyes less open than this count as shut in the figures
#: Shares of the training patches with eyes less open than the first, the second and the rest, and with eyes that cannot
#: be seen. Photographs hold few half-shut eyes, and what is rare in training is answered as something else.
_BANDS = (_SHUT, 0.6)
_SHARES = (0.25, 0.22, 0.38, 0.15)
_WARM_UP = 100  # steps
_TURNED = 0.05  # standard deviation of what a tracker takes the direction of an eye to be, radians
_NO_EYE_SHARE = 0.03  # pictures without an eye
_OPSET = 17
_VALIDATION_HEADS = 1500  # rendered
_LEAST_HEADS = 50  # of fewer there may be none of a kind


class _Patches:
    """Endless random training patches; within a band of openness every source is shown as often as the others."""

    def __init__(self, sources: Sequence[Examples], backgrounds: Backgrounds) -> None:
        first, *rest = sources
        self._examples, self._backgrounds = sum(rest, first), backgrounds
        source = np.repeat(np.arange(len(sources)), [len(part.visible) for part in sources])
        examples = self._examples
        kind = np.where(examples.visible, np.digitize(examples.openness, _BANDS), len(_BANDS) + 1)
        weight = np.zeros(len(kind))
        for k, share in enumerate(_SHARES):
            counts = np.bincount(source[kind == k], minlength=len(sources))
            weight[kind == k] = share / (counts[source[kind == k]] * max(np.count_nonzero(counts), 1))
        self._cumulative = np.cumsum(weight) / weight.sum()

    def batch(self, rng: np.random.Generator, size: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """patches (N, 32, 48) uint8, directions (N, 3), openness (N,) and visible (N,), both NaN where not known."""
        made = [self._one(rng) for _ in range(size)]
        patches = torch.from_numpy(np.stack([patch for patch, _, _, _ in made]))
        directions = np.array([direction for _, direction, _, _ in made], np.float32)
        directions += rng.normal(0.0, _TURNED, directions.shape).astype(np.float32)
        values = torch.tensor([[openness, visible] for _, _, openness, visible in made])
        return patches, torch.from_numpy(directions), values[:, 0], values[:, 1]

    def _one(self, rng: np.random.Generator) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32], float, float]:
        if rng.random() < _NO_EYE_SHARE:
            grey = cv2.cvtColor(self._backgrounds.draw(rng), cv2.COLOR_RGB2GRAY)
            anywhere = self._examples.directions[rng.integers(len(self._examples.directions))]
            square = np.asarray(cv2.resize(grey, (STORED, STORED)), dtype=np.uint8)
            return patch_of(rng, square)[0], anywhere, np.nan, 0.0
        index = min(int(np.searchsorted(self._cumulative, rng.random(), side="right")), len(self._cumulative) - 1)
        patch, taken = patch_of(rng, self._examples.pictures[index])
        direction = self._examples.directions[index]
        if not self._examples.visible[index]:
            return patch, direction, np.nan, 0.0
        visible = remains_visible(taken)
        if visible is None:
            return patch, direction, np.nan, np.nan
        return patch, direction, float(self._examples.openness[index]) if visible else np.nan, float(visible)


def train(
    sources: Sequence[Examples], backgrounds: Backgrounds, steps: int, batch: int = 96, rate: float = 2e-3
) -> EyelidNetwork:
    """Averaged weights after ``steps``; the same arguments give the same network."""
    torch.manual_seed(0)
    network = EyelidNetwork().train()
    average = MovingAverage(network, decay=0.998)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.01)
    patches, rng = _Patches(sources, backgrounds), np.random.default_rng(1)
    bar = tqdm(range(steps), unit="step", mininterval=5)
    for step in bar:
        for group in optimizer.param_groups:
            group["lr"] = rate * warm_up(step, _WARM_UP) * cosine(step / steps)
        pictures, directions, openness, visible = patches.batch(rng, batch)
        found, logit = network(pictures, directions)
        seen, known = torch.isfinite(openness), torch.isfinite(visible)
        gap = _gap(found[seen], openness[seen])
        loss = gap + 0.2 * F.binary_cross_entropy_with_logits(logit[known], visible[known])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        average.update(network, step)
        if step % 50 == 0:
            bar.set_postfix(openness=f"{gap.item():.4f}", loss=f"{loss.item():.4f}")
    averaged = average.network
    assert isinstance(averaged, EyelidNetwork)
    return averaged


def _gap(found: Tensor, openness: Tensor) -> Tensor:
    """Mean loss of openness. Wider than at rest counts as 1, in what is found too, as it does for the tracker: how much
    wider depends on whose eye it is, which no picture of it tells."""
    wide = openness >= 1.0
    return F.smooth_l1_loss(torch.where(wide, found.clamp(max=1.0), found), openness.clamp(max=1.0), beta=0.1)


def measure(network: EyelidNetwork, examples: Examples) -> dict[str, float | None]:
    """Over plain patches: mean error of openness, of which wider than at rest is 1; shut eyes found and falsely found,
    seen and hidden eyes told; None of what there is no example."""
    with torch.inference_mode():
        pictures = torch.from_numpy(np.stack([plain_patch(p) for p in examples.pictures]))
        found, logit = network(pictures, torch.from_numpy(examples.directions))
    found, visible = found.numpy(), logit.numpy() > 0.0
    seen = examples.visible
    result: dict[str, float | None] = {"eyes": float(len(seen)), "hidden_told": _share((~visible)[~seen])}
    if seen.any():
        shut, said = examples.openness[seen] < _SHUT, found[seen] < _SHUT
        result |= {
            "seen_told": _share(visible[seen]),
            "openness_error": float(np.abs(found.clip(0.0, 1.0) - examples.openness.clip(0.0, 1.0))[seen].mean()),
            "shut": float(shut.sum()),
            "shut_recall": _share(said[shut]),
            "shut_precision": _share(shut[said]),
        }
    return {name: None if value is None else round(value, 4) for name, value in result.items()}


def _share(right: npt.NDArray[np.bool_]) -> float | None:
    return float(right.mean()) if right.size else None


def export(
    network: EyelidNetwork,
    out: Path,
    figures: dict[str, dict[str, float | None]],
    steps: int,
    trained_on: str,
    licence: str,
) -> None:
    """Write the network with the metadata that the runtime checks."""
    buffer = io.BytesIO()
    examples = torch.zeros(2, PATCH_HEIGHT, PATCH_WIDTH, dtype=torch.uint8), torch.zeros(2, 3)
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            Deployed(network).eval(), examples, buffer,  # type: ignore[arg-type]
            input_names=["patches", "directions"], output_names=["openness", "visible"],
            dynamic_axes={name: {0: "eyes"} for name in ("patches", "directions", "openness", "visible")},
            opset_version=_OPSET, dynamo=False,
        )  # fmt: skip
    model = onnx.load_from_string(buffer.getvalue())
    metadata = {
        "kind": "eyelids", "format_version": FORMAT_VERSION, "trained_on": trained_on, "licence": licence,
        "steps": str(steps), "validation": json.dumps(figures, allow_nan=False),
    }  # fmt: skip
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    with whole_file(out) as file:
        file.write(model.SerializeToString())


@tells_bad_input()
def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sources", choices=sorted(SOURCES), default="best")
    parser.add_argument("--fits", type=Path, default=FITS, help="what training.photographs.fit wrote")
    parser.add_argument("--skins", type=Path, help="skins for rendered heads, from training.photographs.portraits")
    parser.add_argument("--out", type=Path, required=True, help="ONNX file to write")
    parser.add_argument("--rendered", type=int, default=24000, help="rendered heads (default 24000)")
    parser.add_argument("--steps", type=int, default=10000, help="of training (default 10000)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    source = SOURCES[options.sources]
    check_least("--steps", options.steps)
    check_least("--rendered", options.rendered, _LEAST_HEADS)
    check_destination(options.out, "--out")
    trained_on, licence = learned_from(source.photographs, options.data)
    backgrounds = Backgrounds(options.data)
    learned = source.examples("train", options.data, options.rendered, options.fits, options.skins)
    kept = source.examples("validation", options.data, _VALIDATION_HEADS, options.fits, None)
    network = train(list(learned.values()), backgrounds, options.steps)
    figures = {name: measure(network, examples) for name, examples in kept.items()}
    export(network, options.out, figures, options.steps, credited(trained_on, options.skins), licence)
    print(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
