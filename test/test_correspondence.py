"""From network output to correspondences, with a network output that is known exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dense_face_ros.backends import CROP_SIZE, NetworkOutput
from dense_face_ros.correspondence import CorrespondenceSettings, cell_pixels, correspondences
from dense_face_ros.crop import Crop
from dense_face_ros.face_model import FaceModel
from dense_face_ros.facing_view import FacingView
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.template import Template

CAMERA = PinholeCamera(600.0, 600.0, 319.5, 239.5, 640, 480)
CROP = Crop((300.0, 220.0), 192.0)
VIEW = FacingView.of(CROP, CAMERA)


@pytest.fixture(scope="module")
def template(small_model: FaceModel) -> Template:
    return Template(small_model)


def _affine_output(matrix: np.ndarray, cells: int = 64, sigma: float = 1.0) -> NetworkOutput:
    """A network that maps every crop pixel to the template pixel ``matrix @ (u, v, 1)``, surely."""
    pixels = cell_pixels(cells, cells, CROP_SIZE)
    flow = pixels @ matrix[:, :2].T + matrix[:, 2] - pixels
    return NetworkOutput(
        flow.transpose(2, 0, 1).astype(np.float32),
        np.full((cells, cells), 0.9, np.float32),
        np.full((cells, cells), np.log(sigma), np.float32),
    )


SHRINK = np.array([[0.8, 0.1, 6.3], [-0.1, 0.8, 19.2]])


def test_cells_speak_for_the_centres_of_their_squares() -> None:
    pixels = cell_pixels(64, 64, 128)
    assert pixels[0, 0] == pytest.approx([0.5, 0.5])  # two pixels, 0 and 1
    assert pixels[3, 5] == pytest.approx([10.5, 6.5])
    assert cell_pixels(128, 128, 128)[7, 9] == pytest.approx([9.0, 7.0])


@pytest.mark.parametrize("cells", [32, 64, 128])
@pytest.mark.parametrize("crop", [CROP, replace(CROP, angle=0.7)])
def test_pairs_are_exact_at_every_grid_size(template: Template, cells: int, crop: Crop) -> None:
    """View pixel -> known map -> template must be where the surface point lies, to a hundredth of a pixel."""
    settings = CorrespondenceSettings(max_moved=1e-3)
    found = correspondences(_affine_output(SHRINK, cells), FacingView.of(crop, CAMERA), template, settings)
    assert len(found) > 50
    expected = found.pixels @ SHRINK[:, :2].T + SHRINK[:, 2]
    np.testing.assert_allclose(template.pixels(found.points), expected, atol=0.01)


def test_pairs_are_spread_evenly_over_the_template(template: Template) -> None:
    settings = CorrespondenceSettings(bucket=8.0)
    found = correspondences(_affine_output(np.array([[1.0, 0, 0], [0, 1.0, 0]])), VIEW, template, settings)
    buckets = np.floor((template.pixels(found.points) + 0.5) / 8.0).astype(int)
    drawn = np.argwhere(template.triangle >= 0)[:, ::-1]
    covered = {tuple(b) for b in buckets}
    assert len(covered) >= 0.95 * len(found)
    assert len(found) >= 0.9 * len({tuple(b) for b in np.floor((drawn + 0.5) / 8.0).astype(int)})


def test_the_most_certain_cell_of_a_bucket_is_taken(template: Template) -> None:
    output = _affine_output(np.array([[1.0, 0, 0], [0, 1.0, 0]]))
    certain = (slice(1, None, 4), slice(2, None, 4))  # one cell of 2 pixels in each bucket of 8
    output.log_sigma[certain] = np.log(0.7)
    found = correspondences(output, VIEW, template, CorrespondenceSettings(bucket=8.0))
    bucket = np.floor((template.pixels(found.points) + 0.5) / 8.0)
    inner = ((bucket > 0) & (bucket < 15)).all(axis=1)  # at the border that cell may lie beside the face
    assert inner.sum() > 150
    assert found.sigma[inner] == pytest.approx(np.full(inner.sum(), 0.7), rel=1e-5)


def test_cells_below_the_threshold_are_dropped(template: Template) -> None:
    output = _affine_output(SHRINK)
    output.matchability[:, :32] = 0.49
    found = correspondences(output, VIEW, template)
    assert len(found) > 20
    assert found.pixels[:, 0].min() > 63.0
    assert found.weight == pytest.approx(np.full(len(found), 0.9))


def test_cells_beside_the_face_are_dropped(template: Template) -> None:
    aside = np.array([[0.01, 0, 0.0], [0, 0.01, 0.0]])  # all point to the template's corner, where nothing is drawn
    assert template.triangle[:2, :2].max() < 0
    assert len(correspondences(_affine_output(aside), VIEW, template)) == 0


def test_no_matchable_cell_gives_no_pair(template: Template) -> None:
    output = _affine_output(SHRINK)
    output.matchability[:] = 0.1
    found = correspondences(output, VIEW, template)
    assert len(found) == 0
    assert found.pixels.shape == (0, 2)


def test_sigma_has_a_floor(template: Template) -> None:
    coarse = correspondences(_affine_output(SHRINK, sigma=2.0), VIEW, template)
    assert coarse.sigma == pytest.approx(np.full(len(coarse), 2.0), rel=1e-5)
    fine = correspondences(_affine_output(SHRINK, sigma=0.01), VIEW, template)
    assert fine.sigma == pytest.approx(np.full(len(fine), CorrespondenceSettings().min_sigma))


def test_flow_that_is_not_finite_is_ignored(template: Template) -> None:
    output = _affine_output(SHRINK)
    output.flow[:, 20:40] = np.nan
    found = correspondences(output, VIEW, template)
    assert len(found) > 20
    assert np.isfinite(found.pixels).all()
    rows = found.pixels[:, 1]
    assert not ((rows > 40) & (rows < 79)).any()


def _expected(template: Template, distance: float, aside: float = 0.0, below: float = 0.0) -> np.ndarray:
    """Vertices of a flat face at a distance (metres), which crop pixels show by ``SHRINK``, but for so many pixels."""
    crop_pixels = (template.coordinates - SHRINK[:, 2]) @ np.linalg.inv(SHRINK[:, :2]).T + [aside, below]
    rays = (VIEW.to_image(crop_pixels) - (CAMERA.cx, CAMERA.cy)) / CAMERA.fx
    return distance * np.column_stack([rays, np.ones(len(rays))])


def test_what_is_expected_elsewhere_is_left_out(template: Template) -> None:
    """Half of the crop shows the face where it is expected; the other half claims the same parts 50 pixels away."""
    expected = _expected(template, 0.8)  # a crop pixel is 2 mm
    output = _affine_output(SHRINK)
    assert len(correspondences(output, VIEW, template, expected=expected)) == len(
        correspondences(output, VIEW, template)
    )
    assert 0.08 / (0.8 / CAMERA.fx * CROP.side / CROP.size) < 45  # crop pixels within reach
    output.flow[:, :, 32:] = _affine_output(SHRINK - [[0.0, 0.0, 40.0], [0.0, 0.0, 0.0]]).flow[:, :, 32:]
    output.log_sigma[:, 32:] = -1.0  # and is surer of it
    found = correspondences(output, VIEW, template, expected=expected)
    assert len(found) > 50
    assert found.pixels[:, 0].max() < 64.0
    assert correspondences(output, VIEW, template).pixels[:, 0].max() > 64.0


@pytest.mark.parametrize(("distance", "reached"), [(0.8, True), (2.0, False)])
def test_the_reach_is_in_metres(template: Template, distance: float, reached: bool) -> None:
    """Twenty-eight crop pixels are 6 cm nearby and 14 cm far away."""
    for aside, below in ((28.0, 0.0), (0.0, -28.0)):
        expected = _expected(template, distance, aside, below)
        found = correspondences(_affine_output(SHRINK), VIEW, template, expected=expected)
        assert (len(found) > 50) == reached


def test_of_equal_cells_one_is_chosen_the_same_every_time(template: Template) -> None:
    output = _affine_output(SHRINK)
    first, again = (correspondences(output, VIEW, template) for _ in range(2))
    np.testing.assert_array_equal(first.pixels, again.pixels)
    bucket = np.floor((template.pixels(first.points) + 0.5) / CorrespondenceSettings().bucket).astype(int)
    assert (np.diff(bucket[:, 1]) >= 0).mean() > 0.95, "the order is that of the buckets, row by row"
