"""Reading the ICT Face Model Light: the original folder of OBJ files, or the same model gathered in one ``.npz``.

The model is in centimetres with x to the person's left, y up and z out of the face.
Source: USC Institute for Creative Technologies, ICT-FaceKit, MIT licence.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.face_models.source import check_triangles, naming
from training.npz_files import read_npz

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]

#: Vertex ranges [first, past the last) of the parts we use, from the model's own documentation.
FACE, LEFT_EYEBALL, RIGHT_EYEBALL = (0, 9409), (21451, 23021), (23021, 24591)
_VERTICES = 26719

NOTICE = (
    "Learned from samples of ICT Face Model Light, (c) 2020 USC Institute for Creative Technologies, MIT licence: "
    "Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated "
    "documentation files (the 'Software'), to deal in the Software without restriction, including without limitation "
    "the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and "
    "to permit persons to whom the Software is furnished to do so, subject to the following conditions: The above "
    "copyright notice and this permission notice shall be included in all copies or substantial portions of the "
    "Software. THE SOFTWARE IS PROVIDED 'AS IS', WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT "
    "LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT "
    "SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION "
    "OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER "
    "DEALINGS IN THE SOFTWARE."
)


@dataclass(frozen=True)
class IctModel:
    """mean (V, 3) cm, identity modes (K, V, 3) of one standard deviation, expressions (E, V, 3), triangles (T, 3)."""

    mean: FloatArray
    identity_modes: FloatArray
    expressions: FloatArray
    expression_names: tuple[str, ...]
    triangles: IntArray
    landmarks68: IntArray


def to_head_frame(points: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """ICT centimetres (x left, y up, z out of the face) -> metres in head axes (x out, y left, z up)."""
    return np.asarray(points, dtype=np.float64)[..., [2, 0, 1]] / 100.0


def eyeball_midpoint(points: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Midpoint between the two eyeball centres for vertices (..., V, 3) -> (..., 3)."""
    centres = []
    for first, past in (LEFT_EYEBALL, RIGHT_EYEBALL):
        ball = points[..., first:past, :]
        centres.append(0.5 * (ball.min(axis=-2) + ball.max(axis=-2)))
    return np.asarray(0.5 * (centres[0] + centres[1]))


def read_ict(path: str | Path) -> IctModel:
    """Read ``FaceXModel/`` or the gathered ``.npz``.

    Raises:
        FileNotFoundError: naming what is not there.
        ValueError: naming the file that does not hold the model's topology.
    """
    path = Path(path)
    if path.is_dir():
        model = _read_folder(path)
    elif path.is_file():
        model = _read_npz(path)
    else:
        raise FileNotFoundError(f"ICT face model '{path}' does not exist; give its FaceXModel folder or .npz file")
    if model.mean.shape != (_VERTICES, 3):
        raise ValueError(f"'{path}' has {len(model.mean)} vertices; the ICT Face Model Light has {_VERTICES}")
    with naming(path):
        check_triangles(model.triangles, _VERTICES)
    return model


def _read_npz(path: Path) -> IctModel:
    wanted = ("mean", "identity_modes", "expression_shapes", "expression_names", "triangles", "landmarks68")
    file = read_npz(path, wanted, "give the gathered ICT Face Model Light")
    with naming(path):
        return IctModel(
            mean=file["mean"].astype(np.float32),
            identity_modes=file["identity_modes"].astype(np.float32),
            expressions=file["expression_shapes"].astype(np.float32),
            expression_names=tuple(map(str, file["expression_names"])),
            triangles=file["triangles"].astype(np.int32),
            landmarks68=file["landmarks68"].astype(np.int32),
        )


def _read_folder(folder: Path) -> IctModel:
    neutral, index = folder / "generic_neutral_mesh.obj", folder / "vertex_indices.json"
    for needed in (neutral, index):
        if not needed.is_file():
            raise FileNotFoundError(f"'{needed}' does not exist; '{folder}' is not an ICT FaceXModel folder")
    with naming(index):
        names = json.loads(index.read_text())
        shapes = {name: folder / f"{name}.obj" for name in names["expressions"]}
        landmarks68 = np.asarray(names["idx_to_landmark_verts"], dtype=np.int32)
    mean, triangles = _read_obj(neutral)
    identities = sorted(folder.glob("identity*.obj"))
    present = {name: file for name, file in shapes.items() if file.is_file()}
    if not identities:
        raise FileNotFoundError(f"'{folder}' holds no identity*.obj; copy the identity shapes beside the neutral mesh")

    def offsets(files: list[Path]) -> FloatArray:
        out = np.zeros((len(files), *mean.shape), dtype=np.float32)
        for row, file in zip(out, files, strict=True):
            vertices, _ = _read_obj(file)
            if vertices.shape != mean.shape:
                raise ValueError(f"'{file}' has {len(vertices)} vertices, the neutral mesh has {len(mean)}")
            row[:] = vertices - mean
        return out

    return IctModel(
        mean=mean,
        identity_modes=offsets(identities),
        expressions=offsets(list(present.values())),
        expression_names=tuple(present),
        triangles=triangles,
        landmarks68=landmarks68,
    )


def _read_obj(path: Path) -> tuple[FloatArray, IntArray]:
    vertices: list[tuple[float, float, float]] = []
    triangles: list[tuple[int, int, int]] = []
    with path.open(errors="replace") as file:
        for number, line in enumerate(file, 1):
            try:
                if line.startswith("v "):
                    x, y, z = map(float, line.split()[1:4])
                    vertices.append((x, y, z))
                elif line.startswith("f "):
                    corners = [int(corner.split("/")[0]) - 1 for corner in line.split()[1:]]
                    triangles += [(corners[0], b, c) for b, c in zip(corners[1:-1], corners[2:], strict=True)]
            except ValueError as error:
                raise ValueError(f"'{path}' line {number} cannot be read: {line.strip()!r}") from error
    return np.asarray(vertices, dtype=np.float32), np.asarray(triangles, dtype=np.int32)
