"""Real masks over real mouths: how many points of the mouth are told visible, with a mask and without.

Some photographs of ``masked_faces`` trained the default network, masks and all, so only those kept for validation are
shown (``training.photographs.copies``), and of these the ones that ``worn_masks.txt`` sorts. A few people may be
among those trained on all the same (docs/model_card.md). Boxes are around the collection's own mesh points, which are
guessed under a mask.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dense_face_ros.head_state import Status
from training.benchmarks.metrics import mean_or_none
from training.benchmarks.subject import HeadTracker, box_around, read_image
from training.photographs.collection import read_photographs

FOLDER = "masked_faces"
KINDS = ("mask", "bare")
_SORTED = Path(__file__).with_name("worn_masks.txt")
_MOUTH = slice(48, 68)


def sorted_photographs(path: Path = _SORTED) -> list[tuple[str, str]]:
    """(kind, name of the file) of each photograph; ValueError naming a line that is of no kind."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    pairs = [(kind, name) for kind, _, name in (line.partition(" ") for line in lines)]
    wrong = next((line for line, (kind, _) in zip(lines, pairs, strict=True) if kind not in KINDS), None)
    if wrong is not None:
        raise ValueError(f"'{path}': '{wrong}' begins with none of {', '.join(KINDS)}")
    return pairs


def measure(tracker: HeadTracker, data: Path, listed: list[tuple[str, str]]) -> dict[str, Any]:
    """Of each kind ``n``, ``refused`` and ``mouth_visible``, the share of the points told visible in the heads fitted.

    Args:
        data: the folder that holds ``masked_faces/``.

    Raises:
        FileNotFoundError: no such folder, or no such photograph.
        ValueError: one of them has no mesh, or is not kept from training.
    """
    photographs = read_photographs(data, (FOLDER,))
    places = {path.name: i for i, path in enumerate(photographs.paths)}
    shares: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for kind, name in listed:
        index = places.get(name)
        if index is None:
            raise FileNotFoundError(f"'{data / FOLDER}' has no photograph '{name}', which {_SORTED.name} lists")
        mesh = photographs.mesh478[index, :, :2].astype(np.float64)
        if not photographs.validation[index] or not np.isfinite(mesh).all():
            raise ValueError(f"'{photographs.paths[index]}' was trained on or has no mesh; take it off {_SORTED.name}")
        state = tracker.fit(read_image(photographs.paths[index]), box=box_around(mesh))
        told = float(state.landmark_visible[_MOUTH].mean())
        shares[kind].append(told if state.status is Status.TRACKING else float("nan"))
    return {
        kind: {"n": len(told), "refused": int(np.isnan(told).sum()), "mouth_visible": mean_or_none(told)}
        for kind, told in shares.items()
    }
