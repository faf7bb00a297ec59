"""A finder's training goes on from an exported finder where that ended."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch

from dense_face_ros.backends.model_file import companion, network_path
from dense_face_ros.backends.small_network import open_small_network
from dense_face_ros.face_finder import FORMAT_VERSION, letterbox
from training.face_finder.exported_weights import load_exported
from training.face_finder.network import FinderNetwork

SHIPPED = companion(network_path(None), "face_finder")


@pytest.fixture(scope="module")
def pictures(clip: list[npt.NDArray[np.uint8]]) -> torch.Tensor:
    """Frames with a face, the first as the finder sees it and others moved and smaller."""
    moves = [np.array([[s, 0.0, x], [0.0, s, y]]) for s, x, y in ((1.0, 0, 0), (0.7, 150, 40), (0.5, 20, 200))]
    shown = [cv2.warpAffine(frame, move, (640, 480)) for frame in clip[:3] for move in moves]
    return torch.from_numpy(np.stack([letterbox(image)[0] for image in shown])[:, None]).float()


def test_the_network_computes_what_the_file_does(pictures: torch.Tensor) -> None:
    network = FinderNetwork()
    told = load_exported(network, SHIPPED, pictures.split(3))
    assert int(told["images"]) > 0 and told["licence"]
    session, _ = open_small_network(SHIPPED, "face_finder", FORMAT_VERSION, 1)
    expected = np.concatenate([session.run(None, {"image": p[None].numpy().astype(np.uint8)})[0] for p in pictures])
    with torch.no_grad():
        trained = network(pictures)[0].sigmoid().numpy()
        used = network.eval()(pictures)[0].sigmoid().numpy()
    assert expected.max() > 0.5
    for found in (used, trained):
        # The file adds up bytes: a step of its activations is some hundredths of the score.
        np.testing.assert_allclose(found, expected, atol=0.15)
        assert np.abs(found - expected).mean() < 0.003


def test_what_is_no_finder_of_this_architecture_is_refused(pictures: torch.Tensor, tmp_path: Path) -> None:
    for network, path in (
        (FinderNetwork(stem=(8, 16)), SHIPPED),
        (FinderNetwork(), SHIPPED.with_name(SHIPPED.name.replace("face_finder", "eyelids"))),
    ):
        with pytest.raises(ValueError, match=f"'{path}' is no finder of this architecture"):
            load_exported(network, path, [pictures])
    with pytest.raises(FileNotFoundError, match=r"nothing\.onnx' does not exist"):
        load_exported(FinderNetwork(), tmp_path / "nothing.onnx", [pictures])
