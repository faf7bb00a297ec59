"""Pointing'04 (Gourier et al. 2004): 15 people twice in 93 head poses, looking at marks in the room.

Layout: ``Person01`` to ``Person15`` with ``personne<person><series><number><tilt><pan>.jpg``, as in
``personne08123-30+45.jpg``: person 08, series 1, number 23, tilt -30, pan +45 degrees (zero is ``+0``). Beside each
image, in the later distribution, a ``.txt`` of the same name with the lines ``Face``, x and y of the face's centre,
width and height. ``Front`` repeats some images; each is taken once.

Protocol: every image by itself, found without a box (``finder``), and in the labelled box where every image has one
(``labelled_box``). Tilt and pan along the line of sight against the label, in the database's own signs (see
``training.benchmarks.conventions``): MAE, and the share of images whose nearest labelled angle is the true one. People
turned their heads to marks by eye: labels are good to some degrees, and roll is not labelled. At tilts of +-90 degrees
pan has no meaning and is not scored. A face that is not found counts as one that faces the camera.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import FACING_CAMERA
from dense_face_ros.head_state import HeadState, Status
from training.benchmarks import metrics, subject
from training.benchmarks.conventions import along_line_of_sight, pointing04_angles
from training.benchmarks.sheet import Sheet
from training.benchmarks.subject import Box, HeadTracker

TILTS = (-90, -60, -30, -15, 0, 15, 30, 60, 90)
PANS = tuple(range(-90, 91, 15))
_NAME = re.compile(r"person(?:ne)?\d{5}([+-]\d+)([+-]\d+)")
_UPRIGHT = 90  # degrees of tilt at which pan has no meaning


@dataclass(frozen=True)
class Picture:
    """One labelled image: ``tilt`` and ``pan`` in degrees; ``box`` where there is one."""

    image: Path
    tilt: int
    pan: int
    box: Box | None


def read_pictures(folder: Path) -> list[Picture]:
    """The labelled images in the order of their names.

    Raises:
        FileNotFoundError: the folder does not exist.
        ValueError: it holds no such image, or a name or box is of another format.
    """
    images = {path.stem: path for path in subject.existing(folder, "pointing04", "Person01 to Person15").rglob("*.jpg")}
    pictures = []
    for name, image in sorted(images.items()):
        found = _NAME.fullmatch(name)
        if found is None or int(found[1]) not in TILTS or int(found[2]) not in PANS:
            raise ValueError(f"pointing04: '{image}' is not named after a pose, as in personne08123-30+45.jpg")
        pictures.append(Picture(image, int(found[1]), int(found[2]), _read_box(image.with_suffix(".txt"))))
    if not pictures:
        raise ValueError(f"pointing04: folder '{folder}' holds no *.jpg; give the one that holds Person01 to Person15")
    return pictures


def _read_box(path: Path) -> Box | None:
    """The box of a label file; None where there is no file."""
    if not path.is_file():
        return None
    try:
        x, y, width, height = map(float, path.read_text(encoding="latin-1").partition("Face")[2].split())
    except ValueError as error:
        raise ValueError(f"pointing04: '{path}' has no line 'Face' and four numbers after it: {error}") from error
    return x - 0.5 * width, y - 0.5 * height, x + 0.5 * width, y + 0.5 * height


def evaluate(
    tracker: HeadTracker, folder: Path, model: FaceModel, limit: int | None = None, sheet: Sheet | None = None
) -> dict[str, Any]:
    """Run the protocol; the figures of the finder stand at the top. The sheet marks the face that was found."""
    pictures = read_pictures(folder)[:limit]
    rows = {"finder": [_row(tracker, picture, None, sheet) for picture in pictures]}
    if all(picture.box is not None for picture in pictures):
        rows["labelled_box"] = [_row(tracker, picture, picture.box, None) for picture in pictures]
    found = [row for row in rows["finder"] if not row["failed"]]
    return {
        "benchmark": "pointing04",
        **summary(rows["finder"]),
        "over_found": summary(found),
        "protocols": {name: summary(r) for name, r in rows.items()},
        "images": rows["finder"],
    }


def _row(tracker: HeadTracker, picture: Picture, box: Box | None, sheet: Sheet | None) -> dict[str, Any]:
    image = subject.read_image(picture.image)
    state = tracker.fit(image, box=box)
    row = _score(picture, state)
    if sheet is not None and not row["failed"]:
        worst = max(row["tilt_error"], row["pan_error"] or 0.0)
        sheet.add(image, state, state.landmarks_2d, f"{row['name']} {worst:.0f} deg", worst)
    return row


def _score(picture: Picture, state: HeadState) -> dict[str, Any]:
    failed = state.status is not Status.TRACKING
    tilt, pan = pointing04_angles(FACING_CAMERA if failed else along_line_of_sight(state.pose)).tolist()
    pan_matters = abs(picture.tilt) != _UPRIGHT
    return {
        "name": picture.image.stem,
        "failed": failed,
        "true_tilt": picture.tilt,
        "true_yaw": picture.pan,
        "tilt": tilt,
        "pan": pan,
        "tilt_error": float(metrics.angle_difference(tilt, picture.tilt)),
        "pan_error": float(metrics.angle_difference(pan, picture.pan)) if pan_matters else None,
        "tilt_class": _nearest(tilt, TILTS) == picture.tilt,
        "pan_class": _nearest(pan, PANS) == picture.pan if pan_matters else None,
    }


def _nearest(angle: float, labelled: tuple[int, ...]) -> int:
    return min(labelled, key=lambda label: abs(label - angle))


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures over rows; shares of the right class in [0, 1]."""
    result: dict[str, Any] = {"n": len(rows), "failed": sum(row["failed"] for row in rows)}
    for angle in ("tilt", "pan"):
        scored = [row for row in rows if row[f"{angle}_error"] is not None]
        result[f"{angle}_mae"] = metrics.mean_or_none([row[f"{angle}_error"] for row in scored])
        result[f"{angle}_right_class"] = metrics.mean_or_none([float(row[f"{angle}_class"]) for row in scored])
    return result
