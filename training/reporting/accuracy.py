"""The sections on accuracy: benchmarks of photographs, and other systems on the same."""

from __future__ import annotations

from training.evaluate_peers import ACCURACY
from training.published import PAPER_68, PAPER_AFLW, PAPER_PIFA, PAPER_VISIBLE_INNER, PEERS, SAMPLE
from training.reporting.tables import Named, made_by, shown, table
from training.result_files import Result


def aflw2000(results: Named) -> list[str]:
    """AFLW2000-3D: bins of yaw as the paper, beside other systems on the same images."""
    parts = ["## AFLW2000-3D"]
    for name, result in results:
        # Other systems stand beside the first result only.
        n, beside = result["n"], name == results[0][0]
        on_sample = beside and {row["name"] for row in result["images"]} == SAMPLE
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
        if beside:
            rows += [[p.system, "all", None, p.mean, *p.bins, None, None, None] for p in PAPER_68]
        header = (
            "system", "images", "failed", "NME68, mean of bins", "0–30°", "30–60°", "60–90°", "NME51, mean of bins",  # noqa: RUF001
            "pose MAE, °", "geodesic, °",
        )  # fmt: skip
        parts.append(made_by(name, result, "python -m training.evaluate aflw2000 FOLDER --pictures --json"))
        if beside:
            parts.append(
                (f"Rows with {n} images are of the same images. " if on_sample else "")
                + "Rows with *all* are of the whole set, from the paper's Table 1: they tell the order of magnitude."
                + (
                    " Other systems: their own releases; `training.evaluate_peers` repeats two of them, "
                    "in later versions and against the zero pose of today." * on_sample
                )
            )
        parts += [
            table(header, rows),
            "Visible inner points (the paper's Table 2), true box:",
            _visible_inner(result),
        ]
    return parts


def _visible_inner(result: Result) -> str:
    rows: list[list[object]] = [
        ["ours", result["n"], *result["nme_visible_inner_bins"], result["nme_visible_inner_mean"]]
    ]
    rows += [[p.system, "all", *p.bins, p.mean] for p in PAPER_VISIBLE_INNER]
    return table(("system", "images", "0–30°", "30–60°", "60–90°", "over all images"), rows)  # noqa: RUF001


def afw(results: Named) -> list[str]:
    """AFW: landmarks and how often the yaw is within 15 degrees."""
    columns = ("n_points", "nme68", "nme51", "nme51_median", "n_yaw", "yaw_within_15", "yaw_mae", "failed")
    header = (
        "file", "faces with points", "NME68", "NME51", "NME51, median", "faces with yaw", "share within 15°",
        "yaw MAE, °", "failed",
    )  # fmt: skip
    rows = [[name, *(result[c] for c in columns)] for name, result in results]
    command = "python -m training.evaluate afw FOLDER --json"
    return ["## AFW", *(made_by(n, r, command) for n, r in results), table(header, rows)]


def synthesis_ai(results: Named) -> list[str]:
    """Synthesis AI: rendered people with glasses and masks."""
    columns = ("n", "failed", "nme68", "nme51", "pose_mae", "orientation_error", "position_error_mm",
               "depth_error_percent")  # fmt: skip
    header = ("faces", "images", "failed", "NME68", "NME51", "pose MAE, °", "orientation of the points, °",
              "position, mm", "depth, %")  # fmt: skip
    parts = ["## Synthesis AI renders"]
    for name, result in results:
        groups = {"all": result, **result["subsets"]}
        rows = [[group, *(figures[c] for c in columns)] for group, figures in groups.items()]
        parts += [made_by(name, result, "python -m training.evaluate synthesis_ai FOLDER --json"), table(header, rows)]
    return parts


def reannotated(results: Named) -> list[str]:
    """AFLW2000-3D with the re-annotated landmarks."""
    header = ("file", "images", "failed", "NME68, mean of bins", "0–30°", "30–60°", "60–90°", "NME51, mean of bins")  # noqa: RUF001
    rows = [
        [name, r["n"], r["failed"], r["nme68_mean_of_bins"], *r["nme68_bins"], r["nme51_mean_of_bins"]]
        for name, r in results
    ]
    command = "python -m training.evaluate aflw2000_reannotated FOLDER --json"
    return ["## AFLW2000-3D, corrected points", *(made_by(n, r, command) for n, r in results), table(header, rows)]


def aflw(results: Named) -> list[str]:
    """AFLW: 21 visible points."""
    header = ("system", "faces", "failed", "NME21, mean of bins", "0–30°", "30–60°", "60–90°")  # noqa: RUF001
    rows: list[list[object]] = [
        [f"ours, {r['layout']} (`{name}`)", r["n"], r["failed"], r["nme21_mean_of_bins"], *r["nme21_bins"]]
        for name, r in results
    ]
    rows += [[p.system, "all", None, p.mean, *p.bins] for p in PAPER_AFLW]
    command = "python -m training.evaluate aflw FOLDER --json"
    note = "Those of 21 points that can be seen (the paper's Table 3, which is of the layout `3ddfa`)."
    return ["## AFLW", *(made_by(n, r, command) for n, r in results), note, table(header, rows)]


def aflw_pifa(results: Named) -> list[str]:
    """AFLW as PIFA chose its images."""
    rows: list[list[object]] = [[f"ours (`{name}`)", r["n"], r["failed"], r["nme21"]] for name, r in results]
    rows += [[system, "all", None, nme] for system, nme in PAPER_PIFA.items()]
    command = "python -m training.evaluate aflw_pifa FOLDER --json"
    note = "AFLW's own 21 points, those that can be seen (the paper's Table 4)."
    lines = [made_by(n, r, command) for n, r in results]
    return ["## AFLW-PIFA", *lines, note, table(("system", "faces", "failed", "NME21"), rows)]


def pointing04(results: Named) -> list[str]:
    """Pointing'04: angles of the head."""
    header = ("file", "protocol", "images", "failed", "tilt MAE, °", "pan MAE, °", "right tilt", "right pan")
    columns = ("n", "failed", "tilt_mae", "pan_mae", "tilt_right_class", "pan_right_class")
    rows = [
        [name, protocol.replace("_", " "), *(figures[c] for c in columns)]
        for name, result in results
        for protocol, figures in result["protocols"].items()
    ]
    command = "python -m training.evaluate pointing04 FOLDER --json"
    return ["## Pointing'04", *(made_by(n, r, command) for n, r in results), table(header, rows)]


def peers(results: Named) -> list[str]:
    """Other systems run by us on the same images."""
    header = ("system", "images", "found", *(f"{title} (over found)" for title in ACCURACY), "ms per image, median")
    parts = ["## Other systems, on the same images and threads"]
    for name, result in results:
        rows = []
        for system, figures in result["systems"].items():
            found = figures["over_found"]
            pairs = [f"{shown(figures[key])} ({shown(found[key])})" for key in ACCURACY.values()]
            rows.append([system, figures["n"], figures["found"], *pairs, figures["milliseconds"]])
        parts += [
            made_by(name, result, "python -m training.evaluate_peers FOLDER --peers dlib mediapipe --json"),
            "AFLW2000-3D protocol without boxes; a face not found counts as the mean face in the middle of the image. "
            f"{result['threads']} thread(s), detection included. Jaw lines are defined differently.",
            table(header, rows),
        ]
    return parts


def ibug300w(results: Named) -> list[str]:
    """300-W: 68 points marked by hand."""
    columns = ("n", "failed", "interocular68", "interocular51", "failure_rate_percent", "auc_percent")
    header = ("subset", "faces", "failed", "error68, % of the outer eye corners", "error51", "failures over 8 %, %",
              "AUC to 8 %")  # fmt: skip
    parts = ["## 300-W"]
    for name, result in results:
        rows = [[subset, *(figures[c] for c in columns)] for subset, figures in result["subsets"].items()]
        parts += [made_by(name, result, "python -m training.evaluate ibug300w FOLDER --json"), table(header, rows)]
    return parts


def biwi(results: Named) -> list[str]:
    """BIWI: angles of the head from depth."""
    header = ("file", "frames", "found", "pose MAE, ° (over found)", "geodesic, ° (over found)")
    rows = []
    for name, r in results:
        pairs = [f"{shown(r[key])} ({shown(r['over_found'][key])})" for key in ("pose_mae", "pose_geodesic")]
        rows.append([name, r["n"], r["n"] - r["failed"], *pairs])
    command = "python -m training.evaluate biwi FOLDER --json"
    return ["## BIWI", *(made_by(n, r, command) for n, r in results), table(header, rows)]
