"""The sections on heads in time: covariance, steadiness, eyes, videos and recordings."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np

from dense_face_ros.evaluation.provenance import commit_of
from training.reporting.tables import Named, made_by, table
from training.result_files import Result


def consistency(results: Named) -> list[str]:
    """Whether covariances hold what they promise."""
    header = ("pose", "part", "NEES", "truths within the 90 % ellipsoid")
    parts = ["## Covariance on rendered people"]
    for name, result in results:
        rows = [
            [pose, part, result[pose][part]["nees"], result[pose][part]["inside90"]]
            for pose in ("raw", "filtered")
            for part in ("all", "translation", "rotation", "depth")
        ]
        errors = "; ".join(
            f"{pose} {unit}: " + " / ".join(f"{value:.1f}" for value in result[pose][key])
            for pose in ("raw", "filtered")
            for unit, key in (("mm", "rms_mm"), ("°", "rms_deg"))
        )
        parted = {key: result["filtered_split"][key] for key in ("constant", "about_it")}
        split = {
            key: " / ".join(f"{value:.1f}" for value in row["deg"]) + f"°, depth {row['depth_percent']:.1f} %"
            for key, row in parted.items()
        }
        reduced = f" --scale {result['scale']:g}" if result["scale"] != 1.0 else ""
        command = f"python -m training.benchmarks.consistency --people {result['people']}{reduced} --json"
        parts += [
            made_by(name, result, command),
            f"{_people(result)}, {result['n']} poses, {result['missed']} frames without a head; depth "
            f"{result['depth_rms_percent']:.1f} % rms. Rms errors about x / y / z of the camera, {errors}.",
            "Rms error of the filtered pose about x / y / z of the head (out of the face, to the person's left, up) "
            f"that a person has all the time: {split['constant']}; about that: {split['about_it']}. A driver's resting "
            "pose, learned over the first minute, takes the first out of glances; a known head size its depth.",
            table(header, rows),
        ]
    return parts + _alike(results)


def _alike(results: Named) -> list[str]:
    """How far two runs err alike on the same people."""
    splits = [(name, result["filtered_split"]) for name, result in results]
    # Of who was not followed there are no numbers.
    known = [(name, np.array(split["people"], np.float64)) for name, split in splits if "people" in split]
    parts = []
    for (name, first), (other, second) in combinations(known, 2):
        if first.shape != second.shape:
            continue
        both = np.isfinite(first + second).all(axis=1)
        if both.sum() > 2:
            alike = [np.corrcoef(first[both, i], second[both, i])[0, 1] for i in range(4)]
            turns = " / ".join(f"{value:.2f}" for value in alike[:3])
            parts.append(
                f"What a person has all the time is much the same in {name} and {other}: correlation {turns} about "
                f"x / y / z, {alike[3]:.2f} in depth."
            )
    return parts


def steadiness(results: Named) -> list[str]:
    """What trembles, and what a blink or speech moves."""
    figures = {
        "jitter_deg": "jitter of a still head, ° rms",
        "jitter_lateral_mm": "the same, across, mm rms",
        "speech_filtered_percent": "depth in speech, %",
        "blink_filtered_percent": "depth in a blink, %",
        "learned_percent": "depth from the first second to the fourth, as the head's size is learned, %",
        "turned_camera_deg": "yaw in the car when the camera turns by 25°, °",
    }
    parts = ["## Steadiness on rendered people"]
    for name, result in results:
        parts += [
            made_by(name, result, f"python -m training.benchmarks.steadiness --people {result['people']} --json"),
            _usual_and_worst(result, figures, f"filtered pose of {_people(result)}"),
        ]
    return parts


def _people(result: Result) -> str:
    """How many were shown, and how many of them were lost and tell nothing; older results do not count these."""
    lost = len(result.get("people_missed", ()))
    return f"{result['people']} people" + (f", {lost} of them lost" if lost else "")


def light(results: Named) -> list[str]:
    """What little light and haze cost."""
    header = ("light that arrives", "frames", "tracked, %", "rotation, ° rms about x / y / z", "as the covariance says",
              "NEES of the rotation")  # fmt: skip
    parts = ["## Little light, and haze, on rendered people"]
    for name, result in results:
        rows = []
        for row in result["lights"]:
            pose = row["raw"]
            told = [" / ".join(f"{v:.1f}" for v in pose[key]) for key in ("rms_deg", "sigma_deg")] if pose else ["", ""]
            nees = pose["rotation"]["nees"] if pose else None
            rows.append([row["name"], row["frames"], 100.0 * row["tracked"], *told, nees])
        command = f"python -m training.benchmarks.light --people {result['people']} --json"
        parts += [made_by(name, result, command), table(header, rows)]
    return parts


def passing(results: Named) -> list[str]:
    """Who is told when somebody passes right in front of the driver."""
    figures = {
        "hidden_s": "the driver's face is covered, s",
        "hidden_wrong_s": "meanwhile another head is told, s",
        "late_s": "another head is told while the driver is in view again, s",
        "lost_s": "no head is told, s",
    }
    parts = ["## Somebody passes right in front of a rendered driver"]
    for name, result in results:
        back = f"in the end the driver is told in {result['back']} of {result['pairs']}"
        stay = f" --stay {result['stay']:g}" if result.get("stay") else ""
        parts += [
            made_by(name, result, f"python -m training.benchmarks.passing --pairs {result['pairs']}{stay} --json"),
            _usual_and_worst(result, figures, back),
        ]
    return parts


def _usual_and_worst(result: Result, figures: dict[str, str], of: str) -> str:
    """A table of the figures (key -> title) that ``metrics.usual_and_worst`` wrote."""
    columns = ("median", "p90", "worst")
    return table((of, *columns), [[title, *(result[key][c] for c in columns)] for key, title in figures.items()])


def finding(results: Named) -> list[str]:
    """Faces found at once, by size, yaw and roll."""
    parts = ["## Faces found at once, without memory"]
    for name, result in results:
        parts.append(made_by(name, result, "python -m training.benchmarks.finding --data DATA --json"))
        header = ("rendered faces", "n", "proposed by the finder, %", "tracked, %", "told elsewhere, %",
                  "rotation error, °, median")  # fmt: skip
        groups = [("all", result["all"])]
        for title, key in (
            ("height, % of the picture's", "height_percent"),
            ("yaw, °", "yaw_deg"),
            ("roll, °", "roll_deg"),
        ):
            groups += [(f"{title}: {row['from']}-{row['to']}", row) for row in result[key]]
        parts.append(table(header, [
            [title, row["n"], *(100.0 * row[c] for c in ("proposed", "tracked", "elsewhere")), row["rotation_deg"]]
            for title, row in groups
        ]))  # fmt: skip
        if empty := result.get("faceless"):
            told = "; ".join(f"{row['heads']} of {row['pictures']} ({split})" for split, row in empty.items())
            parts.append(f"Photographs without a face in which a head is told: {told}.")
    return parts


def blinks(results: Named) -> list[str]:
    """Which closures of the eyes are seen."""
    columns = ("true", "found", "recall", "precision", "longest_excess_s", "openness_error",
               "openness_error_true_pose")  # fmt: skip
    header = ("file", "shown", "true closures", "found", "recall", "precision", "longest found beyond longest true, s",
              "mean error of openness", "the same with the true pose")  # fmt: skip
    rows = [
        [name, shown_name, *(figures.get(c) for c in columns)]
        for name, result in results
        for shown_name, figures in result["shown"].items()
    ]
    return ["## Closures of the eyes", *(made_by(n, r, _blinks_command(r)) for n, r in results), table(header, rows)]


def _blinks_command(result: Result) -> str:
    # A video is told by its file's name, a drive by its own.
    options = [f"--video {name} --closures FILE" if Path(name).suffix else name for name in result["shown"]]
    if result["limit"] is not None:
        options.append(f"--limit {result['limit']}")
    return f"python -m training.benchmarks.blinks {' '.join(options)} --json"


def video(results: Named) -> list[str]:
    """How much of a video is tracked."""
    header = ("video", "frames", "share tracking", "losses", "jitter of rotation, ° rms (as fitted)",
              "of position, mm (as fitted)", "ms per frame, median", "p99")  # fmt: skip
    rows = []
    for _, result in results:
        raw, smooth = result["jitter_raw"], result["jitter_filtered"]
        jitter = [f"{_median(smooth[k])} ({_median(raw[k])})" for k in ("rotation_deg", "position_mm")]
        ms = result["milliseconds"]
        rows.append([
            result["file"], result["n"], result["share"]["tracking"], len(result["losses"]), *jitter, ms["median"],
            ms["p99"],
        ])  # fmt: skip
    command = "python -m training.evaluate video FILE --json"
    return ["## Videos", *(made_by(n, r, command) for n, r in results), table(header, rows)]


def _median(figures: Result | None) -> str:
    return "unknown" if figures is None else f"{figures['median']:.2f}"


def recording(results: Named) -> list[str]:
    """States told over a recording against the truth."""
    header = ("file", "frames", "share tracking", "rotation, °, mean", "p90", "position, mm", "depth, %",
              "jitter, ° rms", "ms per frame, p50", "commit")  # fmt: skip
    rows = []
    for name, result in results:
        truth = result.get("truth")
        errors = [None] * 4 if truth is None else [
            truth["rotation_deg"]["mean"], truth["rotation_deg"]["p90"], truth["position_mm"]["mean"],
            truth["depth_percent"]["mean"],
        ]  # fmt: skip
        rows.append([
            name, result["frames"], result["share"]["tracking"], *errors, result["jitter"]["rotation_deg"]["p50"],
            result["milliseconds"]["p50"], commit_of(result["provenance"]) if "provenance" in result else None,
        ])  # fmt: skip
    text = (
        "Scripted drives come from `python -m training.make_drive DRIVE BAG`, figures from "
        "`python -m dense_face_ros.evaluation.evaluate_bag BAG` (its `summary.json`)."
    )
    return ["## Recordings", text, table(header, rows)]
