"""The sections on time and memory: the tracker, the node, the start, the GPU."""

from __future__ import annotations

from training.published import PAPER_TIMES, PEERS
from training.reporting.tables import Named, made_by, shown, table

_STAGES = {
    "crop": "crop", "network": "network", "correspondences": "correspondences", "alignment_warm": "alignment, warm",
    "alignment_cold": "cold", "outline": "the outline, in both", "visibility": "visibility", "eyelids": "eyelids",
    "finder": "finder", "markers": "markers",
}  # fmt: skip


def times(results: Named) -> list[str]:
    """How long each stage of a frame takes."""
    header = ("system", "threads", "network", "a frame, given a track", "with detection")
    rows: list[list[object]] = []
    for name, result in results:
        for size, figures in result["sizes"].items():
            row = [figures[stage]["median"] for stage in ("network", "tracker_update", "tracker_search")]
            rows.append([f"ours, {size} (`{name}`)", result["threads"], *row])
    rows += [[p.system, 1, p.network, p.tracked, p.searched] for p in PEERS]
    rows.append(["Yu et al. (the paper), Titan X", None, *PAPER_TIMES, None])
    command = "python -m training.benchmark --source FILE --threads {threads} --json"
    note = "Medians in milliseconds. Other systems: measured on another 2-core CPU; compare with care."
    parts = ["## Times", *(made_by(n, r, command.format(**r)) for n, r in results), note, table(header, rows)]
    stages = {
        f"{size} (`{name}`)": [shown(figures.get(stage, {}).get("median")) for stage in _STAGES]
        for name, result in results
        for size, figures in result["sizes"].items()
    }
    rows = [[title, *values] for title, values in stages.items()]
    return [*parts, "Where the time goes: each stage alone.", table(("images", *_STAGES.values()), rows)]


def node(results: Named) -> list[str]:
    """Latency and load of the node."""
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
    command = "python -m training.benchmark_node --source FILE --size {size} --rate {rate:g} --json"
    note = "The sender of the images runs on the same machine and takes its share of the processor."
    lines = [made_by(n, r, command.format(**r)) for n, r in results]
    return ["## The node over DDS", *lines, note, table(header, rows)]


def cold_start(results: Named) -> list[str]:
    """From the start to the first state."""
    header = ("file", "runs on", "start", "imported, s", "models loaded, s", "first head, s")
    rows = []
    for name, result in results:
        start = result["cold_start"]
        for title in ("first", "again"):
            times = [start[title][step] for step in ("imported_s", "loaded_s", "first_pose_s")]
            rows.append([name, start["backend"], title, *times])
    command = "python -m training.cold_start --source FILE --json"
    note = "Seconds after the start of a process; *first* with an empty engine cache, *again* the median of the others."
    return ["## Cold start", *(made_by(n, r, command) for n, r in results), note, table(header, rows)]


def precision(results: Named) -> list[str]:
    """Halves and bytes against full precision."""
    header = ("file", "precision", "by", "images", "NME68, full", "NME68", "NME51, full", "NME51",
              "largest change of an image")  # fmt: skip
    rows = []
    for name, result in results:
        check = result["precision"]
        for kind, other in check["others"].items():
            pairs = [f"{figures[key]:.4f}" for key in ("nme68_mean_of_bins", "nme51_mean_of_bins")
                     for figures in (check["full"], other)]  # fmt: skip
            largest = f"{other['largest_change_of_an_image']:.4f}"
            rows.append([name, kind, other["backend"], check["n"], *pairs, largest])
    command = "python -m training.check_precision FOLDER --json"
    return ["## Less precision, AFLW2000-3D", *(made_by(n, r, command) for n, r in results), table(header, rows)]


def gpu(results: Named) -> list[str]:
    """The network on a GPU."""
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
                title = ", ".join(filter(None, (title.replace("_", " "), figures.get("file"))))
                rows.append([name, title, *(f"{ms:.3f}" for ms in pairs)])
    command = "python -m training.benchmark_tensorrt --source FILE --json"
    return ["## GPU", *(made_by(n, r, command) for n, r in results), *lines, table(header, rows)]
