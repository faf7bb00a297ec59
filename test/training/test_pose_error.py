"""A network that shows the head otherwise than it is must be told by how much."""

import math

import numpy as np
import pytest
import torch

from dense_face_ros.correspondence import CorrespondenceSettings
from dense_face_ros.geometry import rotation_from_vector, rotation_from_yaw_pitch_roll
from dense_face_ros.template import Template
from training.head_view import HeadView, SurfaceMaps
from training.loss import UNKNOWN
from training.network import Prediction
from training.pose_error import PoseError
from training.rendering.targets import TargetRenderer

FOCAL, CENTRE = 320.0, np.array([63.5, 63.5])


@pytest.fixture(scope="module")
def template(shipped_model):
    return Template(shipped_model)


@pytest.fixture(scope="module")
def pose_error(template):
    return PoseError(template)


def head(template, yaw=20.0):
    rotation = rotation_from_yaw_pitch_roll(np.radians([yaw, 5.0, -10.0]))
    return HeadView(template.model.mean @ rotation.T + [0.0, 0.03, 0.55], rotation, FOCAL, CENTRE)


def batch_of(template, view, targets):
    arrays = {"template": targets.template, "matchable": targets.matchable.astype(np.uint8)}
    arrays |= SurfaceMaps(template).arrays(view)
    alone = {"weight": torch.ones(1), "repeats": torch.zeros(1, dtype=torch.int64)}
    return {**alone, **{key: torch.from_numpy(value)[None] for key, value in arrays.items()}}


def said(maps, log_sigma=0.0):
    cells = torch.full_like(maps[:, 0], log_sigma)
    return Prediction(maps, cells, torch.zeros_like(cells))


@pytest.mark.parametrize("vector", [(2.0, 0.0, 0.0), (0.0, -2.0, 0.0), (0.0, 0.0, 3.0), (1.0, 1.0, -1.0)])
def test_a_head_shown_turned_is_off_by_that_turn(template, pose_error, vector):
    """The prediction is what an otherwise turned head would show in the same cells."""
    torch.manual_seed(0)
    view, render = head(template), TargetRenderer(template)
    middle = SurfaceMaps(template).arrays(view)["surface"].reshape(3, -1).mean(axis=1)
    turn = rotation_from_vector(np.radians(vector))
    turned = HeadView((view.points - middle) @ turn.T + middle, turn @ view.rotation, FOCAL, CENTRE)
    true, moved = (render.render(v.pixels, v.points[:, 2]) for v in (view, turned))
    true.matchable[~moved.matchable] = False
    off, seen = pose_error(said(torch.from_numpy(moved.template)[None], -1.0), batch_of(template, view, true))
    assert seen.all()
    np.testing.assert_allclose(np.degrees(off[0, 3:].numpy()), vector, atol=0.35)


def test_a_head_shown_larger_is_off_by_its_distance(template, pose_error):
    torch.manual_seed(0)
    view, render = head(template), TargetRenderer(template)
    nearer = HeadView(view.points - [0.0, 0.0, 0.02], view.rotation, FOCAL, CENTRE)
    true, moved = (render.render(v.pixels, v.points[:, 2]) for v in (view, nearer))
    true.matchable[~moved.matchable] = False
    shown, batch = said(torch.from_numpy(moved.template)[None], -1.0), batch_of(template, view, true)
    off, _ = pose_error(shown, batch)
    # A larger head explains a part of it.
    assert -0.02 / 0.47 < float(off[0, 2]) < -0.3 * 0.02 / 0.47
    assert float(pose_error.cost(shown, batch)[1]["farther"]) == pytest.approx(-float(off[0, 2]), rel=0.2)


def test_a_head_shown_aside_is_off_by_a_share_of_its_distance(template, pose_error):
    torch.manual_seed(0)
    view, render = head(template), TargetRenderer(template)
    aside = HeadView(view.points + [0.01, 0.0, 0.0], view.rotation, FOCAL, CENTRE)
    true, moved = (render.render(v.pixels, v.points[:, 2]) for v in (view, aside))
    true.matchable[~moved.matchable] = False
    off, _ = pose_error(said(torch.from_numpy(moved.template)[None], -1.0), batch_of(template, view, true))
    assert float(off[0, 0]) == pytest.approx(0.01 / float(view.points[:, 2].mean()), rel=0.15)


def test_cells_more_certain_than_a_fit_believes_count_no_more(template, pose_error):
    view = head(template)
    targets = TargetRenderer(template).render(view.pixels, view.points[:, 2])
    batch, maps = batch_of(template, view, targets), torch.from_numpy(targets.template)[None] + 0.2
    offs = []
    for log_sigma in (math.log(CorrespondenceSettings().min_sigma), -5.0):
        torch.manual_seed(0)
        offs.append(pose_error(said(maps, log_sigma), batch)[0])
    torch.testing.assert_close(*offs)


def test_the_truth_and_errors_without_a_direction_cost_nothing(template, pose_error):
    torch.manual_seed(0)
    view = head(template)
    targets = TargetRenderer(template).render(view.pixels, view.points[:, 2])
    batch = batch_of(template, view, targets)
    exact = torch.from_numpy(targets.template)[None]
    checkered = 1.5 * (2.0 * (torch.arange(64)[:, None] + torch.arange(64)).remainder(2) - 1.0)

    def turned(maps):  # mean over draws of cells
        return np.mean([float(pose_error.cost(said(maps), batch)[1]["turned"]) for _ in range(20)])

    assert turned(exact) < 1e-3
    assert turned(exact + checkered) < 0.7 * turned(exact + 1.5)  # as large an error, to the same side everywhere


def test_it_teaches_coordinates_of_matchable_cells_alone(template, pose_error):
    torch.manual_seed(0)
    view = head(template)
    targets = TargetRenderer(template).render(view.pixels, view.points[:, 2])
    batch = batch_of(template, view, targets)
    batch["matchable"][0, :20] = UNKNOWN
    batch["template"] = torch.where((batch["matchable"] == 1)[:, None], batch["template"], math.nan)
    prediction = Prediction(
        *(part.requires_grad_() for part in said(torch.from_numpy(targets.template)[None].clone() + 2.0))
    )
    cost, _ = pose_error.cost(prediction, batch)
    cost.backward()
    taught = prediction.template.grad.abs().sum(dim=1) > 0
    assert taught.sum() > 100 and not (taught & (batch["matchable"] != 1)).any()
    assert prediction.log_sigma.grad is None and prediction.logit.grad is None
    with torch.no_grad():
        torch.manual_seed(0)
        better = prediction._replace(template=prediction.template - 3.0 * prediction.template.grad)
        assert pose_error.cost(better, batch)[0] < cost


def test_a_head_shown_again_must_not_move(template, pose_error):
    """What both pictures of it are off by costs once; what only one of them is off by costs again."""
    view = head(template)
    targets = TargetRenderer(template).render(view.pixels, view.points[:, 2])
    once = batch_of(template, view, targets)
    batch = {key: torch.cat([value, value]) for key, value in once.items()}
    maps = torch.from_numpy(targets.template)
    alike, otherwise = (said(torch.stack([maps + 1.5, maps + again])) for again in (1.5, 0.0))

    def cost(prediction, repeats, weight=(1.0, 1.0)):
        torch.manual_seed(0)
        shown = {"repeats": torch.tensor(repeats), "weight": torch.tensor(weight)}
        return pose_error.cost(prediction, {**batch, **shown})

    apart, together = cost(otherwise, [0, 0]), cost(otherwise, [0, 1])
    assert "moved" not in apart[1] and together[1]["moved"] > 1.0
    assert together[0] > apart[0] + 0.5
    assert cost(alike, [0, 1])[1]["moved"] < 1e-3, "the same cells of both are compared"
    assert "moved" not in cost(otherwise, [0, 1], (0.0, 1.0))[1], "one that counts for nothing is no comparison"
    # Of a head that the batch before showed first, there is nothing to compare.
    torch.testing.assert_close(cost(otherwise, [1, 0]), apart)


def test_a_turned_camera_is_no_movement(template, pose_error):
    """A head that both cameras show turned alike, about its own axes, stands still."""
    render, batches, maps = TargetRenderer(template), [], []
    for camera in (np.eye(3), rotation_from_vector((0.0, np.radians(25.0), 0.0))):
        view = head(template)
        place = camera @ [0.0, 0.03, 0.55]
        centre = CENTRE - FOCAL * place[:2] / place[2]
        shown = [camera @ view.rotation @ turn for turn in (np.eye(3), rotation_from_vector((0.0, 0.04, 0.04)))]
        middle = template.model.mean.mean(axis=0)
        views = [HeadView((template.model.mean - middle) @ r.T + place, r, FOCAL, centre) for r in shown]
        true, moved = (render.render(v.pixels, v.points[:, 2]) for v in views)
        true.matchable[~moved.matchable] = False
        batches.append(batch_of(template, views[0], true))
        maps.append(torch.from_numpy(moved.template))
    batch = {key: torch.cat([one[key] for one in batches]) for key in batches[0]}
    batch["repeats"] = torch.tensor([0, 1])
    torch.manual_seed(0)
    _, parts = pose_error.cost(said(torch.stack(maps), -1.0), batch)
    assert parts["turned"] > 2.5 and parts["moved"] < 0.4


def test_heads_that_are_hidden_are_left_out(template, pose_error):
    view = head(template)
    targets = TargetRenderer(template).render(view.pixels, view.points[:, 2])
    batch = batch_of(template, view, targets)
    batch["matchable"].zero_()
    cost, parts = pose_error.cost(said(torch.from_numpy(targets.template)[None] + 5.0), batch)
    assert cost == 0.0 and parts["turned"] == 0.0


@pytest.mark.parametrize("part", ["template", "log_sigma"])
def test_a_prediction_that_is_no_number_leaves_gradients_to_judge_it(template, pose_error, part):
    """torch crashes where it differentiates the sampling of a map at no number."""
    view = head(template)
    targets = TargetRenderer(template).render(view.pixels, view.points[:, 2])
    broken = said(torch.from_numpy(targets.template)[None].nan_to_num())
    getattr(broken, part)[:] = math.nan
    broken.template.requires_grad_()
    cost, _ = pose_error.cost(broken, batch_of(template, view, targets))
    cost.backward()
    assert broken.template.grad is not None
