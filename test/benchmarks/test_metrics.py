import numpy as np
import pytest

from dense_face_ros.geometry import rotation_from_vector
from training.benchmarks import metrics


def test_error_is_the_distance_over_the_root_of_the_true_box_area() -> None:
    true = np.zeros((68, 2))
    true[0], true[1] = (0, 0), (40, 10)  # sqrt(40 * 10) = 20
    found = true + (3.0, 4.0)
    assert np.allclose(metrics.point_errors(found, true), 25.0)


@pytest.mark.parametrize(("yaw", "bin_index"), [(0, 0), (30, 0), (-30, 0), (30.01, 1), (-60, 1), (60.01, 2), (-95, 2)])
def test_yaw_bins_include_their_upper_end(yaw: float, bin_index: int) -> None:
    assert metrics.yaw_bin(yaw) == bin_index


def test_mean_of_bins_weighs_bins_not_faces() -> None:
    bins = metrics.by_yaw_bin([1.0, 1.0, 1.0, 4.0], [0.0, 10.0, -20.0, 45.0])
    assert bins == [1.0, 4.0, None]
    assert metrics.mean_of_bins(bins) == 2.5


def test_figures_over_yaw_leave_out_what_is_not_known() -> None:
    rows = [{"failed": False, "nme": 2.0}, {"failed": True, "nme": None}, {"failed": False, "nme": 6.0}]
    found = metrics.over_yaw(rows, [10.0, -20.0, 50.0], ["nme"])
    assert (found["failed"], found["n_bins"], found["nme_bins"]) == (1, [2, 1, 0], [2.0, 6.0, None])
    assert (found["nme_mean_of_bins"], found["nme_mean"]) == (4.0, 4.0)


def test_means_leave_out_what_is_not_a_number() -> None:
    assert metrics.mean_or_none([np.nan, 2.0]) == 2.0
    assert metrics.mean_or_none([np.nan]) is None


def test_angle_difference_goes_round_the_circle() -> None:
    assert np.allclose(metrics.angle_difference([179.0, 10.0, -90.0], [-179.0, 350.0, 90.0]), [2.0, 20.0, 180.0])


@pytest.mark.parametrize("degrees", [0.0, 1e-4, 30.0, 179.0, 180.0])
def test_geodesic_is_the_angle_between_rotations(degrees: float) -> None:
    axis = np.array([0.36, 0.48, 0.8])
    base = rotation_from_vector([0.3, -0.2, 0.9])
    turned = rotation_from_vector(np.radians(degrees) * axis) @ base
    assert metrics.geodesic(base, turned) == pytest.approx(degrees, abs=1e-5)


def test_box_overlap() -> None:
    assert metrics.box_overlap((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert metrics.box_overlap((0, 0, 1, 1), (2, 2, 3, 3)) == 0.0


def test_the_usual_and_the_worst_of_many() -> None:
    rows = [{"late_s": float(i), "seed": 0.0} for i in range(11)]
    assert metrics.usual_and_worst(rows, ["late_s"]) == {"late_s": {"median": 5.0, "p90": 9.0, "worst": 10.0}}
