"""Training samples whose photographs are painted with the template coordinates they show: the label must agree."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from painted_face import agreement

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import rotation_from_yaw_pitch_roll
from dense_face_ros.template import Template
from training.data import Mixture, SampleMaker, SampleStream, ValidationSet, _smoothed, make_dataset
from training.loss import UNKNOWN
from training.pairs import RenderedPairs, pair_correspondences
from training.photographs.fit import PhotographFits
from training.photographs.heads import LabelledHead, PhotographHeads
from training.photographs.views import draw_turn
from training.recipes import RECIPES
from training.rendering.synthetic import SyntheticHeads


@pytest.fixture(scope="module")
def template(shipped_model: FaceModel) -> Template:
    return Template(shipped_model)


def maker(data: Path, template: Template, validation: bool = False, **mixture: float) -> SampleMaker:
    heads = PhotographHeads(data, data / "fits.npz", template.model, validation)
    return SampleMaker(heads, data, template, Mixture(**mixture), 2)


def first(make: SampleMaker) -> LabelledHead:
    return make.heads.labelled(int(make.heads.usable[0]))


def replace_mixture(make: SampleMaker, **mixture: float) -> SampleMaker:
    make.mixture = Mixture(**mixture)
    return make


def test_samples_are_of_each_kind_as_often_as_the_mixture_says(
    data: Path, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = replace_mixture(maker(data, template), turned=0.3, synthetic=0.2, faceless=0.1)
    kinds: Counter[str] = Counter()
    monkeypatch.setattr(make, "rendered", lambda rng: kinds.update(["rendered"]))
    monkeypatch.setattr(make, "faceless", lambda rng: kinds.update(["faceless"]))
    monkeypatch.setattr(make, "photograph", lambda rng, head, turned: kinds.update(["turned" if turned else "plain"]))
    monkeypatch.setattr(make.heads, "draw", lambda rng: None)
    rng = np.random.default_rng(0)
    for _ in range(4000):
        make.make(rng)
    shares = {kind: count / 4000 for kind, count in kinds.items()}
    assert shares == pytest.approx({"rendered": 0.2, "faceless": 0.1, "turned": 0.3, "plain": 0.4}, abs=0.03)


def test_photographs_as_they_are_carry_their_own_labels(data: Path, template: Template) -> None:
    make = maker(data, template)
    rng = np.random.default_rng(0)
    for _ in range(12):
        assert agreement(make.photograph(rng, first(make), turned=False, clean=True)) > 0.95


def test_turned_photographs_show_what_their_labels_say(data: Path, template: Template) -> None:
    """What the photograph did not show is taken from the mirror image, so a part may not agree."""
    make = maker(data, template)
    rng = np.random.default_rng(1)
    shares = [agreement(make.photograph(rng, first(make), turned=True, clean=True)) for _ in range(20)]
    assert np.median(shares) > 0.85
    assert np.quantile(shares, 0.1) > 0.4


def test_beyond_the_edge_of_the_photograph_nothing_is_known(data: Path, template: Template) -> None:
    make = maker(data, template, margin=1.0, shift=1.2)
    rng = np.random.default_rng(3)
    samples = [make.photograph(rng, first(make), turned=False, clean=True) for _ in range(20)]
    values = set(np.unique([s["matchable"] for s in samples]))
    assert values <= {0, 1, UNKNOWN}


def test_occluders_are_not_matchable(data: Path, template: Template) -> None:
    make = maker(data, template)
    head, removed = first(make), []
    for seed in range(12):
        free, hidden = (
            replace_mixture(make, occluded=p).photograph(np.random.default_rng(seed), head, False)["matchable"] == 1
            for p in (0.0, 1.0)
        )
        assert not (hidden & ~free).any()
        removed.append(1.0 - hidden.sum() / free.sum())
    assert np.mean(removed) > 0.03


def test_the_stream_is_decided_by_its_seed(data: Path, template: Template) -> None:
    make = maker(data, template)

    def images(seed: int) -> list[np.ndarray]:
        return [s["image"] for s in islice(SampleStream(make, seed), 4)]

    np.testing.assert_array_equal(images(3), images(3))
    assert (np.array(images(3)) != np.array(images(4))).any()


def test_heads_shown_twice_follow_each_other(data: Path, template: Template) -> None:
    make = maker(data, template, synthetic=1.0, repeated=1.0)
    samples = list(islice(SampleStream(make, 3), 4))
    assert [sample["repeats"] for sample in samples] == [0, 1, 0, 1]
    for first, again in (samples[:2], samples[2:]):
        # Only the camera may have turned, about its vertical axis.
        np.testing.assert_allclose(first["rotation"][1], again["rotation"][1], atol=1e-6)
    alone = islice(SampleStream(replace_mixture(make, synthetic=1.0, repeated=0.0), 3), 4)
    assert not any(sample["repeats"] for sample in alone)


def test_validation_shows_only_people_kept_for_it_and_never_changes(data: Path, template: Template) -> None:
    kept = maker(data, template, validation=True)
    trained = maker(data, template)
    assert not set(kept.heads.usable) & set(trained.heads.usable)
    fixed = ValidationSet(kept, kept.heads, 7)
    assert len(fixed) == 2 * len(kept.heads.usable)
    np.testing.assert_array_equal(fixed[1]["image"], fixed[1]["image"])
    with pytest.raises(IndexError):
        fixed[len(fixed)]


def test_validation_is_clean_every_other_one_turned_and_each_seen_otherwise(
    data: Path, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = maker(data, template, validation=True)
    monkeypatch.setattr(kept, "photograph", lambda rng, head, turned, clean: (rng.random(), turned, clean))
    draws, turned, clean = zip(*ValidationSet(kept, kept.heads, 7), strict=True)
    assert len(set(draws)) == len(draws) and all(clean)
    assert turned == (False, True) * (len(draws) // 2)


def test_crops_are_turned_by_degrees(data: Path, template: Template) -> None:
    make, rng = maker(data, template, roll=16.0), np.random.default_rng(0)
    angles = [make._crop(rng, first(make).pixels).angle for _ in range(300)]
    assert np.degrees(np.std(angles)) == pytest.approx(16.0, rel=0.15)


def test_only_what_is_too_fine_for_the_crop_is_smoothed() -> None:
    checks = np.tile(np.uint8([[[0] * 3, [255] * 3], [[255] * 3, [0] * 3]]), (20, 20, 1))
    assert _smoothed(checks, 0.9 * np.eye(3)[:2]) is checks
    assert np.ptp(_smoothed(checks, 0.2 * np.eye(3)[:2])[10:-10, 10:-10]) < 30


@pytest.mark.parametrize("evenly", [True, False])
def test_only_evenly_lit_photographs_are_shown_in_another_light(
    data: Path, template: Template, monkeypatch: pytest.MonkeyPatch, evenly: bool
) -> None:
    make, lit = maker(data, template), []
    monkeypatch.setattr("training.data.other_light", lambda rng, model, points: lit.append(points))
    for seed in range(6):
        make.photograph(np.random.default_rng(seed), replace(first(make), evenly_lit=evenly), turned=True)
    assert bool(lit) is evenly


def test_turns_reach_every_yaw_and_pitch() -> None:
    from dense_face_ros.geometry import yaw_pitch_roll_from_rotation

    rng = np.random.default_rng(0)
    start = rotation_from_yaw_pitch_roll(np.radians([15.0, 10.0, 0.0]))
    turns = [draw_turn(rng, start) for _ in range(400)]
    angles = np.degrees([yaw_pitch_roll_from_rotation(t @ start) for t in turns])
    assert angles[:, 0].max() > 85 and angles[:, 0].min() < -40
    assert (angles[:, 0] > 0).mean() > 0.8, "mostly further to the side it faces"
    assert np.ptp(angles[:, 1]) > 70
    for turn in turns[:20]:
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-9)


def test_fits_of_another_collection_are_refused(data: Path, template: Template, tmp_path: Path) -> None:
    fits = PhotographFits.load(data / "fits.npz")
    few = {field: value if field == "model" else value[:5] for field, value in vars(fits).items()}
    PhotographFits(**few).save(tmp_path / "few.npz")
    with pytest.raises(ValueError, match=r"5 fits for 120 photographs; make it with python -m training\.photographs"):
        PhotographHeads(data, tmp_path / "few.npz", template.model, validation=False)
    replace(fits, name=fits.name[::-1]).save(tmp_path / "other_order.npz")
    with pytest.raises(
        ValueError, match=r"fit of masked_faces/a\.png where youtube_faces/a\.png is photograph 0; make it"
    ):
        PhotographHeads(data, tmp_path / "other_order.npz", template.model, validation=False)
    replace(fits, model="ab" * 32).save(tmp_path / "other_model.npz")
    with pytest.raises(ValueError, match=r"other_model\.npz' has fits of another face model; make it"):
        PhotographHeads(data, tmp_path / "other_model.npz", template.model, validation=False)


def test_a_split_without_a_photograph_is_an_error(data: Path, template: Template, tmp_path: Path) -> None:
    fits = PhotographFits.load(data / "fits.npz")
    replace(fits, accepted=np.arange(len(fits.name)) % 20 > 0).save(tmp_path / "fits.npz")
    with pytest.raises(ValueError, match=r"no photograph for validation with an accepted fit in '.*fits\.npz'"):
        PhotographHeads(data, tmp_path / "fits.npz", template.model, validation=True)


def test_what_our_own_network_labelled_is_no_measure_of_it(data: Path, template: Template, tmp_path: Path) -> None:
    """The split may have changed since it was labelled."""
    fits = PhotographFits.load(data / "fits.npz")
    kept, train = (PhotographHeads(data, data / "fits.npz", template.model, held) for held in (True, False))
    own = np.isin(np.arange(len(fits.name)), [kept.usable[0], train.usable[0]])
    replace(fits, own=own).save(tmp_path / "fits.npz")
    without, still = (PhotographHeads(data, tmp_path / "fits.npz", template.model, held) for held in (True, False))
    assert without.usable.tolist() == kept.usable[1:].tolist()
    assert still.usable.tolist() == train.usable.tolist()


def test_missing_photographs_are_told_of_before_training(data: Path, template: Template, tmp_path: Path) -> None:
    copy = shutil.copytree(data, tmp_path / "data")
    (copy / "press_photos" / "images" / "a.png").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"press_photos/images/a\.png' does not exist, and 38 of 114 photographs"
    ):
        PhotographHeads(copy, copy / "fits.npz", template.model, validation=False)
    fits = PhotographFits.load(copy / "fits.npz")
    unused = np.array([name.startswith("press_photos/") for name in fits.name])
    replace(fits, accepted=~unused).save(copy / "fits.npz")
    assert len(PhotographHeads(copy, copy / "fits.npz", template.model, validation=False).usable) == 76


def test_too_few_backgrounds_are_told_of_before_training(data: Path, template: Template, tmp_path: Path) -> None:
    folder = tmp_path / "backgrounds" / "parks"
    folder.mkdir(parents=True)
    (folder / "b.jpg").write_bytes((data / "backgrounds" / "b.jpg").read_bytes())
    heads = PhotographHeads(data, data / "fits.npz", template.model, validation=False)
    with pytest.raises(FileNotFoundError, match=r"1 \.jpg without people, none for 'train'; copy more"):
        SampleMaker(heads, tmp_path, template, Mixture(), 2)


@pytest.mark.parametrize("name", ["smoke", "paper_synthetic"])
def test_recipes_of_renderings_take_no_photographs(data: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=f"recipe '{name}' learns from renderings; it takes no --shards"):
        make_dataset(RECIPES[name], data, "train", 0, 2, shards=tmp_path)
    with pytest.raises(ValueError, match=f"recipe '{name}' learns from renderings; it takes no --large-pose"):
        make_dataset(RECIPES[name], data, "train", 0, 2, large_pose=tmp_path / "labels.npz")


def test_no_backgrounds_is_an_error(data: Path, tmp_path: Path, template: Template) -> None:
    with pytest.raises(FileNotFoundError, match=r"holds no \.jpg"):
        RenderedPairs(template, tmp_path, 0, 2)


def test_pairs_for_validation_look_like_nobody_in_training(data: Path) -> None:
    train, kept = (make_dataset(RECIPES["paper_synthetic"], data, split, 3, 2) for split in ("train", "validation"))
    assert isinstance(train, RenderedPairs) and isinstance(kept, RenderedPairs)
    shown, other = (pairs.make(np.random.default_rng(0)) for pairs in (train, kept))
    np.testing.assert_array_equal(shown["image"], train.make(np.random.default_rng(0))["image"])
    assert not np.array_equal(shown["image"], other["image"])


def test_a_pair_of_the_same_picture_maps_to_itself(template: Template) -> None:
    heads = SyntheticHeads(template, stride=2)
    sample = heads.render(np.random.default_rng(0))
    where, matchable = pair_correspondences(template, sample, sample, 2)
    rows, columns = np.nonzero(matchable)
    assert matchable.sum() > 0.95 * sample.targets.matchable.sum()
    expected = np.stack([columns, rows]) * 2 + 0.5
    assert np.quantile(np.abs(where[:, rows, columns] - expected), 0.95) < 1.0
    assert (where[:, ~matchable] == 0).all()


def test_pairs_agree_through_the_template(template: Template) -> None:
    """The target shows, where the flow leads, the same template coordinate as the source."""
    heads = SyntheticHeads(template, stride=2)
    rng = np.random.default_rng(4)
    for _ in range(4):
        source, target = heads.render(rng), heads.render(rng)
        where, matchable = pair_correspondences(template, source, target, 2)
        rows, columns = np.nonzero(matchable)
        there = np.clip(np.rint((where[:, rows, columns] - 0.5) / 2).astype(int), 0, 63)
        gap = target.targets.template[:, there[1], there[0]] - source.targets.template[:, rows, columns]
        assert (np.linalg.norm(gap, axis=0) < 5.0).all()
