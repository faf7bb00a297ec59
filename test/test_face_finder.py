"""Face finder: letterbox and decoding geometry on a toy network, the shipped network on pictures without faces."""

from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from dense_face_ros.face_finder import (
    FORMAT_VERSION,
    INPUT_HEIGHT,
    INPUT_WIDTH,
    STRIDE,
    FaceFinder,
    decode,
    letterbox,
)
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import PinholeCamera, rotation_from_yaw_pitch_roll

ROWS, COLUMNS = INPUT_HEIGHT // STRIDE, INPUT_WIDTH // STRIDE
BOX_WIDTH, BOX_HEIGHT, ROLL = 40.0, 50.0, 0.3


def write_toy_network(path: Path, metadata: dict[str, str]) -> Path:
    """A network whose score is the brightness of the cell and whose boxes are all 40 x 50, rolled by 0.3."""
    geometry = np.zeros((1, 6, ROWS, COLUMNS), np.float32)
    geometry[0, 2], geometry[0, 3] = np.log(BOX_WIDTH), np.log(BOX_HEIGHT)
    geometry[0, 4], geometry[0, 5] = np.cos(ROLL), np.sin(ROLL)
    nodes = [
        helper.make_node("Cast", ["image"], ["grey"], to=TensorProto.FLOAT),
        helper.make_node("AveragePool", ["grey"], ["mean"], kernel_shape=[STRIDE] * 2, strides=[STRIDE] * 2),
        helper.make_node("Div", ["mean", "white"], ["score"]),
        helper.make_node("Identity", ["boxes"], ["geometry"]),
    ]
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 1, INPUT_HEIGHT, INPUT_WIDTH])],
        [
            helper.make_tensor_value_info("score", TensorProto.FLOAT, [1, 1, ROWS, COLUMNS]),
            helper.make_tensor_value_info("geometry", TensorProto.FLOAT, [1, 6, ROWS, COLUMNS]),
        ],
        [numpy_helper.from_array(np.float32(255), "white"), numpy_helper.from_array(geometry, "boxes")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, path)
    return path


@pytest.fixture
def toy_finder(tmp_path: Path) -> FaceFinder:
    metadata = {"kind": "face_finder", "format_version": FORMAT_VERSION}
    return FaceFinder(write_toy_network(tmp_path / "toy.onnx", metadata))


@pytest.fixture(scope="module")
def shipped_finder() -> FaceFinder:
    return FaceFinder()


@pytest.mark.parametrize("shape", [(480, 640), (720, 1280, 3), (1200, 1920, 3), (640, 360), (120, 160, 3), (300, 301)])
def test_box_lands_on_the_bright_spot(toy_finder: FaceFinder, shape: tuple[int, ...]) -> None:
    scale = min(INPUT_WIDTH / shape[1], INPUT_HEIGHT / shape[0])
    cell = STRIDE / scale
    image = np.zeros(shape, np.uint8)
    x, y = int(0.6 * shape[1]), int(0.3 * shape[0])
    image[y : y + round(2 * cell), x : x + round(2 * cell)] = 255
    found = toy_finder.find(image)
    assert len(found) == 1
    x0, y0, x1, y1 = found[0].box
    # Half-pixel convention: pixels x .. x + n - 1 are centred on x + (n - 1) / 2. The toy is exact to one cell.
    spot = np.array([x, y]) + 0.5 * (round(2 * cell) - 1)
    assert np.abs(0.5 * np.array([x0 + x1, y0 + y1]) - spot).max() <= cell
    assert (x1 - x0, y1 - y0) == pytest.approx((BOX_WIDTH / scale, BOX_HEIGHT / scale), rel=0.01)
    assert found[0].roll == pytest.approx(ROLL, abs=1e-6)


@pytest.mark.parametrize("shape", [(480, 640), (1200, 1920, 3)])
def test_a_closer_look_finds_the_same_face_smaller(toy_finder: FaceFinder, shape: tuple[int, ...]) -> None:
    cell = STRIDE / min(INPUT_WIDTH / shape[1], INPUT_HEIGHT / shape[0])
    for across, down in ((0.1, 0.1), (0.5, 0.5), (0.9, 0.2), (0.45, 0.9)):
        image = np.zeros(shape, np.uint8)
        x, y, side = int(across * shape[1]), int(down * shape[0]), round(0.7 * cell)
        image[y : y + side, x : x + side] = 255
        (found,) = toy_finder.find_closer(image, 0.5)
        x0, y0, x1, y1 = found.box
        assert np.abs(0.5 * np.array([x0 + x1, y0 + y1]) - np.array([x, y]) - 0.5 * (side - 1)).max() <= 0.6 * cell
        assert x1 - x0 == pytest.approx(0.6 * BOX_WIDTH * cell / STRIDE, rel=0.02)


def test_letterbox_map_is_half_pixel_correct() -> None:
    ramp = np.tile(np.linspace(0, 250, 640).astype(np.uint8), (360, 1))
    small, scale, offset = letterbox(ramp)
    assert small.shape == (INPUT_HEIGHT, INPUT_WIDTH)
    rows = np.flatnonzero(small.any(axis=1))
    assert (rows[0], rows[-1]) == (38, 217)
    columns = np.arange(10, INPUT_WIDTH - 10)
    u = (columns + 0.5 - offset[0]) / scale[0] - 0.5
    assert np.abs(small[128, columns] - 250 * u / 639).max() < 1.0


def test_sure_faces_come_first_and_hide_what_they_overlap() -> None:
    score = np.zeros((ROWS, COLUMNS), np.float32)
    geometry = np.zeros((6, ROWS, COLUMNS), np.float32)
    geometry[2:4] = np.log(48.0)
    score[10, 10], score[10, 12], score[20, 30] = 0.7, 0.6, 0.9
    boxes, scores, rolls = decode(score, geometry, 0.4)
    assert scores == pytest.approx([0.9, 0.7])
    assert boxes[1] == pytest.approx([83.5 - 24, 83.5 - 24, 83.5 + 24, 83.5 + 24])
    assert np.isnan(rolls).all(), "a cosine and sine of zero point nowhere"


def test_offsets_are_in_box_sides() -> None:
    score = np.zeros((ROWS, COLUMNS), np.float32)
    score[4, 5] = 1.0
    geometry = np.zeros((6, ROWS, COLUMNS), np.float32)
    geometry[:, 4, 5] = 0.25, -0.5, np.log(64.0), np.log(16.0), 0.0, -2.0
    boxes, _, rolls = decode(score, geometry, 0.4)
    assert boxes[0] == pytest.approx([43.5 + 8 - 32, 35.5 - 16 - 8, 43.5 + 8 + 32, 35.5 - 16 + 8])
    assert rolls[0] == pytest.approx(-np.pi / 2)


def drawn_mean_face(
    model: FaceModel, yaw_pitch_roll: tuple[float, float, float], depth: float
) -> tuple[np.ndarray, np.ndarray]:
    """The shaded mean face on plain grey, far triangles first, and the box of its 68 landmarks."""
    camera = PinholeCamera(600.0, 600.0, 319.5, 239.5, 640, 480)
    vertices = model.mean @ rotation_from_yaw_pitch_roll(yaw_pitch_roll).T + (0.0, 0.0, depth)
    facing_light = np.clip(model.normals(vertices) @ (-0.3, -0.4, -0.87), 0.0, 1.0)
    shade = 255.0 * model.albedo.mean(axis=1) * (0.3 + 0.7 * facing_light)
    pixels = camera.project(vertices)
    image = np.full((480, 640), 90, np.uint8)
    for triangle in model.triangles[np.argsort(-vertices[model.triangles, 2].mean(axis=1))]:
        (ax, ay), (bx, by), (cx, cy) = pixels[triangle]
        if (bx - ax) * (cy - ay) < (by - ay) * (cx - ax):
            corners = np.round(pixels[triangle] * 16).astype(np.int32)
            cv2.fillConvexPoly(image, corners, float(shade[triangle].mean()), shift=4)
    landmarks = camera.project(model.at(model.landmarks, vertices))
    return image, np.concatenate([landmarks.min(axis=0), landmarks.max(axis=0)])


@pytest.mark.parametrize(
    "turn", [(0.0, 0.0, 0.0), (0.6, 0.0, 0.0), (-0.9, 0.1, 0.0), (0.0, 0.0, 0.5), (0.3, 0.2, -0.5)]
)
@pytest.mark.parametrize("depth", [0.45, 0.8, 1.2])
def test_shipped_network_finds_the_drawn_mean_face(
    shipped_finder: FaceFinder, shipped_model: FaceModel, turn: tuple[float, float, float], depth: float
) -> None:
    image, box = drawn_mean_face(shipped_model, turn, depth)
    found = shipped_finder.find(image)
    assert found
    side = np.sqrt((box[2] - box[0]) * (box[3] - box[1]))
    assert np.abs(np.array(found[0].box) - box).max() < 0.25 * side
    if turn[2] != 0.0:
        # The head's roll tilts it to its right shoulder, which is anticlockwise on the screen.
        assert found[0].roll == pytest.approx(-turn[2], abs=0.35)


def test_shipped_network_finds_nothing_where_nothing_is(shipped_finder: FaceFinder) -> None:
    rng = np.random.default_rng(3)
    checks = (np.indices((480, 640)).sum(axis=0) // 40 % 2 * 255).astype(np.uint8)
    for image in (np.zeros((480, 640, 3), np.uint8), rng.integers(0, 255, (720, 1280, 3), np.uint8), checks):
        assert shipped_finder.find(image) == []


def test_shipped_network_names_its_terms(shipped_finder: FaceFinder) -> None:
    assert {"licence", "trained_on", "validation"} <= shipped_finder.metadata.keys()


def test_find_is_deterministic_and_colour_blind(shipped_finder: FaceFinder) -> None:
    grey = np.random.default_rng(0).integers(0, 255, (60, 80), np.uint8).repeat(8, 0).repeat(8, 1)
    first = shipped_finder.find(grey, min_score=0.01)
    assert first == shipped_finder.find(grey, min_score=0.01)
    assert first == shipped_finder.find(np.repeat(grey[:, :, None], 3, axis=2), min_score=0.01)


def test_bad_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.onnx"):
        FaceFinder(tmp_path / "missing.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    with pytest.raises(ValueError, match=r"broken\.onnx"):
        FaceFinder(tmp_path / "broken.onnx")
    other = write_toy_network(tmp_path / "other.onnx", {"kind": "face_finder", "format_version": "99"})
    with pytest.raises(ValueError, match=r"other\.onnx.*99"):
        FaceFinder(other)
    with pytest.raises(ValueError, match="threads"):
        FaceFinder(threads=0)


@pytest.mark.parametrize("shape, kind", [((4, 4), np.float32), ((4, 4, 4), np.uint8), ((0, 4), np.uint8)])
def test_bad_images_are_named(toy_finder: FaceFinder, shape: tuple[int, ...], kind: type) -> None:
    with pytest.raises(ValueError, match=r"image (is|has)"):
        toy_finder.find(np.zeros(shape, kind))
