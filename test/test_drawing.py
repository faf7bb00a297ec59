from dataclasses import replace

import cv2
import numpy as np
import pytest

from dense_face_ros.drawing import HIDDEN, VISIBLE, contact_sheet, draw_caption, draw_overlay, status_line
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import PinholeCamera, rotation_from_yaw_pitch_roll
from dense_face_ros.head_state import HeadState, Status

_GREY = 128


@pytest.fixture(scope="module")
def model(shipped_model: FaceModel) -> FaceModel:
    return shipped_model


def _state(model: FaceModel, width: int = 640, height: int = 480, position=(0.0, 0.0, 0.6)) -> HeadState:
    camera = PinholeCamera.from_field_of_view(width, height)
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation_from_yaw_pitch_roll([0.3, 0.1, 0.0]), position
    vertices = model.mean @ pose[:3, :3].T + pose[:3, 3]
    landmarks = model.at(model.landmarks, vertices)
    visible = np.arange(68) >= 6
    empty = HeadState.without_head(0.0, Status.TRACKING, "", camera, len(vertices), 3)
    return replace(empty, pose=pose, vertices=vertices, landmarks_3d=landmarks, landmark_visible=visible,
                   landmarks_2d=camera.project(landmarks), eye_openness=(0.93, np.nan))  # fmt: skip


def _image(width: int = 640, height: int = 480) -> np.ndarray:
    return np.full((height, width, 3), _GREY, np.uint8)


@pytest.mark.parametrize(("width", "height"), [(320, 240), (640, 480), (1280, 720), (1920, 1200)])
def test_head_and_strip_are_drawn_at_any_size(model: FaceModel, width: int, height: int) -> None:
    image = _image(width, height)
    out = draw_overlay(image, _state(model, width, height), model)
    assert out.shape == image.shape and (image == _GREY).all(), "the input stays as it is"
    changed = (out != _GREY).any(axis=2)
    assert changed[-2].all(), "the strip runs along the bottom"
    rows, columns = np.nonzero(changed[: int(0.85 * height)])
    assert 0.02 < len(rows) / (width * height) < 0.2
    assert abs(columns.mean() - width / 2) < 0.1 * width


def test_visible_and_hidden_landmarks_differ(model: FaceModel) -> None:
    state = _state(model, 1920, 1200)
    out = draw_overlay(_image(1920, 1200), state, model).astype(int)

    def has(colour: tuple[int, int, int], at: np.ndarray) -> bool:
        u, v = np.rint(at).astype(int)
        return bool((np.abs(out[v - 6 : v + 7, u - 6 : u + 7] - colour).sum(axis=2) < 30).any())

    assert has(HIDDEN, state.landmarks_2d[0]) and not has(VISIBLE, state.landmarks_2d[0])
    assert has(VISIBLE, state.landmarks_2d[54]) and not has(HIDDEN, state.landmarks_2d[54])


def test_the_axis_that_points_to_the_camera_lies_on_top(model: FaceModel) -> None:
    state = _state(model, 1920, 1200)
    state = replace(state, landmarks_2d=state.landmarks_2d + (0.0, 5000.0))  # which would cover it
    u, v = np.rint(state.camera.project(state.pose[None, :3, 3]))[0].astype(int)
    assert draw_overlay(_image(1920, 1200), state, model)[v, u].tolist() == [70, 70, 255], "red: out of the face"


def test_near_lines_of_the_mesh_are_brighter_than_far_ones(model: FaceModel) -> None:
    state = _state(model)
    out = draw_overlay(_image(), state, model).sum(axis=2)
    u, v = np.rint(state.camera.project(state.vertices.astype(np.float64))).astype(int).T
    facing = -(model.normals(state.vertices) * state.vertices).sum(axis=1) > 0.0
    assert np.corrcoef(state.vertices[facing, 2], out[v, u][facing])[0, 1] < -0.1


@pytest.mark.parametrize("yaw", [0.9, 1.2])
def test_a_far_ear_is_not_drawn_through_the_face(model: FaceModel, yaw: float) -> None:
    """Its back faces away, its folds do not."""
    ear = np.isin(model.regions, [model.region_names.index("ear_left")])
    turned = rotation_from_yaw_pitch_roll([yaw, 0.0, 0.0])
    vertices = (model.mean @ turned.T + (0.0, 0.0, 0.6)).astype(np.float32)
    shown = replace(_state(model, 1920, 1200), vertices=vertices)
    assert (vertices[ear][:, 2] > np.median(vertices[:, 2])).all(), "it is the far one"
    without = replace(shown, vertices=vertices.copy())
    without.vertices[ear] = vertices[ear].mean(axis=0)  # nothing of it can be seen
    drawn, also = ((draw_overlay(_image(1920, 1200), each, model) != _GREY).any(axis=2) for each in (shown, without))
    assert (drawn & ~also).sum() < 20, "pixels; several hundred where the face is transparent"


def test_axes_of_small_faces_have_their_colours(model: FaceModel) -> None:
    state = _state(model, position=(0.0, 0.0, 1.2))
    assert np.sqrt(np.prod(np.ptp(state.landmarks_2d, axis=0))) < 90.0
    state = replace(state, landmarks_2d=state.landmarks_2d + (0.0, 5000.0))  # which would cover them
    out = draw_overlay(_image(), state, model).astype(int)
    for colour in ((70, 70, 255), (80, 220, 80), (255, 140, 60)):
        assert (np.abs(out - colour).sum(axis=2) < 30).sum() > 10


def test_grey_images_become_colour(model: FaceModel) -> None:
    assert draw_overlay(_image()[:, :, 0], _state(model), model).shape == (480, 640, 3)


def test_a_head_partly_or_wholly_outside_does_not_harm(model: FaceModel) -> None:
    for position in ((0.3, 0.0, 0.6), (5.0, 0.0, 0.6), (1e7, 0.0, 0.6), (0.0, 0.0, 0.05)):
        assert draw_overlay(_image(), _state(model, position=position), model).shape == (480, 640, 3)


def test_without_a_head_only_the_strip_is_drawn(model: FaceModel) -> None:
    state = HeadState.without_head(0.0, Status.LOST, "face hidden", _state(model).camera, len(model.mean), 3)
    out = draw_overlay(_image(), state, model)
    assert (out[:400] == _GREY).all() and (out[-3:] != _GREY).any()
    assert status_line(state) == "lost: face hidden"


def test_status_line_marks_what_is_unknown(model: FaceModel) -> None:
    state = _state(model)
    assert status_line(state) == "tracking  yaw +17 pitch +6 roll +0  0.60 m?  eyes L 93% R --"
    metric = replace(state, camera=PinholeCamera(500, 500, 320, 240, 640, 480))
    assert " 0.60 m  " in status_line(metric)


@pytest.mark.parametrize(("shape", "dtype"), [((4, 4, 4), np.uint8), ((4, 4, 3), np.float32), ((4,), np.uint8)])
def test_other_images_are_refused(model: FaceModel, shape: tuple[int, ...], dtype: type) -> None:
    with pytest.raises(ValueError, match="must be uint8"):
        draw_overlay(np.zeros(shape, dtype), _state(model), model)


def test_contact_sheet_places_images_in_rows() -> None:
    images = [np.full((30, 40, 3), 50 * (i + 1), np.uint8) for i in range(3)]
    sheet = contact_sheet(images, columns=2, width=80)
    assert sheet.shape == (60, 80, 3)
    assert [sheet[15, 20, 0], sheet[15, 60, 0], sheet[45, 20, 0], sheet[45, 60, 0]] == [50, 100, 150, 32]


def test_contact_sheet_fits_images_of_other_shapes() -> None:
    sheet = contact_sheet([np.full((30, 40, 3), 50, np.uint8), np.full((90, 30, 3), 200, np.uint8)], 2, 80)
    assert sheet.shape == (30, 80, 3)
    assert (sheet[:, 55:65] == 200).all() and (sheet[:, 72:] == 32).all()


@pytest.mark.parametrize(("columns", "width"), [(0, 80), (3, 2)])
def test_contact_sheet_refuses_impossible_layouts(columns: int, width: int) -> None:
    with pytest.raises(ValueError, match="columns"):
        contact_sheet([np.zeros((4, 4, 3), np.uint8)], columns, width)
    with pytest.raises(ValueError, match="no images"):
        contact_sheet([], 1, 10)


@pytest.mark.parametrize("width", [200, 320, 450, 640, 1000])
def test_the_line_of_figures_ends_before_the_image_does(model: FaceModel, width: int) -> None:
    out = draw_overlay(_image(width, 480), replace(_state(model, width, 480), eye_openness=(1.0, 1.0)), model)
    written = (out[440:] > 200).all(axis=2).any(axis=0)
    assert written.any() and not written[-2:].any()


def test_caption_fits_into_a_narrow_image() -> None:
    image = _image(100, 100)
    draw_caption(image, "a caption that is much longer than the image")
    written = (image > _GREY).any(axis=(0, 2))
    assert written.any() and not written[-1]
    assert cv2.countNonZero(image[:, :, 0]) > 0
