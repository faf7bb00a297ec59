"""Packing labelled photographs into tar shards and drawing heads from them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from torch.utils.data import IterableDataset

import training.shards
from dense_face_ros.face_model import FaceModel
from training.loader import make_loader
from training.photographs.heads import Image, Label, LabelledHead, PhotographHeads, fitted_head
from training.shards import KeptShardHeads, ShardHeads, list_shards, own_share, pack, read_shard, shard_labels

_COUNT = 40


class Numbered:
    """Photographs whose colour is their number, and so is their label."""

    def __init__(self, folder: Path) -> None:
        self.paths = tuple(folder / f"{i}.png" for i in range(_COUNT))
        for i, path in enumerate(self.paths):
            cv2.imwrite(str(path), np.full((8, 8, 3), i, np.uint8))
        self.usable = np.arange(0, _COUNT, 2)

    def label(self, index: int) -> Label:
        return {"number": np.array(index)}


def numbered_head(photograph: Image, label: Label) -> LabelledHead:
    assert (photograph == label["number"]).all(), "every photograph has its own label"
    return LabelledHead(photograph, np.zeros((1, 3)), np.zeros((1, 2)), np.eye(3), float(label["number"]))


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    heads: Any = Numbered(tmp_path_factory.mktemp("photographs"))
    assert pack(heads, folder, "train", per_shard=3) == 7
    assert pack(heads, folder, "validation", per_shard=50) == 1
    return folder


@pytest.fixture(autouse=True)
def few_are_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training.shards, "_MIXED", 4)


def drawn(heads: ShardHeads, seed: int, count: int) -> list[float]:
    rng = np.random.default_rng(seed)
    return [heads.draw(rng).focal for _ in range(count)]


def test_shards_are_tars_of_photographs_each_before_its_label(shards: Path) -> None:
    with tarfile.open(list_shards(shards, "train")[0]) as tar:
        names = tar.getnames()
    assert len(names) == 6
    for photograph, label in zip(names[::2], names[1::2], strict=True):
        assert photograph.endswith(".png") and label == photograph.replace(".png", ".npz")


def test_photographs_that_follow_each_other_are_spread_over_the_shards(shards: Path) -> None:
    with tarfile.open(list_shards(shards, "train")[0]) as tar:
        numbers = [int(name.partition(".")[0]) for name in tar.getnames()[::2]]
    assert max(numbers) - min(numbers) > 2 * len(numbers)


def test_endings_in_capitals_are_told_in_small_letters(tmp_path: Path) -> None:
    heads: Any = Numbered(tmp_path)
    heads.paths, heads.usable = (heads.paths[0].rename(tmp_path / "0.PNG"),), np.zeros(1, int)
    pack(heads, tmp_path / "shards", "train")
    with tarfile.open(list_shards(tmp_path / "shards", "train")[0]) as tar:
        assert tar.getnames() == ["00000000.png", "00000000.npz"]


def test_all_usable_heads_come_round_after_round(shards: Path) -> None:
    numbers = drawn(ShardHeads(shards, numbered_head), 0, 100)
    assert set(numbers) == set(range(0, _COUNT, 2))
    assert all(3 <= numbers.count(number) <= 7 for number in set(numbers)), "five rounds, mixed across their seams"


def test_heads_come_as_often_as_their_labels_say(tmp_path: Path) -> None:
    class Weighted(Numbered):
        def label(self, index: int) -> Label:
            return {**super().label(index), "often": np.array(8 if index in (6, 20) else 1)}

    heads: Any = Weighted(tmp_path)
    for split in ("train", "validation"):
        pack(heads, tmp_path / "shards", split, per_shard=3)
    numbers = drawn(ShardHeads(tmp_path / "shards", numbered_head), 0, 10 * (18 + 2 * 8))
    for number in range(0, _COUNT, 2):
        expected = 80 if number in (6, 20) else 10
        assert numbers.count(number) == pytest.approx(expected, rel=0.25)
    kept = KeptShardHeads(tmp_path / "shards", numbered_head)
    assert len(kept.usable) == 20, "each once"


def test_the_order_is_decided_by_the_seed(shards: Path) -> None:
    first, again, other = (drawn(ShardHeads(shards, numbered_head), seed, 20) for seed in (0, 0, 1))
    assert first == again != other
    assert first[:3] != sorted(first[:3]) or first[3:6] != sorted(first[3:6])


def test_validation_is_kept_and_can_be_asked_for(shards: Path) -> None:
    kept = KeptShardHeads(shards, numbered_head)
    assert sorted(kept.labelled(int(i)).focal for i in kept.usable) == list(range(0, _COUNT, 2))
    assert kept.draw(np.random.default_rng(0)).focal in range(_COUNT)


def test_processes_and_workers_share_the_shards(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every, seen = list_shards(shards, "train"), []
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        for worker in range(3):
            info = SimpleNamespace(id=worker, num_workers=3)
            monkeypatch.setattr(training.shards, "get_worker_info", lambda info=info: info)
            seen += own_share(every)
    assert sorted(seen) == every
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(ValueError, match="7 shards cannot be shared by 9 loader processes"):
        own_share(every)


class Drawn(IterableDataset[Any]):
    """As ``training.data.SampleStream``: the worker's own seed decides."""

    def __init__(self, heads: ShardHeads) -> None:
        self.heads = heads

    def __iter__(self) -> Iterator[Any]:
        rng = np.random.default_rng(int(np.random.randint(2**31)))
        while True:
            yield {"image": self.heads.draw(rng).focal}


def test_loader_workers_read_different_photographs_and_a_resumed_run_others(shards: Path) -> None:
    def take(first_sample: int) -> list[float]:
        loader = make_loader(Drawn(ShardHeads(shards, numbered_head)), 4, 2, seed=1, first_sample=first_sample)
        return [float(x) for batch in islice(iter(loader), 4) for x in batch["image"]]

    first, resumed = take(0), take(16)
    by_worker = [set(first[:4] + first[8:12]), set(first[4:8] + first[12:])]
    assert not by_worker[0] & by_worker[1]
    assert first == take(0) and first != resumed


def test_workers_inherit_nothing_that_was_drawn_before(shards: Path) -> None:
    """A run that starts from an exported network draws from the stream before its workers begin."""
    heads = ShardHeads(shards, numbered_head)
    heads.draw(np.random.default_rng(0))
    loader = make_loader(Drawn(heads), 4, 2, seed=1, first_sample=0)
    taken = [float(x) for batch in islice(iter(loader), 4) for x in batch["image"]]
    assert not set(taken[:4] + taken[8:12]) & set(taken[4:8] + taken[12:])


def fit_of(model: FaceModel) -> Label:
    pose = np.eye(4, dtype=np.float32)
    pose[:3, 3] = 0.01, 0.02, 1.5
    coefficients = np.full(model.identity_size + model.expression_size, 0.1, np.float32)
    return {"pose": pose, "coefficients": coefficients, "focal": np.array(900.0), "model": np.array(model.content_hash)}


def packed(folder: Path, label: Label) -> Path:
    """Shards of one photograph with this label."""
    folder.mkdir(exist_ok=True)
    cv2.imwrite(str(folder / "a.png"), np.zeros((8, 8, 3), np.uint8))
    one: Any = SimpleNamespace(paths=(folder / "a.png",), usable=np.array([0]), label=lambda _: label)
    for split in ("train", "validation"):
        pack(one, folder / "shards", split)
    return folder / "shards"


def test_labels_survive_packing(tmp_path: Path, small_model: FaceModel) -> None:
    label = fit_of(small_model)
    shards = packed(tmp_path, label)
    head = ShardHeads(shards, shard_labels(small_model, None)).draw(np.random.default_rng(0))
    expected = fitted_head(small_model, np.zeros((8, 8, 3), np.uint8), label)
    np.testing.assert_array_equal(head.pixels, expected.pixels)
    np.testing.assert_array_equal(head.points, expected.points)


def test_labels_of_the_collections_tell_their_face_model(data: Path, shipped_model: FaceModel, tmp_path: Path) -> None:
    heads = PhotographHeads(data, data / "fits.npz", shipped_model, validation=True)
    pack(heads, tmp_path, "validation")
    kept = KeptShardHeads(tmp_path, shard_labels(shipped_model, None))
    np.testing.assert_array_equal(kept.labelled(0).pixels, heads.labelled(int(heads.usable[0])).pixels)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": np.array("ab" * 32)}, r"is a fit of another face model; fit the .*photographs\.fit, and pack again"),
        ({"model": None}, r"does not tell its face model, .*; pack again with python -m training\.shards"),
        ({"shape": np.zeros(199), "focal": None, "model": None}, r"is one of 300W-LP; give .* as --large-pose"),
    ],
)
def test_labels_of_something_else_are_refused(
    tmp_path: Path, small_model: FaceModel, changes: dict[str, Any], said: str
) -> None:
    label = {name: value for name, value in {**fit_of(small_model), **changes}.items() if value is not None}
    shards, make_head = packed(tmp_path, label), shard_labels(small_model, None)
    for split, heads in (("train", ShardHeads(shards, make_head)), ("validation", KeptShardHeads(shards, make_head))):
        with pytest.raises(ValueError, match=rf"shards/{split}-000000\.tar': photograph 00000000: its label {said}"):
            heads.draw(np.random.default_rng(0))


def test_damaged_labels_are_named(tmp_path: Path, small_model: FaceModel) -> None:
    """Cut short, overwritten in the middle, and something else."""
    out = io.BytesIO()
    np.savez(out, **fit_of(small_model))
    whole = out.getvalue()
    at = whole.index(np.full(4, 0.1, np.float32).tobytes())
    for kind, content in enumerate((whole[:-40], whole[:at] + b"\xff" + whole[at + 1 :], b"", b"no label")):
        folder = tmp_path / str(kind)
        folder.mkdir()
        for split in ("train", "validation"):
            with tarfile.open(folder / f"{split}-000000.tar", "w") as tar:
                picture = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
                training.shards._add(tar, "00000003.png", picture)
                training.shards._add(tar, "00000003.npz", content)
        heads = KeptShardHeads(folder, shard_labels(small_model, None))
        with pytest.raises(ValueError, match=r"tar': photograph 00000003 has a damaged label; pack or copy the shard"):
            heads.labelled(0)
        with pytest.raises(ValueError, match=r"tar': photograph 00000003 has a damaged label; pack or copy the shard"):
            ShardHeads(folder, shard_labels(small_model, None)).draw(np.random.default_rng(0))


def test_what_is_wrong_is_named(shards: Path, tmp_path: Path) -> None:
    heads: Any = Numbered(tmp_path)
    with pytest.raises(ValueError, match="holds train shards already"):
        pack(heads, shards, "train")
    for none in (0, -3):
        with pytest.raises(ValueError, match=f"--per-shard is {none}; give at least 1"):
            pack(heads, tmp_path / "out", "train", per_shard=none)
    with pytest.raises(FileNotFoundError, match=r"holds no train-\*\.tar"):
        ShardHeads(tmp_path, numbered_head)
    heads.paths[heads.usable[-1]].unlink()
    with pytest.raises(FileNotFoundError):
        pack(heads, tmp_path / "out", "train")
    assert not list((tmp_path / "out").iterdir()), "an interrupted packing leaves no shard"
    (tmp_path / "0.png").write_bytes(b"no picture")
    heads.usable = heads.usable[:1]
    pack(heads, tmp_path / "broken", "train")
    with pytest.raises(ValueError, match=r"train-000000\.tar': photograph 00000000 is neither JPEG nor PNG; pack it"):
        ShardHeads(tmp_path / "broken", numbered_head).draw(np.random.default_rng(0))
    whole = list_shards(shards, "train")[0].read_bytes()
    (tmp_path / "train-000000.tar").write_bytes(whole[:1500])
    with pytest.raises(ValueError, match=r"train-000000\.tar' cannot be read"):
        list(read_shard(tmp_path / "train-000000.tar"))
