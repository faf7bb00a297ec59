"""Labelled photographs in tar shards, for collections that do not fit on one disk or are read over a network.

    python -m training.shards DATA SHARDS                                    the photographs with their fits
    python -m training.shards 300W_LP SHARDS --large-pose runs/300w_lp.npz   300W-LP

A shard is a plain tar as WebDataset reads it: ``KEY.jpg`` (or ``.png``), the file as it was, then ``KEY.npz``, its
label, in which ``often`` tells how many times a round a head is drawn; without it, once. In the label of a fit
``model`` is the hash of the face model that was fitted; it says nothing of another one. ``train-000000.tar``, ... come
in random order, so that one shard is as good as another; ``validation-000000.tar``, ... hold the people kept for
validation.

Reading: each process of a run and each of its loader workers has its own shards, takes them in random order, and mixes
what it reads. A resumed run seeds its workers anew (``training.loader``) and so goes on with a fresh order.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice, repeat
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch.distributed as dist
from torch.utils.data import get_worker_info
from tqdm import tqdm

from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.face_model import FaceModel
from dense_face_ros.whole_files import whole_file
from training.face_model import face_model
from training.npz_files import DAMAGED
from training.photographs.heads import Image, Label, LabelledHead, ListedHeads, PhotographHeads, fitted_head
from training.photographs.large_pose import BaselOnOurMesh, LargePoseHeads, LargePoseLabels
from training.photographs.sources import shard_header, sources_of
from training.terms import Source

_PER_SHARD = 1000
_CURE = "pack again with python -m training.shards"
_MIXED = 1000  # records held back to be mixed, per worker; undecoded, they are small

#: A photograph and its label -> the head in it; ValueError saying what is wrong with the label.
MakeHead = Callable[[Image, Label], LabelledHead]


class _Record(NamedTuple):
    image: bytes  # file
    label: bytes  # file
    name: str  # of the shard and the photograph in it


def pack(
    heads: ListedHeads,
    out: Path,
    split: str,
    per_shard: int = _PER_SHARD,
    sources: Sequence[Source] | None = None,
) -> int:
    """Write the usable ``heads`` to ``out/SPLIT-*.tar``, with ``sources`` for their headers; returns the number of
    shards.

    Raises:
        ValueError: a shard is to hold nothing, ``out`` holds shards of this split, or there is nothing to pack.
        FileNotFoundError: naming a photograph that is missing.
    """
    if per_shard < 1:
        raise ValueError(f"--per-shard is {per_shard}; give at least 1")
    if any(out.glob(f"{split}-*.tar")):
        raise ValueError(f"'{out}' holds {split} shards already; name another folder")
    if not len(heads.usable):
        raise ValueError(f"there is no {split} photograph to pack")
    out.mkdir(parents=True, exist_ok=True)
    order = np.random.default_rng(0).permutation(heads.usable)
    header = None if sources is None else shard_header(sources)
    parts = [order[i : i + per_shard] for i in range(0, len(order), per_shard)]
    for number, part in enumerate(tqdm(parts, desc=split, unit="shard")):
        # A shard has its name only when it is whole: an interrupted packing leaves nothing that looks like one.
        with (
            whole_file(out / f"{split}-{number:06d}.tar") as file,
            tarfile.open(fileobj=file, mode="w", pax_headers=header) as tar,
        ):
            for index in part:
                path, label = heads.paths[index], io.BytesIO()
                np.savez(label, **heads.label(int(index)))  # type: ignore[arg-type]
                _add(tar, f"{index:08d}{path.suffix.lower()}", path.read_bytes())
                _add(tar, f"{index:08d}.npz", label.getvalue())
    return len(parts)


class ShardHeads:
    """Heads drawn from the ``train`` shards of a folder, in this process and worker's share of them.

    Raises:
        FileNotFoundError: the folder holds no such shards.
        ValueError: there are fewer shards than processes times workers, or one is damaged or of another face model; all
            when drawn from.
    """

    def __init__(self, folder: Path, make_head: MakeHead) -> None:
        self._shards, self._make_head = list_shards(folder, "train"), make_head
        self._records: Iterator[_Record] | None = None
        self._reader = 0

    def draw(self, rng: np.random.Generator) -> LabelledHead:
        """The next head of the mixed stream; the first call's ``rng`` decides its order."""
        # A loader's worker inherits what the main process has drawn from, which is another share.
        if self._records is None or self._reader != os.getpid():
            shards, self._reader = own_share(self._shards), os.getpid()
            self._records = mixed(endless_records(shards, rng), rng, _MIXED)
        return unpacked(next(self._records), self._make_head)


class KeptShardHeads:
    """The heads of the ``validation`` shards of a folder, held in memory as they are packed."""

    def __init__(self, folder: Path, make_head: MakeHead) -> None:
        self._make_head = make_head
        self._records = [record for shard in list_shards(folder, "validation") for record in read_shard(shard)]
        self.usable: npt.NDArray[np.intp] = np.arange(len(self._records))

    def draw(self, rng: np.random.Generator) -> LabelledHead:
        """A random one."""
        return self.labelled(int(rng.choice(self.usable)))

    def labelled(self, index: int) -> LabelledHead:
        """One head."""
        return unpacked(self._records[index], self._make_head)


def shard_labels(model: FaceModel, large_pose: Path | None) -> MakeHead:
    """What makes heads of the labels in shards; of those of 300W-LP with the file that they were packed with.

    Raises:
        FileNotFoundError, ValueError: naming that file.
    """
    if large_pose is None:
        return partial(_head_of_fit, model)
    return partial(_large_pose_head, LargePoseLabels.load(large_pose, model).basel)


def _head_of_fit(model: FaceModel, photograph: Image, label: Label) -> LabelledHead:
    if "shape" in label:
        raise ValueError("its label is one of 300W-LP; give the file that the shards were packed with as --large-pose")
    if "model" not in label:
        raise ValueError(f"its label does not tell its face model, as it was packed by an older version; {_CURE}")
    if str(label["model"]) != model.content_hash:
        raise ValueError(
            "its label is a fit of another face model; fit the photographs to this one with "
            f"python -m training.photographs.fit, and {_CURE}"
        )
    return fitted_head(model, photograph, label)


def _large_pose_head(basel: BaselOnOurMesh, photograph: Image, label: Label) -> LabelledHead:
    """Labels of 300W-LP know no face model of ours; what lays them on it is loaded for it."""
    if "shape" not in label:
        raise ValueError("its label is none of 300W-LP; leave out --large-pose")
    return basel.head(photograph, label)


def list_shards(folder: Path, split: str) -> list[Path]:
    """The shards of a split in the order of their names; FileNotFoundError when there are none."""
    shards = sorted(folder.glob(f"{split}-*.tar"))
    if not shards:
        raise FileNotFoundError(f"'{folder}' holds no {split}-*.tar; make them with python -m training.shards")
    return shards


def own_share(shards: list[Path]) -> list[Path]:
    """Every n-th shard, n being all loader workers of all processes, so that no two read the same."""
    rank, ranks = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else _from_torchrun()
    worker = get_worker_info()
    mine, all_workers = (0, 1) if worker is None else (worker.id, worker.num_workers)
    readers = ranks * all_workers
    if len(shards) < readers:
        raise ValueError(f"{len(shards)} shards cannot be shared by {readers} loader processes; pack smaller shards")
    return shards[rank * all_workers + mine :: readers]


def endless_records(shards: list[Path], rng: np.random.Generator) -> Iterator[_Record]:
    """All records of ``shards``, each as often as its label says, round after round, the shards in another order each
    time."""
    while True:
        for i in rng.permutation(len(shards)):
            for record in read_shard(shards[i]):
                yield from repeat(record, _often(record))


def mixed(records: Iterator[_Record], rng: np.random.Generator, count: int) -> Iterator[_Record]:
    """Endless ``records`` mixed: each step gives away one of ``count`` held back and takes the next instead."""
    held = list(islice(records, count))
    for record in records:
        i = int(rng.integers(count))
        record, held[i] = held[i], record
        yield record


def read_shard(shard: Path) -> Iterator[_Record]:
    """The records of a tar, read from front to back; ValueError naming one that is damaged."""
    try:
        with tarfile.open(shard, "r|") as tar:
            image, key = b"", ""
            for member in tar:
                file = tar.extractfile(member)
                stem, _, kind = member.name.partition(".")
                if file is None:
                    continue
                if kind != "npz":
                    image, key = file.read(), stem
                elif stem == key:
                    yield _Record(image, file.read(), f"'{shard}': photograph {key}")
                    key = ""
                else:
                    raise ValueError(f"'{shard}': label '{member.name}' has no photograph before it")
            if key:
                raise EOFError(f"it ends behind photograph {key}")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ValueError(f"'{shard}' cannot be read ({error}); pack or copy it again") from error


def unpacked(record: _Record, make_head: MakeHead) -> LabelledHead:
    """The head of a record; ValueError naming one without a picture, or with a label of no use."""
    image = cv2.imdecode(np.frombuffer(record.image, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{record.name} is neither JPEG nor PNG; pack it again")
    label = _label(record)
    try:
        return make_head(np.ascontiguousarray(image[:, :, ::-1]), label)
    except ValueError as error:
        raise ValueError(f"{record.name}: {error}") from error


def _often(record: _Record) -> int:
    """How many times a round a head is drawn; nothing else of its label is read."""
    return int(_label(record, ("often",)).get("often", 1))


def _label(record: _Record, wanted: Sequence[str] | None = None) -> Label:
    """The arrays of a label, all or those ``wanted`` that it has; ValueError naming a record whose label is damaged."""
    try:
        if not zipfile.is_zipfile(io.BytesIO(record.label)):
            raise ValueError("no .npz file")
        with np.load(io.BytesIO(record.label), allow_pickle=False) as file:
            return {name: file[name] for name in file.files if wanted is None or name in wanted}
    except DAMAGED as error:
        raise ValueError(f"{record.name} has a damaged label; pack or copy the shard again") from error


def _from_torchrun() -> tuple[int, int]:
    """Rank and number of processes in a loader worker, which has no process group but inherits the environment."""
    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


@tells_bad_input()
def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    from training.photographs.heads import FITS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="data folder, or 300W_LP")
    parser.add_argument("out", type=Path, help="folder for the shards")
    parser.add_argument("--fits", type=Path, default=FITS, help="labels of training.photographs.fit")
    parser.add_argument("--large-pose", type=Path, help="labels of training.photographs.large_pose: pack 300W-LP")
    parser.add_argument("--per-shard", type=int, default=_PER_SHARD, help="photographs per shard")
    options = parser.parse_args(arguments)
    model = face_model()
    sources = None if options.large_pose else sources_of(options.data)
    for split in ("train", "validation"):
        heads: ListedHeads
        if options.large_pose:
            heads = LargePoseHeads(options.data, options.large_pose, model, split == "validation")
        else:
            heads = PhotographHeads(options.data, options.fits, model, split == "validation")
        count = pack(heads, options.out, split, options.per_shard, sources=sources)
        print(f"{options.out}/{split}-*.tar: {len(heads.usable)} photographs in {count} shards")
    return 0


if __name__ == "__main__":
    sys.exit(main())
