from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import yaw_pitch_roll_from_rotation
from dense_face_ros.template import Template
from training.rendering.pose import Change, CoefficientSampler, draw_pose
from training.rendering.settings import Settings
from training.rendering.synthetic import SyntheticHeads
from training.rendering.targets import TargetRenderer

PLAIN = Settings(
    looks=4, long_hair=0.0, bald=1.0, hat=0.0, beard=0.0, face_mask=0.0, glasses=0.0, occluder=0.0, frontal_share=1.0
)


@pytest.fixture(scope="module")
def template(shipped_model: FaceModel) -> Template:
    return Template(shipped_model)


@pytest.fixture(scope="module")
def plain(template: Template) -> SyntheticHeads:
    return SyntheticHeads(template, PLAIN)


@pytest.fixture(scope="module")
def dressed(template: Template) -> SyntheticHeads:
    return SyntheticHeads(template, Settings(looks=12))


def test_the_same_generator_state_gives_the_same_sample(dressed: SyntheticHeads, template: Template) -> None:
    again = SyntheticHeads(template, Settings(looks=12))
    dressed.render(np.random.default_rng(99))
    for seed in range(6):
        one, other = dressed.render(np.random.default_rng(seed)), again.render(np.random.default_rng(seed))
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.targets.template, other.targets.template)
        np.testing.assert_array_equal(one.targets.matchable, other.targets.matchable)
    assert (dressed.render(np.random.default_rng(0)).image != dressed.render(np.random.default_rng(1)).image).any()


def test_held_out_heads_look_like_nobody_in_training(template: Template, dressed: SyntheticHeads) -> None:
    others = SyntheticHeads(template, Settings(looks=12), held_out=True)
    ours, theirs = (heads.render(np.random.default_rng(5)) for heads in (dressed, others))
    assert np.median(np.abs(ours.pixels - theirs.pixels)) < 1e-3, "the same head"
    assert np.abs(ours.image.astype(int) - theirs.image).mean() > 3.0


def test_samples_have_the_shapes_the_network_wants(dressed: SyntheticHeads) -> None:
    for seed in range(12):
        sample = dressed.render(np.random.default_rng(seed))
        assert sample.image.shape == (128, 128, 3) and sample.image.dtype == np.uint8
        assert sample.targets.template.shape == (2, 64, 64) and sample.targets.template.dtype == np.float32
        assert np.isfinite(sample.targets.template).all()
        inside = sample.targets.template[:, sample.targets.matchable]
        assert inside.shape[1] > 100 and inside.min() >= 0 and inside.max() <= 127
        assert not sample.targets.template[:, ~sample.targets.matchable].any()


def test_a_bare_head_has_the_targets_of_its_face(plain: SyntheticHeads, template: Template) -> None:
    """The rest of the head only hides; it must not move or add anything."""
    renderer = TargetRenderer(template)
    for seed in range(4):
        sample = plain.render(np.random.default_rng(seed))
        alone = renderer.render(sample.pixels, sample.depth)
        common = sample.targets.matchable & alone.matchable
        assert (sample.targets.matchable <= alone.matchable).all()
        assert common.sum() > 0.93 * alone.matchable.sum()
        np.testing.assert_array_equal(sample.targets.template[:, common], alone.template[:, common])


def test_the_face_is_drawn_where_the_targets_say(template: Template) -> None:
    """With one colour behind it, all that differs from the background holds every matchable cell."""
    heads = SyntheticHeads(template, PLAIN)
    green = np.zeros((128, 128, 3), np.uint8)
    green[..., 1] = 255
    for seed in range(4):
        sample = heads.render(np.random.default_rng(seed), green)
        colour = sample.image.astype(int)
        excess = colour[..., 1] - colour[..., [0, 2]].max(axis=2)
        drawn = (excess < 0.3 * excess.max()).reshape(64, 2, 64, 2).any(axis=(1, 3))
        assert drawn[sample.targets.matchable].mean() > 0.99
        assert not drawn.all()


def test_occluders_and_hats_take_matchable_cells_away(template: Template) -> None:
    bare = SyntheticHeads(template, PLAIN)
    occluded = SyntheticHeads(template, dataclasses.replace(PLAIN, occluder=1.0))
    hatted = SyntheticHeads(template, dataclasses.replace(PLAIN, hat=1.0))
    counts = np.array(
        [
            [heads.render(np.random.default_rng(seed)).targets.matchable.sum() for seed in range(8)]
            for heads in (bare, occluded, hatted)
        ]
    )
    assert (counts[1] <= counts[0]).all() and (counts[1] < counts[0]).sum() >= 4
    assert counts[2].sum() < 0.95 * counts[0].sum()


def test_a_face_mask_stays_matchable(template: Template) -> None:
    bare, masked = (SyntheticHeads(template, dataclasses.replace(PLAIN, face_mask=share)) for share in (0.0, 1.0))
    for seed in range(3):
        count = masked.render(np.random.default_rng(seed)).targets.matchable.sum()
        assert count > 0.95 * bare.render(np.random.default_rng(seed)).targets.matchable.sum()


def test_poses_cover_profiles_within_the_limits() -> None:
    settings, rng = Settings(off_axis=0.0), np.random.default_rng(0)
    poses = [draw_pose(rng, settings) for _ in range(800)]
    angles = np.degrees([yaw_pitch_roll_from_rotation(rotation) for rotation, _ in poses])
    assert np.abs(angles[:, 0]).max() <= 95.01 and np.abs(angles[:, 1]).max() <= 40.01
    assert 0.15 < np.mean(np.abs(angles[:, 0]) > 60) < 0.4
    assert abs(np.median(angles[:, 0])) < 6
    distances = np.array([np.linalg.norm(translation) for _, translation in poses])
    assert distances.min() >= 0.3 and distances.max() <= 1.6


def test_turning_is_relative_to_the_ray_of_sight() -> None:
    """A head that looks straight at the camera does so wherever it stands."""
    settings = Settings(yaw_limit=0.0, pitch_limit=0.0, roll_limit=0.0)
    for seed in range(5):
        rotation, translation = draw_pose(np.random.default_rng(seed), settings)
        np.testing.assert_allclose(rotation[:, 0], -translation / np.linalg.norm(translation), atol=1e-9)


def test_expressions_are_activations_and_a_mask_keeps_the_mouth_shut(shipped_model: FaceModel) -> None:
    sampler, rng = CoefficientSampler(shipped_model), np.random.default_rng(0)
    drawn = np.array([sampler.draw(rng, Settings()) for _ in range(300)])
    identity, expression = np.split(drawn, [shipped_model.identity_size], axis=1)
    assert identity.std() == pytest.approx(1.0, abs=0.05)
    assert expression.min() >= 0 and expression.max() <= 1 and 0.5 < np.mean(expression == 0) < 0.95
    shut = sampler.draw(rng, Settings(), mouth_shut=True)[shipped_model.identity_size :]
    mouth = [i for i, name in enumerate(shipped_model.expression_names) if name.startswith(("jaw", "mouth"))]
    assert mouth and not shut[mouth].any()


def test_lids_are_drawn_as_often_and_as_far_shut_as_the_settings_say(shipped_model: FaceModel) -> None:
    sampler, rng = CoefficientSampler(shipped_model), np.random.default_rng(0)
    settings = Settings(lids_share=1.0, lids=(0.3, 0.5))
    blinks = [shipped_model.identity_size + shipped_model.expression_names.index(f"eyeBlink_{side}") for side in "LR"]
    lids = np.array([sampler.draw(rng, settings)[blinks] for _ in range(50)])
    np.testing.assert_array_equal(lids[:, 0], lids[:, 1])
    assert lids.min() >= 0.3 and lids.max() <= 0.5 and np.ptp(lids) > 0.15


@pytest.mark.parametrize(("change", "moved"), [(Change("lids", 0.9), "eyeBlink"), (Change("mouth", 0.4), "jawOpen")])
def test_a_change_leaves_all_else_as_it_was(dressed: SyntheticHeads, change: Change, moved: str) -> None:
    model, differ, strangers = dressed.model, [], []
    for seed in range(8):
        one, other = (dressed.render(np.random.default_rng(seed), change=each) for each in (None, change))
        np.testing.assert_array_equal(one.pose, other.pose)
        places = np.flatnonzero(one.coefficients != other.coefficients) - model.identity_size
        assert {model.expression_names[i][: len(moved)] for i in places} <= {moved, "eyeBlink"}, "masks hide the mouth"
        there = one.targets.matchable & other.targets.matchable
        assert there.sum() > 0.8 * one.targets.matchable.sum()
        differ.append(np.abs(one.image.astype(int) - other.image).mean())
        strangers.append(np.abs(one.image.astype(int) - dressed.render(np.random.default_rng(seed + 8)).image).mean())
    assert 0.0 < np.median(differ) < 0.5 * np.median(strangers)


def test_a_turned_camera_sees_the_same_head_in_the_same_light(plain: SyntheticHeads) -> None:
    for seed in range(4):
        one, other = (plain.render(np.random.default_rng(seed), change=c) for c in (None, Change("camera", 20.0)))
        np.testing.assert_array_equal(one.coefficients, other.coefficients)
        place, turned = one.pose[:3, 3], other.pose[:3, 3]
        assert np.degrees(np.arctan2(turned[0], turned[2])) == pytest.approx(20.0)
        assert np.linalg.norm(turned) == pytest.approx(np.linalg.norm(place)) and turned[1] == pytest.approx(place[1])
        # Seen from the head, the camera stands where it stood.
        np.testing.assert_allclose(other.pose[:3, :3].T @ turned, one.pose[:3, :3].T @ place, atol=1e-9)
        renderer = TargetRenderer(plain.template)
        expected = renderer.render(other.pixels, other.depth)
        both = expected.matchable & other.targets.matchable
        np.testing.assert_allclose(expected.template[:, both], other.targets.template[:, both], atol=1.0)
        skin = [picture.image[::2, ::2][picture.targets.matchable].mean(axis=0) for picture in (one, other)]
        np.testing.assert_allclose(*skin, atol=6.0)


def test_what_is_shut_is_opened(shipped_model: FaceModel) -> None:
    sampler = CoefficientSampler(shipped_model)
    start = np.zeros(shipped_model.identity_size + shipped_model.expression_size, np.float32)
    there = sampler.changed(start, Change("lids", 0.9))
    assert (there == np.float32(0.9)).sum() == 2
    assert not start.any(), "the head that is shown first stays as it is"
    np.testing.assert_array_equal(sampler.changed(there, Change("lids", 0.8)), start)


def test_photographed_albedo_of_another_mesh_is_refused(template: Template) -> None:
    with pytest.raises(ValueError, match="albedo samples"):
        SyntheticHeads(template, PLAIN, albedo=np.zeros((2, 7, 3), np.float32))


def test_a_model_without_open_mouth_or_eyes_is_drawn_too(small_model: FaceModel) -> None:
    sample = SyntheticHeads(Template(small_model), Settings(looks=3)).render(np.random.default_rng(0))
    assert sample.targets.matchable.any() and sample.image.std() > 5
