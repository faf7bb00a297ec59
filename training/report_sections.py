"""The sections of the page of results: each turns the results of one kind into Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from training.evaluate_peers import ACCURACY
from training.published import PAPER_68, PAPER_AFLW, PAPER_PIFA, PAPER_TIMES, PAPER_VISIBLE_INNER, PEERS, SAMPLE
from training.result_files import Result


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(map(shown, row)) + " |" for row in rows]
    return "\n".join(lines)


def shown(value: object) -> str:
    """Decimals to two digits, unknown empty."""
    return "" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)


def _aflw2000(results: list[tuple[str, Result]]) -> list[str]:
    parts = ["## AFLW2000-3D"]
    for name, result in results:
        n, on_sample = result["n"], {row["name"] for row in result["images"]} == SAMPLE
        rows: list[list[object]] = []
        for protocol, figures in result["protocols"].items():
            bins = figures["nme68_bins"]
            rows.append([
                f"ours, {protocol.replace('_', ' ')}", n, figures["failed"], figures["nme68_mean_of_bins"], *bins,
                figures["nme51_mean_of_bins"], figures["pose_mae"], figures["pose_geodesic"],
            ])  # fmt: skip
        if on_sample:
            rows += [
                [peer.system, n, None, peer.nme68, None, None, None, peer.nme51, peer.pose_mae, peer.geodesic]
                for peer in PEERS
            ]
        rows += [[p.system, "all", None, p.mean, *p.bins, None, None, None] for p in PAPER_68]
        header = (
            "system", "images", "failed", "NME68, mean of bins", "0–30°", "30–60°", "60–90°", "NME51, mean of bins",  # noqa: RUF001
            "pose MAE, °", "geodesic, °",
        )  # fmt: skip
        note = f"Rows with {n} images are of the same images. " if on_sample else ""
        parts += [
            _made(name, result, "python -m training.evaluate aflw2000 FOLDER --pictures --json"),
            note + "Rows with *all* are of the whole set, from the paper's Table 1: they tell the order of magnitude."
            + (" Other systems: their own releases; `training.evaluate_peers` repeats two of them." if note else ""),
            table(header, rows),
            "Visible inner points (the paper's Table 2), true box:",
            _visible_inner(result),
        ]  # fmt: skip
    return parts


def _visible_inner(result: Result) -> str:
    rows: list[list[object]] = [
        ["ours", result["n"], *result["nme_visible_inner_bins"], result["nme_visible_inner_mean"]]
    ]
    rows += [[p.system, "all", *p.bins, p.mean] for p in PAPER_VISIBLE_INNER]
    return table(("system", "images", "0–30°", "30–60°", "60–90°", "over all images"), rows)  # noqa: RUF001


def _afw(results: list[tuple[str, Result]]) -> list[str]:
    columns = ("n_points", "nme68", "nme51", "nme51_median", "n_yaw", "yaw_within_15", "yaw_mae", "failed")
    header = (
        "file", "faces with points", "NME68", "NME51", "NME51, median", "faces with yaw", "share within 15°",
        "yaw MAE, °", "failed",
    )  # fmt: skip
    rows = [[name, *(result[c] for c in columns)] for name, result in results]
    command = "python -m training.evaluate afw FOLDER --json"
    return ["## AFW", *(_made(n, r, command) for n, r in results), table(header, rows)]


def _synthesis_ai(results: list[tuple[str, Result]]) -> list[str]:
    columns = ("n", "failed", "nme68", "nme51", "pose_mae", "orientation_error", "position_error_mm",
               "depth_error_percent")  # fmt: skip
    header = ("faces", "images", "failed", "NME68", "NME51", "pose MAE, °", "orientation of the points, °",
              "position, mm", "depth, %")  # fmt: skip
    parts = ["## Synthesis AI renders"]
    for name, result in results:
        groups = {"all": result, **result["subsets"]}
        rows = [[group, *(figures[c] for c in columns)] for group, figures in groups.items()]
        parts += [_made(name, result, "python -m training.evaluate synthesis_ai FOLDER --json"), table(header, rows)]
    return parts


def _reannotated(results: list[tuple[str, Result]]) -> list[str]:
    header = ("file", "images", "failed", "NME68, mean of bins", "0–30°", "30–60°", "60–90°", "NME51, mean of bins")  # noqa: RUF001
    rows = [
        [name, r["n"], r["failed"], r["nme68_mean_of_bins"], *r["nme68_bins"], r["nme51_mean_of_bins"]]
        for name, r in results
    ]
    command = "python -m training.evaluate aflw2000_reannotated FOLDER --json"
    return ["## AFLW2000-3D, corrected points", *(_made(n, r, command) for n, r in results), table(header, rows)]


def _aflw(results: list[tuple[str, Result]]) -> list[str]:
    header = ("system", "faces", "failed", "NME21, mean of bins", "0–30°", "30–60°", "60–90°")  # noqa: RUF001
    rows: list[list[object]] = [
        [f"ours, {r['layout']} (`{name}`)", r["n"], r["failed"], r["nme21_mean_of_bins"], *r["nme21_bins"]]
        for name, r in results
    ]
    rows += [[p.system, "all", None, p.mean, *p.bins] for p in PAPER_AFLW]
    command = "python -m training.evaluate aflw FOLDER --json"
    note = "Those of 21 points that can be seen (the paper's Table 3, which is of the layout `3ddfa`)."
    return ["## AFLW", *(_made(n, r, command) for n, r in results), note, table(header, rows)]


def _aflw_pifa(results: list[tuple[str, Result]]) -> list[str]:
    rows: list[list[object]] = [[f"ours (`{name}`)", r["n"], r["failed"], r["nme21"]] for name, r in results]
    rows += [[system, "all", None, nme] for system, nme in PAPER_PIFA.items()]
    command = "python -m training.evaluate aflw_pifa FOLDER --json"
    note = "AFLW's own 21 points, those that can be seen (the paper's Table 4)."
    lines = [_made(n, r, command) for n, r in results]
    return ["## AFLW-PIFA", *lines, note, table(("system", "faces", "failed", "NME21"), rows)]


def _pointing04(results: list[tuple[str, Result]]) -> list[str]:
    header = ("file", "protocol", "images", "failed", "tilt MAE, °", "pan MAE, °", "right tilt", "right pan")
    columns = ("n", "failed", "tilt_mae", "pan_mae", "tilt_right_class", "pan_right_class")
    rows = [
        [name, protocol.replace("_", " "), *(figures[c] for c in columns)]
        for name, result in results
        for protocol, figures in result["protocols"].items()
    ]
    command = "python -m training.evaluate pointing04 FOLDER --json"
    return ["## Pointing'04", *(_made(n, r, command) for n, r in results), table(header, rows)]


def _peers(results: list[tuple[str, Result]]) -> list[str]:
    header = ("system", "images", "found", *(f"{title} (over found)" for title in ACCURACY), "ms per image, median")
    parts = ["## Other systems, on the same images and threads"]
    for name, result in results:
        rows = []
        for system, figures in result["systems"].items():
            found = figures["over_found"]
            pairs = [f"{shown(figures[key])} ({shown(found[key])})" for key in ACCURACY.values()]
            rows.append([system, figures["n"], figures["found"], *pairs, figures["milliseconds"]])
        parts += [
            _made(name, result, "python -m training.evaluate_peers FOLDER --peers dlib mediapipe --json"),
            "AFLW2000-3D protocol without boxes; a face not found counts as the mean face in the middle of the image. "
            f"{result['threads']} thread(s), detection included. Jaw lines are defined differently.",
            table(header, rows),
        ]
    return parts


def _ibug300w(results: list[tuple[str, Result]]) -> list[str]:
    columns = ("n", "failed", "interocular68", "interocular51", "failure_rate_percent", "auc_percent")
    header = ("subset", "faces", "failed", "error68, % of the outer eye corners", "error51", "failures over 8 %, %",
              "AUC to 8 %")  # fmt: skip
    parts = ["## 300-W"]
    for name, result in results:
        rows = [[subset, *(figures[c] for c in columns)] for subset, figures in result["subsets"].items()]
        parts += [_made(name, result, "python -m training.evaluate ibug300w FOLDER --json"), table(header, rows)]
    return parts


def _biwi(results: list[tuple[str, Result]]) -> list[str]:
    header = ("file", "frames", "found", "pose MAE, ° (over found)", "geodesic, ° (over found)")
    rows = []
    for name, r in results:
        pairs = [f"{shown(r[key])} ({shown(r['over_found'][key])})" for key in ("pose_mae", "pose_geodesic")]
        rows.append([name, r["n"], r["n"] - r["failed"], *pairs])
    command = "python -m training.evaluate biwi FOLDER --json"
    return ["## BIWI", *(_made(n, r, command) for n, r in results), table(header, rows)]


def _video(results: list[tuple[str, Result]]) -> list[str]:
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
    return ["## Videos", *(_made(n, r, command) for n, r in results), table(header, rows)]


def _median(figures: Result | None) -> str:
    return "unknown" if figures is None else f"{figures['median']:.2f}"


def _recording(results: list[tuple[str, Result]]) -> list[str]:
    header = ("file", "frames", "share tracking", "rotation, °, mean", "p90", "position, mm", "depth, %",
              "jitter, ° rms", "ms per frame, p50")  # fmt: skip
    rows = []
    for name, result in results:
        truth = result.get("truth")
        errors = [None] * 4 if truth is None else [
            truth["rotation_deg"]["mean"], truth["rotation_deg"]["p90"], truth["position_mm"]["mean"],
            truth["depth_percent"]["mean"],
        ]  # fmt: skip
        rows.append([
            name, result["frames"], result["share"]["tracking"], *errors, result["jitter"]["rotation_deg"]["p50"],
            result["milliseconds"]["p50"],
        ])  # fmt: skip
    text = (
        "Scripted drives come from `python -m training.make_drive DRIVE BAG`, figures from "
        "`python -m dense_face_ros.evaluation.evaluate_bag BAG` (its `summary.json`)."
    )
    return ["## Recordings", text, table(header, rows)]


_STAGES = {
    "crop": "crop", "network": "network", "correspondences": "correspondences", "alignment_warm": "alignment, warm",
    "alignment_cold": "cold", "visibility": "visibility", "eyelids": "eyelids", "finder": "finder",
    "markers": "markers",
}  # fmt: skip


def _times(results: list[tuple[str, Result]]) -> list[str]:
    header = ("system", "threads", "network", "a frame, given a track", "with detection")
    rows: list[list[object]] = []
    for name, result in results:
        for size, figures in result["sizes"].items():
            row = [figures[stage]["median"] for stage in ("network", "tracker_update", "tracker_search")]
            rows.append([f"ours, {size} (`{name}`)", result["threads"], *row])
    rows += [[p.system, 1, p.network, p.tracked, p.searched] for p in PEERS]
    rows.append(["Yu et al. (the paper), Titan X", None, *PAPER_TIMES, None])
    command = "python -m training.benchmark --source FILE --json"
    note = "Medians in milliseconds. Other systems: measured on another 2-core CPU; compare with care."
    parts = ["## Times", *(_made(n, r, command) for n, r in results), note, table(header, rows)]
    stages = {
        f"{size} (`{name}`)": [shown(figures.get(stage, {}).get("median")) for stage in _STAGES]
        for name, result in results
        for size, figures in result["sizes"].items()
    }
    rows = [[title, *values] for title, values in stages.items()]
    return [*parts, "Where the time goes: each stage alone.", table(("images", *_STAGES.values()), rows)]


def _node(results: list[tuple[str, Result]]) -> list[str]:
    header = ("file", "images", "Hz sent", "Hz answered", "stamp → head_pose, ms, p50", "p99", "processor, %",
              "memory, MB")  # fmt: skip
    rows = []
    for name, result in results:
        node = result["node"]
        latency = node["latency_ms"] or {"p50": None, "p99": None}
        rows.append([
            name, result["size"], node["sent_hz"], node["answered_hz"], latency["p50"], latency["p99"],
            node["processor_percent"], node["memory_mb"],
        ])  # fmt: skip
    command = "python -m training.benchmark_node --source FILE --json"
    note = "The sender of the images runs on the same machine and takes its share of the processor."
    return ["## The node over DDS", *(_made(n, r, command) for n, r in results), note, table(header, rows)]


def _cold_start(results: list[tuple[str, Result]]) -> list[str]:
    header = ("file", "runs on", "start", "imported, s", "models loaded, s", "first head, s")
    rows = []
    for name, result in results:
        start = result["cold_start"]
        for title in ("first", "again"):
            times = [start[title][step] for step in ("imported_s", "loaded_s", "first_pose_s")]
            rows.append([name, start["backend"], title, *times])
    command = "python -m training.cold_start --source FILE --json"
    note = "Seconds after the start of a process; *first* with an empty engine cache, *again* the median of the others."
    return ["## Cold start", *(_made(n, r, command) for n, r in results), note, table(header, rows)]


def _half_precision(results: list[tuple[str, Result]]) -> list[str]:
    header = ("file", "half precision by", "images", "NME68, full", "half", "NME51, full", "half",
              "largest change of an image")  # fmt: skip
    rows = []
    for name, result in results:
        check = result["half_precision"]
        pairs = [f"{check[kind][key]:.4f}" for key in ("nme68_mean_of_bins", "nme51_mean_of_bins")
                 for kind in ("full", "half")]  # fmt: skip
        largest = f"{check['largest_change_of_an_image']:.4f}"
        rows.append([name, check["backend"], check["n"], *pairs, largest])
    command = "python -m training.check_half_precision FOLDER --json"
    return ["## Half precision, AFLW2000-3D", *(_made(n, r, command) for n, r in results), table(header, rows)]


def _gpu(results: list[tuple[str, Result]]) -> list[str]:
    header = ("file", "runs", "back to back, ms, p50", "p99", "at 30 Hz, ms, p50", "p99")
    lines, rows = [], []
    for name, result in results:
        network = result["network"]
        graph = network["graph"]
        lines.append(
            f"`{name}`: {network['gpu']['name']} ({network['gpu']['sm']}), {network['tensorrt']}: engine built in "
            f"{network['build_s']:.1f} s, {network['engine_mb']:.1f} MB, {graph['memory_mb']:.0f} MB on the GPU; from "
            f"ONNX Runtime at full precision: flow p99 {graph['difference']['flow_p99_px']:.3f} px, matchability "
            f"{graph['difference']['matchability']:.4f}."
        )
        for title, figures in {**network, **result}.items():
            if isinstance(figures, dict) and "paced_30_hz" in figures:
                pairs = [figures[kind][p] for kind in ("back_to_back", "paced_30_hz") for p in ("p50_ms", "p99_ms")]
                rows.append([name, title.replace("_", " "), *(f"{ms:.3f}" for ms in pairs)])
    command = "python -m training.benchmark_tensorrt --source FILE --json"
    return ["## GPU", *(_made(n, r, command) for n, r in results), *lines, table(header, rows)]


def _consistency(results: list[tuple[str, Result]]) -> list[str]:
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
        parts += [
            _made(name, result, f"python -m training.benchmarks.consistency --people {result['people']} --json"),
            f"{result['people']} people, {result['n']} poses, {result['missed']} frames without a head; depth "
            f"{result['depth_rms_percent']:.1f} % rms. Rms errors about x / y / z of the camera, {errors}.",
            table(header, rows),
        ]
    return parts


def _steadiness(results: list[tuple[str, Result]]) -> list[str]:
    figures = {
        "jitter_deg": "jitter of a still head, ° rms",
        "jitter_lateral_mm": "the same, across, mm rms",
        "speech_filtered_percent": "depth in speech, %",
        "blink_filtered_percent": "depth in a blink, %",
        "turned_camera_deg": "yaw in the car when the camera turns by 25°, °",
    }
    parts = ["## Steadiness on rendered people"]
    for name, result in results:
        rows = [[title, result[key]["median"], result[key]["worst"]] for key, title in figures.items()]
        parts += [
            _made(name, result, f"python -m training.benchmarks.steadiness --people {result['people']} --json"),
            table(("filtered pose", f"median of {result['people']} people", "worst"), rows),
        ]
    return parts


def _blinks(results: list[tuple[str, Result]]) -> list[str]:
    columns = ("true", "found", "recall", "precision", "longest_excess_s")
    header = ("shown", "true closures", "found", "recall", "precision", "longest found beyond longest true, s")
    rows = [
        [shown_name, *(figures.get(c) for c in columns)]
        for _, result in results
        for shown_name, figures in result["shown"].items()
    ]
    command = "python -m training.benchmarks.blinks --json"
    return ["## Closures of the eyes", *(_made(n, r, command) for n, r in results), table(header, rows)]


def _made(name: str, result: Result, command: str) -> str:
    """The line that says how a file came to be."""
    source = result["provenance"]
    commit = source["commit"] or "unknown"
    return f"`{command} docs/results/{name}` — commit `{commit[:12]}{'-dirty' if 'dirty' in commit else ''}`, " + (
        f"network `{source['models'].get('correspondence.onnx', 'none')[:12]}`, {source['hardware']['processor']}."
    )


#: Kind of result -> what makes its section of named results, in the order of the page.
SECTIONS: dict[str, Callable[[list[tuple[str, Result]]], list[str]]] = {
    "aflw2000": _aflw2000,
    "aflw2000_reannotated": _reannotated,
    "peers": _peers,
    "aflw": _aflw,
    "aflw_pifa": _aflw_pifa,
    "afw": _afw,
    "biwi": _biwi,
    "pointing04": _pointing04,
    "ibug300w": _ibug300w,
    "synthesis_ai": _synthesis_ai,
    "consistency": _consistency,
    "steadiness": _steadiness,
    "blinks": _blinks,
    "recording": _recording,
    "video": _video,
    "times": _times,
    "node": _node,
    "cold_start": _cold_start,
    "half_precision": _half_precision,
    "gpu": _gpu,
}
