"""The outline of a face against the mask of a drawn one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest

from dense_face_ros.backends import NetworkOutput
from dense_face_ros.face_model import FaceModel
from dense_face_ros.facing_view import FacingView
from dense_face_ros.geometry import PinholeCamera, rotation_from_yaw_pitch_roll
from dense_face_ros.outline import Outline, OutlineFinder, OutlineSettings, hidden

CAMERA = PinholeCamera(600.0, 600.0, 319.5, 239.5, 640, 480)
VIEW = FacingView.towards(np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0]), 300.0, 128, CAMERA)
DISTANCE = 0.6
PIXEL = DISTANCE / VIEW.pinhole.fx  # metres on the face
SETTINGS = OutlineSettings(parts=("face", "side", "edge"))
_FINE = 8


@dataclass(frozen=True)
class Head:
    """A head in the frame of :data:`VIEW`."""

    model: FaceModel
    coefficients: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray

    @classmethod
    def of(cls, model: FaceModel, yaw: float, person: np.ndarray | None = None) -> Head:
        """In the middle of the view."""
        coefficients = np.zeros(model.identity_size + model.expression_size)
        if person is not None:
            coefficients[: model.identity_size] = person
        rotation = rotation_from_yaw_pitch_roll(np.radians([yaw, 0.0, 0.0]))
        turned = model.shape(coefficients) @ rotation.T
        middle = 0.5 * (turned.min(axis=0) + turned.max(axis=0))
        return cls(model, coefficients, rotation, np.array([-middle[0], -middle[1], DISTANCE]))

    def moved(self, *by: float) -> Head:
        """Elsewhere, by so many metres."""
        return replace(self, translation=self.translation + by)

    @property
    def vertices(self) -> np.ndarray:
        """(V, 3)."""
        return np.asarray(self.model.shape(self.coefficients) @ self.rotation.T + self.translation, np.float64)

    def outline(self, output: NetworkOutput, settings: OutlineSettings = SETTINGS, view: FacingView = VIEW) -> Outline:
        """Where it is seen."""
        finder = OutlineFinder(self.model, settings)
        vertices = finder.shape(self.coefficients) @ self.rotation.T + self.translation
        np.testing.assert_allclose(vertices, self.vertices[finder.looked_at], atol=1e-6)
        return finder(vertices.astype(np.float32), output, view)


def mask_of(head: Head) -> NetworkOutput:
    """What a network that errs nowhere says of a head: the share of each cell that it covers."""
    size = VIEW.size * _FINE
    pixels = np.rint((VIEW.pinhole.project(head.vertices) + 0.5) * _FINE - 0.5).astype(np.int32)
    drawn = np.zeros((size, size), np.float32)
    for corners in pixels[head.model.triangles]:
        cv2.fillConvexPoly(drawn, corners, 1.0)
    matchability = cv2.resize(drawn, (64, 64), interpolation=cv2.INTER_AREA)
    return NetworkOutput(np.zeros((2, 64, 64), np.float32), matchability, np.zeros((64, 64), np.float32))


def beside(outline: Outline, head: Head) -> np.ndarray:
    """(M,) how far out of the points of a face the edge of the mask is, pixels."""
    places = VIEW.pinhole.project(np.asarray(head.model.at(outline.points, head.vertices), np.float64))
    return np.asarray(((outline.pixels - places) * outline.normals).sum(axis=1))


@pytest.mark.parametrize("yaw", [0.0, -35.0, 60.0])
def test_the_outline_of_a_face_is_the_edge_of_its_mask(small_model: FaceModel, yaw: float) -> None:
    head = Head.of(small_model, yaw)
    outline = head.outline(mask_of(head))
    assert len(outline) >= 20
    np.testing.assert_allclose(np.linalg.norm(outline.normals, axis=1), 1.0, rtol=1e-6)
    assert np.abs(beside(outline, head)).max() < 0.6
    out, inwards = (outline.pixels + side * 3.0 * outline.normals for side in (1.0, -1.0))
    mask = mask_of(head).matchability
    assert max(mask[int((v + 0.5) / 2), int((u + 0.5) / 2)] for u, v in out) < 0.3
    assert min(mask[int((v + 0.5) / 2), int((u + 0.5) / 2)] for u, v in inwards) > 0.7


@pytest.mark.parametrize("moved", [(0.004, 0.0), (0.0, -0.005)])
def test_it_tells_how_far_a_face_lies_beside_its_picture(small_model: FaceModel, moved: tuple[float, float]) -> None:
    true = Head.of(small_model, 20.0)
    guess = true.moved(*moved, 0.0)
    outline = guess.outline(mask_of(true))
    expected = -(outline.normals @ np.array(moved)) / PIXEL
    assert np.abs(expected).max() > 1.5
    assert np.sqrt(np.mean((beside(outline, guess) - expected) ** 2)) < 0.4


def test_it_tells_a_wide_face_from_a_narrow_one(small_model: FaceModel) -> None:
    wide = np.eye(small_model.identity_size)[1]  # 4 % wider, 3 mm to either side
    guess, true = Head.of(small_model, 0.0), Head.of(small_model, 0.0, wide)
    outline = guess.outline(mask_of(true))
    aside = np.abs(outline.normals[:, 0]) > 0.9
    assert np.median(beside(outline, guess)[aside]) == pytest.approx(0.003 / PIXEL, rel=0.25)


def test_a_nose_in_front_of_a_cheek_is_no_outline(small_model: FaceModel) -> None:
    is_nose = small_model.mean[:, 0] > small_model.mean[:, 0].max() - 0.015
    model = replace(small_model, regions=np.where(is_nose, 0, 1).astype(np.uint8))

    def of_nose(head: Head) -> int:
        """Points of the outline that are the nose's, of such as have the whole face to be hidden by."""
        points = head.outline(mask_of(head)).points
        return int((is_nose[model.triangles[points.triangle]] | (points.weights == 0.0)).all(axis=1).sum())

    assert of_nose(Head.of(model, 30.0)) == 0
    assert of_nose(Head.of(model, 85.0)) >= 3  # where the nose is the outline


@pytest.mark.parametrize(
    ("edge", "is_hidden"),
    [((3.0, 0.0), True), ((3.0, 1.9), True), ((3.0, 2.1), False), ((1.0, 0.0), False), ((7.0, 0.0), False)],
)
def test_a_part_that_lies_further_out_hides_an_outline(edge: tuple[float, float], is_hidden: bool) -> None:
    """Like an ear behind a cheek, whether it shows under the hair or not."""
    here, out = np.float32([[20.0, 10.0]]), np.float32([[1.0, 0.0]])
    others = here + np.float32([edge, (-5.0, 0.0)])
    assert hidden(here, out, others, np.float32([1.0, 1.0]), reach=6.0).tolist() == [is_hidden]


def test_parts_that_only_hide_are_not_used(small_model: FaceModel) -> None:
    head = Head.of(small_model, 0.0)
    points = head.outline(mask_of(head), replace(SETTINGS, parts=("side",), hiding=("face", "edge"))).points
    assert len(points) >= 5
    assert (small_model.regions[small_model.triangles[points.triangle][points.weights > 0.0]] == 1).all()


def test_only_the_parts_that_are_asked_for_are_used(small_model: FaceModel) -> None:
    head = Head.of(small_model, 0.0)
    sides = head.outline(mask_of(head), replace(SETTINGS, parts=("side",))).points
    assert len(sides) >= 5
    corners = small_model.triangles[sides.triangle]
    assert (small_model.regions[corners[sides.weights > 0.0]] == 1).all()
    assert len(head.outline(mask_of(head), OutlineSettings())) == 0  # this model has none of the usual parts


def test_where_the_model_ends_the_mask_is_not_its_outline(small_model: FaceModel) -> None:
    """Neck and crown go on in the picture of a whole head."""
    head = Head.of(small_model, 0.0)
    outline = head.outline(mask_of(head), replace(SETTINGS, rim=0.02))
    low, high = small_model.mean[:, 2].min(), small_model.mean[:, 2].max()
    height = small_model.at(outline.points, small_model.mean)[:, 2]
    assert len(outline)
    assert low + 0.015 < height.min()
    assert height.max() < high - 0.015


def test_an_edge_that_is_far_away_or_unclear_is_none(small_model: FaceModel) -> None:
    head = Head.of(small_model, 0.0)
    output = mask_of(head)
    assert len(head.outline(output))
    assert len(head.moved(0.0, 0.0, -0.12).outline(output)) == 0
    vague = replace(output, matchability=0.3 + 0.3 * output.matchability)
    assert len(head.outline(vague)) == 0
    nothing = replace(output, matchability=np.zeros_like(output.matchability))
    assert len(head.outline(nothing)) == 0


def test_a_face_that_reaches_behind_the_camera_has_none(small_model: FaceModel) -> None:
    head = Head.of(small_model, 0.0)
    assert len(head.moved(0.0, 0.0, -head.vertices[:, 2].max()).outline(mask_of(head))) == 0


def test_a_hand_takes_away_its_part_of_the_outline_only(small_model: FaceModel) -> None:
    head = Head.of(small_model, 0.0)
    output = mask_of(head)
    covered = output.matchability.copy()
    covered[:, :24] = 0.0
    whole, rest = head.outline(output), head.outline(replace(output, matchability=covered))
    np.testing.assert_allclose(rest.pixels[rest.pixels[:, 0] > 60.0], whole.pixels[whole.pixels[:, 0] > 60.0])
    assert not ((rest.pixels[:, 0] < 40.0) & (np.abs(rest.normals[:, 0]) > 0.9)).any()


def test_where_the_crop_ends_nothing_is_known(small_model: FaceModel) -> None:
    """A head that fills the crop, and a mask that goes on beyond it."""
    everywhere = replace(mask_of(Head.of(small_model, 0.0)), matchability=np.ones((64, 64), np.float32))
    for nearer in np.linspace(0.0, 0.35, 36):
        assert len(Head.of(small_model, 0.0).moved(0.0, 0.0, -nearer).outline(everywhere)) == 0


def test_cells_need_not_be_square(small_model: FaceModel) -> None:
    head = Head.of(small_model, 0.0)
    output = mask_of(head)
    coarse = replace(output, matchability=cv2.resize(output.matchability, (64, 32), interpolation=cv2.INTER_AREA))
    outline = head.outline(coarse)
    assert len(outline) >= 20
    assert np.abs(beside(outline, head)).mean() < 0.5


def test_where_the_image_ends_no_face_does(small_model: FaceModel) -> None:
    """The mask ends there too, for want of a picture."""
    head = Head.of(small_model, 0.0)
    edge = 33.5  # view pixel
    cut = replace(VIEW, camera=PinholeCamera(600.0, 600.0, 60.0, 239.5, 640, 480))
    assert cut.within_image(np.array([[edge - 1.0, 64.0], [edge + 1.0, 64.0]])).tolist() == [False, True]
    output = mask_of(head)
    shown = 2.0 * np.arange(64) + 0.5 >= edge
    outline = head.outline(replace(output, matchability=output.matchability * shown), view=cut)
    assert len(outline)
    assert outline.pixels[:, 0].min() > edge + 3.0
