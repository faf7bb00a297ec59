import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from dense_face_ros.backends.model_file import network_path
from dense_face_ros.geometry import FACING_CAMERA
from training.evaluate import BENCHMARKS, main


@pytest.fixture
def folder(tmp_path: Path, state_of) -> Path:
    data = tmp_path / "data"
    data.mkdir()
    state = state_of(FACING_CAMERA)
    points = np.vstack([state.landmarks_2d.T, np.zeros(68)])
    savemat(data / "a.mat", {"pt3d_68": points, "Pose_Para": np.zeros((1, 7))})
    cv2.imwrite(str(data / "a.jpg"), np.full((240, 320, 3), 90, np.uint8))
    return data


def test_json_and_sheet_are_written(folder: Path, tmp_path: Path, state_of, known_tracker, capsys) -> None:
    output, sheet = tmp_path / "result.json", tmp_path / "sheet.png"
    arguments = ["aflw2000", str(folder), "--json", str(output), "--sheet", str(sheet)]
    assert main(arguments, known_tracker([state_of(FACING_CAMERA)])) == 0
    result = json.loads(output.read_text())
    for key in ("n", "failed", "nme68_bins", "nme68_mean_of_bins", "nme51_mean_of_bins", "pose_mae", "pose_geodesic"):
        assert key in result
    assert len(result["provenance"]["models"]["face_model.npz"]) == 64
    assert cv2.imread(str(sheet)) is not None
    assert "nme68_mean_of_bins: 0.000" in capsys.readouterr().out


def test_two_runs_agree_to_the_last_digit(folder: Path, tmp_path: Path, state_of, known_tracker) -> None:
    texts = []
    for name in ("one.json", "two.json"):
        main(["aflw2000", str(folder), "--json", str(tmp_path / name)], known_tracker([state_of(FACING_CAMERA)]))
        texts.append((tmp_path / name).read_text())
    assert texts[0] == texts[1]


def test_bad_input_is_one_line_and_exit_code_2(tmp_path: Path, known_tracker, lost, capsys) -> None:
    assert main(["aflw2000", str(tmp_path)], known_tracker([lost])) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: aflw2000: folder") and error.count("\n") == 1
    assert main(["aflw2000", str(tmp_path), "--limit", "0"], known_tracker([lost])) == 2
    assert "--limit is 0" in capsys.readouterr().err
    nowhere = tmp_path / "nowhere"
    assert main(["aflw2000", str(tmp_path), "--json", str(nowhere / "a.json")], known_tracker([lost])) == 2
    assert f"--json: folder '{nowhere}' does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("benchmark", [*BENCHMARKS, "video"])
def test_what_is_not_a_data_set_is_one_line_for_every_benchmark(
    benchmark: str, tmp_path: Path, known_tracker, lost, capsys
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("neither labels nor a video")
    for name in ("nowhere", "empty", "text"):
        assert main([benchmark, str(tmp_path / name)], known_tracker([lost])) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ") and error.count("\n") == 1 and str(tmp_path / name) in error


def test_the_documentation_knows_every_benchmark() -> None:
    text = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    assert [name for name in (*BENCHMARKS, "video") if f"| `{name}` |" not in text] == []


def test_the_network_that_was_used_is_told(folder: Path, tmp_path: Path, state_of, known_tracker) -> None:
    network = tmp_path / "mine.onnx"
    network.write_bytes(b"a network")
    hashes = []
    for name, options in (("shipped.json", []), ("mine.json", ["--network", str(network)])):
        arguments = ["aflw2000", str(folder), "--json", str(tmp_path / name), *options]
        assert main(arguments, known_tracker([state_of(FACING_CAMERA)])) == 0
        hashes.append(json.loads((tmp_path / name).read_text())["provenance"]["models"])
    used = hashlib.sha256(b"a network").hexdigest()
    assert [name for name, found in hashes[1].items() if found == used] == ["correspondence.onnx"]
    assert used not in hashes[0].values()


def test_a_shipped_network_is_known_by_its_name(folder: Path, tmp_path: Path, state_of, known_tracker) -> None:
    arguments = ["aflw2000", str(folder), "--json", str(tmp_path / "a.json"), "--network", "correspondence_free.onnx"]
    assert main(arguments, known_tracker([state_of(FACING_CAMERA)])) == 0
    used = json.loads((tmp_path / "a.json").read_text())["provenance"]["models"]
    free = network_path(Path("correspondence_free.onnx"))
    assert used["correspondence.onnx"] == hashlib.sha256(free.read_bytes()).hexdigest()


def test_a_network_that_cannot_be_used_is_named(folder: Path, tmp_path: Path, capsys) -> None:
    assert main(["aflw2000", str(folder), "--network", str(tmp_path / "none.onnx")]) == 2
    error = capsys.readouterr().err
    assert "none.onnx" in error and error.count("\n") == 1


def test_pictures_stand_beside_the_json(folder: Path, tmp_path: Path, state_of, known_tracker, capsys) -> None:
    output = tmp_path / "result.json"
    tracker = known_tracker([state_of(FACING_CAMERA)])
    assert main(["aflw2000", str(folder), "--json", str(output), "--pictures"], tracker) == 0
    names = {path.name for path in tmp_path.glob("result_*")}
    assert names == {f"result_{n}" for n in ("ced.svg", "yaw.svg", "pose_yaw.svg", "worst.png", "best.png")}
    assert main(["aflw2000", str(folder), "--pictures"], tracker) == 2
    assert "beside its --json" in capsys.readouterr().err
