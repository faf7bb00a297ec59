from __future__ import annotations

import csv
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from dense_face_ros.backends.model_file import network_path
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array, PinholeCamera, rotation_from_yaw_pitch_roll
from dense_face_ros.head_state import HeadState, Status
from training import evaluate_peers
from training.benchmarks.conventions import AFLW2000_ZERO_PITCH, aflw2000_angles
from training.benchmarks.metrics import geodesic
from training.evaluate_peers import AnsweringTracker, score
from training.peers import programs
from training.peers.answers import Answer, from_points, parse_line, read_table
from training.photographs.mesh478 import load_surface

TURN = rotation_from_yaw_pitch_roll(np.radians([25.0, -12.0, 8.0]))
#: So far away that there is next to no perspective.
CAMERA = PinholeCamera(20000.0, 20000.0, 159.5, 119.5, 320, 240)


def seen(model: FaceModel, points: Any) -> tuple[Array, Array]:
    """Surface points of the mean face, turned by TURN: pixels, and positions in the camera frame."""
    placed = np.asarray(model.at(points, model.mean), dtype=np.float64) @ TURN.T + (0.0, 0.0, 20.0)
    return CAMERA.project(placed), placed


@pytest.fixture
def folder(tmp_path: Path, shipped_model: FaceModel) -> Path:
    """Two labelled images of the mean face, told apart by their grey."""
    pixels, placed = seen(shipped_model, shipped_model.landmarks)
    pose = np.zeros((1, 7))
    pose[0, :3] = aflw2000_angles(TURN)
    for name, grey in (("a", 50), ("b", 90)):
        label = {"pt3d_68": np.vstack([pixels.T, -1000.0 * (placed[:, 2] - 20.0)]), "Pose_Para": pose}
        savemat(tmp_path / f"{name}.mat", label)
        cv2.imwrite(str(tmp_path / f"{name}.jpg"), np.full((240, 320, 3), grey, np.uint8))
    return tmp_path


def test_rotation_comes_from_68_landmarks_or_the_mesh(shipped_model: FaceModel) -> None:
    pixels, _ = seen(shipped_model, shipped_model.landmarks)
    answer = from_points("a", 1.0, pixels, shipped_model)
    assert answer.rotation is not None and geodesic(answer.rotation, TURN) < 3.0
    flat, placed = seen(shipped_model, load_surface()[0])
    mesh = np.column_stack([flat, 1000.0 * placed[:, 2]])
    answer = from_points("a", 1.0, mesh, shipped_model)
    assert answer.rotation is not None and geodesic(answer.rotation, TURN) < 0.2
    assert answer.landmarks is not None and np.linalg.norm(answer.landmarks - pixels, axis=1)[17:].mean() < 4.0


def test_a_perfect_system_scores_zero_and_a_miss_counts(folder: Path, shipped_model: FaceModel) -> None:
    pixels, _ = seen(shipped_model, shipped_model.landmarks)
    images = [folder / "a.jpg", folder / "b.jpg"]
    answers = [Answer("a", 3.0, pixels, TURN), Answer("b", 5.0, None, None)]
    found = score(AnsweringTracker(answers, images, shipped_model), [3.0, 5.0], folder, shipped_model)
    assert (found["n"], found["found"], found["milliseconds"]) == (2, 1, 4.0)
    assert found["over_found"]["nme68_mean_of_bins"] < 1e-3 and found["over_found"]["pose_geodesic"] < 1e-3
    assert found["nme68_mean_of_bins"] > 5.0
    with pytest.raises(ValueError, match="no answer for b"):
        AnsweringTracker(answers[:1], images, shipped_model)


def write_table(path: Path, rows: list[dict[str, object]]) -> Path:
    columns = ["name", "milliseconds", *(f"{axis}{i}" for i in range(68) for axis in "uv"), "pitch", "yaw", "roll"]
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_table_of_another_system(tmp_path: Path, shipped_model: FaceModel) -> None:
    pixels, _ = seen(shipped_model, shipped_model.landmarks)
    points = {f"{axis}{i}": pixels[i, k] for i in range(68) for k, axis in enumerate("uv")}
    pitch, yaw, roll = np.degrees(aflw2000_angles(TURN))
    rows = [{"name": "a", "milliseconds": 2.5, **points, "pitch": pitch, "yaw": yaw, "roll": roll},
            {"name": "b"}, {"name": "c", **points}]  # fmt: skip
    a, b, c = read_table(write_table(tmp_path / "t.csv", rows), shipped_model)
    assert a.landmarks is not None and np.allclose(a.landmarks, pixels) and a.milliseconds == 2.5
    assert a.rotation is not None and geodesic(a.rotation, TURN) < 1e-6
    assert b.landmarks is None and np.isnan(b.milliseconds)
    assert c.rotation is not None and geodesic(c.rotation, TURN) < 3.0


def test_angles_of_a_table_are_in_the_zero_pose_of_the_model_in_use(
    tmp_path: Path, shipped_model: FaceModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels, _ = seen(shipped_model, shipped_model.landmarks)
    points = {f"{axis}{i}": pixels[i, k] for i in range(68) for k, axis in enumerate("uv")}
    row = {"name": "a", **points, **dict(zip(("pitch", "yaw", "roll"), np.degrees(aflw2000_angles(TURN)), strict=True))}
    monkeypatch.setattr("training.peers.answers.zero_pitch", lambda _: AFLW2000_ZERO_PITCH + 5.0)
    (answer,) = read_table(write_table(tmp_path / "t.csv", [row]), shipped_model)
    assert answer.rotation is not None and geodesic(answer.rotation, TURN) == pytest.approx(5.0, abs=1e-3)


def test_bad_answers_are_named(tmp_path: Path, shipped_model: FaceModel) -> None:
    (tmp_path / "t.csv").write_text("name,u0\na,1\n")
    with pytest.raises(ValueError, match=r"t\.csv' lacks the column v0"):
        read_table(tmp_path / "t.csv", shipped_model)
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00\n")
    with pytest.raises(ValueError, match=r"b\.csv' is no CSV table"):
        read_table(tmp_path / "b.csv", shipped_model)
    bad = write_table(tmp_path / "u.csv", [{"name": "a", "u0": "left"}])
    with pytest.raises(ValueError, match=r"u\.csv', line 2: could not convert"):
        read_table(bad, shipped_model)
    for line in ("hello", '{"name": "a"}', '{"name": "a", "milliseconds": 1, "points": [[1, 2]]}'):
        with pytest.raises(ValueError, match="not the answer of a peer program"):
            parse_line(line, shipped_model)


def test_the_command_names_what_is_wrong_before_it_measures(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate_peers, "ours", lambda *_: pytest.fail("measured before the input was read"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "t.csv").write_text("name,u0\n")
    for arguments, words in (
        ([tmp_path / "nowhere"], "nowhere' does not exist"),
        ([tmp_path / "empty"], "empty' holds no *.mat"),
        ([folder, "--repeats", "0"], "--repeats is 0"),
        ([folder, "--table", "mine"], "--table is 'mine'; it must be NAME=FILE.csv"),
        ([folder, "--table", f"mine={tmp_path / 'none.csv'}"], "none.csv"),
        ([folder, "--table", f"mine={tmp_path / 't.csv'}"], "t.csv' lacks the column v0"),
    ):
        assert evaluate_peers.main([*map(str, arguments)]) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ") and words in error and error.count("\n") == 1


def test_a_network_of_ones_own_is_compared_and_written_down(
    folder: Path, tmp_path: Path, shipped_model: FaceModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = tmp_path / "own.onnx"
    network.write_bytes(network_path(None).read_bytes() + b"another")
    given = []

    class Tracker:
        def __init__(self, **options: Any) -> None:
            given.append(options["network_path"])

        def fit(self, image: Any, box: Any = None, camera: Any = None) -> HeadState:
            return HeadState.without_head(0.0, Status.SEARCHING, "", CAMERA, len(shipped_model.mean), 3)

    monkeypatch.setattr(evaluate_peers, "FaceTracker", Tracker)
    monkeypatch.setattr(evaluate_peers.os, "sched_setaffinity", lambda *_: None)
    arguments = [str(folder), "--network", str(network), "--json", str(tmp_path / "peers.json"), "--repeats", "1"]
    assert evaluate_peers.main(arguments) == 0
    assert given == [network]
    models = json.loads((tmp_path / "peers.json").read_text())["provenance"]["models"]
    assert hashlib.sha256(network.read_bytes()).hexdigest() in models.values()


def test_a_python_too_new_for_a_program_is_told_before_pip_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs.venv, "create", lambda *_, **__: pytest.fail("an environment was made"))
    monkeypatch.setattr(sys, "version_info", (3, 13, 1))
    with pytest.raises(programs.PeerError, match=r"^mediapipe is there for Python < 3\.13, this is 3\.13; run"):
        programs.environment("mediapipe", tmp_path)


def test_a_program_is_run_and_its_failure_is_one_line(
    tmp_path: Path, shipped_model: FaceModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "peer.py"
    answer = json.dumps({"name": "a", "milliseconds": 1.5, "points": None})
    monkeypatch.setitem(programs.PROGRAMS, "made", programs.Program(script, ()))

    def run(text: str) -> list[Answer]:
        script.write_text(text)
        return programs.run("made", Path(sys.executable), [Path("a.jpg")], 1, 1, shipped_model)

    (found,) = run(f"print('chatter')\nprint('''{answer}''')")
    assert found == Answer("a", 1.5, None, None)
    with pytest.raises(programs.PeerError, match="made answered for 0 of 1 images"):
        run("")
    with pytest.raises(programs.PeerError, match="running made failed: ZeroDivisionError: division by zero"):
        run("1 / 0")
