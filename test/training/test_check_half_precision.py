from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from dense_face_ros.backends.model_file import network_path
from dense_face_ros.template import Template
from training.check_half_precision import compare, main
from training.rendering.settings import Settings
from training.rendering.synthetic import SyntheticHeads

SETTINGS = Settings(looks=1, yaw_limit=20.0, pitch_limit=10.0, occluder=0.0, glasses=0.0)


def figures(nme68: float, nme51: float, failed: bool = False) -> dict[str, object]:
    images = [{"name": "image1", "failed": failed, "nme68": nme68}, {"name": "image2", "failed": False, "nme68": 3.0}]
    return {"nme68_mean_of_bins": nme68, "nme51_mean_of_bins": nme51, "images": images, "backend": "a network"}


@pytest.mark.parametrize(
    ("half", "equal"),
    [
        (figures(4.019, 3.0), True),
        (figures(3.981, 3.0), True),
        (figures(4.03, 3.0), False),
        (figures(4.0, 2.97), False),
        (figures(4.0, 3.0, failed=True), False),
    ],
)
def test_means_may_change_by_a_fiftieth_of_a_percent_and_no_image_may_fail(half, equal):
    result = compare(figures(4.0, 3.0), half)
    assert result["equal"] is equal and result["n"] == 2
    assert result["largest_change_of_an_image"] == pytest.approx(abs(half["images"][0]["nme68"] - 4.0))
    assert result["failed_otherwise"] == (["image1"] if half["images"][0]["failed"] else [])


def test_the_shipped_files_are_compared_on_a_folder_of_heads(shipped_model, tmp_path: Path, capsys):
    folder = tmp_path / "heads"
    folder.mkdir()
    heads = SyntheticHeads(Template(shipped_model), SETTINGS)
    for seed in range(2):
        head = heads.render(np.random.default_rng(seed))
        marks = shipped_model.at(shipped_model.landmarks, np.column_stack([head.pixels, head.depth]))
        savemat(folder / f"image{seed}.mat", {"pt3d_68": marks.T, "Pose_Para": np.zeros((1, 7))})
        cv2.imwrite(str(folder / f"image{seed}.jpg"), head.image[:, :, ::-1])
    code = main([str(folder), "--json", str(tmp_path / "half.json")])
    result = json.loads((tmp_path / "half.json").read_text())["half_precision"]
    assert code == (0 if result["equal"] else 1) and result["n"] == 2
    assert result["full"] != result["half"] and result["backend"].startswith("ONNX Runtime")
    said = capsys.readouterr().out
    assert f"nme68_mean_of_bins: full {result['full']['nme68_mean_of_bins']:.4f}" in said
    assert ("TOO DIFFERENT" in said) is not result["equal"]


def test_bad_input_is_one_line(tmp_path: Path, capsys):
    assert main([str(tmp_path / "none")]) == 2
    assert "folder" in capsys.readouterr().err
    alone = tmp_path / "net.onnx"
    alone.write_bytes(network_path(None).read_bytes())
    assert main([str(tmp_path), "--network", str(alone)]) == 2
    assert "net.onnx' has no half-precision file beside it" in capsys.readouterr().err
