"""A whole head around the face model: skull, mouth cavity with teeth, neck and shoulders, so that it is not a mask.

The added parts are simple stand-ins. They follow the identity of the face, hide what lies behind them, and cannot be
matched. The face model's own vertices come first, so its arrays only need padding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dense_face_ros.face_model import FaceModel

Array = npt.NDArray[np.float64]
FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]

SKULL_CENTRE = np.array([-0.075, 0.0, 0.015])  # metres in the head frame
_OCCIPUT = np.array([-0.168, 0.0, 0.02])
_SKULL_RINGS = 7
#: Neck and shoulders, ring by ring: centre x, height z, half depth, half width (metres).
_TORSO = np.array(
    [
        [-0.085, -0.030, 0.050, 0.052],
        [-0.088, -0.075, 0.056, 0.058],
        [-0.092, -0.115, 0.056, 0.057],
        [-0.097, -0.145, 0.058, 0.062],
        [-0.102, -0.165, 0.066, 0.085],
        [-0.106, -0.182, 0.085, 0.140],
        [-0.110, -0.205, 0.100, 0.190],
        [-0.112, -0.250, 0.112, 0.215],
        [-0.112, -0.420, 0.125, 0.225],
    ]
)
_TORSO_COLUMNS = 28
_NECK_RINGS = 4  # rings of skin; the collar of the clothing begins after them
NECK_JOINT = np.array([-0.085, 0.0, -0.10])


@dataclass(frozen=True)
class Parts:
    """Which vertices of a :class:`HeadMesh` belong to what, as slices of its vertex axis."""

    face: slice
    skull: slice
    mouth: slice
    teeth: slice
    torso: slice


class HeadMesh:
    """Topology and rest shape of a face model with the rest of a head around it.

    Attributes:
        triangles: (T, 3), the face model's triangles first.
        mean: (V, 3) metres, head frame.
        parts: which vertices are which.
        collar: (V,) bool, vertices of clothing.
    """

    def __init__(self, model: FaceModel) -> None:
        self.model = model
        outline, mouth = _loops(model)
        self._outline, self._mouth = outline, mouth
        self._skull_weights, self._skull_offset = _skull(model, outline)
        self._teeth = _teeth(model) if len(mouth) else (np.zeros((0, 3)), np.zeros((0, 3), np.int32))
        counts = [len(model.mean), _SKULL_RINGS * len(outline) + 1, _cavity_size(mouth), len(self._teeth[0])]
        counts.append(len(_TORSO) * _TORSO_COLUMNS)
        ends = np.cumsum(counts)
        self.parts = Parts(*(slice(int(end - n), int(end)) for n, end in zip(counts, ends, strict=True)))
        self.triangles: IntArray = np.concatenate(
            [
                model.triangles,
                _skull_triangles(outline, self.parts.skull.start),
                _cavity_triangles(mouth, self.parts.mouth.start),
                self._teeth[1] + self.parts.teeth.start,
                lattice(len(_TORSO), _TORSO_COLUMNS, closed=True) + self.parts.torso.start,
            ]
        ).astype(np.int32)
        self.mean = self.vertices(model.mean, np.eye(3), 1.0)
        self.collar = np.zeros(len(self.mean), dtype=bool)
        self.collar[self.parts.torso.start + _NECK_RINGS * _TORSO_COLUMNS :] = True

    def vertices(self, face: npt.NDArray[np.floating], torso_turn: Array, torso_size: float) -> FloatArray:
        """All vertices (V, 3) in the head frame.

        Args:
            face: (V_face, 3) vertices of the face model.
            torso_turn: (3, 3) rotation of the shoulders relative to the head, about the neck joint.
            torso_size: width of neck and shoulders relative to the average.
        """
        out = np.empty((self.parts.torso.stop, 3), np.float32)
        out[self.parts.face] = face
        out[self.parts.skull] = self._skull_weights @ face[self._outline] + self._skull_offset
        if len(self._mouth):
            out[self.parts.mouth] = _cavity(face[self._mouth])
            shift = (face[self._outline] - self.model.mean[self._outline]).mean(axis=0)
            out[self.parts.teeth] = self._teeth[0] + shift
        out[self.parts.torso] = _torso(torso_turn, torso_size)
        return out


def lattice(rows: int, columns: int, closed: bool) -> IntArray:
    """Triangles of a grid of rows x columns vertices, ``closed`` when the last column joins the first.

    They face the side from which columns run to the right while rows run down.
    """
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    if closed:
        index = np.concatenate([index, index[:, :1]], axis=1)
    a, b, c, d = (x.ravel() for x in (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]))
    return np.concatenate([np.column_stack([a, c, b]), np.column_stack([a, d, c])])


def _loops(model: FaceModel) -> tuple[IntArray, IntArray]:
    """The outline of the face and the rim of the mouth (empty where the lips are sewn), as closed boundary loops."""
    t = model.triangles
    edges = np.concatenate([t[:, [0, 1]], t[:, [1, 2]], t[:, [2, 0]]])
    present = set(map(tuple, edges.tolist()))
    follow = {a: b for a, b in present if (b, a) not in present}
    loops: list[list[int]] = []
    while follow:
        start = vertex = next(iter(follow))
        loop = []
        while vertex in follow:
            loop.append(vertex)
            vertex = follow.pop(vertex)
        if vertex == start:
            loops.append(loop)
    if not loops:
        raise ValueError("the face model is a closed surface; the head needs a face with an outline")
    extent = [float(np.ptp(model.mean[loop], axis=0).sum()) for loop in loops]
    outline = loops[int(np.argmax(extent))]
    lips = model.at(model.landmarks, model.mean)[60:68].mean(axis=0)
    mouth = [loop for loop in loops if np.linalg.norm(model.mean[loop].mean(axis=0) - lips) < 0.01]
    return np.array(outline, np.int32), np.array(max(mouth, key=len) if mouth else [], np.int32)


def _skull(model: FaceModel, outline: IntArray) -> tuple[FloatArray, FloatArray]:
    """Hermite arcs from the face's outline, leaving it smoothly, to the back of the head.

    Returns:
        weights (S, n) and offset (S, 3): the skull's vertices are ``weights @ outline vertices + offset``.
    """
    n = len(outline)
    smooth = np.mean([np.roll(np.eye(n), k, axis=1) for k in range(-3, 4)], axis=0)
    share = np.full((n, n), 1.0 / n)  # the pole moves with the outline's middle
    mean = model.mean[outline].astype(np.float64)
    pole = _OCCIPUT - mean.mean(axis=0)
    leaving = _outward(model, outline, smooth)
    arriving = smooth @ mean - _OCCIPUT
    arriving[:, 0] = 0.0
    arriving *= -0.20 / np.maximum(np.linalg.norm(arriving, axis=1, keepdims=True), 1e-9)
    s = (np.arange(1, _SKULL_RINGS + 1) / (_SKULL_RINGS + 1))[:, None, None]
    from_rim, from_pole = 2 * s**3 - 3 * s**2 + 1, 3 * s**2 - 2 * s**3
    weights = from_rim * smooth + from_pole * share
    offset = from_pole * pole + (s**3 - 2 * s**2 + s) * leaving + (s**3 - s**2) * arriving
    weights = np.concatenate([weights.reshape(-1, n), share[:1]])
    offset = np.concatenate([offset.reshape(-1, 3), pole[None]])
    return weights.astype(np.float32), offset.astype(np.float32)


def _outward(model: FaceModel, outline: IntArray, smooth: Array) -> Array:
    """Direction in which the surface would go on beyond each outline vertex, of a length that suits the arcs."""
    inside = np.zeros((len(model.mean), 3))
    count = np.zeros(len(model.mean))
    for i, j in ((0, 1), (1, 2), (2, 0)):
        for a, b in ((i, j), (j, i)):
            np.add.at(inside, model.triangles[:, a], model.mean[model.triangles[:, b]])
            np.add.at(count, model.triangles[:, a], 1.0)
    step = smooth @ (model.mean[outline] - inside[outline] / count[outline, None])
    step = smooth @ (step / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-9))
    return np.asarray(0.16 * step / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-9))


def _skull_triangles(outline: IntArray, start: int) -> IntArray:
    n = len(outline)
    rings = np.concatenate([outline[None], start + np.arange(_SKULL_RINGS * n, dtype=np.int32).reshape(-1, n)])
    after = np.roll(rings, -1, axis=1)
    a, b, c, d = (x.ravel() for x in (rings[:-1], after[:-1], after[1:], rings[1:]))
    pole = np.full(n, start + _SKULL_RINGS * n, np.int32)
    # A boundary loop runs with its triangles on the left, so the outside continues them the other way round.
    return np.concatenate(
        [np.column_stack([a, c, b]), np.column_stack([a, d, c]), np.column_stack([rings[-1], pole, after[-1]])]
    )


def _cavity_size(mouth: IntArray) -> int:
    return 2 * len(mouth) + 1 if len(mouth) else 0


def _cavity(rim: npt.NDArray[np.floating]) -> Array:
    """The mouth from inside: the rim of the lips drawn backwards twice and closed."""
    centre = rim.mean(axis=0)
    back = np.array([-0.02, 0.0, 0.0])
    return np.concatenate([rim, centre + 0.9 * (rim - centre) + back, [centre + 1.5 * back]])


def _cavity_triangles(mouth: IntArray, start: int) -> IntArray:
    n = len(mouth)
    if n == 0:
        return np.zeros((0, 3), np.int32)
    rings = start + np.arange(2 * n, dtype=np.int32).reshape(2, n)
    after = np.roll(rings, -1, axis=1)
    a, b, c, d = rings[0], after[0], after[1], rings[1]
    pole = np.full(n, start + 2 * n, np.int32)
    return np.concatenate([np.column_stack([a, c, b]), np.column_stack([a, d, c]), np.column_stack([d, pole, c])])


def _teeth(model: FaceModel) -> tuple[Array, IntArray]:
    """The upper row of teeth: a strip bent to an arch behind the upper lip."""
    marks = model.at(model.landmarks, model.mean)
    upper, corners = marks[62], marks[[60, 64]]
    half_width = 0.40 * float(np.abs(corners[1, 1] - corners[0, 1]))
    across = np.linspace(-1.0, 1.0, 11)
    top, bottom = upper[2] + 0.006, upper[2] - 0.004
    x = upper[0] - 0.009 - 0.018 * across**2
    rows = [np.column_stack([x, half_width * across, np.full(11, z)]) for z in (top, bottom)]
    return np.concatenate(rows), lattice(2, 11, closed=False)


def _torso(turn: Array, size: float) -> Array:
    around = 2 * np.pi * np.arange(_TORSO_COLUMNS) / _TORSO_COLUMNS
    x, z, depth, width = (_TORSO[:, i, None] for i in range(4))
    x, y = x + size * depth * np.cos(around), size * width * np.sin(around)
    rest = np.stack([x, y, np.broadcast_to(z, x.shape)], axis=-1)
    turned = (rest - NECK_JOINT) @ turn.T + NECK_JOINT
    share = np.clip((np.arange(len(_TORSO)) - 0.5) / 4.0, 0.0, 1.0)[:, None, None]
    return np.asarray(((1.0 - share) * rest + share * turned).reshape(-1, 3))
