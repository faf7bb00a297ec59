"""Made pictures and targets of the face finder, on photographs drawn by the test itself."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dense_face_ros.face_finder import INPUT_HEIGHT, INPUT_WIDTH, decode  # noqa: E402
from training.face_finder.canvas import Canvas, MadeImage, _shrunk  # noqa: E402
from training.face_finder.degrade import degrade  # noqa: E402
from training.face_finder.made_images import ImageMaker, _placement  # noqa: E402
from training.face_finder.measures import match  # noqa: E402
from training.face_finder.network import GEOMETRY_CHANNELS, FinderNetwork  # noqa: E402
from training.face_finder.photographs import FacePhoto  # noqa: E402
from training.face_finder.rendered import ASIDE, rendered_faces  # noqa: E402
from training.face_finder.targets import loss, targets_of  # noqa: E402


def drawn_photo() -> FacePhoto:
    """A white disc of radius 30 at (70, 60) on black stands for a face."""
    image = np.zeros((128, 144, 3), np.uint8)
    cv2.circle(image, (70, 60), 30, (255, 255, 255), -1)
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    outline = np.stack([70 + 30 * np.cos(angle), 60 + 30 * np.sin(angle)], axis=1).astype(np.float32)
    eyes = np.array([[58, 52], [82, 52]], np.float32)
    file = cv2.imencode(".png", image)[1].tobytes()
    return FacePhoto(file, (0, 0, 144, 128), outline, eyes, 0.1, 0.0)


@pytest.fixture(scope="module")
def maker() -> ImageMaker:
    background = cv2.imencode(".png", np.full((300, 400, 3), 60, np.uint8))[1].tobytes()
    return ImageMaker([drawn_photo()], [background])


def test_pictures_depend_on_the_generator_alone(maker: ImageMaker) -> None:
    first, again, other = (maker.make(np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert np.array_equal(first.image, again.image) and np.array_equal(first.boxes, again.boxes)
    assert not np.array_equal(first.image, other.image)


def test_rendered_heads_look_where_their_label_says() -> None:
    background = cv2.imencode(".png", np.full((300, 400, 3), 60, np.uint8))[1].tobytes()
    faces = rendered_faces(24, [background], (3,), ASIDE)
    yaws = np.degrees([face.yaw for face in faces])
    assert np.mean(np.abs(yaws) > 45) > 0.3
    for face in faces:
        picture = face.decode()
        low, high = face.outline.min(axis=0), face.outline.max(axis=0)
        assert (low > -40).all() and (high < np.array(picture.shape[1::-1]) + 40).all()
        # The person's right eye is left in the picture, turned by the roll; far aside both fall together.
        if abs(face.yaw) < np.radians(40):
            right, left = face.eyes
            slope = np.arctan2(left[1] - right[1], left[0] - right[0])
            assert slope == pytest.approx(face.roll, abs=np.radians(20))
        # Who looks to the right of the picture has the tip of the nose there.
        if abs(face.yaw) > np.radians(30):
            assert np.sign(face.outline[30, 0] - face.outline[[0, 16], 0].mean()) == np.sign(face.yaw)


def test_rendered_heads_are_drawn_beside_photographs(maker: ImageMaker) -> None:
    photo, rendered = drawn_photo(), drawn_photo()
    both = ImageMaker([photo], [photo.file], [rendered])
    rng = np.random.default_rng(0)
    drawn = [both.draw_face(rng) is rendered for _ in range(400)]
    assert 0.2 < np.mean(drawn) < 0.4
    assert all(maker.draw_face(rng) is not rendered for _ in range(5))


def mean_around(image: np.ndarray, u: float, v: float, reach: float) -> float:
    return float(image[int(v - reach) : int(v + reach) + 1, int(u - reach) : int(u + reach) + 1].mean())


def test_boxes_lie_on_the_faces(maker: ImageMaker) -> None:
    contrasts = []
    for seed in range(150):
        made = maker.make(np.random.default_rng(seed))
        assert made.image.shape == (INPUT_HEIGHT, INPUT_WIDTH) and made.image.dtype == np.uint8
        for (x0, y0, x1, y1), wanted in zip(made.boxes, made.wanted, strict=True):
            side = np.sqrt((x1 - x0) * (y1 - y0))
            margins = np.array([x0, y0, INPUT_WIDTH - x1, INPUT_HEIGHT - y1])
            if wanted and len(made.boxes) == 1 and margins.min() > side / 3:
                u, v = (x0 + x1) / 2, (y0 + y1) / 2
                middle = mean_around(made.image, u, v, side / 4)
                contrasts.append(middle - mean_around(made.image, x0, y0, side / 10))
    # Most discs are bright against their corners; occluders and letterbox bars spoil a few.
    assert len(contrasts) >= 10 and np.mean(np.array(contrasts) > 5) > 0.8


def test_perfect_answers_decode_to_the_true_boxes(maker: ImageMaker) -> None:
    made = [maker.make(np.random.default_rng(seed)) for seed in range(40)]
    targets = targets_of(made)
    for n, m in enumerate(made):
        alone = len(m.boxes) == 1 and m.wanted.all()
        boxes, scores, rolls = decode(targets.heat[n, 0].numpy(), targets.geometry[n].numpy(), 0.99)
        if alone:
            result = match(boxes, scores, rolls, m.boxes.astype(float), m.rolls.astype(float))
            assert result.best == pytest.approx([1.0])
            assert result.centre_error[0] < 1e-3 and abs(result.log_side_error[0]) < 1e-3
            assert result.roll_error[0] == pytest.approx(0.0, abs=1e-5)


def with_faces(*boxes: tuple[float, float, float, float], wanted: tuple[bool, ...] = ()) -> MadeImage:
    """A black picture said to show upright faces in these boxes, all ``wanted`` unless told otherwise."""
    upright = np.zeros(len(boxes), np.float32)
    asked = np.array(wanted or (True,) * len(boxes))
    return MadeImage(np.zeros((INPUT_HEIGHT, INPUT_WIDTH), np.uint8), np.float32(boxes), upright, upright, asked)


def test_of_two_faces_side_by_side_each_cell_belongs_to_the_nearer() -> None:
    made = with_faces((100, 100, 150, 150), (130, 100, 190, 160), (70, 100, 120, 160))
    targets = targets_of([made])
    boxes, scores, rolls = decode(targets.heat[0, 0].numpy(), targets.geometry[0].numpy(), 0.99)
    found = match(boxes, scores, rolls, made.boxes.astype(float), made.rolls.astype(float))
    assert found.best.tolist() == [1.0] * 3 and found.centre_error.max() < 1e-3


def test_a_face_is_asked_for_though_one_that_hardly_shows_is_beside_it() -> None:
    targets = targets_of([with_faces((100, 100, 160, 160), (104, 100, 164, 160), wanted=(True, False))])
    assert targets.asked[targets.heat == 1.0].tolist() == [1.0]
    assert (targets.asked == 0.0).any()


def test_what_is_said_where_nothing_is_asked_costs_nothing() -> None:
    targets = targets_of([with_faces((100, 100, 160, 160), wanted=(False,))])
    silent, there, elsewhere = (torch.full_like(targets.heat, -9.0) for _ in range(3))
    there[targets.asked == 0.0] = 9.0
    elsewhere[0, 0, 0, 0] = 9.0
    costs = [float(loss(score, targets.geometry, targets)[0]) for score in (silent, there, elsewhere)]
    assert costs[1] <= costs[0] < costs[2]


def test_a_proposal_beside_a_centre_costs_less_than_one_far_away() -> None:
    targets = targets_of([with_faces((100, 100, 160, 160))])
    _, _, row, column = (targets.heat == 1.0).nonzero()[0].tolist()
    costs = []
    for aside in (1, 12):
        score = torch.full_like(targets.heat, -9.0)
        score[0, 0, row, column] = score[0, 0, row, column + aside] = 3.0
        costs.append(float(loss(score, targets.geometry, targets)[0]))
    assert costs[0] < 0.5 * costs[1]


def test_hardly_visible_faces_are_not_asked_for() -> None:
    targets = targets_of([with_faces((100, 100, 160, 160), wanted=(False,))])
    assert targets.heat.max() == 0 and targets.weight.max() == 0
    assert targets.asked[0, 0, 16, 16] == 0 and targets.asked[0, 0, 0, 0] == 1


def test_loss_is_lowest_for_the_right_answer(maker: ImageMaker) -> None:
    targets = targets_of([maker.make(np.random.default_rng(seed)) for seed in range(8)])
    right = torch.logit(targets.heat.clamp(1e-4, 1 - 1e-4))
    best, parts = loss(right, targets.geometry, targets)
    assert parts["box"] == 0 and parts["roll"] == 0
    assert best < loss(-right, targets.geometry, targets)[0]
    assert best < loss(right, targets.geometry + 0.2, targets)[0]


def test_network_keeps_the_grid_and_ignores_exposure() -> None:
    torch.manual_seed(0)
    network = FinderNetwork().eval()
    image = torch.randint(0, 120, (1, 1, INPUT_HEIGHT, INPUT_WIDTH)).float()
    with torch.no_grad():
        score, geometry = network(image)
        brighter, _ = network(2 * image + 10)
    assert score.shape == (1, 1, INPUT_HEIGHT // 8, INPUT_WIDTH // 8)
    assert geometry.shape == (1, GEOMETRY_CHANNELS, INPUT_HEIGHT // 8, INPUT_WIDTH // 8)
    assert torch.allclose(score, brighter, atol=0.05)


def test_match_tells_found_from_false() -> None:
    true = np.array([[0.0, 0.0, 10.0, 10.0], [50.0, 50.0, 90.0, 90.0]])
    boxes = np.array([[52.0, 50.0, 92.0, 90.0], [0.0, 0.0, 30.0, 30.0]])
    result = match(boxes, np.array([0.9, 0.8]), np.array([0.1, 0.0]), true, np.array([0.0, 0.2]))
    assert result.best == pytest.approx([0.0, 0.9])
    assert result.centre_error[1] == pytest.approx(0.05)
    assert result.roll_error[1] == pytest.approx(-0.1)
    assert result.false_scores == pytest.approx([0.8])


def test_a_face_that_is_found_badly_is_neither_found_nor_false() -> None:
    true, upright = np.array([[0.0, 0.0, 40.0, 40.0]]), np.zeros(1)
    aside = match(np.array([[14.0, 0.0, 54.0, 40.0]]), np.array([0.9]), upright, true, upright)
    assert aside.best.tolist() == [0.0] and not len(aside.false_scores)
    larger = match(np.array([[-2.0, -5.0, 48.0, 45.0]]), np.array([0.9]), np.array([3.1]), true, np.array([-3.1]))
    assert larger.best.tolist() == [0.9]
    assert larger.centre_error == pytest.approx([3.0 / 40.0]), "sides of the true box"
    assert larger.roll_error == pytest.approx([6.2 - 2.0 * np.pi]), "the shorter way round"


def test_light_saturates() -> None:
    ramp = np.tile(np.arange(0, 256, 2, dtype=np.uint8), (96, 1))
    for seed in range(60):
        smooth = cv2.blur(degrade(ramp, np.random.default_rng(seed)), (5, 5)).astype(int)
        assert np.abs(np.diff(smooth, axis=1)).max() < 40


def turned_photo() -> FacePhoto:
    """The disc, said to be rolled clockwise and turned to the image's right."""
    along = 12.0 * np.array([np.cos(0.3), np.sin(0.3)], np.float32)
    eyes = np.array([70.0, 55.0], np.float32) + np.stack([-along, along])
    return replace(drawn_photo(), eyes=eyes, roll=0.3, yaw=0.5)


def test_a_mirrored_face_is_rolled_and_turned_to_the_other_side() -> None:
    photo, window = turned_photo(), (0, 0, INPUT_WIDTH, INPUT_HEIGHT)
    background = cv2.imencode(".png", np.full((300, 400, 3), 60, np.uint8))[1].tobytes()
    maker, mirrored = ImageMaker([photo], [background]), 0
    for seed in range(20):
        to_canvas, roll = _placement(photo, window, 200.0, np.random.default_rng(seed))
        left, right = sorted((photo.eyes @ to_canvas[:, :2].T).tolist())
        assert np.arctan2(right[1] - left[1], right[0] - left[0]) == pytest.approx(roll, abs=0.15)
        canvas = Canvas(np.zeros((INPUT_HEIGHT, INPUT_WIDTH), np.uint8), window)
        maker._paste_face(canvas, 200.0, np.random.default_rng(seed))
        ((outline, _, yaw),) = canvas.faces
        as_it_is = cv2.contourArea(outline, oriented=True) * cv2.contourArea(photo.outline, oriented=True) > 0.0
        assert yaw == (0.5 if as_it_is else -0.5)
        mirrored += not as_it_is
    assert 5 <= mirrored <= 15


@pytest.mark.parametrize(("covered", "told"), [(0.3, [True]), (0.7, [False]), (1.0, [])])
def test_a_face_is_asked_for_as_far_as_it_shows(covered: float, told: list[bool]) -> None:
    canvas = Canvas(np.zeros((INPUT_HEIGHT, INPUT_WIDTH), np.uint8), (0, 0, INPUT_WIDTH, INPUT_HEIGHT))
    outline, there = np.float32([[100, 100], [160, 100], [160, 160], [100, 160]]), np.eye(3)[:2]
    whole = np.ones((INPUT_HEIGHT, INPUT_WIDTH), np.float32)
    canvas.paste(canvas.pixels, there, whole, (outline, 0.0, 0.0))
    hand = np.zeros_like(whole)
    hand[:, : 100 + round(61 * covered)] = 1.0
    canvas.paste(canvas.pixels, there, hand, None)
    assert canvas.finish(np.random.default_rng(0)).wanted.tolist() == told


def test_a_photograph_that_is_shrunk_first_stays_where_it_is() -> None:
    to_canvas = np.array([[0.2, -0.1, 30.0], [0.1, 0.2, 40.0]])
    image = np.zeros((120, 200), np.uint8)
    small, _, matrix = _shrunk(image, image.astype(np.float32), to_canvas)
    assert small.shape[0] < 60
    place = np.array([80.0, 50.0])
    there = (place + 0.5) * small.shape[::-1] / image.shape[::-1] - 0.5
    assert matrix[:, :2] @ there + matrix[:, 2] == pytest.approx(to_canvas[:, :2] @ place + to_canvas[:, 2])
