"""Training the eyelid network: labels, patches, and the file that the runtime reads."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from dense_face_ros.eyes import EyeOpenness
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import PinholeCamera, rotation_from_yaw_pitch_roll
from dense_face_ros.template import Template
from dense_face_ros.visibility import LandmarkVisibility
from training.backgrounds import Backgrounds
from training.eyes.augment import patch_of, plain_patch, remains_visible
from training.eyes.examples import STORED, Examples, _both, from_renderings
from training.eyes.network import EyelidNetwork
from training.eyes.openness import LANDMARK_EYES, MESH_EYES, openness
from training.eyes.sources import SOURCES
from training.eyes.train import export, main, measure, train
from training.terms import PHOTOGRAPHS, RESEARCH


def face_at_lids(model: FaceModel, **activations: float) -> np.ndarray:
    coefficients = np.zeros(model.basis.shape[2], np.float32)
    for name, value in activations.items():
        coefficients[model.identity_size + model.expression_names.index(name)] = value
    return model.at(model.landmarks, model.shape(coefficients)).astype(float)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    (folder / "backgrounds").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    for name in ("1.jpg", "2.jpg"):
        cv2.imwrite(str(folder / "backgrounds" / name), cv2.resize(noise, (240, 240)))
    return folder


@pytest.fixture(scope="module")
def rendered(shipped_model: FaceModel, data: Path) -> Examples:
    return from_renderings(Template(shipped_model), data, 6, dark_glasses=False, seed=1)


def test_openness_is_one_at_rest_and_none_when_shut_in_any_unit_and_pose(shipped_model: FaceModel) -> None:
    def told(points: np.ndarray) -> tuple[float, float]:
        return openness(points, LANDMARK_EYES)

    assert told(face_at_lids(shipped_model)) == pytest.approx((1.0, 1.0), abs=0.02)
    left, right = told(face_at_lids(shipped_model, eyeBlink_L=1.0))
    assert left < 0.1 and right == pytest.approx(1.0, abs=0.02)
    half = told(face_at_lids(shipped_model, eyeBlink_L=0.5, eyeBlink_R=0.5))
    assert 0.3 < min(half) <= max(half) < 0.7
    turned = 130.0 * face_at_lids(shipped_model) @ cv2.Rodrigues(np.array([0.2, 0.9, -0.4]))[0].T + 80.0
    assert told(turned) == pytest.approx((1.0, 1.0), abs=0.02)


def test_lids_of_a_face_mesh_are_read_alike(shipped_model: FaceModel) -> None:
    """The mesh's own numbers of the points that lie on the landmarks of the lids."""
    marks, mesh = face_at_lids(shipped_model, eyeBlink_R=0.6), np.zeros((468, 3))
    for ours, theirs in zip(LANDMARK_EYES, MESH_EYES, strict=True):
        for a, b in zip(ours[:2], theirs[:2], strict=True):
            mesh[b] = marks[a]
        for a, b in zip(ours[2:], theirs[2:], strict=True):
            mesh[b[0]], mesh[b[2]] = marks[a[0]], marks[a[1]]
            mesh[b[1]] = 0.5 * (marks[a[0]] + marks[a[1]])
    assert openness(mesh, MESH_EYES) == pytest.approx(openness(marks, LANDMARK_EYES), abs=0.03)


def test_rendered_examples_are_labelled(rendered: Examples, shipped_model: FaceModel, data: Path) -> None:
    assert rendered.pictures.shape[1:] == (STORED, STORED) and len(rendered.visible) >= 6
    assert np.isfinite(rendered.openness[rendered.visible]).all()
    assert np.isnan(rendered.openness[~rendered.visible]).all()
    np.testing.assert_allclose(np.linalg.norm(rendered.directions, axis=1), 1.0, atol=1e-6)
    assert (rendered.directions[rendered.visible, 0] > 0.2).all(), "they look at the camera"
    dark = from_renderings(Template(shipped_model), data, 2, dark_glasses=True, seed=1)
    assert not dark.visible.any()
    both = rendered + dark
    assert len(both.visible) == len(rendered.visible) + len(dark.visible)


def test_the_direction_an_eye_is_seen_from_tells_as_well_how_far_it_is_open(data: Path) -> None:
    """The same picture, of an eye that is open where it is seen from above and shut where it is seen straight."""
    picture = np.random.default_rng(0).integers(0, 256, (STORED, STORED), dtype=np.uint8)
    directions = np.array([[0.8, 0.0, 0.6], [1.0, 0.0, 0.0]], np.float32)
    both = Examples(np.stack([picture] * 2), directions, np.array([1.0, 0.0], np.float32), np.ones(2, bool))
    network = train([both], Backgrounds(data), steps=150, batch=32)
    with torch.inference_mode():
        found, _ = network(torch.from_numpy(np.stack([plain_patch(picture)] * 2)), torch.from_numpy(directions))
    assert float(found[0] - found[1]) > 0.1, "by the picture alone it would be the same"


def test_patches_are_repeatable_and_lenses_hide(rendered: Examples) -> None:
    picture = rendered.pictures[0]
    first, again = (patch_of(np.random.default_rng(5), picture) for _ in range(2))
    assert first[0].shape == (32, 48) and first[1] == again[1]
    np.testing.assert_array_equal(first[0], again[0])
    taken = [patch_of(np.random.default_rng(seed), picture)[1] for seed in range(200)]
    assert 0.1 < np.mean(np.array(taken) > 0.0) < 0.3
    assert [remains_visible(share) for share in (0.0, 0.5, 0.7, 1.0)] == [True, True, None, False]
    np.testing.assert_array_equal(plain_patch(picture), picture[20:52, 12:60])


def test_a_trained_network_is_what_the_runtime_reads(rendered: Examples, data: Path, tmp_path: Path) -> None:
    """Overfitting a handful of eyes shows that loss, averaging, figures and file belong together."""
    opened = np.array([0.0, 0.0, 1.0, 1.0], np.float32)
    some = Examples(rendered.pictures[:4], rendered.directions[:4], opened, np.ones(4, bool))
    nothing = np.zeros_like(some.pictures[:2]), some.directions[:2], np.full(2, np.nan, np.float32), np.zeros(2, bool)
    hidden = Examples(*nothing)
    network = train([some, hidden], Backgrounds(data), steps=150, batch=32)
    untrained = measure(EyelidNetwork().eval(), some)["openness_error"]
    figures = measure(network, some + hidden)
    assert figures["openness_error"] < 0.6 * untrained
    assert figures["hidden_told"] == 1.0
    out = tmp_path / "eyelids.onnx"
    export(network, out, {"some": figures}, 150, PHOTOGRAPHS, RESEARCH)
    eyes = EyeOpenness(out)
    assert eyes.metadata["steps"] == "150" and "research" in eyes.metadata["licence"]
    patches = np.stack([plain_patch(p) for p in some.pictures])
    found, _ = eyes._session.run(None, {"patches": patches, "directions": some.directions})
    with torch.inference_mode():
        wanted, _ = network(torch.from_numpy(patches), torch.from_numpy(some.directions))
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-4)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--steps", "0"], "--steps is 0; it must be at least 1"),
        (["--rendered", "2"], "--rendered is 2; it must be at least 50"),
        (["--out", "nowhere/eyes.onnx"], "--out: folder 'nowhere' does not exist"),
        (["--out", "."], "--out: '.' is a folder; give a file"),
    ],
)
def test_what_cannot_end_well_is_refused_before_the_training(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], given: list[str], message: str
) -> None:
    assert main(["--data", str(data), "--out", str(tmp_path / "eyes.onnx"), *given]) == 2
    assert message in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_told_in_one_line(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object) -> None:
        raise OSError("no space left")

    nothing = SimpleNamespace(photographs="renderings", examples=lambda *_: {})
    monkeypatch.setitem(SOURCES, "best", nothing)
    monkeypatch.setattr("training.eyes.train.train", lambda *_: None)
    monkeypatch.setattr("training.eyes.train.export", full_disk)
    assert main(["--data", str(data), "--out", str(tmp_path / "eyes.onnx")]) == 2
    assert capsys.readouterr().err == "error: no space left\n"


@pytest.mark.parametrize(
    ("yaw", "pitch", "wanted"),
    [
        (0.0, 0.0, [True, True]),
        (45.0, -38.0, [False, True]),
        (-45.0, -38.0, [True, False]),
        (30.0, -20.0, [True, True]),
    ],
)
def test_an_eye_behind_the_nose_is_no_open_eye(
    shipped_model: FaceModel, yaw: float, pitch: float, wanted: list[bool]
) -> None:
    """Turned up and aside, as seen from below: the far eye faces the camera, but the nose lies before it."""
    rotation = rotation_from_yaw_pitch_roll(np.radians((yaw, pitch, 0.0)))
    vertices = shipped_model.mean @ rotation.T + (0.0, 0.0, 0.6)
    camera = PinholeCamera(400.0, 400.0, 95.5, 95.5, 192, 192)
    judge, picture = LandmarkVisibility(shipped_model), np.zeros((192, 192), np.uint8)
    made = list(_both(shipped_model, judge, vertices, rotation, camera, picture, (0.9, 0.8), (True, True)))
    assert [visible for *_, visible in made] == wanted
