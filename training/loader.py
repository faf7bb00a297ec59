"""From a data set to an endless stream of batches that a resumed run takes up where it stopped."""

from __future__ import annotations

import atexit
import multiprocessing
import random
import signal
from collections.abc import Iterator
from functools import partial
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, Sampler, get_worker_info

Batch = dict[str, Tensor]


class BadData(ValueError):
    """What a data set said of its data, in one line, whichever process it was in."""


def stream_seed(seed: int, step: int, rank: int) -> int:
    """Seed of the samples drawn from ``step`` on: a resumed run must not see its first samples again."""
    return int(np.random.SeedSequence((seed, step, rank)).generate_state(1)[0])


def begin_stream(seed: int) -> np.random.Generator:
    """What an endless data set draws its samples from, in the process that it is iterated in; OpenCV is kept to one
    thread there, beside the others.

    Args:
        seed: counts where that is no worker of a loader; a worker has its own, so that a resumed run goes on with fresh
            samples.
    """
    cv2.setNumThreads(0)
    return np.random.default_rng(seed if get_worker_info() is None else int(np.random.randint(2**31)))


def make_loader(
    dataset: Dataset[Any],
    batch_size: int,
    workers: int,
    seed: int,
    first_sample: int = 0,
    rank: int = 0,
    ranks: int = 1,
) -> DataLoader[Any]:
    """Batches of ``dataset``.

    A data set with a length is shuffled anew each round, and begins at sample ``first_sample`` of the whole run; an
    iterable one decides itself, and every worker finds its own seed in ``numpy.random`` and ``random``.
    """
    sampler = None
    if not isinstance(dataset, IterableDataset):
        sampler = _Rounds(len(dataset), seed, first_sample, rank, ranks)  # type: ignore[arg-type]
    generator = torch.Generator()
    generator.manual_seed(stream_seed(seed, first_sample, rank))
    return DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=sampler,
        num_workers=workers,
        drop_last=True,
        generator=generator,
        worker_init_fn=partial(_begin_worker, seed, first_sample, rank),
        prefetch_factor=4 if workers else None,
    )


def endless(loader: DataLoader[Any]) -> Iterator[Batch]:
    """The loader's batches over and over.

    Raises:
        ValueError: a whole round has none.
        BadData: a sample could not be made of its data.
    """
    while True:
        empty = True
        try:
            for batch in loader:
                empty = False
                yield batch
        except (OSError, ValueError) as error:
            raise BadData(_said(error)) from error
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            raise BadData(
                "a loader process was ended from outside, perhaps for want of memory; go on with --resume, and fewer "
                "--workers"
            ) from error
        if empty:
            raise ValueError("the data set has fewer samples than one batch; give more data or a smaller batch_size")


def _said(error: Exception) -> str:
    """The message of an error; torch hands on a worker's whole traceback instead, which ends with it."""
    text = str(error)
    if "Original Traceback" not in text:
        return text
    last = text.strip().splitlines()[-1]
    return last.partition(": ")[2] or last


def first_samples(dataset: Dataset[Any], count: int, batch_size: int) -> list[Batch]:
    """The first ``count`` samples of ``dataset`` in batches, kept: the fixed set that every validation uses."""
    kept: list[Batch] = []
    seen = 0
    for batch in DataLoader(dataset, batch_size=min(batch_size, count)):
        kept.append(batch)
        seen += len(batch["image"])
        if seen >= count:
            break
    if not kept:
        raise ValueError("the validation data set is empty; check --data")
    return kept


class _Rounds(Sampler[int]):
    """Endless shuffled rounds through ``length`` samples, this process's share of them."""

    def __init__(self, length: int, seed: int, first: int, rank: int, ranks: int) -> None:
        self.length, self.seed, self.first, self.rank, self.ranks = length, seed, first, rank, ranks

    def __iter__(self) -> Iterator[int]:
        position = self.first + self.rank
        shuffled_round, order = -1, np.empty(0, dtype=np.int64)
        while True:
            this_round, place = divmod(position, self.length)
            if this_round != shuffled_round:
                order = np.random.default_rng((self.seed, this_round)).permutation(self.length)
                shuffled_round = this_round
            yield int(order[place])
            position += self.ranks


def _begin_worker(seed: int, first_sample: int, rank: int, worker: int) -> None:
    words = np.random.SeedSequence((seed, first_sample, rank, worker)).generate_state(4)
    np.random.seed(words)
    random.seed(int(words[0]))
    torch.set_num_threads(1)
    # What stops a run often goes to its whole process group. The run ends its workers itself, behind a checkpoint.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


@atexit.register
def _end_workers() -> None:
    """An error can keep an iterator alive, whose workers nobody ends then; multiprocessing would wait for ever."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # torch's handler would report them as lost
    for child in multiprocessing.active_children():
        if child.daemon:
            child.kill()
