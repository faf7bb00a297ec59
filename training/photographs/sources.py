"""Whose the photographs in a data folder are, and their terms, for the files of the networks that learn from them.

A folder of photographs may hold ``SOURCE.txt``: on its first line what they are, on its second their terms. Without,
the collections of the shipped networks and ``backgrounds`` have theirs (``training.terms``); of other folders no terms
are told. Shards carry in their head what was packed.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

from training.face_model import face_model, own_model
from training.photographs.collection import FOLDERS, collections
from training.terms import (
    BACKGROUNDS,
    LARGE_POSE,
    NOT_TOLD,
    PORTRAITS_ALONE,
    RENDERINGS,
    Source,
    both_licences,
    faces_of,
    told,
)

FILE = "SOURCE.txt"
BEHIND = "backgrounds from"  # before what the file of ``backgrounds`` says
#: What a network may learn from beside renderings: nothing; backgrounds alone; or backgrounds and faces.
KINDS = ("renderings", "backgrounds", "collections", "portraits", "300W-LP")
_LONGEST = 300  # characters of a line; licences are named, not copied
_COMMENT = "comment"  # of the header of a tar: other programs read past it


def learned_from(kind: str, data: Path | None, shards: Sequence[Path] = ()) -> tuple[str, str]:
    """Training data and licence, for the file of a network.

    Args:
        kind: one of ``KINDS``.
        data: data folder; renderings alone need none.
        shards: tar files that hold the faces instead of the data folder.
    Raises:
        FileNotFoundError, ValueError: as :func:`training.photographs.collection.collections`; the face model is of no
            use; naming a ``SOURCE.txt`` or a shard that does not tell what it should.
    """
    if kind not in KINDS:
        raise ValueError(f"kind is '{kind}'; known are {', '.join(KINDS)}")
    sources = _faces(kind, data, shards)
    if kind != "renderings":
        behind = None if data is None else read_source(data / "backgrounds", BEHIND)
        sources = [*sources, behind or BACKGROUNDS]
    words, licence = told(sources, PORTRAITS_ALONE if kind == "portraits" else RENDERINGS)
    if own_model() is None:
        return words, licence
    model = face_model()
    return words.replace(RENDERINGS, f"our own renderings of {model.source}"), both_licences(model.licence, licence)


def _faces(kind: str, data: Path | None, shards: Sequence[Path]) -> list[Source]:
    if kind == "300W-LP":
        return [LARGE_POSE]
    if kind != "collections":
        return []
    if shards:
        return list(dict.fromkeys(source for shard in shards for source in sources_of_shard(shard)))
    if data is None:
        raise ValueError("there are no photographs; give the folder that holds them with --data")
    return sources_of(data)


def sources_of(data: Path) -> list[Source]:
    """Of the photographs of all :func:`collections` of a data folder, raising as :func:`learned_from`."""
    names = collections(data)
    written = {name: read_source(data / name, "face photographs of") for name in names}
    known = [name for name in names if written[name] is None and name in FOLDERS]
    out = [faces_of(known)] if known else []
    for name in names:
        if name not in known:
            out.append(written[name] or Source(f"face photographs of {name}", NOT_TOLD))
    return out


def read_source(folder: Path, before: str) -> Source | None:
    """What ``folder/SOURCE.txt`` tells, with ``before`` in front of its first line; None where there is none.

    Raises:
        ValueError: naming the file, when it has not just two lines of text.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise ValueError(f"'{path}' is no text in UTF-8; save it as such") from error
    if len(lines) != 2 or not all(line.isprintable() and len(line) <= _LONGEST for line in lines):
        raise ValueError(
            f"'{path}' has {len(lines)} lines with text; write on the first what the photographs are and on the second "
            f"their terms, each in at most {_LONGEST} characters"
        )
    return Source(f"{before} {lines[0]}", lines[1])


def write_source(folder: Path, source: Source, before: str) -> None:
    """Write the file of which :func:`read_source` makes ``source``."""
    (folder / FILE).write_text(f"{source.what.removeprefix(before).strip()}\n{source.terms}\n", encoding="utf-8")


def shard_header(sources: Sequence[Source]) -> dict[str, str]:
    """For ``tarfile.open(pax_headers=...)`` of a shard that holds photographs of these sources."""
    return {_COMMENT: json.dumps({"sources": [[source.what, source.terms] for source in sources]})}


def sources_of_shard(shard: Path) -> list[Source]:
    """What its header tells. Shards from before there was one can only hold ``FOLDERS``.

    Raises:
        ValueError: naming a shard that cannot be read or has another header.
    """
    try:
        with tarfile.open(shard, "r:") as tar:
            comment = tar.pax_headers.get(_COMMENT)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ValueError(f"'{shard}' cannot be read ({error}); pack or copy it again") from error
    if comment is None:
        return [faces_of(FOLDERS)]
    try:
        return [Source(str(what), str(terms)) for what, terms in json.loads(comment)["sources"]]
    except (ValueError, TypeError, LookupError) as error:
        raise ValueError(f"'{shard}' does not tell whose photographs it holds; pack it again") from error
