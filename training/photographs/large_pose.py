"""300W-LP (Zhu et al. 2016): photographs turned up to profile, each with the Basel Face Model fitted to it (paper 4.1).

Read once, from the user's own download:

    python -m training.photographs.large_pose 300W_LP --basel MODEL --out runs/300w_lp.npz

with ``300W_LP/Code/ModelGeneration/Model_Shape.mat`` for MODEL.

Layout: ``AFW/``, ``HELEN/``, ``IBUG/``, ``LFPW/`` and their mirror images ``.../*_Flip/`` hold ``NAME_K.jpg`` beside
``NAME_K.mat``: ``Shape_Para`` (199, 1) and ``Exp_Para`` (29, 1), factors of the columns ``w`` and ``w_exp`` of
``Model_Shape.mat`` and ``Model_Exp.mat``; ``Pose_Para`` (1, 7) pitch, yaw, roll in radians, translation and scale f.
Its view is weak perspective with y up, and its pixels count from 1 (the data set's own sample code):

    (x, y, .) = f R (mu + w a + w_exp b) + t        column x - 1, row H - y of an image with H rows

The Basel model is laid on our mesh once (``training.face_models.registration``), so that a fit says where each of our
vertices is seen. Targets are then drawn as for every photograph: hidden surface and what the template does not show
within 0.015 of its size (paper Section 3.3) are not matchable.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.drawing import contact_sheet
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array
from dense_face_ros.whole_files import whole_file
from training.benchmarks.conventions import aflw2000_rotation
from training.benchmarks.sheet import write_png
from training.face_model import face_model
from training.face_models.basel import read_3ddfa_unscaled
from training.face_models.registration import register
from training.face_models.source import SourceModel
from training.face_models.transfer import Transfer
from training.mat_files import read_mat
from training.npz_files import read_npz
from training.photographs.collection import read_image
from training.photographs.heads import Image, Label, LabelledHead
from training.result_files import check_destination, make_destination

#: Folders of the download, each with its mirror images beside it.
FOLDERS = ("AFW", "HELEN", "IBUG", "LFPW")
_FIELDS = {"Pose_Para": (1, 7), "Shape_Para": (199, 1), "Exp_Para": (29, 1)}
_METRES = 1e-6  # Basel's unit
_VALIDATION_EVERY = 20  # every 20th original photograph is kept, with all turned and mirrored copies
_FAR = 20.0  # metres: a weak perspective is a pinhole camera from far away


@dataclass(frozen=True)
class BaselOnOurMesh:
    """Basel's shapes at our vertices: ``mean`` (V, 3), ``identity`` (199, V, 3), ``expression`` (29, V, 3) per unit.

    Metres in Basel's own frame with head axes; ``rotation`` (3, 3) turns it into our head frame. ``model`` is the hash
    of the face model whose mesh it is.
    """

    mean: npt.NDArray[np.float32]
    identity: npt.NDArray[np.float32]
    expression: npt.NDArray[np.float32]
    rotation: Array
    model: str

    @classmethod
    def lay(cls, source: SourceModel, ours: FaceModel) -> BaselOnOurMesh:
        """Register and read off; some seconds."""
        found = register(ours, source)
        carry, turn = Transfer(ours, found, source.triangles), found.rotation
        identity, _ = carry.identity(source.identity_modes @ turn.T.astype(np.float32))
        expression = carry.skin(source.expressions @ turn.T.astype(np.float32))
        return cls(
            ((carry.mean() - found.shift) @ turn).astype(np.float32), (identity @ turn).astype(np.float32),
            (expression @ turn).astype(np.float32), turn, ours.content_hash,
        )  # fmt: skip

    @cached_property
    def _basis(self) -> npt.NDArray[np.float32]:
        return np.concatenate([self.identity, self.expression]).reshape(-1, self.mean.size)

    def head(self, photograph: Image, label: Label) -> LabelledHead:
        """The head of a label with ``pose`` (7,), ``shape`` (199,) and ``expression`` (29,) as 300W-LP stores them."""
        pose = label["pose"].astype(np.float64)
        factors = np.concatenate([label["shape"], label["expression"]]).astype(np.float32)
        vertices = self.mean + (factors @ self._basis).reshape(-1, 3)
        rotation, scale = aflw2000_rotation(pose[:3], zero_pitch_degrees=0.0), pose[6] / _METRES
        turned = vertices.astype(np.float64) @ rotation.T
        pixels = scale * turned[:, :2] + [pose[3] - 1.0, photograph.shape[0] - pose[4]]
        return LabelledHead(
            photograph, turned + [0.0, 0.0, _FAR], pixels, rotation @ self.rotation.T, float(scale * _FAR)
        )  # fmt: skip


@dataclass(frozen=True)
class LargePoseLabels:
    """N labels gathered in one file: ``name`` (N,) ``FOLDER/NAME``, ``pose`` (N, 7), ``shape`` (N, 199), ``expression``
    (N, 29), ``validation`` (N,) bool, and Basel on our mesh."""

    name: npt.NDArray[np.str_]
    pose: npt.NDArray[np.float32]
    shape: npt.NDArray[np.float32]
    expression: npt.NDArray[np.float32]
    validation: npt.NDArray[np.bool_]
    basel: BaselOnOurMesh

    def save(self, path: Path) -> None:
        """Write the ``.npz`` file and, where it has none, its folder."""
        path.parent.mkdir(parents=True, exist_ok=True)
        own = {name: value for name, value in vars(self).items() if name != "basel"}
        basel = {f"basel_{name}": getattr(self.basel, name) for name in BaselOnOurMesh.__dataclass_fields__}
        with whole_file(path) as file:
            np.savez(file, **own, **basel)

    @classmethod
    def load(cls, path: Path, model: FaceModel) -> LargePoseLabels:
        """FileNotFoundError saying how to make the file; ValueError when it was made for another face model."""
        own = [name for name in cls.__dataclass_fields__ if name != "basel"]
        laid = [name for name in BaselOnOurMesh.__dataclass_fields__ if name != "model"]
        needed = (*own, *(f"basel_{name}" for name in laid), "basel_model")
        file = read_npz(path, needed, "make it with python -m training.photographs.large_pose")
        made_for = str(file["basel_model"])
        if made_for != model.content_hash:
            raise ValueError(f"'{path}' was made for another face model; make it again")
        basel = BaselOnOurMesh(**{name: file[f"basel_{name}"] for name in laid}, model=made_for)
        return cls(**{name: file[name] for name in own}, basel=basel)


class LargePoseHeads:
    """The photographs of 300W-LP in the folder ``data`` with the labels gathered in ``labels``."""

    def __init__(self, data: Path, labels: Path, model: FaceModel, validation: bool) -> None:
        self._labels = LargePoseLabels.load(labels, model)
        self.paths = tuple(data / f"{name}.jpg" for name in self._labels.name)
        self.usable = np.flatnonzero(self._labels.validation == validation)

    def draw(self, rng: np.random.Generator) -> LabelledHead:
        """A random usable one."""
        return self.labelled(int(rng.choice(self.usable)))

    def labelled(self, index: int) -> LabelledHead:
        """One head, its photograph read from its file."""
        return self._labels.basel.head(read_image(self.paths[index]), self.label(index))

    def label(self, index: int) -> Label:
        """As :meth:`BaselOnOurMesh.head` takes it."""
        return {name: getattr(self._labels, name)[index] for name in ("pose", "shape", "expression")}


def gather(data: Path, folders: tuple[str, ...] = FOLDERS) -> dict[str, npt.NDArray[Any]]:
    """Read all label files: the fields of :class:`LargePoseLabels` apart from ``basel``.

    Raises:
        FileNotFoundError: a folder is not there, or holds no labels.
        ValueError: naming the label file that is of another format.
    """
    files: list[Path] = []
    for folder in (name + end for name in folders for end in ("", "_Flip")):
        found = sorted((data / folder).glob("*.mat"))
        if not found:
            raise FileNotFoundError(f"'{data / folder}' holds no .mat labels; '{data}' must be the folder 300W_LP")
        files += found
    rows = [_read_label(file) for file in tqdm(files, desc="reading", unit="label", mininterval=5)]
    originals = [_original(file) for file in files]
    kept = set(sorted(set(originals))[::_VALIDATION_EVERY])
    pose, shape, expression = (np.array(column, np.float32) for column in zip(*rows, strict=True))
    return {
        "name": np.array([f"{file.parent.name}/{file.stem}" for file in files]),
        "pose": pose,
        "shape": shape,
        "expression": expression,
        "validation": np.array([original in kept for original in originals]),
    }


def _original(file: Path) -> str:
    """The photograph that a turned or mirrored copy comes from: ``HELEN_Flip/HELEN_1_2_7`` -> ``HELEN/HELEN_1_2``."""
    return f"{file.parent.name.removesuffix('_Flip')}/{file.stem.rpartition('_')[0]}"


def _read_label(file: Path) -> tuple[Array, Array, Array]:
    data = read_mat(file, list(_FIELDS))
    for name, shape in _FIELDS.items():
        found = data[name].shape if name in data else "nothing"
        if found != shape:
            raise ValueError(f"'{file}' has {found} for {name}, expected {shape}; is it a label of 300W-LP?")
    return data["Pose_Para"].ravel(), data["Shape_Para"].ravel(), data["Exp_Para"].ravel()


def draw_sheet(heads: LargePoseHeads, model: FaceModel, which: list[int], path: Path) -> None:
    """Photographs with every tenth vertex and the 68 landmarks of the label, eight in a row."""
    tiles = []
    for i in which:
        head = heads.labelled(i)
        picture = np.ascontiguousarray(head.photograph[:, :, ::-1])
        for pixels, colour in ((head.pixels[::10], (0, 255, 0)), (model.at(model.landmarks, head.pixels), (0, 0, 255))):
            for u, v in np.rint(pixels).astype(int):
                cv2.circle(picture, (int(u), int(v)), 2, colour, -1)
        tiles.append(cv2.resize(picture, (256, 256)))
    write_png(path, contact_sheet(tiles, 8, 8 * 256))


@tells_bad_input()
def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder 300W_LP")
    parser.add_argument("--basel", type=Path, required=True, help="Model_Shape.mat, with Model_Exp.mat beside it")
    parser.add_argument("--out", type=Path, default=Path("runs/300w_lp.npz"))
    parser.add_argument("--folders", nargs="+", default=FOLDERS, choices=FOLDERS, help="leave out what you test on")
    parser.add_argument("--sheet", type=Path, help="PNG of random photographs with their labels: look at it")
    options = parser.parse_args(arguments)
    model = face_model()
    make_destination(options.out)
    check_destination(options.sheet, "--sheet")
    read = gather(options.data, tuple(options.folders))
    labels = LargePoseLabels(**read, basel=BaselOnOurMesh.lay(read_3ddfa_unscaled(options.basel), model))
    labels.save(options.out)
    if options.sheet:
        which = np.random.default_rng(0).choice(len(labels.name), min(32, len(labels.name)), replace=False)
        draw_sheet(LargePoseHeads(options.data, options.out, model, False), model, which.tolist(), options.sheet)
    print(f"{options.out}: {len(labels.name)} labels, {labels.validation.sum()} of them for validation")
    return 0


if __name__ == "__main__":
    sys.exit(main())
