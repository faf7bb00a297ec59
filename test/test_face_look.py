"""One person's looks are alike, two people's are not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from painted_face import head_at

from dense_face_ros.backends import CROP_SIZE, NetworkOutput
from dense_face_ros.crop import Crop
from dense_face_ros.face_look import ALIKE, FaceLook, LookTaker, RememberedLooks
from dense_face_ros.face_model import FaceModel
from dense_face_ros.facing_view import FacingView
from dense_face_ros.geometry import PinholeCamera, rotation_from_yaw_pitch_roll

RNG = np.random.default_rng(0)
OURS, THEIRS = RNG.normal(size=(2, 200))
ALL = np.ones(200, np.bool_)
AHEAD = np.zeros(2)


def look(values: np.ndarray, direction: np.ndarray = AHEAD, seen: np.ndarray = ALL) -> FaceLook:
    return FaceLook(values, seen, direction)


def remembering(*looks: FaceLook) -> RememberedLooks:
    out = RememberedLooks()
    for each in looks:
        out.keep(each, 0.0)
    return out


def test_likeness_is_correlation_where_both_are_seen() -> None:
    half = np.arange(200) < 100
    mixed = np.where(half, OURS, THEIRS)
    assert look(OURS).likeness(look(3.0 * mixed + 20.0, seen=half)) == pytest.approx(1.0)
    both = np.corrcoef(OURS, mixed)[0, 1]
    assert look(OURS).likeness(look(mixed)) == pytest.approx(both)
    assert look(OURS, seen=half).likeness(look(OURS, seen=~half)) is None
    assert look(np.ones(200)).likeness(look(OURS)) == pytest.approx(0.0), "a covered lens is like nobody"


def test_a_look_is_compared_with_those_in_its_direction() -> None:
    memory = remembering(look(OURS))
    assert memory.likeness(look(OURS, np.array([5.0, 0.0]))) == pytest.approx(1.0)
    assert memory.likeness(look(THEIRS, np.array([40.0, 0.0]))) is None, "nobody knows how the person looks from there"


def test_looks_of_earlier_are_compared_in_their_direction() -> None:
    memory = remembering(look(OURS), look(THEIRS, np.array([40.0, 0.0])))  # turned aside, it looks otherwise
    assert memory.likeness(look(OURS, np.array([3.0, 5.0]))) == pytest.approx(1.0)
    assert memory.likeness(look(OURS, np.array([30.0, 0.0]))) < ALIKE


def test_of_several_looks_from_there_the_likest_counts() -> None:
    memory = remembering(look(OURS), look(THEIRS, np.array([13.0, 0.0])))
    assert memory.likeness(look(OURS, np.array([7.0, 0.0]))) == pytest.approx(1.0)


def test_nothing_to_compare_tells_nothing() -> None:
    assert RememberedLooks().likeness(look(OURS)) is None
    half = np.arange(200) < 100
    assert remembering(look(OURS, seen=half)).likeness(look(THEIRS, seen=~half)) is None
    memory = remembering(look(OURS))
    memory.forget()
    assert memory.likeness(look(THEIRS)) is None


def test_a_lasting_look_gives_way_only_after_its_time() -> None:
    latest, lasting = RememberedLooks(), RememberedLooks(1.0)
    for memory in (latest, lasting):
        memory.keep(look(OURS), 0.0)
        memory.keep(look(THEIRS), 0.9)
    assert latest.likeness(look(THEIRS)) == pytest.approx(1.0)
    assert lasting.likeness(look(OURS)) == pytest.approx(1.0)
    lasting.keep(look(THEIRS), 1.0)
    assert lasting.likeness(look(THEIRS)) == pytest.approx(1.0)
    assert lasting.likeness(look(OURS, np.array([40.0, 0.0]))) is None


CAMERA = PinholeCamera(600.0, 600.0, 319.5, 239.5, 640, 480)
VIEW = FacingView.of(Crop((319.5, 239.5), 250.0), CAMERA)
#: Shades as wide as those of a face, some eight pixels of the view.
WINDOW = np.kron(np.random.default_rng(1).integers(0, 256, (16, 16), dtype=np.uint8), np.ones((8, 8), np.uint8))


def taken(
    model: FaceModel, yaw: float = 0.0, pitch: float = 0.0, window: np.ndarray = WINDOW, matched: slice = slice(None)
) -> FaceLook:
    """The look of a head on the optical axis, turned by degrees; only in the columns ``matched`` is it matched."""
    pose = np.eye(4)
    pose[:3, :3], pose[2, 3] = rotation_from_yaw_pitch_roll(np.radians([yaw, pitch, 0.0])), 0.6
    cells = np.zeros((64, 64), np.float32)
    cells[:, matched] = 1.0
    output = NetworkOutput(np.stack([cells, cells]), cells, cells)
    fit: Any = SimpleNamespace(
        vertices=head_at(model, pose), view=VIEW, window=window, output=output, alignment=SimpleNamespace(pose=pose)
    )
    return LookTaker(model)(fit)


@pytest.mark.parametrize(("yaw", "pitch", "direction"), [(20.0, 0.0, (20.0, 0.0)), (0.0, -15.0, (0.0, 15.0))])
def test_a_look_is_from_the_side_and_from_below(
    small_model: FaceModel, yaw: float, pitch: float, direction: tuple[float, float]
) -> None:
    assert taken(small_model, yaw, pitch).direction == pytest.approx(direction, abs=1e-6)


def test_only_what_faces_the_camera_and_is_matched_is_looked_at(small_model: FaceModel) -> None:
    whole, half, turned = taken(small_model), taken(small_model, matched=slice(32)), taken(small_model, yaw=60.0)
    assert 0.4 * whole.seen.sum() < half.seen.sum() < 0.6 * whole.seen.sum()
    assert not (half.seen & ~whole.seen).any() and (whole.seen & ~turned.seen).sum() > 0.2 * whole.seen.sum()


RAY = 0.15 + 0.85 * np.exp(-(((np.arange(CROP_SIZE) - 50.0) / 16.0) ** 2))


def test_a_ray_of_light_hardly_changes_a_look(small_model: FaceModel) -> None:
    alike = taken(small_model).likeness(taken(small_model, window=(RAY * WINDOW).astype(np.uint8)))
    assert alike is not None and alike > 0.9


def test_the_same_light_does_not_make_two_faces_alike(small_model: FaceModel) -> None:
    faces = (RAY * (128 + WINDOW // 4)).astype(np.uint8), (RAY * (128 + WINDOW[::-1] // 4)).astype(np.uint8)
    alike = taken(small_model, window=faces[0]).likeness(taken(small_model, window=faces[1]))
    assert alike is not None and alike < 0.5
