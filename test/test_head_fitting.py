"""Crop, network, correspondences and alignment together, with a network that cannot err."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from painted_face import ReadingNetwork, head_at, paint

from dense_face_ros import head_fitting
from dense_face_ros.backends import CROP_SIZE, NetworkOutput
from dense_face_ros.correspondence import cell_pixels
from dense_face_ros.crop import Crop
from dense_face_ros.energy import FitState, IdentityPrior
from dense_face_ros.face_model import FaceModel
from dense_face_ros.facing_view import FacingView, TooFarAside
from dense_face_ros.geometry import (
    Array,
    PinholeCamera,
    rotation_from_vector,
    rotation_from_yaw_pitch_roll,
    vector_from_rotation,
)
from dense_face_ros.head_fitting import MARGIN, HeadFitter, NoHead, outline_search, shown_cells
from dense_face_ros.template import Template
from dense_face_ros.visibility import LandmarkVisibility

CAMERA = PinholeCamera(600.0, 600.0, 319.5, 239.5, 640, 480)
MIDDLE = np.full(2, 63.5)


@pytest.fixture(autouse=True)
def unexposed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The colours of a painted head are numbers to be read, not light."""
    monkeypatch.setattr(head_fitting, "exposed", lambda crop, shown: crop)


@pytest.fixture(scope="module")
def template(shipped_model: FaceModel) -> Template:
    return Template(shipped_model)


@pytest.fixture(scope="module")
def fitter(shipped_model: FaceModel, template: Template) -> HeadFitter:
    return HeadFitter(shipped_model, template, ReadingNetwork())


def pose_at(yaw: float, pitch: float, roll: float, position: tuple[float, float, float]) -> Array:
    pose = np.eye(4)
    pose[:3, :3] = rotation_from_yaw_pitch_roll(np.radians([yaw, pitch, roll]))
    pose[:3, 3] = position
    return pose


def crop_on(pixels: Array, grow: float = 1.0, shift: float = 0.0) -> Crop:
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    crop = Crop.around_box([*low, *high], MARGIN * grow, CROP_SIZE)
    return Crop((crop.centre[0] + shift * crop.side, crop.centre[1]), crop.side, 0.0, CROP_SIZE)


class Remembering(ReadingNetwork):
    """Says of any picture what it says of one."""

    def __init__(self, picture: np.ndarray) -> None:
        super().__init__()
        self._said = super().run(np.ascontiguousarray(picture[:, :, ::-1]))

    def run(self, crop: np.ndarray) -> NetworkOutput:
        return self._said


def rotation_error(a: Array, b: Array) -> float:
    return float(np.degrees(np.linalg.norm(vector_from_rotation(a[:3, :3] @ b[:3, :3].T))))


def fit_painted(fitter: HeadFitter, template: Template, pose: Array, camera: PinholeCamera = CAMERA, grow: float = 1.0):
    points = head_at(template.model, pose)
    image = paint(template, points, camera)
    marks = camera.project(template.model.at(template.model.landmarks, points))
    return fitter.fit(image, FacingView.of(crop_on(marks, grow), camera)), marks


@pytest.mark.parametrize("yaw", [-70, -30, 0, 30, 70])
@pytest.mark.parametrize(("pitch", "roll"), [(0, 0), (20, -25)])
def test_known_pose_comes_back(fitter: HeadFitter, template: Template, yaw: float, pitch: float, roll: float) -> None:
    pose = pose_at(yaw, pitch, roll, (0.03, -0.02, 0.6))
    fit, marks = fit_painted(fitter, template, pose)
    assert rotation_error(fit.alignment.pose, pose) < 1.5
    assert np.linalg.norm(fit.alignment.pose[:2, 3] - pose[:2, 3]) < 0.004
    assert abs(fit.alignment.pose[2, 3] / 0.6 - 1) < 0.03
    size = np.sqrt(np.prod(np.ptp(marks, axis=0)))
    assert np.linalg.norm(fit.pixels - marks, axis=1).mean() < 0.012 * size


def test_a_head_beside_the_axis_does_not_look_turned(fitter: HeadFitter, template: Template) -> None:
    """The same head moved sideways keeps its yaw in the camera frame, though its picture is seen from the side."""
    for x in (-0.25, 0.0, 0.25):
        pose = pose_at(0.0, 0.0, 0.0, (x, 0.0, 0.6))
        fit, _ = fit_painted(fitter, template, pose)
        assert rotation_error(fit.alignment.pose, pose) < 1.0


def test_lens_distortion_is_taken_out(fitter: HeadFitter, template: Template) -> None:
    camera = PinholeCamera(500.0, 500.0, 319.5, 239.5, 640, 480, "plumb_bob", (-0.3, 0.1, 0.0, 0.0, 0.0))
    pose = pose_at(10.0, 5.0, 0.0, (0.2, 0.12, 0.6))
    fit, marks = fit_painted(fitter, template, pose, camera)
    assert rotation_error(fit.alignment.pose, pose) < 1.5
    assert np.linalg.norm(fit.alignment.pose[:3, 3] - pose[:3, 3]) < 0.02
    assert np.linalg.norm(fit.pixels - marks, axis=1).mean() < 1.5


def test_next_view_is_centred_upright_and_the_same_for_any_first_crop(fitter: HeadFitter, template: Template) -> None:
    pose = pose_at(15.0, 0.0, 30.0, (0.0, 0.0, 0.7))
    views = [fit_painted(fitter, template, pose, grow=grow)[0].next_view(CAMERA) for grow in (0.9, 1.5)]
    assert views[0].to_image(MIDDLE) == pytest.approx(views[1].to_image(MIDDLE), abs=2.0)
    assert views[0].pinhole.fx == pytest.approx(views[1].pinhole.fx, rel=0.02)
    points = head_at(template.model, pose)
    right, left = views[0].seen(template.model.at(template.model.landmarks, points)[[36, 45]])
    assert abs(np.degrees(np.arctan2(left[1] - right[1], left[0] - right[0]))) < 8.0


def test_the_next_view_turns_with_the_camera(fitter: HeadFitter, template: Template) -> None:
    """A camera that is turned on the spot sees the same picture of the head in its next view."""
    pose, turn = pose_at(20.0, 10.0, 15.0, (0.02, 0.03, 0.6)), np.eye(4)
    turn[:3, :3] = rotation_from_vector(np.radians([12.0, -22.0, 0.0]))
    straight, turned = (fit_painted(fitter, template, seen)[0].next_view(CAMERA) for seen in (pose, turn @ pose))
    assert turned.pinhole.fx == pytest.approx(straight.pinhole.fx, rel=0.02)
    away = vector_from_rotation(turned.rotation.T @ turn[:3, :3] @ straight.rotation)
    assert np.degrees(np.linalg.norm(away)) < 1.0


def test_a_head_seen_from_above_stays_as_it_is_in_its_view(fitter: HeadFitter, template: Template) -> None:
    """Its own down then lies along the line of sight, where it points nowhere in the view."""
    fit, _ = fit_painted(fitter, template, pose_at(0.0, 0.0, 25.0, (0.0, 0.0, 0.6)))
    pose = fit.alignment.pose.copy()
    pose[:3, :3] = np.column_stack([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
    bowed = replace(fit, view=fit.next_view(CAMERA), alignment=replace(fit.alignment, pose=pose))
    turn = vector_from_rotation(bowed.next_view(CAMERA).rotation.T @ bowed.view.rotation)
    assert np.degrees(np.linalg.norm(turn)) < 2.0


def test_a_camera_that_becomes_known_is_shown_the_same_place(fitter: HeadFitter, template: Template) -> None:
    fit, marks = fit_painted(fitter, template, pose_at(10.0, 0.0, 20.0, (0.1, 0.05, 0.6)))
    view = fit.next_view(replace(CAMERA, fx=450.0, fy=450.0))
    assert view.to_image(MIDDLE) == pytest.approx(0.5 * (marks.min(axis=0) + marks.max(axis=0)), abs=3.0)


def test_what_lies_outside_the_image_is_not_matched(fitter: HeadFitter, template: Template) -> None:
    """The network would go on matching in the black beside the image."""
    points, edge = head_at(template.model, pose_at(0.0, 0.0, 0.0, (0.0, 0.0, 0.6))), 265
    whole, camera = paint(template, points, CAMERA), replace(CAMERA, height=edge)
    view = FacingView.of(crop_on(CAMERA.project(template.model.at(template.model.landmarks, points))), camera)
    fit = HeadFitter(template.model, template, Remembering(view.cut(whole))).fit(whole[:edge], view)
    rows = view.to_image(cell_pixels(64, 64, CROP_SIZE))[..., 1]
    matchability = fit.output.matchability
    assert matchability[rows > edge].max() == 0.0 and matchability[rows < edge - 2].max() == 1.0
    visible = LandmarkVisibility(template.model)(fit.vertices.astype(np.float64), fit.output, view)
    outside = fit.pixels[:, 1] > edge + 2
    assert outside.sum() >= 15 and visible[outside].max() < 0.1


def test_which_cells_the_image_shows() -> None:
    camera = PinholeCamera(600.0, 600.0, 319.5, 239.5, 640, 480)
    assert shown_cells(FacingView.of(Crop((300.0, 240.0), 200.0), camera)) is None
    shown = shown_cells(FacingView.of(Crop((600.0, 240.0), 200.0), camera))
    assert shown is not None and shown.shape == (64, 64) and shown.dtype == np.uint8
    share = (639.5 - 500.0) / 200.0  # of the crop's width
    assert shown[:, : int(64 * share) - 1].all() and not shown[:, int(64 * share) + 3 :].any()


def test_a_head_cut_off_by_the_edge_is_known_less_well(fitter: HeadFitter, template: Template) -> None:
    points = head_at(template.model, pose_at(0.0, 0.0, 0.0, (0.0, 0.0, 0.6)))
    image, marks = paint(template, points, CAMERA), CAMERA.project(template.model.at(template.model.landmarks, points))
    edge = int(marks[:, 0].max() - 0.2 * np.ptp(marks[:, 0]))
    cut = replace(CAMERA, width=edge)
    whole = fitter.fit(image, FacingView.of(crop_on(marks), CAMERA)).alignment
    part = fitter.fit(np.ascontiguousarray(image[:, :edge]), FacingView.of(crop_on(marks), cut)).alignment
    assert part.doubt == pytest.approx(2.0 * whole.doubt, rel=0.01)
    assert np.trace(part.covariance[3:, 3:]) > 2.0 * np.trace(whole.covariance[3:, 3:])


def test_a_head_of_few_pixels_is_known_less_well_than_the_fit_claims(fitter: HeadFitter, template: Template) -> None:
    points = head_at(template.model, pose_at(0.0, 0.0, 0.0, (0.0, 0.0, 0.6)))
    doubts = []
    for width in (640, 160, 80):
        camera = CAMERA.resized(width, 3 * width // 4)
        marks = camera.project(template.model.at(template.model.landmarks, points))
        fit = fitter.fit(paint(template, points, camera), FacingView.of(crop_on(marks), camera))
        doubts.append(fit.alignment.doubt)
    assert 1.0 < doubts[0] < 1.05 and 1.05 < doubts[1] < 1.2 and 1.6 < doubts[2] < 2.2, doubts


def test_a_fit_that_begins_where_it_ends_is_over_at_once(fitter: HeadFitter, template: Template) -> None:
    """Wherever in the image the head is."""
    points = head_at(template.model, pose_at(20.0, 0.0, 0.0, (0.25, 0.1, 0.6)))
    marks = CAMERA.project(template.model.at(template.model.landmarks, points))
    image, view = paint(template, points, CAMERA), FacingView.of(crop_on(marks), CAMERA)
    fit = fitter.fit(image, view)
    assert fitter.fit(image, view, start=fit).alignment.iterations == 1


def test_what_is_known_of_the_person_is_kept(fitter: HeadFitter, template: Template) -> None:
    points = head_at(template.model, pose_at(0.0, 0.0, 0.0, (0.0, 0.0, 0.6)))
    view = FacingView.of(crop_on(CAMERA.project(template.model.at(template.model.landmarks, points))), CAMERA)
    size = template.model.identity_size
    person = IdentityPrior(np.full(size, 0.3), 1e8 * np.eye(size))
    fit = fitter.fit(paint(template, points, CAMERA), view, identity=person)
    assert fit.alignment.coefficients[:size] == pytest.approx(person.mean, abs=0.01)


class Partly(ReadingNetwork):
    """Matches hardly anything in the columns ``hidden`` of its grid nor beside the face, and is very unsure there."""

    def __init__(self, hidden: slice) -> None:
        super().__init__()
        self._hidden = hidden

    def run(self, crop: np.ndarray) -> NetworkOutput:
        output = super().run(crop)
        output.matchability[:, self._hidden] = 0.0
        output.log_sigma[output.matchability == 0.0] = 3.0
        return replace(output, matchability=np.maximum(output.matchability, 0.1))


def test_coverage_counts_what_is_seen_and_sigma_what_is_matched(fitter: HeadFitter, template: Template) -> None:
    """The strip down the middle of a face has a third of its picture, and more than that of its triangles."""
    points = head_at(template.model, pose_at(0.0, 0.0, 0.0, (0.0, 0.0, 0.6)))
    image, strip = paint(template, points, CAMERA), slice(26, 39)
    view = FacingView.of(crop_on(CAMERA.project(template.model.at(template.model.landmarks, points))), CAMERA)
    whole = fitter.fit(image, view)
    part = HeadFitter(template.model, template, Partly(strip)).fit(image, view)
    face = whole.output.matchability == 1.0
    hidden = face[:, strip].sum() / face.sum()
    assert part.quality["coverage"] == pytest.approx((1.0 - 0.9 * hidden) * whole.quality["coverage"], abs=0.03)
    assert part.quality["sigma"] == pytest.approx(whole.quality["sigma"])


def test_a_head_that_no_view_can_face_is_none() -> None:
    fisheye = PinholeCamera(160.0, 160.0, 319.5, 239.5, 640, 480, "equidistant", (0.0, 0.0, 0.0, 0.0))
    with pytest.raises(TooFarAside, match="too far aside"):
        FacingView.of(Crop((545.0, 239.5), 300.0), fisheye)


def test_a_second_face_in_front_does_not_steal_the_crop(fitter: HeadFitter, template: Template) -> None:
    """A nearer face moves in from the side, frame by frame, until it covers a quarter of the tracked one."""
    pose = pose_at(5.0, 0.0, 0.0, (0.0, 0.0, 0.65))
    alone = paint(template, head_at(template.model, pose), CAMERA)
    fit, _ = fit_painted(fitter, template, pose)
    for x in (0.25, 0.20, 0.16, 0.13, 0.11, 0.09):
        other = paint(template, head_at(template.model, pose_at(-10.0, 0.0, 0.0, (x, 0.0, 0.5))), CAMERA)
        both = np.where(other.any(axis=2, keepdims=True), other, alone)
        fit = fitter.fit(both, fit.next_view(CAMERA), start=fit)
        assert np.linalg.norm(fit.alignment.pose[:3, 3] - pose[:3, 3]) < 0.02
        assert rotation_error(fit.alignment.pose, pose) < 3.0
    covered = (both != alone).any(axis=2)[alone.any(axis=2)].mean()
    assert covered > 0.2, "the scene is what it says"


class NotANumber(ReadingNetwork):
    """Answers the middle of its grid with a matchability that is no number."""

    def run(self, crop: np.ndarray) -> NetworkOutput:
        output = super().run(crop)
        output.matchability[30:34, 30:34] = np.nan
        return output


def test_a_head_of_which_it_is_not_known_how_much_is_matched_is_none(template: Template) -> None:
    points = head_at(template.model, pose_at(0.0, 0.0, 0.0, (0.0, 0.0, 0.6)))
    view = FacingView.of(crop_on(CAMERA.project(template.model.at(template.model.landmarks, points))), CAMERA)
    with pytest.raises(NoHead, match="nan% of the fitted face is matched"):
        HeadFitter(template.model, template, NotANumber()).fit(paint(template, points, CAMERA), view)


class VerticesFinder:
    """In place of what finds outlines: gives back where it was told to look."""

    looked_at = np.array([0, 2])

    def shape(self, coefficients: Array) -> Array:
        return coefficients[0] * np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])

    def __call__(self, vertices: Array, output: object, view: object) -> Array:
        return vertices


def test_the_outline_is_looked_for_where_the_face_is_and_not_where_another_was_followed() -> None:
    view = FacingView.of(Crop((500.0, 240.0), 160.0), CAMERA)
    rotation, place = rotation_from_vector([0.1, 0.2, 0.3]), np.array([0.0, 0.1, 0.7])
    of_followed, of_other = np.array([2.0]), np.array([3.0])
    finder = VerticesFinder()
    shapes = [finder.shape(coefficients) @ rotation.T + place for coefficients in (of_followed, of_other)]
    in_camera = np.insert(shapes[0] @ view.rotation.T, 1, 9.0, axis=0)
    search = outline_search(finder, None, view, (of_followed, in_camera))  # type: ignore[arg-type]
    for coefficients, expected in zip((of_followed, of_other), shapes, strict=True):
        np.testing.assert_allclose(search(FitState(rotation, place, coefficients)), expected, atol=1e-6)


def test_a_crop_without_a_head_says_so(fitter: HeadFitter) -> None:
    with pytest.raises(NoHead, match="0 matchable points, 40 needed"):
        fitter.fit(np.zeros((480, 640, 3), np.uint8), FacingView.of(Crop((320.0, 240.0), 200.0), CAMERA))


def test_a_head_is_the_vaguer_the_less_the_network_is_sure_of(fitter: HeadFitter, template: Template) -> None:
    fit, _ = fit_painted(fitter, template, pose_at(0, 0, 0, (0, 0, 0.6)))
    assert fit.vagueness == pytest.approx(0.0, abs=1e-3), "what matches is certain"
    half = replace(fit, output=replace(fit.output, matchability=np.full_like(fit.output.matchability, 0.5)))
    assert half.vagueness == pytest.approx(0.25 * fit.quality["sigma"])
    doubled = replace(half, quality={**half.quality, "sigma": 2.0 * half.quality["sigma"]})
    assert doubled.vagueness == pytest.approx(2.0 * half.vagueness)


def test_a_scrambled_face_is_not_believed(fitter: HeadFitter, template: Template) -> None:
    points = head_at(template.model, pose_at(0, 0, 0, (0, 0, 0.6)))
    image = paint(template, points, CAMERA)
    face = np.flatnonzero(image[..., 0])
    flat = image.reshape(-1, 3)
    flat[face] = flat[np.random.default_rng(0).permutation(face)]
    flat[face, 0] = 255
    marks = CAMERA.project(template.model.at(template.model.landmarks, points))
    with pytest.raises(NoHead):
        fitter.fit(image, FacingView.of(crop_on(marks), CAMERA))


def test_grey_images_are_read_like_colour(fitter: HeadFitter, template: Template) -> None:
    with pytest.raises(NoHead):
        fitter.fit(np.full((480, 640), 90, np.uint8), FacingView.of(Crop((320.0, 240.0), 200.0), CAMERA))


@pytest.mark.parametrize(
    ("metric", "distance", "believed"), [(True, 0.7, True), (True, 9.0, False), (False, 9.0, True)]
)
def test_a_calibrated_camera_sees_no_head_nine_metres_away(
    fitter: HeadFitter, template: Template, metric: bool, distance: float, believed: bool
) -> None:
    camera = replace(CAMERA, fx=600.0 * distance / 0.7, fy=600.0 * distance / 0.7, metric=metric)
    pose = pose_at(0.0, 0.0, 0.0, (0.0, 0.0, distance))
    if believed:
        fit, _ = fit_painted(fitter, template, pose, camera)
        assert fit.alignment.pose[2, 3] == pytest.approx(distance, rel=0.15)
        return
    with pytest.raises(NoHead, match=r"m away, 0.12 to 8.0 m are allowed"):
        fit_painted(fitter, template, pose, camera)
