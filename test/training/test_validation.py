"""What networks are chosen by: known answers give known figures, and the command runs on a folder of data."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from portraits_folder import rendered_portrait, write_portraits

from dense_face_ros.backends import NetworkOutput
from dense_face_ros.correspondence import cell_pixels
from dense_face_ros.face_model import FaceModel
from dense_face_ros.template import Template
from training.checkpoint import load_checkpoint, save_checkpoint
from training.export import export
from training.network import make_network
from training.rendered import RenderedHeads, Sample
from training.report import main as report
from training.validation import _SEED, kinds, main, measure

_CELLS = np.moveaxis(cell_pixels(64, 64, 128), 2, 0)


class Told:
    """Answers with the truth of the samples it is shown one after the other, but for what ``change`` makes of it."""

    name, metadata = "told", {}

    def __init__(self, samples: list[Sample], shift: float = 0.0, matchability: float = 1.0) -> None:
        self._samples, self._shift, self._matchability = iter(samples), shift, matchability

    def run(self, image: np.ndarray) -> NetworkOutput:
        sample = next(self._samples)
        np.testing.assert_array_equal(image, sample["image"])
        flow = sample["template"].astype(np.float32) - _CELLS
        flow[0] += self._shift
        matchable = (sample["matchable"] == 1) * np.float32(self._matchability)
        return NetworkOutput(flow, matchable.astype(np.float32), np.zeros((64, 64), np.float32))

    def close(self) -> None:
        """Nothing to free."""


@pytest.fixture(scope="module")
def template(shipped_model: FaceModel) -> Template:
    return Template(shipped_model)


@pytest.fixture(scope="module")
def samples(template: Template) -> list[Sample]:
    heads = RenderedHeads(template, 0, 2)
    return [heads.make(np.random.default_rng(i)) for i in range(16)]


def test_the_truth_has_no_error(template: Template, samples: list[Sample]) -> None:
    told = measure(Told(samples), template, iter(samples))
    assert (told["n"], told["failed"]) == (16, 0)
    assert told["error_mean"] < 0.05 and told["overlap"] == 1.0
    assert np.abs(told["bias"]).max() < 1.0 and np.max(told["within90"]) < 2.5
    assert 4 <= told["turned"] <= 16 and abs(told["outward"]) < 1.0


def test_what_is_shifted_on_the_face_is_turned(template: Template, samples: list[Sample]) -> None:
    """Points taken for others further to the template's right: the whole face seems turned, all to one side."""
    told = measure(Told(samples, shift=3.0), template, iter(samples))
    assert told["error_mean"] == pytest.approx(3.0, abs=0.05)
    assert abs(told["bias"][0]) > 2.0 > abs(told["bias"][1])


def test_heads_to_which_nothing_is_fitted_have_no_pose(template: Template, samples: list[Sample]) -> None:
    told = measure(Told(samples[:3], matchability=0.1), template, iter(samples[:3]))
    assert (told["n"], told["failed"], told["overlap"], told["turned"]) == (3, 3, 0.0, 0)
    assert told["bias"] is told["within90"] is told["outward"] is None


def test_the_command_and_its_section(
    data: Path, template: Template, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(data, folder)
    arguments = ["--data", str(folder), "--fits", str(folder / "fits.npz"), "--count", "2"]
    assert main(arguments) == 0
    told = capsys.readouterr()
    assert f"portraits: left out, as '{folder}' has no folder london_portraits" in told.err
    assert "press_photos, turned: 2" in told.out and "renderings: 2" in told.out and "portraits" not in told.out
    write_portraits(folder, rendered_portrait(template.model), template.model, 3)
    (tmp_path / "results").mkdir()
    assert main([*arguments, "--json", str(tmp_path / "results" / "validation.json")]) == 0
    result = json.loads((tmp_path / "results" / "validation.json").read_text())
    names = ["masked_faces", "press_photos", "youtube_faces", "portraits"]
    assert list(result["kinds"]) == [n + t for n in names for t in ("", ", turned")] + ["renderings"]
    assert all(told["n"] == 2 for told in result["kinds"].values())
    assert report([str(tmp_path / "results"), "--output", str(tmp_path / "results.md")]) == 0
    assert "| portraits, turned | 2 |" in (tmp_path / "results.md").read_text()


def test_a_network_with_fewer_cells_on_the_free_folder(
    data: Path, trained: Any, template: Template, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Portraits and backgrounds alone, and cells of 4 pixels."""
    shutil.copytree(data / "backgrounds", tmp_path / "free" / "backgrounds")
    arguments = ["--data", str(tmp_path / "free"), "--count", "2", "--network", str(tmp_path / "coarse.onnx")]
    state = load_checkpoint(trained[0])
    state["recipe"]["resolution"] = (128, 32)
    network = make_network("compact", state["recipe"]["width"], resolution=(128, 32))
    save_checkpoint(tmp_path / "coarse.pt", {**state, "average": network.state_dict()})
    export(tmp_path / "coarse.pt", tmp_path / "coarse.onnx")
    assert main(arguments) == 2
    assert "has no folder with images/ and landmarks.npz and no folder london_portraits" in capsys.readouterr().err
    write_portraits(tmp_path / "free", rendered_portrait(template.model), template.model, 1)
    assert main(arguments) == 0
    told = capsys.readouterr()
    assert "photographs: left out, as" in told.err
    shown = [line.partition(":")[0] for line in told.out.splitlines()]
    assert shown == ["portraits", "portraits, turned", "renderings"]


def test_every_network_is_shown_the_same(data: Path, template: Template, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(data, folder)
    write_portraits(folder, rendered_portrait(template.model), template.model, 3)
    for (name, first), (again, second) in zip(
        *(kinds(template, 2, folder, folder / "fits.npz", None, 2) for _ in range(2)), strict=True
    ):
        assert name == again
        for i, (a, b) in enumerate(zip(first, second, strict=True)):
            np.testing.assert_array_equal(a["image"], b["image"])
            if name == "renderings":  # of people whom training does not show
                trained = RenderedHeads(template, _SEED, 2).make(np.random.default_rng((_SEED, 2, i)))
                assert not np.array_equal(a["image"], trained["image"])
