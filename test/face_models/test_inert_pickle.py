"""Pickles of arrays are read, and nothing that a pickle asks for is run."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from face_models.published import Ch, Select
from scipy.sparse import csc_matrix

from training.face_models.inert_pickle import Record, Refused, as_array, read_pickle

#: What Python 2 wrote for ``numpy.array([1.0, 2.0])`` with protocol 2.
_PYTHON2 = (
    b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x02\x85cnumpy\ndtype\n"
    b"U\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x10"
    + np.array([1.0, 2.0]).tobytes()
    + b"tb."
)


def written(path: Path, value: Any, protocol: int = 2) -> Any:
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    return read_pickle(path)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("array", [
    np.arange(6.0).reshape(2, 3), np.arange(6, dtype=np.uint32), np.asfortranarray(np.eye(3, 2, dtype=">f4")),
    np.zeros((0, 3)), np.array([True, False]),
])  # fmt: skip
def test_arrays_of_all_protocols(tmp_path: Path, array: np.ndarray, protocol: int) -> None:
    found = written(tmp_path / "a.pkl", {"a": array, "n": 3, "text": "t"}, protocol)
    np.testing.assert_array_equal(as_array(found["a"]), array)
    assert as_array(found["a"]).dtype == array.dtype
    assert found["n"] == 3 and found["text"] == "t"


def test_arrays_of_python_2(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(_PYTHON2)
    np.testing.assert_array_equal(as_array(read_pickle(tmp_path / "a.pkl")), [1.0, 2.0])


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_objects_of_scipy_and_chumpy(tmp_path: Path, chumpy: None, protocol: int) -> None:
    values = np.arange(12.0).reshape(3, 4)
    chosen = Select(Ch(values), np.array([11, 0, 5, 6]), (2, 2))
    sparse = csc_matrix(values * (values % 3 == 0))
    found = written(tmp_path / "a.pkl", {"ch": Ch(values), "select": chosen, "sparse": sparse}, protocol)
    assert all(isinstance(value, Record) for value in found.values())
    np.testing.assert_array_equal(as_array(found["ch"]), values)
    np.testing.assert_array_equal(as_array(found["select"]), [[11, 0], [5, 6]])
    np.testing.assert_array_equal(as_array(found["sparse"]), sparse.toarray())


class Malicious:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize(("function", "name"), [
    (os.system, "posix.system"), (eval, "eval"), (getattr, "getattr"), (np.load, "numpy.load"),
    (open, f"{open.__module__}.open"),
])  # fmt: skip
def test_calls_are_refused_by_name(tmp_path: Path, function: Any, name: str, protocol: int) -> None:
    trace = tmp_path / "trace"
    value = {"v_template": np.zeros(3), "f": Malicious(function, f"touch {trace}")}
    name = name if "." in name else f"{'__builtin__' if protocol < 3 else 'builtins'}.{name}"
    with pytest.raises(ValueError, match=rf"a\.pkl' asks for {name}, which is no array; nothing of it was run"):
        written(tmp_path / "a.pkl", value, protocol)
    assert not trace.exists()


def test_a_call_hidden_in_a_chumpy_object_is_refused(tmp_path: Path, chumpy: None) -> None:
    with pytest.raises(ValueError, match=r"asks for posix\.system"):
        written(tmp_path / "a.pkl", {"shapedirs": Ch(Malicious(os.system, f"touch {tmp_path / 'trace'}"))})
    assert not (tmp_path / "trace").exists()


def test_what_is_no_array_of_numbers_is_refused(tmp_path: Path) -> None:
    objects = written(tmp_path / "a.pkl", np.array([{}, None], dtype=object))
    with pytest.raises(ValueError, match="array of objects"):
        as_array(objects)
    structured = written(tmp_path / "a.pkl", np.zeros(2, dtype=[("a", "f8")]))
    with pytest.raises(ValueError, match="'V8', which are no numbers"):
        as_array(structured)
    with pytest.raises(ValueError, match="no numbers"):
        as_array("text")


def test_damaged_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.pkl' does not exist"):
        read_pickle(tmp_path / "none.pkl")
    (tmp_path / "bad.pkl").write_bytes(pickle.dumps({"a": np.zeros(100)})[:-50])
    with pytest.raises(ValueError, match=r"bad\.pkl' cannot be read"):
        read_pickle(tmp_path / "bad.pkl")


def test_objects_that_hold_themselves_are_refused(tmp_path: Path, chumpy: None) -> None:
    endless = Ch(np.zeros(3))
    endless.x = endless
    with pytest.raises(Refused, match="holds an object that holds itself"):
        as_array(written(tmp_path / "a.pkl", endless))


def test_matrices_of_any_claimed_size_are_refused(tmp_path: Path) -> None:
    for shape, starts in (((10**9, 3), [0, 1, 2, 2]), ((3, 3), [0, 0, 0, 10**12])):
        matrix = csc_matrix(([1.0, 2.0], [0, 1], [0, 1, 2, 2]), shape=(3, 3))
        matrix._shape, matrix.indptr = shape, np.array(starts)
        with pytest.raises(Refused, match="too large or damaged"):
            as_array(written(tmp_path / "a.pkl", matrix))


def test_arrays_that_cannot_be_made_are_refused(tmp_path: Path) -> None:
    raw = pickle.dumps(np.arange(6.0), protocol=2)
    (tmp_path / "a.pkl").write_bytes(raw.replace(b"K\x06\x85", b"K\x07\x85"))
    with pytest.raises(Refused, match="holds an array that cannot be made"):
        as_array(read_pickle(tmp_path / "a.pkl"))
