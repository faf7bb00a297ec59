"""Reading the Surrey Face Model (Huber et al. 2016), a cereal binary ``.bin``, with the ``eos-py`` package.

Millimetres, x to the person's left, y up, z out of the face. The landmarks are vertices of the common base mesh of all
its resolutions, so they serve every one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from training.face_models.decimation import Array
from training.face_models.source import SourceModel, naming, one_sided, outward, to_head_axes

_MILLIMETRE = 1e-3
_BLENDSHAPE_SPREAD = 0.25
_LICENCE = "Made from the Surrey Face Model, which its owner licenses for non-commercial use; see its terms."

#: Vertices of the base mesh (numbered from 0) at some of the 68 landmarks, as the eos library maps them.
MARKS = {
    8: 33, 17: 225, 18: 229, 19: 233, 21: 157, 22: 590, 24: 666, 25: 662, 26: 658, 28: 379, 29: 272, 30: 114, 31: 100,
    33: 270, 35: 537, 36: 177, 37: 172, 38: 191, 39: 181, 40: 173, 41: 174, 42: 614, 43: 624, 44: 605, 45: 610, 46: 607,
    47: 606, 48: 398, 49: 315, 50: 413, 51: 329, 52: 825, 53: 736, 54: 812, 55: 841, 56: 693, 57: 411, 58: 264, 59: 431,
    61: 416, 62: 423, 63: 828, 65: 817, 66: 442, 67: 404,
}  # fmt: skip


def read_surrey(path: Path, blendshapes: Path | None = None) -> SourceModel:
    """Read the model, and its separate expression blendshapes (``.bin``) if given.

    Raises:
        FileNotFoundError: naming the path.
        ValueError: eos-py is not installed; or naming the file that it cannot read.
    """
    try:
        import eos
    except ImportError as error:
        raise ValueError("the Surrey model is read with eos-py, which is not installed: pip install eos-py") from error
    for needed in filter(None, (path, blendshapes)):
        if not needed.is_file():
            raise FileNotFoundError(f"'{needed}' does not exist")
    model = _loaded(eos.morphablemodel.load_model, path)
    separate = None if blendshapes is None else _loaded(eos.morphablemodel.load_blendshapes, blendshapes)
    shape = model.get_shape_model()
    with naming(path):
        mean = _columns(np.asarray(shape.get_mean()).reshape(-1, 1))[0].astype(np.float64)
        colours = np.asarray(model.get_color_model().get_mean()).reshape(-1, 3)
    if len(mean) <= max(MARKS.values()):
        raise ValueError(f"'{path}' has {len(mean)} vertices; the smallest Surrey model has 845")
    kind, kinds = model.get_expression_model_type(), eos.morphablemodel.MorphableModel.ExpressionModelType
    names: tuple[str, ...] = ()
    expressions, spread = np.zeros((0, len(mean), 3), np.float32), np.zeros(0)
    with naming(blendshapes or path):
        if separate is not None or kind == kinds.Blendshapes:
            loaded = model.get_expression_model() if separate is None else separate
            expressions = np.concatenate([_columns(np.asarray(b.deformation).reshape(-1, 1)) for b in loaded])
            names, spread = tuple(b.name for b in loaded), np.full(len(loaded), _BLENDSHAPE_SPREAD)
        elif kind == kinds.PcaModel:
            expressions, names, spread = one_sided(_columns(model.get_expression_model().get_rescaled_pca_basis()))
    with naming(path):
        return SourceModel(
            name="Surrey Face Model",
            mean=mean,
            identity_modes=_columns(np.asarray(shape.get_rescaled_pca_basis())),
            triangles=outward(mean, np.asarray(shape.get_triangle_list(), dtype=np.int64)),
            expressions=expressions,
            expression_names=names,
            expression_spread=spread,
            marks={i: mean[v] for i, v in MARKS.items()},
            colour=np.clip(colours, 0.0, 1.0).astype(np.float64) if len(colours) == len(mean) else None,
            licence=_LICENCE,
        )


def _loaded(load: Callable[[str], Any], path: Path) -> Any:
    try:
        return load(str(path))
    except (RuntimeError, ValueError, MemoryError) as error:  # lengths in a damaged file may be anything
        raise ValueError(f"'{path}' cannot be read ({error}); is it a file that eos wrote?") from error


def _columns(flat: Array) -> np.ndarray:
    """(3 S, K) millimetres -> (K, S, 3) metres in head axes."""
    metres = (np.asarray(flat).T * _MILLIMETRE).astype(np.float32)
    return np.asarray(to_head_axes(metres.reshape(len(metres), -1, 3)))
