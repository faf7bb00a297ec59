"""Reading the Basel Face Model: 2009 as Basel and as 3DDFA / 300W-LP distribute it, 2017 and 2019.

Axes of all: x to the person's left, y up, z out of the face. 2009 is in micrometres, 2017 and 2019 in millimetres.

- **2009** (Paysan et al. 2009), ``01_MorphableModel.mat``: ``shapeMU`` (3 S, 1), ``shapePC`` (3 S, K) of unit length,
  ``shapeEV`` (K, 1) standard deviations, ``texMU`` (3 S, 1) in [0, 255], ``tl`` (T, 3) from 1. No expressions.
- **3DDFA** (Zhu et al. 2016), ``Model_Shape.mat`` beside ``Model_Exp.mat`` or ``Model_Expression.mat``: the same model
  without neck and inner ear: ``mu_shape`` (3 S, 1), ``w`` (3 S, 199), ``sigma`` (199, 1), ``tri`` (3, T) and
  ``keypoints`` (1, 68), both from 1; ``mu_exp``, ``w_exp`` (3 S, 29), ``sigma_exp`` (29, 1) of FaceWarehouse.
- **2017, 2019** (Gerig et al. 2018), ``.h5``: groups ``shape``, ``expression`` and ``color``, each with ``model/mean``,
  ``model/pcaBasis`` of unit length and ``model/pcaVariance``; ``shape/representer/cells`` (3, T) from 0;
  ``metadata/landmarks/json`` with named points in millimetres.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.face_models.decimation import Array
from training.face_models.source import SourceModel, naming, one_sided, outward, to_head_axes
from training.mat_files import read_mat

_MICROMETRE, _MILLIMETRE = 1e-6, 1e-3
EXPRESSION_FILES = ("Model_Exp.mat", "Model_Expression.mat")
_LICENCE = "Made from the Basel Face Model, which its owner licenses for research only; this file may not be passed on."

#: Vertices of the 2009 model (numbered from 0) at some of the 68 landmarks, from its MPEG-4 feature points.
_MARKS_2009 = {
    17: 38792, 19: 40087, 21: 40514, 22: 41091, 24: 41511, 26: 42825, 30: 8319, 33: 8334, 36: 2088, 39: 5959,
    42: 10603, 45: 14472, 48: 5006, 51: 8344, 54: 11714, 57: 8374, 62: 8354, 66: 8366,
}  # fmt: skip
_VERTICES_2009 = 53490
#: Landmarks named in the files of 2017 and 2019 -> the 68.
_NAMED = {
    "center.nose.tip": 30, "right.eye.corner_outer": 36, "right.eye.corner_inner": 39, "left.eye.corner_inner": 42,
    "left.eye.corner_outer": 45, "right.lips.corner": 48, "center.lips.upper.outer": 51, "left.lips.corner": 54,
    "center.lips.lower.outer": 57, "center.lips.upper.inner": 62, "center.lips.lower.inner": 66,
}  # fmt: skip


def read_bfm2009(path: Path) -> SourceModel:
    """Read ``01_MorphableModel.mat``. ValueError names the file and what it lacks."""
    data = load_matlab(path, ("shapeMU", "shapePC", "shapeEV", "texMU", "tl"))
    with naming(path):
        mean = _vertices(data["shapeMU"], _MICROMETRE)
        if len(mean) != _VERTICES_2009:
            raise ValueError(f"it has {len(mean)} vertices; the Basel Face Model 2009 has {_VERTICES_2009}")
        return SourceModel(
            name="Basel Face Model 2009",
            mean=mean,
            identity_modes=_modes(data["shapePC"] * data["shapeEV"].reshape(1, -1), _MICROMETRE),
            triangles=outward(mean, data["tl"].astype(np.int64) - 1),
            expressions=np.zeros((0, len(mean), 3), np.float32),
            marks={i: mean[v] for i, v in _MARKS_2009.items()},
            colour=data["texMU"].reshape(-1, 3) / 255.0,
            licence=_LICENCE,
        )


def read_3ddfa(path: Path) -> SourceModel:
    """Read ``Model_Shape.mat`` and the expressions beside it. ValueError names the file and what it lacks."""
    plain = read_3ddfa_unscaled(path)
    sigma = load_matlab(path, ("sigma",))["sigma"]
    sigma_exp = load_matlab(expression_file(path), ("sigma_exp",))["sigma_exp"]
    with naming(path):
        expressions, names, spread = one_sided(plain.expressions * sigma_exp.reshape(-1, 1, 1).astype(np.float32))
        return replace(
            plain,
            identity_modes=plain.identity_modes * sigma.reshape(-1, 1, 1).astype(np.float32),
            expressions=expressions,
            expression_names=names,
            expression_spread=spread,
        )


def read_3ddfa_unscaled(path: Path) -> SourceModel:
    """The same with modes as they are stored: what ``Shape_Para`` and ``Exp_Para`` of 300W-LP multiply."""
    data = load_matlab(path, ("mu_shape", "w", "tri", "keypoints"), optional=("mu_tex", "tex"))
    faces = load_matlab(expression_file(path), ("mu_exp", "w_exp"))
    with naming(path):
        mean = _vertices(data["mu_shape"].reshape(-1) + faces["mu_exp"].reshape(-1), _MICROMETRE)
        colour = data.get("mu_tex", data.get("tex"))
        return SourceModel(
            name="Basel Face Model 2009 with the expressions of FaceWarehouse, as of 3DDFA",
            mean=mean,
            identity_modes=_modes(data["w"], _MICROMETRE),
            triangles=outward(mean, data["tri"].T.astype(np.int64) - 1),
            expressions=_modes(faces["w_exp"], _MICROMETRE),
            marks={i: mean[int(v) - 1] for i, v in enumerate(data["keypoints"].ravel())},
            colour=None if colour is None else colour.T.reshape(-1, 3) / 255.0,
            licence=_LICENCE,
        )


def read_bfm_h5(path: Path) -> SourceModel:
    """Read a ``.h5`` of 2017 or 2019, of any crop. ValueError names the file and what it lacks."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            wanted = [f"{part}/model/{name}" for part in ("shape", "expression")
                      for name in ("mean", "pcaBasis", "pcaVariance")]  # fmt: skip
            wanted += ["color/model/mean", "shape/representer/cells", "metadata/landmarks/json"]
            missing = [name for name in wanted if not isinstance(file.get(name), h5py.Dataset)]
            if missing:
                raise ValueError(f"'{path}' lacks {', '.join(missing)}; is it a Basel Face Model of 2017 or 2019?")
            data: dict[str, Any] = {name: file[name][()] for name in wanted}
    except OSError as error:
        raise ValueError(f"'{path}' cannot be read ({error}); is it an HDF5 file?") from error
    marks = _named_marks(data["metadata/landmarks/json"], path)
    with naming(path):
        mean = _vertices(data["shape/model/mean"] + data["expression/model/mean"], _MILLIMETRE)

        def modes(part: str) -> npt.NDArray[np.float32]:
            deviation = np.sqrt(data[f"{part}/model/pcaVariance"].reshape(1, -1))
            return _modes(data[f"{part}/model/pcaBasis"] * deviation, _MILLIMETRE)

        expressions, names, spread = one_sided(modes("expression"))
        return SourceModel(
            name="Basel Face Model 2017 or 2019",
            mean=mean,
            identity_modes=modes("shape"),
            triangles=outward(mean, data["shape/representer/cells"].T.astype(np.int64)),
            expressions=expressions,
            expression_names=names,
            expression_spread=spread,
            marks=marks,
            colour=data["color/model/mean"].reshape(-1, 3),
            licence=_LICENCE,
        )


def expression_file(shape_file: Path) -> Path:
    """The expressions beside a ``Model_Shape.mat``; FileNotFoundError says which names were looked for."""
    for name in EXPRESSION_FILES:
        if (shape_file.parent / name).is_file():
            return shape_file.parent / name
    raise FileNotFoundError(f"'{shape_file.parent}' holds no {' or '.join(EXPRESSION_FILES)}; copy it beside the shape")


def load_matlab(path: Path, names: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, npt.NDArray[Any]]:
    """The named arrays of a MATLAB 5 file; ValueError names the file and what it lacks."""
    if not path.is_file():
        raise FileNotFoundError(f"'{path}' does not exist")
    data = read_mat(path, [*names, *optional])
    missing = [name for name in names if name not in data]
    if missing:
        raise ValueError(f"'{path}' lacks {', '.join(missing)}; see docs/training.md for what it must hold")
    return data


def _vertices(flat: npt.NDArray[np.floating], unit: float) -> Array:
    """x y z x y z ... -> (S, 3) metres in head axes."""
    return np.asarray(to_head_axes(flat.reshape(-1, 3).astype(np.float64) * unit))


def _modes(columns: npt.NDArray[np.floating], unit: float) -> npt.NDArray[np.float32]:
    """(3 S, K) -> (K, S, 3) metres in head axes."""
    flat = (columns.T * unit).astype(np.float32)
    return np.asarray(to_head_axes(flat.reshape(len(flat), -1, 3)))


def _named_marks(raw: Any, path: Path) -> dict[int, Array]:
    """The landmarks of the file: a JSON list of ``id`` and ``coordinates``, or an object of name -> coordinates."""
    whole = np.asarray(raw)
    text = whole.item() if whole.dtype.kind == "O" else whole.tobytes()  # a text, or its bytes
    try:
        found = json.loads(text)
        pairs = found.items() if isinstance(found, dict) else [(mark["id"], mark["coordinates"]) for mark in found]
        return {
            _NAMED[name]: np.asarray(to_head_axes(np.array(point, dtype=np.float64) * _MILLIMETRE))
            for name, point in pairs
            if name in _NAMED
        }
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(f"'{path}': metadata/landmarks/json cannot be read ({error})") from error
