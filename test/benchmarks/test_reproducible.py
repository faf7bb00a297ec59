"""Two evaluations with the shipped networks, each from nothing, agree to the last digit."""

from pathlib import Path

import cv2
import numpy as np
from scipy.io import savemat

from training.benchmarks.conventions import aflw2000_angles, along_line_of_sight
from training.evaluate import main
from training.rendering.clip import ClipRenderer, clip_truth


def test_two_runs_agree_to_the_last_digit(tmp_path: Path, model) -> None:
    data, truth, renderer = tmp_path / "data", clip_truth(), ClipRenderer(model)
    data.mkdir()
    head = np.asarray(model.at(model.landmarks, model.mean), dtype=float)
    for index in (0, 60):
        pose = truth.pose[index]
        points = truth.camera.project(head @ pose[:3, :3].T + pose[:3, 3])
        label = np.zeros((1, 7))
        label[0, :3] = aflw2000_angles(along_line_of_sight(pose))
        savemat(data / f"{index:03d}.mat", {"pt3d_68": np.vstack([points.T, np.zeros(68)]), "Pose_Para": label})
        cv2.imwrite(str(data / f"{index:03d}.jpg"), renderer.frame(index))
    texts = []
    for name in ("one.json", "two.json"):
        assert main(["aflw2000", str(data), "--json", str(tmp_path / name)]) == 0
        texts.append((tmp_path / name).read_text())
    assert texts[0] == texts[1] and '"failed": 0' in texts[0]
