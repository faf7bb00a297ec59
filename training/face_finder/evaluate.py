"""Measure the shipped face finder: ``python -m training.face_finder.evaluate DATA [--network face_finder.onnx]``.

Prints one JSON object. DATA must hold ``backgrounds/``. Measured as well where DATA holds them: what training takes
faces from, folders of photographs or with ``--sources free`` ``london_portraits/``, pictures of whose validation people
are made on the fly, and, never touched by training,
``aflw2000_sample/`` (``NAME.jpg`` beside ``NAME.mat``), ``afw_sample/`` (pictures beside ``labels.json``) and
``videos/``. What is left out is told on stderr. A face counts as found as ``measures.match`` says.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.face_finder import MIN_SCORE, FaceCandidate, FaceFinder
from training.face_finder.measures import Match, match
from training.face_finder.photographs import decode, load_backgrounds
from training.face_finder.sources import DRAWN_HEADS, SOURCES
from training.face_finder.train import made_validation_set
from training.mat_files import read_mat
from training.options import check_least
from training.photographs.collection import has_photographs

_SIDES = (0, 24, 40, 80, 160, 400)
_ROLLS = (0, 15, 30, 45, 60)
_YAWS = (0, 20, 40, 90)
_AFW_SMALLEST = 80.0
_VIDEO_EVERY = 5


def made_pictures(finder: FaceFinder, data: Path, sources: str, count: int) -> dict[str, Any]:
    """Made pictures of the validation people, by box side in pixels of the 320 x 256 input, by roll and by yaw."""
    rows: list[tuple[float, ...]] = []
    false, empty, empty_false = 0, 0, 0
    for made in made_validation_set(SOURCES[sources], data, DRAWN_HEADS, None, count):
        result = _match(finder.find(made.image), made.boxes.astype(float), made.rolls.astype(float))
        false += len(result.false_scores)
        empty += len(made.boxes) == 0
        empty_false += len(made.boxes) == 0 and len(result.false_scores) > 0
        sides = np.sqrt((made.boxes[:, 2:] - made.boxes[:, :2]).prod(axis=1))
        columns = zip(sides, made.rolls, made.yaws, *_columns(result), made.wanted, strict=True)
        rows.extend(tuple(map(float, row)) for row in columns)
    table = np.array([row for row in rows if row[-1]])
    side, roll, yaw, best = table[:, 0], np.degrees(np.abs(table[:, 1])), np.degrees(np.abs(table[:, 2])), table[:, 3]
    return {
        "pictures": count,
        "faces": len(table),
        "recall": _percent(best > 0),
        "recall_by_side": _binned(side, best > 0, _SIDES),
        "recall_by_roll": _binned(roll, best > 0, _ROLLS),
        "recall_by_mesh_yaw": _binned(yaw, best > 0, _YAWS),
        "false_per_picture": round(false / count, 4),
        "faceless_pictures": empty,
        "faceless_with_false_find": empty_false,
        **_errors(table[:, 4:7]),
    }


def aflw2000(finder: FaceFinder, data: Path) -> dict[str, Any]:
    """AFLW2000-3D sample; the true box is that of its 68 3-D landmarks, its roll that of the pose label."""
    results, overlaps = [], []
    for path in sorted((data / "aflw2000_sample").glob("*.mat")):
        label = read_mat(path, ["pt3d_68", "Pose_Para"])
        points, pose = label["pt3d_68"][:2], label["Pose_Para"][0]
        box = np.concatenate([points.min(axis=1), points.max(axis=1)])[None]
        found = finder.find(_read(path.with_suffix(".jpg")))
        results.append(_match(found, box, pose[2:3]))
        overlaps.append(max((_iou(np.array(c.box), box[0]) for c in found), default=0.0))
    return {
        "pictures": len(results),
        "recall": _percent(np.concatenate([r.best for r in results]) > 0),
        "recall_iou_0.5": _percent(np.array(overlaps) > 0.5),
        "mean_iou": round(float(np.mean(overlaps)), 3),
        "other_finds": sum(len(r.false_scores) for r in results),
        **_errors(np.concatenate([_columns(r)[1:] for r in results], axis=1).T),
    }


def afw(finder: FaceFinder, data: Path) -> dict[str, Any]:
    """AFW sample, faces over 80 pixels; its boxes follow another rule, so only the centre criterion tells much."""
    labels = json.loads((data / "afw_sample" / "labels.json").read_text())
    found: list[bool] = []
    closer: list[bool] = []
    yaws: list[float] = []
    other = 0
    for label in labels:
        faces = label["faces"]
        boxes = np.array([face["box_xyxy"] for face in faces], float)
        large = np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(axis=1)) > _AFW_SMALLEST
        image = _read(data / "afw_sample" / label["image"])
        result = _match(finder.find(image), boxes, np.zeros(len(boxes)))
        found.extend(result.best[large] > 0)
        again = _match(finder.find_closer(image), boxes, np.zeros(len(boxes)))
        closer.extend(np.maximum(result.best, again.best)[large] > 0)
        yaws.extend(abs(np.degrees(face["pose_yaw_pitch_roll_rad"][0])) for face in np.array(faces)[large])
        other += len(result.false_scores)
    return {
        "faces": len(found),
        "recall": _percent(np.array(found)),
        "recall_with_closer_look": _percent(np.array(closer)),
        "recall_by_yaw": _binned(np.array(yaws), np.array(found), (0, 20, 50, 80, 100)),
        "other_finds": other,
    }


def videos(finder: FaceFinder, data: Path) -> dict[str, Any]:
    """Share of frames (every fifth) with a find, and the mean number of finds; every video shows a face throughout."""
    out = {}
    for path in sorted((data / "videos").iterdir()):
        counts = [len(finder.find(frame)) for frame in _frames(path)]
        if counts:
            out[path.name] = {
                "frames": len(counts),
                "with_find": _percent(np.array(counts) > 0),
                "finds_per_frame": round(float(np.mean(counts)), 2),
            }
    return out


def backgrounds(finder: FaceFinder, data: Path) -> dict[str, Any]:
    """Face-free photographs with a find; those of "val" were never trained on."""
    out = {}
    for split in ("val", "train"):
        finds = [len(finder.find(decode(file))) > 0 for file in load_backgrounds(data, split)]
        out[split] = {"pictures": len(finds), "with_find": int(np.sum(finds))}
    return out


def timing(finder: FaceFinder) -> dict[str, float]:
    """Median milliseconds of ``find`` with one inference thread, from the camera image to the candidates."""
    cv2.setNumThreads(1)
    out = {}
    for width, height in ((640, 480), (1280, 720), (1920, 1200)):
        image = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
        times = []
        for _ in range(100):
            started = time.perf_counter()
            finder.find(image)
            times.append(time.perf_counter() - started)
        out[f"{width}x{height}"] = round(1e3 * float(np.median(times)), 2)
    return out


def _match(found: list[FaceCandidate], boxes: npt.NDArray[np.float64], rolls: npt.NDArray[np.float64]) -> Match:
    proposals = np.array([c.box for c in found]).reshape(-1, 4)
    return match(proposals, np.array([c.score for c in found]), np.array([c.roll for c in found]), boxes, rolls)


def _columns(result: Match) -> list[npt.NDArray[np.float64]]:
    return [result.best, result.centre_error, result.log_side_error, result.roll_error]


def _errors(table: npt.NDArray[np.float64]) -> dict[str, float]:
    """(n, 3) centre, log side, roll errors of found faces -> what is reported of them."""
    table = table[np.isfinite(table[:, 0])]
    return {
        "median_centre_error_percent_of_side": _percent_value(np.median(table[:, 0])),
        "median_side_bias_percent": _percent_value(np.expm1(np.median(table[:, 1]))),
        "median_side_error_percent": _percent_value(np.expm1(np.median(np.abs(table[:, 1])))),
        "median_roll_error_degrees": round(float(np.degrees(np.nanmedian(np.abs(table[:, 2])))), 1),
    }


def _binned(values: npt.NDArray[Any], hit: npt.NDArray[Any], edges: tuple[int, ...]) -> dict[str, str]:
    out = {}
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        inside = (values >= low) & (values < high)
        if inside.any():
            out[f"{low}-{high}"] = f"{_percent(hit[inside])} % of {int(inside.sum())}"
    return out


def _iou(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    shared = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    return float(shared / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - shared))


def _percent(hit: npt.NDArray[Any]) -> float:
    return _percent_value(float(np.mean(hit)))


def _percent_value(share: float) -> float:
    return round(100.0 * float(share), 2)


def _read(path: Path) -> npt.NDArray[np.uint8]:
    image = cv2.imread(str(path))
    if image is None:
        raise FileNotFoundError(f"{path} is missing or no picture")
    return np.asarray(image, np.uint8)


def _frames(path: Path) -> Iterator[npt.NDArray[np.uint8]]:
    capture = cv2.VideoCapture(str(path))
    number = 0
    while True:
        fine, frame = capture.read()
        if not fine:
            break
        if number % _VIDEO_EVERY == 0:
            yield np.asarray(frame, np.uint8)
        number += 1
    capture.release()


def report(finder: FaceFinder, data: Path, pictures: int, sources: str = "best") -> dict[str, Any]:
    """All figures; the photographs, samples and videos that the folder does not hold are left out, and told."""
    false = backgrounds(finder, data)  # first, as they must be there
    out: dict[str, Any] = {"min_score": MIN_SCORE}
    portraits = sources == "free"
    if (data / "london_portraits").is_dir() if portraits else has_photographs(data):
        out["made"] = made_pictures(finder, data, sources, pictures)
    else:
        lacking = "london_portraits/" if portraits else "folder with images/ and landmarks.npz"
        print(f"made: left out, as '{data}' has no {lacking}; --sources is {sources}", file=sys.stderr)
    for name, measure in {"aflw2000_sample": aflw2000, "afw_sample": afw, "videos": videos}.items():
        if (data / name).is_dir():
            out[name] = measure(finder, data)
        else:
            print(f"{name}: left out, as '{data}' has no such folder", file=sys.stderr)
    return {**out, "backgrounds": false, "milliseconds_one_thread": timing(finder)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--network", type=Path, help="default: the shipped one")
    parser.add_argument("--sources", choices=sorted(SOURCES), default="best", help="what pictures are made from")
    parser.add_argument("--pictures", type=int, default=1000, help="made pictures")
    arguments = parser.parse_args()
    try:
        check_least("--pictures", arguments.pictures)
        result = report(FaceFinder(arguments.network), arguments.data, arguments.pictures, arguments.sources)
    except (OSError, ValueError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
