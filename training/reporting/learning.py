"""The sections on what was learned from, and what of it pays."""

from __future__ import annotations

from dense_face_ros.evaluation.provenance import commit_of
from training.reporting.tables import Named, made_by, table


def label_error(results: Named) -> list[str]:
    """How wrong the labels of photographs are, by the angle."""
    header = ("file", "yaw to either side, °", "views", "yaw, °", "its spread, °", "pitch, °", "roll, °", "NME68")
    columns = ("n", "yaw", "yaw_spread", "pitch", "roll", "nme68")
    rows = [
        [name, f"{row['from']}-{row['to']}", *(row[c] for c in columns)] for name, r in results for row in r["bins"]
    ]
    command = "python -m training.photographs.label_error --environments DIR --json"
    note = (
        "Medians of label minus truth, on rendered people; yaw counts away from the camera, roll to the side of the "
        "yaw. Photographs are learned from only where these errors are small."
    )
    return ["## Labels of the photographs", *(made_by(n, r, command) for n, r in results), note, table(header, rows)]


def ablation(results: Named) -> list[str]:
    """Variants of the recipe at the same budget."""
    header = ("variant of `best`", "error, mm, mean", "median", "photographs as they are, mean", "turned, mean",
              "renderings, mean", "mask overlap", "images", "trained, s", "M multiply-adds", "M parameters",
              "ms per crop")  # fmt: skip
    parts = ["## Ablation"]
    for name, result in results:
        rows: list[list[object]] = []
        for variant in result["variants"]:
            costs = [variant["multiply_adds"] / 1e6, variant["parameters"] / 1e6, variant["milliseconds"]["median"]]
            if (training := variant["training"]) is None:
                rows.append([variant["title"], "not trained yet", *[None] * 7, *costs])
                continue
            errors = training["errors"]
            means = [errors[kind]["mean_mm"] for kind in ("as_they_are", "turned", "renderings")]
            everything = errors["all"]
            rows.append([
                variant["title"], everything["mean_mm"], everything["median_mm"], *means, everything["overlap"],
                training["images"], round(training["seconds"]), *costs,
            ])  # fmt: skip
        source = result["provenance"]
        command = f"python -m training.ablation --data DATA --out RUNS --images {result['images']} --json"
        parts += [
            f"`{command} docs/results/{name}` — commit `{commit_of(source)}`, {source['hardware']['processor']}.",
            f"Every variant starts from nothing, with seed {result['seed']} but where it says another, and sees "
            f"{result['images']} images in batches of {result['batch_size']}, a small part of what the shipped network "
            "saw: such short runs tell directions only, and what another seed changes is chance. Errors are on the "
            f"same {result['samples']} photographs as they are, {result['samples']} turned out of plane (of people "
            f"never trained on) and {result['samples']} renderings: the distance on the mean face between the point "
            "found and the true one, over cells that are matchable in both templates. The overlap is that of each "
            "template's own mask. Seconds are wall clock, whatever else the machine did; ms is the median of ONNX "
            "Runtime on one thread at full precision.",
            table(header, rows),
        ]
    return parts


def validation(results: Named) -> list[str]:
    """What networks are chosen by."""
    header = (
        "file", "shown", "heads", "failed", "error, template pixels, mean", "median", "mask overlap",
        "yaw, °", "pitch, °", "roll, °", "nine of ten within, °: yaw / pitch / roll", "of those turned: outward, °",
    )  # fmt: skip
    rows: list[list[object]] = []
    for name, result in results:
        for kind, told in result["kinds"].items():
            bias, within = told["bias"] or [None] * 3, told["within90"]
            rows.append([
                name, kind, told["n"], told["failed"], told["error_mean"], told["error_median"], told["overlap"], *bias,
                within and " / ".join(f"{angle:.1f}" for angle in within), told["outward"],
            ])  # fmt: skip
    note = (
        "Crops as training has them, of people kept for validation, without occluders: off the middle, rolled, small "
        "or cut by the photograph's edge; a tracker looks again until the crop sits well. By this a network is chosen, "
        "not judged: photographs' labels are fits with errors of their own (above), and the default network learned "
        "from such. Angles are found minus labelled; pitch > 0 looks down; outward counts away from the camera, of "
        "heads turned by more than 15°."
    )
    command = "python -m training.validation --data DATA --skins SKINS --json"
    return ["## What networks are chosen by", *(made_by(n, r, command) for n, r in results), note, table(header, rows)]


def new_heads(results: Named) -> list[str]:
    """What the limit for heads that nobody asked for was chosen by."""
    header = ("file", "max_new_vagueness", "true heads told", "views with a false one", "photographs with such a view")
    parts, rows = ["## What new heads are believed by"], []
    for name, result in results:
        options = f"--people {result['people']} --views {result['views']}"
        parts.append(made_by(name, result, f"python -m training.new_heads DATA {options} --json"))
        parts.append(
            f"{name}: {result['faces']} pictures of rendered people, and of each of {result['photographs']} face-free "
            f"photographs {result['views']} views; {result['shipped']:g} is what the tracker uses."
        )
        for row in result["rows"]:
            limit = row["max_new_vagueness"]
            told = [row[c] for c in ("found", "false", "photographs_with_false")]
            rows.append([name, "none" if limit is None else f"{limit:.4f}", *told])
    note = (
        "The limit was chosen by these. No benchmark shows these people; the photographs, as they are, stand beside "
        "those of `val` in [finding](#faces-found-at-once-without-memory)."
    )
    return [*parts, note, table(header, rows)]
