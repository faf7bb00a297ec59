from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dense_face_ros.evaluation.provenance import model_hashes
from training.benchmarks import aflw2000_reannotated, biwi, ibug300w, metrics, pointing04
from training.published import PAPER_68, PAPER_AFLW, SAMPLE
from training.report import main
from training.reporting.tables import made_by

SOURCE = {"commit": "0123456789abcdef-dirty", "models": {"correspondence.onnx": "f" * 64},
          "hardware": {"processor": "a processor"}}  # fmt: skip


def aflw2000(names: list[str]) -> dict[str, Any]:
    figures = {"failed": 1, "nme68_bins": [1.0, 2.0, None], "nme68_mean_of_bins": 1.5, "nme51_mean_of_bins": 1.25,
               "pose_mae": 3.125, "pose_geodesic": 5.0}  # fmt: skip
    return {
        "benchmark": "aflw2000", "n": len(names), "protocols": {"true_box": figures},
        "images": [{"name": name} for name in names], "nme_visible_inner_bins": [1.0, 1.0, None],
        "nme_visible_inner_mean": 1.0, "provenance": SOURCE,
    }  # fmt: skip


def written(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    output = folder / "results.md"
    assert main([str(folder), "--output", str(output)]) == 0, capsys.readouterr().err
    return output.read_text()


def spread(whole: int) -> dict[str, float]:
    """What ``metrics.usual_and_worst`` writes; no two numbers of different wholes are the same."""
    return {"median": whole + 0.25, "p90": whole + 0.5, "worst": whole + 0.75}


def test_ours_stand_beside_the_paper_and_unknown_stays_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "aflw2000.json").write_text(json.dumps(aflw2000(["image1", "image2"])))
    text = written(tmp_path, capsys)
    assert "| ours, true box | 2 | 1 | 1.50 | 1.00 | 2.00 |  | 1.25 | 3.12 | 5.00 |" in text
    assert "| Yu et al. (the paper) | all |  | 6.41 | 3.62 | 6.06 | 9.56 |" in text
    assert "commit `0123456789ab-dirty`" in text and "--json docs/results/aflw2000.json" in text
    assert "OpenSeeFace" not in text, "peers were measured on other images"
    assert text == written(tmp_path, capsys)


def test_peers_stand_beside_the_same_images_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "aflw2000.json").write_text(json.dumps(aflw2000(sorted(SAMPLE))))
    assert "| 3DDFA_V2, half width | 16 |  | 3.72 |" in written(tmp_path, capsys)


def test_the_network_is_named_where_it_is_another_shipped_one() -> None:
    def line(**models: str) -> str:
        names = {name.replace("_onnx", ".onnx"): digest for name, digest in models.items()}
        return made_by("x.json", {"provenance": {**SOURCE, "models": names}}, "command --json")

    earlier = "network `aaaa` (an earlier one), a"
    assert earlier in line(correspondence_onnx="aaaa", correspondence_int8_onnx="bbbb")
    assert earlier in line(correspondence_onnx="aaaa", correspondence_int8_onnx="aaaa"), "none in bytes"
    free = line(correspondence_onnx="cccc", correspondence_int8_onnx="dddd", correspondence_free_onnx="cccc")
    assert "`command --network correspondence_free.onnx --json docs/results/x.json` " in free
    assert "network `cccc` (an earlier one), a" in free
    shipped = model_hashes()["correspondence.onnx"]
    assert f"network `{shipped[:12]}`, a" in line(correspondence_onnx=shipped)


def test_gpus_cold_starts_and_precision(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nme = {"nme68_mean_of_bins": 4.0, "nme51_mean_of_bins": 3.0}
    half = {**nme, "nme68_mean_of_bins": 4.0012, "backend": "a GPU", "largest_change_of_an_image": 0.03}
    precision = {"n": 16, "full": nme, "others": {"half": half, "bytes": {**half, "backend": "a CPU"}}}
    steps = {"imported_s": 1.0, "loaded_s": 1.5, "first_pose_s": 1.75}
    start = {"backend": "a CPU", "runs": 6, "first": {**steps, "first_pose_s": 9.0}, "again": steps}
    times = {"p50_ms": 0.1, "p99_ms": 0.1234}
    timed = {"back_to_back": times, "paced_30_hz": times}
    difference = {"flow_p99_px": 0.1, "matchability": 0.01}
    network = {
        "gpu": {"name": "a GPU", "sm": "sm_87"}, "tensorrt": "tensorrt 10.3.0", "build_s": 30.0, "engine_mb": 3.0,
        "graph": {**timed, "memory_mb": 20.0, "difference": difference},
        "onnxruntime_1": {**timed, "file": "net_int8.onnx"},
    }  # fmt: skip
    gpu = {"network": network, "tracker_warm": {**timed, "first_pose_s": 1.0, "backend": "a GPU"}}
    for name, result in {"less": {"precision": precision}, "start": {"cold_start": start}, "gpu": gpu}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({**result, "provenance": SOURCE}))
    text = written(tmp_path, capsys)
    assert "| less.json | half | a GPU | 16 | 4.0000 | 4.0012 | 3.0000 | 3.0000 | 0.0300 |" in text
    assert "| less.json | bytes | a CPU | 16 | 4.0000 | 4.0012 |" in text
    assert "| start.json | a CPU | first | 1.00 | 1.50 | 9.00 |" in text
    assert "| start.json | a CPU | again | 1.00 | 1.50 | 1.75 |" in text
    assert "`gpu.json`: a GPU (sm_87), tensorrt 10.3.0: engine built in 30.0 s, 3.0 MB, 20 MB on the GPU" in text
    for row in ("graph", "onnxruntime 1, net_int8.onnx", "tracker warm"):
        assert f"| gpu.json | {row} | 0.100 | 0.123 | 0.100 | 0.123 |" in text


def test_times_nodes_and_recordings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stages = {stage: {"median": 2.0} for stage in ("network", "tracker_update", "tracker_search")}
    times = {"threads": 1, "sizes": {"640x480": stages}, "provenance": SOURCE}
    spread = {"p50": 0.1, "p90": 0.2, "mean": 0.15}
    drive = {
        "frames": 300, "share": {"tracking": 1.0}, "jitter": {"rotation_deg": spread}, "times_real_time": 3.0,
        "milliseconds": spread, "truth": dict.fromkeys(("rotation_deg", "position_mm", "depth_percent"), spread),
    }  # fmt: skip
    node = {
        "images": 9, "sent_hz": 30.0, "answered_hz": 29.0, "latency_ms": {"p50": 8.0, "p99": 12.0},
        "processor_percent": 30.0, "memory_mb": 200.0,
    }  # fmt: skip
    (tmp_path / "node.json").write_text(
        json.dumps({"node": node, "size": "640x480", "rate": 30.0, "provenance": SOURCE})
    )
    (tmp_path / "times.json").write_text(json.dumps(times))
    (tmp_path / "mirrors.json").write_text(json.dumps(drive))
    text = written(tmp_path, capsys)
    assert (
        "`python -m training.benchmark_node --source FILE --size 640x480 --rate 30 --json docs/results/node.json`"
        in text
    )
    assert "benchmark --source FILE --threads 1 --json" in text
    assert "| ours, 640x480 (`times.json`) | 1 | 2.00 | 2.00 | 2.00 |" in text
    assert "| 640x480 (`times.json`) |  | 2.00 |  |" in text, "stages that were not timed stay empty"
    assert "| node.json | 640x480 | 30.00 | 29.00 | 8.00 | 12.00 | 30.00 | 200.00 |" in text
    assert "| mirrors.json | 300 | 1.00 | 0.15 | 0.20 | 0.15 | 0.15 | 0.10 | 0.10 |" in text


def test_rendered_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    part = {"nees": 1.25, "inside90": 0.875}
    pose = {**dict.fromkeys(("all", "translation", "rotation", "depth"), part), "rms_mm": [1.0, 2.0, 30.0],
            "rms_deg": [1.5, 2.5, 3.5]}  # fmt: skip
    consistency = {"benchmark": "consistency", "people": 24, "scale": 0.25, "n": 99, "missed": 1,
                   "depth_rms_percent": 3.9, "raw": pose, "filtered": {**pose, "all": {**part, "nees": 0.5}},
                   "filtered_split": {"constant": {"deg": [0.5, 1.75, 1.0], "depth_percent": 4.0},
                                      "about_it": {"deg": [0.6, 0.7, 0.8], "depth_percent": 1.0},
                                      "people": [[1, 2, 3, 4], [9, 9, 9, 9], [2, 1, 5, 2], [4, 3, 0, 1]]}}  # fmt: skip
    elsewhere = [[2, 1, 3, 4], [None] * 4, [4, 2, 5, 2], [8, 0, 0, 1]]
    other = {**consistency, "filtered_split": {**consistency["filtered_split"], "people": elsewhere}}
    keys = ("jitter_deg", "jitter_lateral_mm", "speech_filtered_percent", "blink_filtered_percent", "learned_percent",
            "turned_camera_deg")  # fmt: skip
    steady = {"benchmark": "steadiness", "people": 8, "people_missed": [3],
              "speech_raw_percent": spread(90), "blink_raw_percent": spread(91),
              **{key: spread(i) for i, key in enumerate(keys)}}  # fmt: skip
    lights = [{"name": "all", "frames": 9, "tracked": 1.0, "raw": {**pose, "sigma_deg": [1.0, 2.0, 3.0]}},
              {"name": "none", "frames": 9, "tracked": 0.0, "raw": None}]  # fmt: skip
    light = {"benchmark": "light", "people": 3, "lights": lights}
    row = {"from": 10, "to": 20, "n": 7, "yaw": 3.125, "yaw_spread": 2.0, "pitch": 5.0, "roll": 0.5, "nme68": 2.5}
    labels = {"benchmark": "label_error", "people": 3, "views": 18, "not_labelled": 0, "bins": [row]}
    for result in (consistency, steady, light, labels):
        (tmp_path / f"{result['benchmark']}.json").write_text(json.dumps({**result, "provenance": SOURCE}))
    (tmp_path / "other.json").write_text(json.dumps({**other, "provenance": SOURCE}))
    text = written(tmp_path, capsys)
    assert "| raw | depth | 1.25 | 0.88 |" in text and "| filtered | all | 0.50 | 0.88 |" in text
    assert "consistency --people 24 --scale 0.25 --json" in text
    assert "24 people, 99 poses, 1 frames without a head; depth 3.9 % rms" in text
    assert "raw mm: 1.0 / 2.0 / 30.0" in text
    assert "| filtered pose of 8 people, 1 of them lost |" in text
    assert "all the time: 0.5 / 1.8 / 1.0°, depth 4.0 %; about that: 0.6 / 0.7 / 0.8°, depth 1.0 %" in text
    assert "in consistency.json and other.json: correlation 1.00 / -1.00 / 1.00 about x / y / z, 1.00 in depth" in text
    assert (
        "| jitter of a still head, ° rms | 0.25 | 0.50 | 0.75 |\n"
        "| the same, across, mm rms | 1.25 | 1.50 | 1.75 |\n"
        "| depth in speech, % | 2.25 | 2.50 | 2.75 |\n"
        "| depth in a blink, % | 3.25 | 3.50 | 3.75 |\n"
        "| depth from the first second to the fourth, as the head's size is learned, % | 4.25 | 4.50 | 4.75 |\n"
        "| yaw in the car when the camera turns by 25°, ° | 5.25 | 5.50 | 5.75 |"
    ) in text
    assert "| all | 9 | 100.00 | 1.5 / 2.5 / 3.5 | 1.0 / 2.0 / 3.0 | 1.25 |" in text
    assert "| none | 9 | 0.00 |  |  |  |" in text
    assert "| label_error.json | 10-20 | 7 | 3.12 | 2.00 | 5.00 | 0.50 | 2.50 |" in text


def test_ablation_says_what_was_not_trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    errors = {kind: {"mean_mm": 4.0 + i, "median_mm": 3.0, "overlap": 0.875}
              for i, kind in enumerate(("all", "as_they_are", "turned", "renderings"))}  # fmt: skip
    cost = {"parameters": 1_360_000, "multiply_adds": 112_000_000, "milliseconds": {"median": 2.5}}
    variants = [
        {"title": "as it is", "training": {"images": 64, "seconds": 12.4, "errors": errors}, **cost},
        {"title": "the paper's", "training": None, **cost},
    ]
    ablation = {"benchmark": "ablation", "images": 70, "samples": 128, "seed": 1, "batch_size": 32,
                "variants": variants, "provenance": SOURCE}  # fmt: skip
    (tmp_path / "ablation.json").write_text(json.dumps(ablation))
    text = written(tmp_path, capsys)
    assert "| as it is | 4.00 | 3.00 | 5.00 | 6.00 | 7.00 | 0.88 | 64 | 12 | 112.00 | 1.36 | 2.50 |" in text
    assert "| the paper's | not trained yet |  |  |  |  |  |  |  | 112.00 | 1.36 | 2.50 |" in text
    assert "with seed 1 but where it says another, and sees 70 images" in text
    assert "commit `0123456789ab-dirty`, a processor." in text


def test_closures_of_drives_and_videos_stand_in_one_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video = {"true": 4, "found": 2, "recall": 0.5, "precision": 1.0, "missed": [9, 30], "false": []}
    shown = {
        "drowsy": {
            **video,
            "precision": None,
            "longest_excess_s": 0.25,
            "openness_error": 0.08,
            "openness_error_true_pose": 0.06,
        },
        "face.mp4": video,
    }
    result = {"benchmark": "blinks", "limit": None, "shown": shown, "provenance": SOURCE}
    (tmp_path / "blinks.json").write_text(json.dumps(result))
    text = written(tmp_path, capsys)
    assert "benchmarks.blinks drowsy --video face.mp4 --closures FILE --json docs/results/blinks.json" in text
    assert "| drowsy | 4 | 2 | 0.50 |  | 0.25 | 0.08 | 0.06 |" in text
    assert "| face.mp4 | 4 | 2 | 0.50 | 1.00 |  |" in text


def test_drives_show_the_alarms_of_the_script_beside_those_that_were_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sleep = {"frames": 300, "answers": 299, "alarms": [["microsleep", 3.5]], "objections": [],
             "told": [["attentive", 0.1], ["microsleep", 3.6], ["attentive", 6.9]]}  # fmt: skip
    mirrors = {**sleep, "alarms": [], "objections": ["microsleep at 3.60 s is not in the script"]}
    result = {"benchmark": "node_drives", "rate": 10.0, "shown": {"sleep": sleep, "mirrors": mirrors}}
    (tmp_path / "node_drives.json").write_text(json.dumps({**result, "provenance": SOURCE}))
    text = written(tmp_path, capsys)
    assert "`python -m demo.drive sleep mirrors --rate 10 --json docs/results/node_drives.json`" in text
    assert "| sleep | 300 | 299 | microsleep 3.50 | microsleep 3.60 | yes |" in text
    assert "| mirrors | 300 | 299 | none | microsleep 3.60 | no |" in text


def test_passers_by_are_told_with_how_long_they_stayed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = ("hidden_s", "hidden_wrong_s", "late_s", "lost_s")
    result = {"benchmark": "passing", "pairs": 8, "back": 7, **{key: spread(i) for i, key in enumerate(keys)},
              "provenance": SOURCE}  # fmt: skip
    (tmp_path / "passing.json").write_text(json.dumps({**result, "stay": 0.0}))
    (tmp_path / "passing_stay.json").write_text(json.dumps({**result, "stay": 8.0}))
    text = written(tmp_path, capsys)
    assert "passing --pairs 8 --json docs/results/passing.json" in text
    assert "passing --pairs 8 --stay 8 --json docs/results/passing_stay.json" in text
    assert (
        "| in the end the driver is told in 7 of 8 | median | p90 | worst |\n|---|---|---|---|\n"
        "| the driver's face is covered, s | 0.25 | 0.50 | 0.75 |\n"
        "| meanwhile another head is told, s | 1.25 | 1.50 | 1.75 |\n"
        "| another head is told while the driver is in view again, s | 2.25 | 2.50 | 2.75 |\n"
        "| no head is told, s | 3.25 | 3.50 | 3.75 |"
    ) in text


def test_faces_found_are_told_by_bins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = {"n": 8, "proposed": 0.75, "tracked": 0.875, "elsewhere": 0.0, "rotation_deg": None}
    bins = {key: [{"from": 0, "to": 15, **figures}] for key in ("height_percent", "yaw_deg", "roll_deg")}
    result = {"benchmark": "finding", "people": 2, "all": figures, **bins, "provenance": SOURCE,
              "faceless": {"val": {"pictures": 70, "heads": 1}}}  # fmt: skip
    (tmp_path / "finding.json").write_text(json.dumps(result))
    text = written(tmp_path, capsys)
    assert "| all | 8 | 75.00 | 87.50 | 0.00 |  |" in text
    assert "| roll, °: 0-15 | 8 | 75.00 |" in text
    assert "in which a head is told: 1 of 70 (val)." in text


def test_the_means_of_the_paper_are_those_of_its_bins() -> None:
    for system in PAPER_68 + PAPER_AFLW:
        assert system.mean == pytest.approx(sum(system.bins) / 3, abs=0.005)


def test_what_is_no_result_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contents = {"a": "no json", "b": "{}", "c": '{"benchmark": "aflw2000", "n": 1}', "d": "[]", "e": '{"sizes": [1]}'}
    wanted = [
        "holds no results", "a.json' is no JSON", "b.json' is no result", "c.json: not as this version",
        "d.json' is no result: it holds no JSON object", "e.json: not as this version writes times results",
    ]  # fmt: skip
    for i, words in enumerate(wanted):
        for old in tmp_path.glob("*.json"):
            old.unlink()
        if i:
            name = list(contents)[i - 1]
            (tmp_path / f"{name}.json").write_text(contents[name])
        assert main([str(tmp_path), "--output", str(tmp_path / "x.md")]) == 2
        error = capsys.readouterr().err
        assert words in error and error.count("\n") == 1


def test_the_other_benchmarks_are_shown_as_they_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    posed = {"failed": False, "true_pitch_yaw_roll": [0.0, 0.0, 0.0], "pitch_yaw_roll": [1.0, 2.0, 3.0],
             "pose_error": [1.0, 2.0, 3.0], "geodesic": 4.0}  # fmt: skip
    pointed = {"failed": False, "true_yaw": 40.0, "interocular68": 4.0, "interocular51": 3.0, "nme68": 2.0,
               "nme51": 1.5}  # fmt: skip
    seen = {"failed": True, "nme21": 6.5}
    turned = {"failed": False, "tilt_error": 3.0, "pan_error": None, "tilt_class": True, "pan_class": None}
    results: dict[str, dict[str, Any]] = {
        "biwi": {**biwi.summary([posed]), "over_found": biwi.summary([posed])},
        "ibug300w": {"subsets": {"challenging": ibug300w.summary([pointed])}},
        "aflw2000_reannotated": aflw2000_reannotated.summary([pointed]),
        "aflw": {"layout": "3ddfa", "n": 1, **metrics.over_yaw([seen], [70.0], ["nme21"])},
        "aflw_pifa": {"n": 1, "failed": 0, "nme21": 5.5},
        "pointing04": {"protocols": {"labelled_box": pointing04.summary([turned])}},
    }
    for name, result in results.items():
        content = {"benchmark": name, **result, "provenance": SOURCE}
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    text = written(tmp_path, capsys)
    assert "| biwi.json | 1 | 1 | 2.00 (2.00) | 4.00 (4.00) |" in text
    assert "| challenging | 1 | 0 | 4.00 | 3.00 | 0.00 | 50.00 |" in text
    assert "| ours, 3ddfa (`aflw.json`) | 1 | 1 | 6.50 |  |  | 6.50 |" in text
    assert "| Yu et al. (the paper) | all |  | 6.79 | 5.94 | 6.48 | 7.96 |" in text
    assert "| ours (`aflw_pifa.json`) | 1 | 0 | 5.50 |" in text and "| Jourabloo et al. | all |  | 4.72 |" in text
    assert "| pointing04.json | labelled box | 1 | 0 | 3.00 |  | 1.00 |  |" in text
    assert "| aflw2000_reannotated.json | 1 | 0 | 2.00 |  | 2.00 |  | 1.50 |" in text


def test_every_figure_of_photographs_and_renders_stands_in_its_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    afw = {"n": 20, "failed": 1, "n_points": 2, "nme68": 3.25, "nme51": 4.25, "nme51_median": 5.25, "n_yaw": 6,
           "yaw_within_15": 0.75, "yaw_mae": 8.25}  # fmt: skip
    faces = {"n": 20, "failed": 1, "nme68": 2.25, "nme51": 3.25, "yaw_mae": 90.25, "pitch_mae": 91.25,
             "roll_mae": 92.25, "pose_mae": 4.25, "pose_geodesic": 93.25, "orientation_error": 5.25,
             "position_error_mm": 6.25, "depth_bias_percent": 94.25, "depth_error_percent": 7.25}  # fmt: skip
    masks = {key: 100 + value for key, value in faces.items()}
    accuracy = {"nme68_mean_of_bins": 1.25, "nme51_mean_of_bins": 2.25, "pose_mae": 3.25, "pose_geodesic": 4.25}
    other = {**accuracy, "n": 20, "found": 19, "milliseconds": 9.5,
             "over_found": {key: value + 0.5 for key, value in accuracy.items()}}  # fmt: skip
    labelled = {"n": 20, "failed": 1, "error_mean": 2.25, "error_median": 3.25, "overlap": 0.25,
                "bias": [4.25, 5.25, 6.25], "within90": [7.5, 8.5, 9.5], "turned": 10, "outward": 11.25}  # fmt: skip
    nothing = {**labelled, "failed": 20, "bias": None, "within90": None, "turned": 0, "outward": None}
    results: dict[str, dict[str, Any]] = {
        "afw": afw,
        "synthesis_ai": {**faces, "subsets": {"masks": masks}},
        "peers": {"threads": 1, "systems": {"other": other}},
        "validation": {"kinds": {"portraits": labelled, "renderings": nothing}},
    }
    for name, result in results.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"benchmark": name, **result, "provenance": SOURCE}))
    text = written(tmp_path, capsys)
    assert "| afw.json | 2 | 3.25 | 4.25 | 5.25 | 6 | 0.75 | 8.25 | 1 |" in text
    assert "| all | 20 | 1 | 2.25 | 3.25 | 4.25 | 5.25 | 6.25 | 7.25 |" in text
    assert "| masks | 120 | 101 | 102.25 | 103.25 | 104.25 | 105.25 | 106.25 | 107.25 |" in text
    assert "| other | 20 | 19 | 1.25 (1.75) | 2.25 (2.75) | 3.25 (3.75) | 4.25 (4.75) | 9.50 |" in text
    row = "| 2.25 | 3.25 | 0.25 | 4.25 | 5.25 | 6.25 | 7.5 / 8.5 / 9.5 | 11.25 |"
    assert f"| validation.json | portraits | 20 | 1 {row}" in text
    assert "| validation.json | renderings | 20 | 20 | 2.25 | 3.25 | 0.25 |  |  |  |  |  |" in text


def test_videos_tell_the_jitter_that_is_left_and_as_it_was_fitted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw, smooth = (
        {"rotation_deg": {"median": whole + 0.25, "p90": 90.25}, "position_mm": {"median": whole + 1.25, "p90": 91.25}}
        for whole in (5, 3)
    )
    video = {"benchmark": "video", "file": "face.mp4", "n": 100, "share": {"tracking": 0.75, "lost": 0.25},
             "losses": [{"frame": 8}, {"frame": 20}], "jitter_raw": raw, "jitter_filtered": smooth,
             "milliseconds": {"median": 7.25, "p90": 8.25, "p99": 9.25}, "provenance": SOURCE}  # fmt: skip
    unknown = {"file": "short.mp4", "jitter_raw": {**raw, "position_mm": None}}
    (tmp_path / "face.json").write_text(json.dumps(video))
    (tmp_path / "short.json").write_text(json.dumps({**video, **unknown}))
    text = written(tmp_path, capsys)
    assert "| face.mp4 | 100 | 0.75 | 2 | 3.25 (5.25) | 4.25 (6.25) | 7.25 | 9.25 |" in text
    assert "| short.mp4 | 100 | 0.75 | 2 | 3.25 (5.25) | 4.25 (unknown) | 7.25 | 9.25 |" in text


def test_covers_stand_with_their_colours_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = {"refused": 0.25, "recall": 0.5, "recall_bare": 0.125, "false_hides": 0.025, "moved": 1.25, "moved_p90": 2.5}
    grey = {"n": 8, **keys}
    colours = {"grey": grey, "dark": {**grey, "recall": 0.75}, "green": {**grey, "moved": 3.5},
               "skin": {"n": 8, **dict.fromkeys(keys), "refused": 1.0}}  # fmt: skip
    told = {"n": 9, "refused": 1, "covers": {"band": colours, "eye": {**colours, "dark": grey}}}
    worn = {"mask": {"n": 6, "refused": 2, "mouth_visible": 0.75}, "bare": {"n": 5, "refused": 0, "mouth_visible": 1.0}}
    result = {"benchmark": "occlusion", "people": {"aflw2000_sample": told}, "worn_masks": worn, "provenance": SOURCE}
    (tmp_path / "occlusion.json").write_text(json.dumps(result))
    text = written(tmp_path, capsys)
    assert "`python -m training.benchmarks.occlusion DATA --json docs/results/occlusion.json`" in text
    heads = "| AFLW2000-3D, 8 of 9 |"
    rest = "25 / 25 / 25 / 100 | 50 / {} / 50 / – | 12 / 12 / 12 / – | 2.5 / 2.5 / 2.5 / – |"  # noqa: RUF001
    moved = "1.2 / 1.2 / 3.5 / – | 2.5 / 2.5 / 2.5 / – |"  # noqa: RUF001
    assert f"{heads} a band over the lower face | {rest.format(75)} {moved}" in text
    assert f"{heads} a box over an eye | {rest.format(50)} {moved}" in text
    assert "| occlusion.json | a mask | 6 | 2 | 0.75 |" in text
    assert "| occlusion.json | nothing before the mouth | 5 | 0 | 1.00 |" in text


def test_limits_stand_with_the_heads_they_tell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"max_new_vagueness": 0.05, "found": 7, "false": 2, "photographs_with_false": 1}
    rows = [row, {**row, "max_new_vagueness": None, "found": 8}]
    result = {
        "benchmark": "new_heads",
        "people": 2,
        "faces": 8,
        "views": 3,
        "photographs": 10,
        "shipped": 0.05,
        "rows": rows,
    }
    (tmp_path / "new_heads.json").write_text(json.dumps({**result, "provenance": SOURCE}))
    text = written(tmp_path, capsys)
    assert "training.new_heads DATA --people 2 --views 3 --json docs/results/new_heads.json" in text
    assert "| new_heads.json | 0.0500 | 7 | 2 | 1 |" in text and "| new_heads.json | none | 8 | 2 | 1 |" in text
