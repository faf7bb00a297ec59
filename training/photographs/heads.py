"""Heads in photographs with a dense label each, however it was made and wherever the photographs are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array, yaw_pitch_roll_from_rotation
from training.photographs.collection import read_image, read_photographs
from training.photographs.fit import PhotographFits
from training.photographs.padding import unpadded

Image = npt.NDArray[np.uint8]

#: Where ``training.photographs.fit`` leaves its labels unless told otherwise.
FITS = Path("runs/photograph_fits.npz")
#: Photographs that look further aside (degrees of the fit) are not learned from: the labelling network's own error
#: grows from there (``training.photographs.label_error``); nearer ones are turned aside instead. Those that our own
#: network labelled may look anywhere.
MAX_YAW = 40.0
_OWN_OFTEN = 8  # times as often as others, they are drawn: they show what the others hardly do
#: The few arrays a label is kept as.
Label = Mapping[str, npt.NDArray[np.generic]]


@dataclass(frozen=True)
class LabelledHead:
    """A photograph (H, W, 3) RGB with the face model's V vertices in it.

    ``points`` (V, 3) camera frame, metres; ``pixels`` (V, 2) where they are seen; ``rotation`` (3, 3) camera <- head;
    ``focal`` pixels: a point that moves by d is seen to move as by a pinhole camera of that focal length. ``widest``
    degrees of yaw to which it may be turned. Where it is ``evenly_lit`` it may be shown in another light.
    """

    photograph: Image
    points: Array
    pixels: Array
    rotation: Array
    focal: float
    widest: float = 95.0
    evenly_lit: bool = False

    @property
    def principal_point(self) -> Array:
        """(2,) pixel of that camera's optical axis."""
        return np.asarray((self.pixels - self.points[:, :2] * (self.focal / self.points[:, 2:])).mean(axis=0))


class Heads(Protocol):
    """Somewhere to draw heads from, for as long as one likes."""

    def draw(self, rng: np.random.Generator) -> LabelledHead:
        """A random one."""
        ...


class NumberedHeads(Heads, Protocol):
    """Heads that can be asked for one by one: ``usable`` (N,) holds the indices of those fit for use."""

    @property
    def usable(self) -> npt.NDArray[np.intp]: ...

    def labelled(self, index: int) -> LabelledHead:
        """One head."""
        ...


class ListedHeads(NumberedHeads, Protocol):
    """Those whose photographs are files."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """Image files, by index."""
        ...

    def label(self, index: int) -> Label:
        """What a head is made of beside its photograph; with ``often`` where it is drawn more often than others."""
        ...


class PhotographHeads:
    """The data folder's photographs with the fits of ``training.photographs.fit``, those within ``MAX_YAW``.

    Raises:
        FileNotFoundError, ValueError: naming a file that is missing or of no use, photographs among them, or no
            photograph is left.
    """

    def __init__(self, data: Path, fits: Path, model: FaceModel, validation: bool) -> None:
        photographs = read_photographs(data)
        self._fits, self._model = PhotographFits.load_for(fits, model, photographs), model
        self.paths = photographs.paths
        yaw = yaw_pitch_roll_from_rotation(self._fits.pose[:, :3, :3].astype(np.float64))[:, 0]
        near = np.abs(yaw) <= np.radians(MAX_YAW)
        # What our own network says is no measure of it: a photograph may have been for training when it was labelled.
        of_use = near & ~self._fits.own if validation else near | self._fits.own
        trusted = self._fits.accepted & of_use
        self.usable = np.flatnonzero(trusted & (photographs.validation == validation))
        if not len(self.usable):
            split = "for validation" if validation else "to train on"
            raise ValueError(f"'{data}' has no photograph {split} with an accepted fit in '{fits}'; add some")
        # Here, as a loader's worker meets a missing one hours after the start.
        missing = [path for path in (self.paths[index] for index in self.usable) if not path.is_file()]
        if missing:
            raise FileNotFoundError(
                f"'{missing[0]}' does not exist, and {len(missing)} of {len(self.usable)} photographs are missing; "
                "copy the collection again, or take them out of its landmarks.npz and fit again"
            )
        self._often = np.where(self._fits.own, _OWN_OFTEN, 1)
        self._drawn = np.repeat(self.usable, self._often[self.usable])

    def draw(self, rng: np.random.Generator) -> LabelledHead:
        """A random usable one."""
        return self.labelled(int(rng.choice(self._drawn)))

    def labelled(self, index: int) -> LabelledHead:
        """One head, its photograph read from its file."""
        return fitted_head(self._model, read_image(self.paths[index]), self.label(index))

    def label(self, index: int) -> Label:
        """``pose`` (4, 4), ``coefficients`` (K + E,) and ``focal``, as in :class:`PhotographFits`; ``model``, the hash
        of the face model that it is a fit of; and ``often``, how many times as often as others it is drawn."""
        names = ("pose", "coefficients", "focal")
        label = {name: np.asarray(getattr(self._fits, name)[index]) for name in names}
        return {**label, "model": np.asarray(self._fits.model), "often": np.asarray(self._often[index])}


def fitted_head(model: FaceModel, photograph: Image, label: Label) -> LabelledHead:
    """The head of a label of :class:`PhotographHeads`, in its photograph without the black around it, which shows no
    face."""
    pose, focal = label["pose"].astype(np.float64), float(label["focal"])
    points = model.shape(label["coefficients"].astype(np.float64)) @ pose[:3, :3].T + pose[:3, 3]
    x0, y0, x1, y1 = unpadded(photograph)
    pixels = points[:, :2] * (focal / points[:, 2:]) + 95.5 - [x0, y0]
    return LabelledHead(np.ascontiguousarray(photograph[y0:y1, x0:x1]), points, pixels, pose[:3, :3], focal)
