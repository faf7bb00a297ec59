"""Reading pickles of arrays without running anything they ask for.

A pickle may name any Python function and have it called. Here every name but a short list is refused, and what is on
the list becomes an inert record of this module: no code of numpy, scipy or chumpy sees the file's state, and arrays are
made only from plain bytes of checked length.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_LARGEST = 1 << 24  # numbers in a column matrix, whose size the file may claim freely; FLAME's has 25 thousand


class Refused(ValueError):
    """The pickle names or holds something that is no array of numbers."""


class Record:
    """Stands for an object of another library: remembers what it was made from and its state, and does nothing."""

    arguments: tuple[Any, ...]
    state: Any

    def __new__(cls, *arguments: Any) -> Record:  # pickles make objects without calling __init__
        made = super().__new__(cls)
        made.arguments, made.state = arguments, None
        return made

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def array(self) -> npt.NDArray[Any]:
        """The numbers of a chumpy ``Ch`` (its ``x``), of a chumpy selection from another, or of a column matrix."""
        state = self.state if isinstance(self.state, dict) else {}
        if {"data", "indices", "indptr"} <= state.keys():
            return _dense(state)
        if "x" in state:
            return as_array(state["x"])
        if {"a", "idxs"} <= state.keys():
            chosen = as_array(state["a"]).ravel()[as_array(state["idxs"]).ravel()]
            shape = state.get("preferred_shape")
            return chosen if shape is None else chosen.reshape([int(n) for n in shape])
        raise Refused(f"holds an object with {', '.join(sorted(map(str, state))) or 'nothing'}, which is no array")


class _Array(Record):
    """A numpy array: state (version, shape, dtype, Fortran order, bytes), or made at once from (bytes, dtype, ...)."""

    def array(self) -> npt.NDArray[Any]:
        if self.state is not None:
            _, shape, kind, fortran, raw = self.state
        else:
            raw, kind, shape, order = self.arguments
            fortran = order == "F"
        if not isinstance(kind, _Kind):
            raise Refused("holds an array without a type")
        flat = np.frombuffer(_bytes(raw), kind.dtype())
        return flat.reshape([int(n) for n in shape], order="F" if fortran else "C")


class _Number(Record):
    """A numpy number: made from (dtype, bytes)."""

    def array(self) -> npt.NDArray[Any]:
        kind, raw = self.arguments
        if not isinstance(kind, _Kind):
            raise Refused("holds a number without a type")
        return np.frombuffer(_bytes(raw), kind.dtype()).reshape(())


class _Kind(Record):
    """A numpy dtype: made from (text, ...), state (version, byte order, ...)."""

    def dtype(self) -> np.dtype[Any]:
        text = str(self.arguments[0])
        if text[:1] not in "biuf" or not text[1:].isdigit():
            raise Refused(f"holds values of type '{text}', which are no numbers")
        order = self.state[1] if isinstance(self.state, tuple) else ""
        return np.dtype(f"{order}{text}" if order in ("<", ">") else text)


def as_array(value: Any) -> npt.NDArray[Any]:
    """The array in a value of :func:`read_pickle`; Refused where there is none of numbers."""
    try:
        array = value.array() if isinstance(value, Record) else np.asarray(value)
    except Refused:
        raise
    except RecursionError as error:
        raise Refused("holds an object that holds itself") from error
    except Exception as error:  # states are whatever the file says, and so are the errors
        raise Refused(f"holds an array that cannot be made ({error})") from error
    if array.dtype.kind not in "biuf":
        raise Refused(f"holds an array of {array.dtype}, which are no numbers")
    return array


def read_pickle(path: str | Path) -> Any:
    """The file's objects: numbers, texts, lists, dictionaries, and :class:`Record` for the rest.

    Raises:
        FileNotFoundError: naming the path.
        ValueError: naming the file, and the name in it that was refused.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"'{path}' does not exist")
    with open(path, "rb") as file:
        try:
            return _Reader(file, encoding="latin1").load()
        except Refused as error:
            raise ValueError(f"'{path}' {error}; nothing of it was run") from error
        except Exception as error:  # damaged pickles raise nearly anything
            raise ValueError(f"'{path}' cannot be read ({error}); is it a pickle of a face model?") from error


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        found = _KNOWN.get((module, name))
        if found is None:
            raise Refused(f"asks for {module}.{name}, which is no array")
        return found

    def persistent_load(self, pid: Any) -> Any:
        raise Refused(f"asks for the outside object {pid!r}")


def _empty_array(*_: Any) -> _Array:
    """For numpy's ``_reconstruct``: the state follows, and the class asked for does not matter."""
    return _Array()


def _empty_record(*_: Any) -> Record:
    """For ``copyreg._reconstructor``, by which old protocols begin an object of any class."""
    return Record()


def _encoded(text: Any, encoding: Any = "latin1") -> bytes:
    """For ``_codecs.encode``, by which old protocols write bytes."""
    if encoding not in ("latin1", "latin-1"):
        raise Refused(f"asks for text in the encoding {encoding!r}")
    return str(text).encode("latin1")


def _no_bytes(*_: Any) -> bytes:
    """For ``bytes``, by which old protocols write empty ones."""
    return b""


_KNOWN: dict[tuple[str, str], Any] = {
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _empty_array for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _Number for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _Array for core in ("core", "_core")},
    ("numpy", "ndarray"): Record,
    ("numpy", "dtype"): _Kind,
    ("_codecs", "encode"): _encoded,
    **{(module, "bytes"): _no_bytes for module in ("__builtin__", "builtins")},
    **{(module, "_reconstructor"): _empty_record for module in ("copy_reg", "copyreg")},
    **{(module, name): Record for module in ("__builtin__", "builtins") for name in ("object", "set")},
    **{(f"scipy.sparse.{module}", "csc_matrix"): Record for module in ("csc", "_csc")},
    ("chumpy.ch", "Ch"): Record,
    ("chumpy.reordering", "Select"): Record,
}


def _bytes(raw: Any) -> bytes:
    """Python 2 wrote bytes as text; an array of objects has a list here."""
    if isinstance(raw, str):
        return raw.encode("latin1")
    if isinstance(raw, (bytes, bytearray)):
        return bytes(raw)
    raise Refused("holds an array of objects")


def _dense(state: dict[str, Any]) -> npt.NDArray[Any]:
    """A scipy column matrix from its state."""
    rows, columns = (int(n) for n in state.get("_shape", state.get("shape", (0, 0))))
    data, indices, starts = (as_array(state[name]) for name in ("data", "indices", "indptr"))
    if rows * columns > _LARGEST or starts[-1] - starts[0] != len(data):
        raise Refused(f"holds a matrix of {rows} x {columns} with {len(data)} numbers, which is too large or damaged")
    out = np.zeros((rows, columns), data.dtype)
    out[indices, np.repeat(np.arange(columns), np.diff(starts))] = data
    return out
