"""Which head is the driver's, and which cannot be."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dense_face_ros.driver import Driver, Place, Seat, nearness
from dense_face_ros.face_look import FaceLook
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import PinholeCamera, rotation_from_vector

LEFT_HALF = Seat(right=0.5)
WIDTH, HEIGHT = 640, 480


def test_the_whole_image_is_the_seat_unless_told_otherwise() -> None:
    for centre in ([0, 0], [639, 479], [-40, 500]):
        assert Seat().holds(np.array(centre), WIDTH, HEIGHT)


def test_a_seat_holds_what_lies_in_it() -> None:
    assert LEFT_HALF.holds(np.array([319.0, 240.0]), WIDTH, HEIGHT)
    assert not LEFT_HALF.holds(np.array([320.0, 240.0]), WIDTH, HEIGHT)


def test_a_seat_at_the_edge_goes_on_beyond_the_image() -> None:
    assert LEFT_HALF.holds(np.array([-30.0, 240.0]), WIDTH, HEIGHT)
    assert not LEFT_HALF.holds(np.array([700.0, 240.0]), WIDTH, HEIGHT)


@pytest.mark.parametrize(
    ("seat", "message"),
    [
        ({"left": 0.6, "right": 0.6}, r"seat_left is 0\.6 and seat_right is 0\.6"),
        ({"top": 0.7, "bottom": 0.2}, r"seat_top is 0\.7 and seat_bottom is 0\.2"),
        ({"right": 1.2}, r"seat_right is 1\.2"),
        ({"left": float("nan")}, "seat_left is nan"),
    ],
)
def test_a_seat_without_room_is_refused(seat: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Seat(**seat)


CAMERA = PinholeCamera(600.0, 600.0, 319.5, 239.5, WIDTH, HEIGHT)
FISHEYE = PinholeCamera(300.0, 300.0, 639.5, 479.5, 1280, 960, "equidistant", (0.0, 0.0, 0.0, 0.0))


def head(*position: float, camera: PinholeCamera = CAMERA) -> Place:
    """A head at (x, y, z), metres in the camera frame."""
    pose = np.eye(4)
    pose[:3, 3] = position
    centre = camera.project(pose[None, :3, 3])[0]
    fit: Any = SimpleNamespace(alignment=SimpleNamespace(pose=pose), camera=camera, centre=centre)
    return Place.of(fit, camera)


@pytest.mark.parametrize(
    "camera",
    [
        PinholeCamera(300.0, 300.0, 319.5, 239.5, WIDTH, HEIGHT),
        CAMERA,
        PinholeCamera(2000.0, 2000.0, 319.5, 239.5, WIDTH, HEIGHT),
        PinholeCamera(600.0, 300.0, 319.5, 239.5, WIDTH, HEIGHT),
        PinholeCamera(600.0, 1200.0, 319.5, 239.5, WIDTH, HEIGHT),
        FISHEYE,
    ],
    ids=["wide", "usual", "long", "flat pixels", "tall pixels", "fisheye"],
)
@pytest.mark.parametrize("upwards", [False, True])
def test_a_neighbour_is_never_within_reach_and_a_leaning_head_soon_is(camera: PinholeCamera, upwards: bool) -> None:
    def place(aside: float) -> Place:
        return head(*((0.0, aside) if upwards else (aside, 0.0)), 0.7, camera=camera)

    for elapsed in (0.03, 0.2, 0.9):
        assert not place(0.0).reaches(place(0.4), elapsed)
        assert place(0.0).reaches(place(0.05), elapsed)
    assert not place(0.0).reaches(place(0.25), 0.03)
    assert place(0.0).reaches(place(0.25), 0.1)


@pytest.mark.parametrize("degrees", [0.0, 45.0, 60.0, 70.0])
def test_a_head_at_the_edge_of_a_fisheye_image_may_move_as_in_its_middle(degrees: float) -> None:
    def place(aside: float) -> Place:
        angle = np.radians(degrees) + aside / 0.7
        return head(0.7 * np.sin(angle), 0.0, 0.7 * np.cos(angle), camera=FISHEYE)

    assert place(0.0).reaches(place(0.08), 1 / 30) and place(0.0).reaches(place(0.2), 0.5)
    assert not place(0.0).reaches(place(-0.25), 1 / 30) and not place(0.0).reaches(place(-0.4), 0.9)


def test_somebody_behind_is_not_the_driver_though_seen_beside_the_same_pixel() -> None:
    there = head(0.0, 0.0, 0.7)
    assert not there.reaches(head(0.0, 0.0, 1.5), 0.5)
    assert there.reaches(head(0.0, 0.0, 0.78), 0.5)
    assert there.reaches(head(0.0, 0.0, 0.9), 0.03), "its size is not known yet"
    assert not there.reaches(head(0.0, 0.0, 1.0), 0.03)


HIS, ANOTHERS, THIRD = np.random.default_rng(0).normal(size=(3, 200))


def seen(
    values: np.ndarray,
    at: tuple[float, float] = (0.0, 0.7),
    turned: float = 0.0,
    camera: PinholeCamera = CAMERA,
    coverage: float = 0.9,
) -> Any:
    """A fit of a head that looks like ``values``, ``at`` (metres to the right, away), ``turned`` by degrees."""
    pose = np.eye(4)
    pose[:3, :3], pose[[0, 2], 3] = rotation_from_vector(np.radians([0.0, turned, 0.0])), at
    look = FaceLook(values, np.ones(200, np.bool_), np.array([turned, 0.0]))
    alignment, centre = SimpleNamespace(pose=pose), camera.project(pose[None, :3, 3])[0]
    return SimpleNamespace(alignment=alignment, camera=camera, centre=centre, quality={"coverage": coverage}, look=look)


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch, small_model: FaceModel) -> Driver:
    """Who looks like ``HIS`` at 0 s."""
    monkeypatch.setattr("dense_face_ros.driver.LookTaker", lambda model: lambda fit: fit.look)
    out = Driver(Seat(), 1.0, small_model)
    out.see(seen(HIS), 0.0, followed=True)
    return out


def test_only_who_was_lost_for_a_while_may_look_otherwise(driver: Driver) -> None:
    assert driver.may_be(seen(HIS), 0.2)
    assert not driver.may_be(seen(ANOTHERS), 0.2)
    assert driver.may_be(seen(ANOTHERS), 0.4), "he may have put on a mask"


@pytest.mark.parametrize(
    ("fit", "same"),
    [
        (seen(ANOTHERS, at=(0.05, 0.75), turned=20.0), True),
        (seen(ANOTHERS, at=(0.12, 0.7)), False),
        (seen(ANOTHERS, at=(0.0, 0.81)), True),
        (seen(ANOTHERS, at=(0.0, 0.85)), False),
        (seen(ANOTHERS, turned=28.0), False),
        (seen(HIS, at=(0.12, 0.85)), True),
        (seen(ANOTHERS, at=(0.0, 1.4), camera=PinholeCamera(1200.0, 1200.0, 319.5, 239.5, WIDTH, HEIGHT)), True),
    ],
    ids=[
        "in a shadow",
        "jumped aside",
        "fitted further away",
        "jumped back",
        "jumped round",
        "jumped, looks alike",
        "another camera",
    ],
)
def test_a_head_that_is_followed_may_look_otherwise_if_it_moved_as_heads_do(
    driver: Driver, fit: Any, same: bool
) -> None:
    assert driver.may_be(fit, 1 / 30, followed=True) is same


def test_who_turned_further_than_looks_are_kept_is_known_by_the_look_just_before(driver: Driver) -> None:
    assert driver.may_be(seen(HIS, turned=25.0), 0.2) and not driver.may_be(seen(ANOTHERS, turned=25.0), 0.2)


def test_a_driver_whose_look_is_not_doubted_is_sought_only_where_he_was_just_before(driver: Driver) -> None:
    assert not driver.may_be(seen(HIS, at=(0.25, 0.7)), 1 / 30)
    driver.see(seen(HIS), 100.0, followed=True)
    assert not driver.may_be(seen(HIS, at=(0.25, 0.7)), 100.0 + 1 / 30)


def test_a_driver_whose_look_is_doubted_is_sought_where_he_was_too(driver: Driver) -> None:
    """Somebody passes right in front of him, to the right, and is followed there."""
    for i in range(1, 9):
        driver.see(seen(ANOTHERS, at=(0.05 * i, 0.5)), i / 30, followed=True)
    assert driver.doubted
    for x, sought in ((-0.4, False), (0.0, True), (0.4, True), (1.6, False)):
        there = seen(HIS, at=(x, 0.6))
        assert driver.may_be_at(there.centre, 9 / 30, CAMERA) is sought
        assert driver.may_be(there, 9 / 30) is sought


def test_who_is_followed_instead_of_the_driver_may_jump_and_nobody_else(driver: Driver) -> None:
    driver.see(seen(ANOTHERS, at=(0.02, 0.7)), 1 / 30, followed=True)
    assert driver.doubted
    for values, followed_on in ((ANOTHERS, True), (THIRD, False)):
        assert driver.may_be(seen(values, at=(0.14, 0.7)), 2 / 30, followed=True) is followed_on


@pytest.mark.parametrize("turned", [0.0, 180.0])
def test_a_turn_can_be_told_of_rotations_that_are_rounded(driver: Driver, turned: float) -> None:
    fit = seen(HIS, turned=turned)
    fit.alignment.pose[:3, :3] *= 1.0 + 1e-12
    assert driver.may_be(fit, 1 / 30, followed=True)


@pytest.mark.parametrize(("step", "waits", "gives_up"), [(1 / 30, 0.9, 1.1), (2.0, 2.9, 3.1), (10.0, 4.9, 5.1)])
def test_a_driver_is_not_gone_before_the_next_frame_of_a_video(
    driver: Driver, step: float, waits: float, gives_up: float
) -> None:
    assert not driver.gone(waits, step) and driver.gone(gives_up, step)


def test_a_proposal_may_be_off_the_head_and_is_measured_without_the_lens(driver: Driver) -> None:
    assert driver.may_be_at(seen(HIS, at=(0.19, 0.7)).centre, 0.0, CAMERA)
    assert not driver.may_be_at(seen(HIS, at=(0.21, 0.7)).centre, 0.0, CAMERA)
    lens = replace(CAMERA, distortion_model="plumb_bob", distortion=(-0.8, 0.0, 0.0, 0.0))
    for x, near in ((0.19, True), (0.21, False)):
        aside = seen(HIS, at=(x, 0.7), camera=lens)
        assert driver.may_be_at(aside.centre, 0.0, lens) is near
        assert Place.of(aside, lens).ray == pytest.approx(np.array([x, 0.0, 0.7]) / np.hypot(x, 0.7), abs=1e-4)


def test_nobody_is_taken_for_the_driver_for_looking_like_the_one_before(driver: Driver) -> None:
    driver.forget()
    driver.see(seen(ANOTHERS, turned=12.0), 0.1, followed=False)
    assert driver.may_be(seen(ANOTHERS), 0.2) and not driver.may_be(seen(HIS), 0.2)


def test_the_driver_is_rather_who_is_near_and_matched_well() -> None:
    nearer, further = seen(HIS, at=(0.0, 0.6)), seen(HIS, at=(0.0, 0.7))
    assert nearness(nearer) > nearness(further) > nearness(seen(HIS, at=(0.0, 0.6), coverage=0.5))
