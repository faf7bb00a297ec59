"""Train the face finder: ``python -m training.face_finder.train DATA RUN --minutes 60``; called again, it goes on.

Ctrl-C and SIGTERM end a run cleanly, with a checkpoint; of one that is killed the last two minutes are lost.
The learning rate falls as a cosine over the minutes, those of earlier calls included. It stays as the run began, unless
another is given; all else that decides what is learned must be given again.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from dense_face_ros.face_finder import decode
from training.averaging import MovingAverage
from training.bfloat16 import WITHOUT, cpu_has_bfloat16
from training.checkpoint import load_checkpoint, save_checkpoint
from training.face_finder.canvas import MadeImage
from training.face_finder.exported_weights import load_exported
from training.face_finder.measures import match
from training.face_finder.network import FinderNetwork
from training.face_finder.sources import DRAWN_HEADS, SOURCES, Source
from training.face_finder.targets import loss, targets_of
from training.options import check_least
from training.photographs.heads import FITS
from training.photographs.portraits import credited
from training.photographs.sources import learned_from
from training.result_files import told_file
from training.run_log import LOG, cut_back
from training.schedule import cosine, warm_up
from training.stopping import stop_requests
from training.terms import RESEARCH, both_licences, both_sources

RATE = 2e-3  #: learning rate of a new run, at its highest
_KIND = "face_finder"
_VALIDATION_SEED = 7
_AVERAGE_DECAY = 0.998
_WARM_UP = 150  # steps
_SAVE_SECONDS = 120.0
_MEASURED = 8  # batches on which an exported network's normalisations are measured
#: Recall is read where false proposals are this rare per made picture.
_FALSE_PER_IMAGE = 0.02


def train(
    data: Path,
    run: Path,
    sources: str,
    fits: Path,
    skins: Path | None,
    start_from: Path | None,
    minutes: float,
    batch: int,
    rate: float | None,
    heads: int,
    check_minutes: float,
    threads: int,
    seed: int,
) -> None:
    """Write ``run/last.pt`` (to resume), ``run/best.pt`` (best recall on the validation people), ``run/log.jsonl``.

    Args:
        rate: learning rate at its highest; None for that of the run that goes on, or ``RATE``.
    Raises:
        OSError, ValueError: naming what is missing or wrong; the run has had its minutes, or is of something else.
    """
    if not minutes > 0.0:
        raise ValueError(f"--minutes is {minutes:g}; it must be more than 0")
    for option, number in (("--batch", batch), ("--heads", heads), ("--threads", threads)):
        check_least(option, number)
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    run.mkdir(parents=True, exist_ok=True)
    source = SOURCES[sources]
    # Portraits are fitted anew: of the sources only the best read fits.
    read = fits if sources == "best" else None
    given: dict[str, int | str] = {"batch": batch, "heads": heads, "fits": told_file(read), "skins": told_file(skins)}
    state = _previous_state(run, sources, minutes, seed, given)
    if rate is None:
        rate = RATE if state is None else state.get("rate", RATE)
    trained_on, licence = learned_from(source.photographs, data)
    trained_on = credited(trained_on, skins)
    maker = source.maker(data, "train", heads, fits, skins, seed)
    validation = made_validation_set(source, data, heads, skins, 400)
    network = FinderNetwork()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = MovingAverage(network, _AVERAGE_DECAY)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.01)
    step, best, before, seen = 0, -1.0, 0.0, 0
    if state is None and start_from is not None:
        rngs = (np.random.default_rng((2, i)) for i in range(_MEASURED))
        pictures = (_stacked([maker.make(rng) for _ in range(batch)]) for rng in rngs)
        told = load_exported(network, start_from, pictures)
        average.network.load_state_dict(network.state_dict())
        trained_on, licence = both_sources(told["trained_on"], trained_on), both_licences(told["licence"], licence)
        seen = int(told["images"])
    if state is not None:
        network.load_state_dict(state["network"])
        average.network.load_state_dict(state["averaged"])
        optimizer.load_state_dict(state["optimizer"])
        step, best, before = state["step"], state["best"], state["seconds"]
        seen = state["images"] - step * batch
        trained_on, licence = both_sources(state["trained_on"], trained_on), both_licences(state["licence"], licence)
    fast_bfloat16 = cpu_has_bfloat16()
    if not fast_bfloat16:
        print(WITHOUT, file=sys.stderr)
    cut_back(run / LOG, step)
    started = time.monotonic()
    seconds = checked = saved = before
    averaged = cast(FinderNetwork, average.network)

    def keep(name: str, figures: dict[str, float]) -> None:
        """Write a checkpoint; ``figures`` are those of its weights, where they were validated."""
        state = {
            "kind": _KIND,
            "sources": sources,
            "seed": seed,
            "rate": rate,
            "given": given,
            "trained_on": trained_on,
            "licence": licence,
            "network": network.state_dict(),
            "averaged": averaged.state_dict(),
            "optimizer": optimizer.state_dict(),
            "step": step,
            "seconds": seconds,
            "images": seen + step * batch,
            "best": best,
            "validation": {name: value for name, value in figures.items() if math.isfinite(value)},
        }
        save_checkpoint(run / name, state)

    def check() -> None:
        nonlocal best
        keep("last.pt", {})  # a run must not be lost while it is validated
        result = validate(averaged, validation)
        _log(run, {"step": step, "seconds": seconds, **result})
        if result["recall"] >= best:
            best = result["recall"]
            keep("best.pt", result)
        keep("last.pt", result)

    with stop_requests() as stop_asked:
        while seconds < 60.0 * minutes and not stop_asked():
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(rate, step, seconds / (60.0 * minutes))
            # Seeded by step, so that a resumed run sees the pictures it would have seen.
            rng = np.random.default_rng((1, seed, step))
            made = [maker.make(rng) for _ in range(batch)]
            with torch.autocast("cpu", torch.bfloat16, enabled=fast_bfloat16):
                score, geometry = network(_stacked(made).to(memory_format=torch.channels_last))
            total, parts = loss(score.float(), geometry.float(), targets_of(made))
            optimizer.zero_grad()
            total.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            step += 1
            average.update(network, step)
            seconds = before + time.monotonic() - started
            if step % 50 == 0:
                _log(run, {"step": step, "seconds": seconds, **parts})
            if seconds - checked > 60.0 * check_minutes:
                check()
                checked = saved = seconds
            elif seconds - saved > _SAVE_SECONDS:
                keep("last.pt", {})
                saved = seconds
        if checked < seconds or (state is not None and not state["validation"]):
            check()
        if seconds < 60.0 * minutes:
            print(f"stopped at step {step}; the same command goes on from there")


def _previous_state(
    run: Path, sources: str, minutes: float, seed: int, given: dict[str, int | str]
) -> dict[str, Any] | None:
    """What a run that is called again goes on from; ``given`` are options that must be what it began with."""
    if not (run / "last.pt").is_file():
        return None
    state = load_finder(run / "last.pt")
    if state["sources"] != sources:
        raise ValueError(f"'{run}' was trained on sources '{state['sources']}', not '{sources}'")
    if state.get("seed", 0) != seed:
        raise ValueError(f"'{run}' was begun with --seed {state.get('seed', 0)}, not {seed}")
    before = {**given, **state.get("given", {})}  # older runs kept none
    for option, value in given.items():
        if before[option] != value:
            raise ValueError(
                f"--{option} is {value}, and '{run}' was begun with {before[option]}; give that, or name another folder"
            )
    if state["seconds"] >= 60.0 * minutes and state["validation"]:  # else it was killed while that was done
        raise ValueError(f"--minutes is {minutes:g}, and '{run}' has had {state['seconds'] / 60.0:.1f}; give more")
    return state


def load_finder(path: Path) -> dict[str, Any]:
    """A checkpoint of this training; FileNotFoundError or ValueError where it is none."""
    state = load_checkpoint(path)
    if state.get("kind") != _KIND:
        raise ValueError(f"'{path}' is no checkpoint of a face finder; give one of training.face_finder.train")
    # Runs from before terms were kept may have started from anything.
    state.setdefault("licence", RESEARCH)
    return state


def learning_rate(highest: float, step: int, progress: float) -> float:
    """Linear rise over the first steps, then a cosine down to nothing where ``progress`` is 1."""
    return highest * warm_up(step, _WARM_UP) * cosine(progress)


def made_validation_set(source: Source, data: Path, heads: int, skins: Path | None, count: int) -> list[MadeImage]:
    """The same made pictures of people, and on backgrounds, kept out of training, whenever it is called."""
    maker = source.maker(data, "val", heads, None, skins, 0)
    return [maker.make(np.random.default_rng((_VALIDATION_SEED, i))) for i in range(count)]


def validate(network: FinderNetwork, made: list[MadeImage]) -> dict[str, float]:
    """Recall where false proposals are as rare as ``_FALSE_PER_IMAGE``, that score, and the median errors."""
    found: list[float] = []
    false: list[float] = []
    errors: list[tuple[float, float, float]] = []
    for first in range(0, len(made), 16):
        part = made[first : first + 16]
        with torch.no_grad():
            score, geometry = network(_stacked(part))
        for m, s, g in zip(part, score.sigmoid().numpy(), geometry.numpy(), strict=True):
            result = match(*decode(s[0], g, 0.05), m.boxes.astype(float), m.rolls.astype(float))
            found.extend(result.best[m.wanted])
            false.extend(result.false_scores)
            errors.extend(zip(result.centre_error, result.log_side_error, result.roll_error, strict=True))
    false.sort(reverse=True)
    allowed = int(_FALSE_PER_IMAGE * len(made))
    threshold = false[allowed] if len(false) > allowed else 0.05
    centre, side, roll = np.nanmedian(np.abs(errors), axis=0) if errors else (np.nan,) * 3
    return {
        "recall": float(np.mean(np.array(found) > threshold)),
        "threshold": float(threshold),
        "recall_at_0.4": float(np.mean(np.array(found) > 0.4)),
        "false_per_image_at_0.4": float(np.mean(np.array(false) > 0.4) * len(false) / len(made)) if false else 0.0,
        "centre_error": float(centre),
        "log_side_error": float(side),
        "roll_error_degrees": float(np.degrees(roll)),
    }


def _stacked(made: list[MadeImage]) -> torch.Tensor:
    """Pictures as the network takes them, (N, 1, H, W)."""
    return torch.from_numpy(np.stack([m.image for m in made])[:, None]).float()


def _log(run: Path, record: dict[str, float]) -> None:
    line = json.dumps({k: round(v, 5) for k, v in record.items() if math.isfinite(v)})
    print(line, flush=True)
    with (run / LOG).open("a") as file:
        file.write(line + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with the photographs and backgrounds, see docs/training.md")
    parser.add_argument("run", type=Path, help="folder for checkpoints and the log")
    parser.add_argument("--minutes", type=float, required=True, help="length of the whole run")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument(
        "--rate", type=float, help=f"peak learning rate (default {RATE:g}, or that of the run that goes on)"
    )
    parser.add_argument("--sources", choices=sorted(SOURCES), default="best")
    parser.add_argument("--fits", type=Path, default=FITS, help="labels by which photographs are turned aside")
    parser.add_argument("--skins", type=Path, help="skins for rendered heads, from training.photographs.portraits")
    parser.add_argument("--start-from", type=Path, help="exported finder (.onnx) to begin a new run with")
    parser.add_argument("--seed", type=int, default=0, help="of pictures and drawn heads: another, to see others")
    parser.add_argument("--heads", type=int, default=DRAWN_HEADS, help="of each kind that are drawn to learn from")
    parser.add_argument("--check-minutes", type=float, default=8.0, help="between validations")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    try:
        train(**vars(arguments))
    except (OSError, ValueError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
