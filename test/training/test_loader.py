import subprocess
import sys

import numpy as np
import pytest
from torch.utils.data import Dataset, IterableDataset

from training.loader import begin_stream, endless, first_samples, make_loader, stream_seed


class Numbers(Dataset):
    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return {"image": index}


class Draws(IterableDataset):
    """What the worker's own random numbers give."""

    def __iter__(self):
        while True:
            yield {"image": np.random.randint(1 << 30)}


class Stream(IterableDataset):
    """What is drawn by the data set's own random numbers."""

    def __iter__(self):
        rng = begin_stream(seed=5)
        while True:
            yield {"image": rng.integers(1 << 30)}


def take(loader, batches):
    stream = endless(loader)
    return [int(x) for _ in range(batches) for x in next(stream)["image"]]


def test_every_round_has_all_samples_in_another_order():
    numbers = take(make_loader(Numbers(8), 4, 0, seed=1), 4)
    assert sorted(numbers[:8]) == sorted(numbers[8:]) == list(range(8))
    assert numbers[:8] != numbers[8:]


def test_a_resumed_loader_goes_on_where_it_was():
    whole = take(make_loader(Numbers(10), 4, 0, seed=1), 6)
    rest = take(make_loader(Numbers(10), 4, 0, seed=1, first_sample=12), 3)
    assert whole[12:] == rest


def test_ranks_share_a_round():
    parts = [take(make_loader(Numbers(8), 4, 0, seed=1, rank=rank, ranks=2), 1) for rank in range(2)]
    assert sorted(parts[0] + parts[1]) == list(range(8))


def test_workers_and_resumed_runs_draw_differently():
    first = take(make_loader(Draws(), 4, 2, seed=1), 2)
    resumed = take(make_loader(Draws(), 4, 2, seed=1, first_sample=8), 2)
    assert len(set(first + resumed)) == 16
    assert first == take(make_loader(Draws(), 4, 2, seed=1), 2)
    assert len({stream_seed(1, 0, 0), stream_seed(1, 1, 0), stream_seed(1, 0, 1), stream_seed(2, 0, 0)}) == 4


def test_a_stream_is_drawn_by_its_seed_where_no_worker_has_another():
    here = take(make_loader(Stream(), 4, 0, seed=1), 1)
    assert here == take(make_loader(Stream(), 4, 0, seed=2, first_sample=8), 1)
    workers = take(make_loader(Stream(), 4, 2, seed=1), 2)
    assert len(set(here + workers)) == 12 and workers == take(make_loader(Stream(), 4, 2, seed=1), 2)


def test_an_error_does_not_leave_the_process_waiting_for_its_workers():
    """The traceback keeps the iterator alive, and the workers mind no signal but the last."""
    code = (
        "from torch.utils.data import IterableDataset\n"
        "from training.loader import endless, make_loader\n"
        "class Ones(IterableDataset):\n"
        "    def __iter__(self):\n"
        "        while True: yield {'image': 1}\n"
        "def main():\n"
        "    batches = endless(make_loader(Ones(), 4, 1, seed=1))\n"
        "    raise KeyboardInterrupt(next(batches))\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=40, check=False)
    assert done.returncode != 0 and "KeyboardInterrupt" in done.stderr and "killed" not in done.stderr


def test_a_worker_that_was_killed_is_told():
    code = (
        "import multiprocessing\n"
        "from torch.utils.data import IterableDataset\n"
        "from training.loader import BadData, endless, make_loader\n"
        "class Ones(IterableDataset):\n"
        "    def __iter__(self):\n"
        "        while True: yield {'image': 1}\n"
        "batches = endless(make_loader(Ones(), 4, 1, seed=1))\n"
        "next(batches)\n"
        "multiprocessing.active_children()[0].kill()\n"
        "try:\n"
        "    while True: next(batches)\n"
        "except BadData as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=40, check=False)
    assert "a loader process was ended from outside" in done.stdout, done.stderr


def test_validation_keeps_the_first_samples():
    kept = first_samples(Numbers(100), 6, 4)
    assert [int(x) for batch in kept for x in batch["image"]] == list(range(8))


def test_too_little_data_is_an_error():
    with pytest.raises(ValueError, match="fewer samples than one batch"):
        next(endless([]))
    with pytest.raises(ValueError, match="validation data set is empty"):
        first_samples(Numbers(0), 4, 4)
