"""The files of networks name the photographs that were there, and nobody's terms are invented."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel
from training.photographs.collection import FOLDERS
from training.photographs.sources import BEHIND, FILE, learned_from, shard_header, sources_of_shard, write_source
from training.recipes import RECIPES
from training.shards import pack, read_shard
from training.terms import (
    BACKGROUNDS,
    FREE,
    FREE_BACKGROUNDS,
    PHOTOGRAPHS,
    PORTRAITS_ALONE,
    RENDERINGS,
    RESEARCH,
    Source,
    faces_of,
)


def folder(data: Path, *names: str) -> Path:
    """A data folder with these collections, whose labels nobody reads here."""
    for name in names:
        (data / name).mkdir(parents=True)
        (data / name / "landmarks.npz").touch()
    (data / "backgrounds").mkdir(exist_ok=True)
    return data


def test_the_known_folders_have_the_terms_of_the_shipped_networks(tmp_path: Path) -> None:
    assert learned_from("collections", folder(tmp_path, *FOLDERS)) == (PHOTOGRAPHS, RESEARCH)
    assert PHOTOGRAPHS == (
        "our own renderings of the shipped face model; face photographs of youtube_faces, press_photos and "
        "masked_faces, and natural photographs as backgrounds (all research use only)"
    )
    assert learned_from("renderings", None) == (RENDERINGS, FREE)
    for recipe in RECIPES.values():
        if recipe.name != "free" and recipe.learns_from != "collections":
            assert learned_from(recipe.learns_from, tmp_path) == (recipe.training_data, recipe.licence)


def test_weights_are_free_only_with_backgrounds_that_are_told_to_be(tmp_path: Path) -> None:
    """The folder of the research-only networks holds portraits too, and its name is easily given."""
    words, licence = learned_from("portraits", folder(tmp_path))
    assert words == f"{PORTRAITS_ALONE}; natural photographs as backgrounds (research use only)"
    assert licence == learned_from("backgrounds", tmp_path)[1] == RESEARCH
    write_source(tmp_path / "backgrounds", FREE_BACKGROUNDS, BEHIND)
    free = RECIPES["free"]
    assert learned_from("portraits", tmp_path) == (free.training_data, free.licence)
    assert free.licence == FREE and free.training_data == (
        f"{PORTRAITS_ALONE}; backgrounds from environments of Poly Haven (CC0) and wallpapers of Lomiri (their "
        "authors; CC0, CC-BY and CC-BY-SA)"
    )
    assert learned_from("backgrounds", tmp_path)[1] == FREE


def test_only_what_is_there_is_named(tmp_path: Path) -> None:
    words, licence = learned_from("collections", folder(tmp_path, "press_photos", "mine"))
    assert words == (
        f"{RENDERINGS}; face photographs of press_photos, and natural photographs as backgrounds (all research use "
        "only); face photographs of mine (terms not told)"
    )
    assert licence == f"{RESEARCH}; terms not told: the weights saw face photographs of mine"


def test_what_folders_tell_is_handed_on_in_their_words(tmp_path: Path) -> None:
    folder(tmp_path, "mine", "masked_faces")
    (tmp_path / "mine" / FILE).write_text("our staff, 2026\nno use outside this house\n")
    (tmp_path / "masked_faces" / FILE).write_text("\ufeffmasks we bought\r\n\r\nsee contract 7\r\n", encoding="utf-8")
    (tmp_path / "backgrounds" / FILE).write_text("our car park\nCC0")
    words, licence = learned_from("collections", tmp_path)
    assert words == (
        f"{RENDERINGS}; face photographs of masks we bought (see contract 7); face photographs of our staff, 2026 "
        "(no use outside this house); backgrounds from our car park (CC0)"
    )
    assert "research" not in licence and "youtube" not in words
    assert licence.startswith("see contract 7: the weights saw face photographs of masks we bought; no use outside")
    words, licence = learned_from("portraits", tmp_path)
    assert words == f"{PORTRAITS_ALONE}; backgrounds from our car park (CC0)"
    assert licence == "CC0: the weights saw backgrounds from our car park"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has 0 lines with text"),
        (b"only a name\n", "has 1 lines with text"),
        (b"name\nterms\nand more terms\n", "has 3 lines with text"),
        (b"name\n" + 301 * b"x", "each in at most 300 characters"),
        (b"na\x07me\nterms", "has 2 lines"),
        (b"name\n\xff\xfe", "is no text in UTF-8"),
    ],
)
def test_a_source_that_does_not_tell_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (folder(tmp_path, "mine") / "mine" / FILE).write_bytes(content)
    with pytest.raises(ValueError, match=rf"mine.SOURCE\.txt' .*{said}"):
        learned_from("collections", tmp_path)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"has no folder that holds images/ and landmarks\.npz"):
        learned_from("collections", tmp_path)
    with pytest.raises(ValueError, match=r"there are no photographs; give .* --data"):
        learned_from("collections", None)


def shards_of(out: Path, sources: list[Source] | None) -> Path:
    """A shard of one photograph."""
    out.mkdir()
    cv2.imwrite(str(out / "a.png"), np.zeros((8, 8, 3), np.uint8))
    one: Any = SimpleNamespace(paths=(out / "a.png",), usable=np.array([0]), label=lambda _: {"focal": np.array(1.0)})
    pack(one, out, "train", sources=sources)
    return out / "train-000000.tar"


def test_shards_know_whose_photographs_they_hold(tmp_path: Path) -> None:
    mine = Source("face photographs of Müller & Söhne; 2026", "ours (alone)")
    shard = shards_of(tmp_path / "mine", [faces_of(["press_photos"]), mine])
    assert sources_of_shard(shard) == [faces_of(["press_photos"]), mine]
    with tarfile.open(shard) as tar:
        assert tar.getnames() == ["00000000.png", "00000000.npz"], "nothing more is in it"
    assert len(list(read_shard(shard))) == 1
    older = shards_of(tmp_path / "older", None)
    assert sources_of_shard(older) == [faces_of(FOLDERS)]
    (tmp_path / "backgrounds").mkdir()
    words, licence = learned_from("collections", tmp_path, [shard, shard])
    assert words.count("Müller") == 1 and "youtube" not in words and licence.startswith(f"{RESEARCH}; ours (alone)")
    assert learned_from("collections", tmp_path, [older]) == (PHOTOGRAPHS, RESEARCH)
    words, licence = learned_from("300W-LP", tmp_path, [shard])
    assert "300W-LP" in words and "Müller" not in words and licence == RESEARCH


@pytest.mark.parametrize("comment", ["no json", "[]", '{"sources": [["one"]]}', '{"sources": 3}'])
def test_shards_with_another_header_are_refused(tmp_path: Path, comment: str) -> None:
    with tarfile.open(tmp_path / "a.tar", "w", pax_headers={"comment": comment}) as tar:
        tar.addfile(tarfile.TarInfo("a.png"))
    with pytest.raises(ValueError, match=r"a\.tar' does not tell whose photographs it holds; pack it again"):
        sources_of_shard(tmp_path / "a.tar")
    (tmp_path / "a.tar").write_bytes(b"no tar")
    with pytest.raises(ValueError, match=r"a\.tar' cannot be read"):
        sources_of_shard(tmp_path / "a.tar")
    assert shard_header([BACKGROUNDS])["comment"].startswith('{"sources":')


def test_an_own_face_model_brings_its_own_terms(
    small_model: FaceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace(small_model, source="heads we scanned", licence="for us alone").save(tmp_path / "mine.npz")
    monkeypatch.setenv("DENSE_FACE_MODEL", str(tmp_path / "mine.npz"))
    assert learned_from("renderings", None) == ("our own renderings of heads we scanned", "for us alone")
    words, licence = learned_from("collections", folder(tmp_path, *FOLDERS))
    assert words == PHOTOGRAPHS.replace("the shipped face model", "heads we scanned")
    assert licence == f"for us alone; {RESEARCH}"
