"""Pictures that end close around a head."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import FACING_CAMERA, rotation_from_yaw_pitch_roll
from dense_face_ros.template import Template
from training.backgrounds import Backgrounds
from training.data import Mixture, SampleMaker
from training.framing import inside_close_edges, known_cells, surroundings
from training.head_view import HeadView, SurfaceMaps
from training.loss import UNKNOWN
from training.photographs.heads import PhotographHeads
from training.rendered import rendered_sample, rendered_twice
from training.rendering.synthetic import SyntheticHeads


@pytest.fixture(scope="module")
def heads(shipped_model: FaceModel) -> tuple[SyntheticHeads, SurfaceMaps]:
    template = Template(shipped_model)
    return SyntheticHeads(template, stride=2), SurfaceMaps(template)


def test_edges_are_upright_to_the_head_and_cut_it_as_often_as_not(shipped_model: FaceModel) -> None:
    rng = np.random.default_rng(0)
    face = shipped_model.mean - shipped_model.mean.mean(axis=0)
    rotation = rotation_from_yaw_pitch_roll(np.radians([0.0, 0.0, 40.0]))
    view = HeadView(face @ rotation.T + [0.0, 0.0, 0.5], rotation, 200.0, np.full(2, 63.5))
    grid = np.stack(np.meshgrid(np.arange(128.0), np.arange(128.0)), axis=-1) - view.pixels.mean(axis=0)
    cut = []
    for _ in range(60):
        inside = inside_close_edges(rng, view)
        metres = grid[inside] * (0.5 / 200.0)
        up, left = rotation[:2, 2], rotation[:2, 1]
        for axis, least, most in ((left, 0.05, 0.15), (-left, 0.05, 0.15), (up, 0.06, 0.16), (-up, 0.06, 0.18)):
            # Half way along each edge, as a tilt carries corners further out.
            reach = np.quantile(metres @ axis, 0.97)
            assert 0.7 * least < reach < 1.2 * most
        cut.append([(face[:, k] * s).max() > np.quantile(metres @ a, 0.97) for k, s, a in ((1, 1, left), (2, -1, -up))])
    assert np.all((np.mean(cut, axis=0) > 0.2) & (np.mean(cut, axis=0) < 0.8))


def test_a_face_beyond_the_edge_is_unknown_and_what_is_beyond_is_seen(
    heads: tuple[SyntheticHeads, SurfaceMaps],
) -> None:
    red = np.zeros((128, 128, 3), np.uint8)
    red[:, :, 0] = 255
    unknown = 0
    for seed in range(8):
        whole = rendered_sample(*heads, np.random.default_rng(seed))
        ended = rendered_sample(*heads, np.random.default_rng(seed), beyond=red)
        kept = ended["matchable"] != UNKNOWN
        np.testing.assert_array_equal(ended["matchable"][kept], whole["matchable"][kept])
        assert (whole["matchable"][~kept] == 1).all()
        unknown += (~kept).sum()
    assert unknown > 1000


def test_a_head_that_is_shown_again_has_the_same_edges(heads: tuple[SyntheticHeads, SurfaceMaps]) -> None:
    beyond = np.full((128, 128, 3), 255, np.uint8)
    agree = []
    for seed in range(12):
        first, second = rendered_twice(*heads, np.random.default_rng(seed), None, beyond)
        either = (first["matchable"] != 0) & (second["matchable"] != 0)
        agree.append((first["matchable"] == second["matchable"])[either].mean())
    assert np.median(agree) > 0.98, "but for a turned camera, which moves the head"


def test_turned_photographs_end_close_but_not_those_for_validation(data: Path, shipped_model: FaceModel) -> None:
    photographs = PhotographHeads(data, data / "fits.npz", shipped_model, validation=False)
    make = SampleMaker(photographs, data, Template(shipped_model), Mixture(), 2)
    head = photographs.labelled(int(photographs.usable[0]))

    def ended(clean: bool) -> int:
        samples = [make.photograph(np.random.default_rng(i), head, turned=True, clean=clean) for i in range(24)]
        return sum(bool((sample["matchable"] == UNKNOWN).any()) for sample in samples)

    assert 2 <= ended(clean=False) <= 16
    assert ended(clean=True) == 0


def test_known_cells_are_those_whose_middle_is_seen() -> None:
    inside = np.zeros((128, 128), np.bool_)
    inside[:, 65:] = True
    cells = known_cells(np.arange(64)[:, None].repeat(64, axis=1) < 32, inside)
    assert (cells[:32, :32] == UNKNOWN).all() and (cells[:32, 32:] == 1).all() and (cells[32:] == 0).all()


def test_beyond_is_black_a_colour_of_the_picture_or_another_picture(data: Path) -> None:
    picture = np.random.default_rng(0).integers(1, 255, (60, 50, 3), dtype=np.uint8)
    drawn = [surroundings(np.random.default_rng(i), picture, Backgrounds(data)) for i in range(40)]
    assert all(image.shape == (128, 128, 3) for image in drawn)
    colours = {tuple(image[0, 0].tolist()) for image in drawn} - {(0, 0, 0)}
    assert len(colours) > 3 and colours <= {tuple(pixel) for pixel in picture.reshape(-1, 3).tolist()}


def test_a_head_seen_from_straight_above_has_edges_too(shipped_model: FaceModel) -> None:
    above = FACING_CAMERA @ rotation_from_yaw_pitch_roll(np.zeros(3)).T @ FACING_CAMERA
    above[:2, 2] = 0.0
    view = HeadView(shipped_model.mean @ above.T + [0.0, 0.0, 0.5], above, 200.0, np.full(2, 63.5))
    assert inside_close_edges(np.random.default_rng(0), view).shape == (128, 128)
