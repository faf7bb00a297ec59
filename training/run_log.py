"""What a training run leaves to look at: ``log.jsonl``, one line per report, and TensorBoard events."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch.utils.tensorboard import SummaryWriter

LOG = "log.jsonl"


class RunLog:
    """Writes into a run folder. With ``first_step`` > 0 a resumed run's log is cut back to the step it resumes from."""

    def __init__(self, folder: Path, first_step: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / LOG
        cut_back(self._path, first_step)
        self._events = SummaryWriter(str(folder), purge_step=first_step or None)

    def write(self, split: str, step: int, values: dict[str, float]) -> None:
        """One report of ``split`` ("train" or "validation"); null, and no event, for values that are not finite."""
        numbers = {key: round(value, 7) if math.isfinite(value) else None for key, value in values.items()}
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"split": split, "step": step, **numbers}) + "\n")
        for key, number in numbers.items():
            if number is not None:
                self._events.add_scalar(f"{split}/{key}", number, step)

    def picture(self, name: str, step: int, image: npt.NDArray[np.uint8]) -> None:
        """image: (H, W, 3) RGB."""
        self._events.add_image(name, image, step, dataformats="HWC")

    def close(self) -> None:
        """Flush the events."""
        self._events.close()


def cut_back(log: Path, step: int) -> None:
    """Leave only the reports up to this step in a log, if there is one: those after it will come again."""
    if log.exists():
        lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
        log.write_text("".join(line for line in lines if _step_of(line) <= step), encoding="utf-8")


def _step_of(line: str) -> float:
    """Infinite for a line that was cut short when a run was killed."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf
