"""Reading FLAME (Li et al. 2017; versions 2017, 2019, 2020 and 2023), ``.pkl``.

Metres, x to the person's left, y up, z out of the face. ``v_template`` (S, 3); ``shapedirs`` (S, 3, 400) of one
standard deviation each: 300 of identity, then 100 of expression; ``f`` (T, 3) from 0; ``J_regressor`` (5, S) and
``weights`` (S, 5) of the joints root, neck, jaw, left eye, right eye.

The file is a pickle with chumpy objects in it; it is read by :mod:`training.face_models.inert_pickle`, which runs none
of it. FLAME opens the mouth by its jaw joint, not by an expression: ``jawOpen`` is that turn, made linear. Blinks are
in none of its expressions.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.face_models.decimation import Array
from training.face_models.inert_pickle import Refused, as_array, read_pickle
from training.face_models.source import SourceModel, check_triangles, naming, one_sided, outward, to_head_axes
from training.npz_files import read_npz

_IDENTITIES = 300
_EXPRESSIONS = 30  # the strongest; each becomes two activations
_JAW, _EYES = 2, (3, 4)
_JAW_TURN = np.radians(20.0)  # at activation 1
_JAW_SPREAD = 0.3
_LICENCE = (
    "Made from FLAME (Max Planck Society); the licence accepted at its download holds for this file too, and 2017 to "
    "2020 are for non-commercial research only."
)


def read_flame(path: Path, embedding: Path | None = None) -> SourceModel:
    """Read the model, and where its landmarks lie if the published static embedding (``.pkl`` or ``.npz``) is given.

    The embedding has ``lmk_face_idx`` (51) and ``lmk_b_coords`` (51, 3): landmarks 17 to 67. Without it registration
    starts from the eyeballs.

    Raises:
        FileNotFoundError, ValueError: naming the file and what it lacks, or what in it was refused.
    """
    data = _arrays(read_pickle(path), path, ("v_template", "shapedirs", "f", "J_regressor", "weights"))
    with naming(path):
        model = _model(data)
    if embedding is None:
        return model
    return replace(model, marks=_embedded_marks(embedding, model.mean, data["f"].astype(np.int64)))


def _model(data: dict[str, npt.NDArray[Any]]) -> SourceModel:
    template, faces, weights = data["v_template"].astype(np.float64), data["f"].astype(np.int64), data["weights"]
    shapes = data["shapedirs"].astype(np.float32).transpose(2, 0, 1)
    if len(shapes) <= _IDENTITIES:
        raise ValueError(f"it has {len(shapes)} shape directions; FLAME has 300 of identity, then more")
    check_triangles(faces, len(template))
    mean = np.asarray(to_head_axes(template))
    joints = np.asarray(to_head_axes(data["J_regressor"] @ template))
    expressions, names, spread = one_sided(np.asarray(to_head_axes(shapes[_IDENTITIES:][:_EXPRESSIONS])))
    jaw = _turned_jaw(mean, weights[:, _JAW], joints[_JAW])
    # The eyeballs are in the mesh; lids must not be laid on them.
    skin = weights[:, list(_EYES)].sum(axis=1) < 0.5
    return SourceModel(
        name="FLAME",
        mean=mean,
        identity_modes=np.asarray(to_head_axes(shapes[:_IDENTITIES])),
        triangles=outward(mean, faces[skin[faces].all(axis=1)]),
        expressions=np.concatenate([expressions, jaw[None].astype(np.float32)]),
        expression_names=(*names, "jawOpen"),
        expression_spread=np.append(spread, _JAW_SPREAD),
        eyes=joints[list(_EYES)],
        licence=_LICENCE,
    )


def _turned_jaw(mean: Array, weight: Array, joint: Array) -> Array:
    """(S, 3) displacement when the jaw falls by :data:`_JAW_TURN` about the left-right axis through its joint."""
    x, _, z = (mean - joint).T
    cosine, sine = np.cos(_JAW_TURN), np.sin(_JAW_TURN)
    moved = np.column_stack([cosine * x + sine * z, np.zeros(len(x)), cosine * z - sine * x])
    return np.asarray(weight[:, None] * (moved - np.column_stack([x, np.zeros(len(x)), z])))


def _embedded_marks(path: Path, mean: Array, faces: npt.NDArray[np.integer]) -> dict[int, Array]:
    names = ("lmk_face_idx", "lmk_b_coords")
    if path.suffix == ".npz":
        found: Any = read_npz(path, names, "give the static embedding of FLAME")
    else:
        found = read_pickle(path)
    data = _arrays(found, path, names)
    with naming(path):
        index, weights = data["lmk_face_idx"].astype(np.int64).ravel(), data["lmk_b_coords"].astype(np.float64)
        if len(index) != 51 or weights.shape != (51, 3):
            raise ValueError(f"it places {len(index)} landmarks; the static embedding of FLAME places 51")
        points = (mean[faces[index]] * weights[:, :, None]).sum(axis=1)
    return {17 + i: point for i, point in enumerate(points)}


def _arrays(found: Any, path: Path, names: tuple[str, ...]) -> dict[str, npt.NDArray[Any]]:
    missing = [name for name in names if not isinstance(found, dict) or name not in found]
    if missing:
        raise ValueError(f"'{path}' lacks {', '.join(missing)}; is it a file of FLAME?")
    try:
        return {name: as_array(found[name]) for name in names}
    except Refused as error:
        raise ValueError(f"'{path}' {error}") from error
