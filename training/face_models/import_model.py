"""Import a published face model into our face-model file.

    python -m training.face_models.import_model bfm2009 01_MorphableModel.mat --out model.npz --picture model.png
    python -m training.face_models.import_model 3ddfa Model_Shape.mat --out model.npz
    python -m training.face_models.import_model bfm model2019_bfm.h5 --out model.npz
    python -m training.face_models.import_model flame generic_model.pkl [--extra flame_static_embedding.pkl] --out ...
    python -m training.face_models.import_model surrey sfm_shape_3448.bin [--extra expression_blendshapes.bin] --out ...

The model's statistics are read off on the mesh of the shipped face model, so everything works with the result. Prints
how well the two lie on each other.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.face_model import FaceModel
from training.face_models.basel import read_3ddfa, read_bfm2009, read_bfm_h5
from training.face_models.flame import read_flame
from training.face_models.registration import Registration
from training.face_models.report import draw
from training.face_models.retopology import on_our_mesh
from training.face_models.source import SourceModel
from training.face_models.surrey import read_surrey
from training.result_files import check_destination

_READERS: dict[str, Callable[[Path], SourceModel]] = {
    "bfm2009": read_bfm2009,
    "3ddfa": read_3ddfa,
    "bfm": read_bfm_h5,
}
#: Kinds that come in two files: the second may be given too.
_READERS_WITH_EXTRA: dict[str, Callable[[Path, Path | None], SourceModel]] = {
    "flame": read_flame,
    "surrey": read_surrey,
}


@tells_bad_input()
def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=[*_READERS, *_READERS_WITH_EXTRA])
    parser.add_argument("file", type=Path)
    parser.add_argument("--extra", type=Path, help="flame: its landmark embedding; surrey: its blendshapes")
    parser.add_argument("--out", type=Path, required=True, help="face model to write")
    parser.add_argument("--picture", type=Path, help="PNG of the mesh, regions and templates")
    options = parser.parse_args(arguments)
    if options.extra and options.kind in _READERS:
        parser.error(f"--extra has no meaning for {options.kind}")
    check_destination(options.out, "--out")
    check_destination(options.picture, "--picture")
    if options.kind in _READERS:
        source = _READERS[options.kind](options.file)
    else:
        source = _READERS_WITH_EXTRA[options.kind](options.file, options.extra)
    model, registration = on_our_mesh(source, FaceModel.load())
    model.save(options.out)
    print(f"{options.out}: {model.identity_size} identity modes, {model.expression_size} expressions"
          f"{'' if len(source.expressions) else ' (of the shipped model)'}")  # fmt: skip
    for line in summary(model, source, registration):
        print(line)
    if options.picture:
        draw(model, options.picture)
    return 0


def summary(model: FaceModel, source: SourceModel, found: Registration) -> list[str]:
    """How well the source and our mesh lie on each other."""
    lines = [
        f"{'size relative to the shipped mean face':44s} {found.size:8.3f}",
        f"{'vertices on the surface of the source':44s} {100 * found.supported.mean():8.1f} %",
        f"{'their distance before the last drop, rms':44s} "
        f"{1e3 * np.sqrt((found.feet.distance[found.supported] ** 2).mean()):8.2f} mm",
    ]
    if source.marks:
        index = sorted(source.marks)
        published = found.place(np.array([source.marks[i] for i in index]))
        gap = np.linalg.norm(model.at(model.landmarks, model.mean)[index] - published, axis=1)
        lines.append(f"{f'landmarks from the {len(index)} published, median':44s} {1e3 * np.median(gap):8.2f} mm")
        lines.append(f"{'landmarks from the published, largest':44s} {1e3 * gap.max():8.2f} mm")
    return lines


if __name__ == "__main__":
    sys.exit(main())
