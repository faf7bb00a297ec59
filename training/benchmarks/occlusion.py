"""Whether covered landmarks are told hidden: ``python -m training.benchmarks.occlusion DATA [--json FILE]``.

DATA holds ``synthesis_ai_sample/`` and ``aflw2000_sample/``, people that no network learned from, and
``masked_faces/``, see :mod:`training.benchmarks.worn_masks`. Over each face of the first two every one of
:data:`training.benchmarks.covers.COVERS` is drawn, where the true landmarks are, and fitted in the box of these, as
the face without a cover is. Renders that wear a mask are left out, and heads refused without a cover.

Only landmarks count that the face itself does not hide (:mod:`training.benchmarks.visibility`), and none next to the
edge of the cover. Shares are of all landmarks of all heads that are fitted in spite of the cover:

- ``recall``: of the covered ones, told hidden; ``recall_bare``: the same landmarks in the face without the cover;
- ``false_hides``: told hidden, of those beside the cover that are told visible without it;
- ``moved``, ``moved_p90``: how far the cover moves those beside it, mean of a head in % of its box: the median head,
  and what nine of ten lie below;
- ``refused``: share of the heads that are not fitted with the cover.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dense_face_ros import FaceModel, FaceTracker
from dense_face_ros.geometry import Array, PinholeCamera
from dense_face_ros.head_state import HeadState, Status
from training.benchmarks import aflw2000, subject, synthesis_ai, worn_masks
from training.benchmarks.covers import COVERS, Cover, Image, Mask, sides_of
from training.benchmarks.metrics import box_of, box_size, mean_or_none
from training.benchmarks.visibility import visible_landmarks
from training.face_model import face_model, own_model
from training.result_files import Result, answer

#: Share of the face's size within which a landmark is next to the edge of a cover: a cell of the network and a half.
EDGE = 0.03


@dataclass(frozen=True)
class Person:
    """A face with its truth: ``points`` (68, 2) pixels, ``seen`` (68,) which of them the face itself does not hide."""

    image: Image
    camera: PinholeCamera | None
    points: Array
    seen: Mask


def rendered(folder: Path, model: FaceModel) -> Iterator[Person]:
    """The renders of Synthesis AI that wear no mask."""
    for label in subject.files_in(folder, "*.json", "occlusion"):
        image = subject.read_image(label.with_suffix(".jpg"))
        render = synthesis_ai.read_render(label, image.shape[1], image.shape[0])
        if not render.mask:
            x, y, z = render.points_3d.T
            # As a viewer far away sees what this camera sees.
            flat = np.column_stack([x * z.mean() / z, -y * z.mean() / z, -z])
            yield Person(image, render.camera, render.points, visible_landmarks(model, flat))


def photographed(folder: Path, model: FaceModel) -> Iterator[Person]:
    """The photographs of AFLW2000-3D."""
    for sample in aflw2000.read_samples(folder):
        seen = visible_landmarks(model, sample.points * (1.0, -1.0, 1.0))
        yield Person(subject.read_image(sample.image), None, sample.points[:, :2], seen)


#: Folders of people that no network learned from, and what reads them.
_PEOPLE: dict[str, Callable[[Path, FaceModel], Iterator[Person]]] = {
    "synthesis_ai_sample": rendered,
    "aflw2000_sample": photographed,
}


def look(tracker: subject.HeadTracker, person: Person, bare: HeadState, cover: Cover) -> dict[str, Any]:
    """What a cover changes of a head whose state without it is ``bare``: counts of landmarks, and how far those beside
    it move in % of the box (None where there are none)."""
    size = box_size(box_of(person.points))
    mask = cover.over(person.points, person.seen, *person.image.shape[:2])
    covered, beside = (side & person.seen for side in sides_of(mask, person.points, EDGE * size))
    state = _fit(tracker, person, cover.paint(person.image, person.points, mask))
    row: dict[str, Any] = {"shape": cover.shape, "colour": cover.colour, "refused": state.status is not Status.TRACKING}
    if row["refused"]:
        return row
    told = beside & bare.landmark_visible
    moved = np.linalg.norm(state.landmarks_2d - bare.landmarks_2d, axis=1)
    return {
        **row,
        "covered": int(covered.sum()),
        "hidden": int((covered & ~state.landmark_visible).sum()),
        "hidden_bare": int((covered & ~bare.landmark_visible).sum()),
        "told": int(told.sum()),
        "lost": int((told & ~state.landmark_visible).sum()),
        "moved": 100.0 * float(moved[beside].mean()) / size if beside.any() else None,
    }


def summary(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The figures of one cover over the rows of :func:`look`; None where nothing is left to tell."""
    rows = list(rows)
    fitted = [row for row in rows if not row["refused"]]

    def share(part: str, whole: str) -> float | None:
        among = sum(row[whole] for row in fitted)
        return sum(row[part] for row in fitted) / among if among else None

    moved = [row["moved"] for row in fitted if row["moved"] is not None]
    return {
        "n": len(rows),
        "refused": mean_or_none([row["refused"] for row in rows]),
        "recall": share("hidden", "covered"),
        "recall_bare": share("hidden_bare", "covered"),
        "false_hides": share("lost", "told"),
        "moved": float(np.median(moved)) if moved else None,
        "moved_p90": float(np.quantile(moved, 0.9)) if moved else None,
    }


def measure(tracker: subject.HeadTracker, people: Iterable[Person]) -> dict[str, Any]:
    """``n`` heads, ``refused`` without a cover, and the figures under every cover, by shape and colour."""
    count, refused = 0, 0
    rows = []
    for person in people:
        count += 1
        bare = _fit(tracker, person, person.image)
        if bare.status is not Status.TRACKING:
            refused += 1
            continue
        rows += [look(tracker, person, bare, cover) for cover in COVERS]
    shapes: dict[str, Any] = {}
    for cover in COVERS:
        same = [row for row in rows if (row["shape"], row["colour"]) == (cover.shape, cover.colour)]
        shapes.setdefault(cover.shape, {})[cover.colour] = summary(same)
    return {"n": count, "refused": refused, "covers": shapes}


def _fit(tracker: subject.HeadTracker, person: Person, image: Image) -> HeadState:
    return tracker.fit(image, box=subject.box_around(person.points), camera=person.camera)


def main(arguments: list[str] | None = None, tracker: subject.HeadTracker | None = None) -> int:
    """Run the command line; ``tracker`` stands in for ``FaceTracker()``: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(prog="python -m training.benchmarks.occlusion", description="Covered landmarks.")
    parser.add_argument("data", type=Path, help="folder with synthesis_ai_sample, aflw2000_sample and masked_faces")
    parser.add_argument("--network", type=Path, help="correspondence network to use instead of the shipped one")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args(arguments)

    def measured() -> Result:
        data, model = options.data, face_model()
        for name in (*_PEOPLE, worn_masks.FOLDER):
            subject.existing(data / name, "occlusion")  # now, not after minutes of measuring
        shown = tracker or FaceTracker(model_path=own_model(), network_path=options.network, backend="onnxruntime-cpu")
        people = {name: measure(shown, read(data / name, model)) for name, read in _PEOPLE.items()}
        masks = worn_masks.measure(shown, data, worn_masks.sorted_photographs())
        return {"benchmark": "occlusion", "people": people, "worn_masks": masks}

    return answer(measured, options.json, options.network)


if __name__ == "__main__":
    raise SystemExit(main())
