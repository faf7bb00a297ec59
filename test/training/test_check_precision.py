from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from dense_face_ros.backends.model_file import network_path
from dense_face_ros.template import Template
from training import check_precision
from training.check_precision import compare, evaluate, main
from training.rendering.settings import Settings
from training.rendering.synthetic import SyntheticHeads

SETTINGS = Settings(looks=1, yaw_limit=20.0, pitch_limit=10.0, occluder=0.0, glasses=0.0)


def figures(nme68: float, nme51: float, failed: bool = False) -> dict[str, object]:
    images = [{"name": "image1", "failed": failed, "nme68": nme68}, {"name": "image2", "failed": False, "nme68": 3.0}]
    told = {"failed": int(failed), "nme68_mean_of_bins": nme68, "nme51_mean_of_bins": nme51}
    return {**told, "images": images, "backend": "a network"}


@pytest.mark.parametrize(
    ("other", "allowed"),
    [
        (figures(4.019, 3.0), True),
        (figures(3.5, 3.0), True),
        (figures(4.03, 3.0), False),
        (figures(4.0, 3.03), False),
        (figures(4.0, 3.0, failed=True), False),
    ],
)
def test_means_may_get_worse_by_the_tolerance_and_no_image_may_fail(other, allowed):
    result = compare(figures(4.0, 3.0), other, 0.02)
    assert result["allowed"] is allowed
    assert result["largest_change_of_an_image"] == pytest.approx(abs(other["images"][0]["nme68"] - 4.0))
    assert result["failed_now"] == (["image1"] if other["images"][0]["failed"] else [])


def test_the_shipped_files_are_compared_on_a_folder_of_heads(shipped_model, tmp_path: Path, capsys):
    folder = tmp_path / "heads"
    folder.mkdir()
    heads = SyntheticHeads(Template(shipped_model), SETTINGS)
    for seed in range(2):
        head = heads.render(np.random.default_rng(seed))
        marks = shipped_model.at(shipped_model.landmarks, np.column_stack([head.pixels, head.depth]))
        savemat(folder / f"image{seed}.mat", {"pt3d_68": marks.T, "Pose_Para": np.zeros((1, 7))})
        cv2.imwrite(str(folder / f"image{seed}.jpg"), head.image[:, :, ::-1])
    code = main([str(folder), "--json", str(tmp_path / "less.json")])
    result = json.loads((tmp_path / "less.json").read_text())["precision"]
    said = capsys.readouterr().out
    assert "2 images, 0 failed at full precision" in said and said.count("  failed: 0") == 2
    assert set(result["others"]) == {"half", "bytes"} and result["n"] == 2
    assert code == (0 if all(other["allowed"] for other in result["others"].values()) else 1)
    for kind, other in result["others"].items():
        full, less = result["full"]["nme68_mean_of_bins"], other["nme68_mean_of_bins"]
        assert full != less and other["backend"].startswith("ONNX Runtime")
        assert f"nme68_mean_of_bins: full {full:.4f}, {kind} {less:.4f} %" in said
    assert ("TOO MUCH LOST" in said) is (code == 1)


def test_a_network_that_finds_no_head_is_not_said_to_lose_nothing(monkeypatch, tmp_path: Path, capsys):
    lost = [{"name": "image1", "failed": True, "nme68": 30.0}]
    told = {"failed": 1, "nme68_mean_of_bins": 30.0, "nme51_mean_of_bins": 30.0, "images": lost, "backend": "a network"}
    monkeypatch.setattr(check_precision, "evaluate", lambda *_: told)
    assert main([str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "correspondence.onnx' finds no head in any of the 1 images of" in error and "train it longer" in error


def test_errors_name_the_file_that_was_given(tmp_path: Path):
    damaged = tmp_path / "own.onnx"
    damaged.write_bytes(b"no network")
    with pytest.raises(ValueError, match=r"own\.onnx'") as raised:
        evaluate(tmp_path, damaged, "onnxruntime-cpu", None)
    assert "network.onnx" not in str(raised.value)


def test_bad_input_is_one_line(tmp_path: Path, capsys):
    assert main([str(tmp_path / "none")]) == 2
    assert "folder" in capsys.readouterr().err
    alone = tmp_path / "net.onnx"
    alone.write_bytes(network_path(None).read_bytes())
    assert main([str(tmp_path), "--network", str(alone)]) == 2
    assert "net.onnx' has no file of less precision beside it" in capsys.readouterr().err
