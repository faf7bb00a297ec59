from itertools import pairwise

import numpy as np
import pytest
from scipy.linalg import expm

from dense_face_ros.geometry import rotation_from_vector, rotation_from_yaw_pitch_roll, vector_from_rotation
from dense_face_ros.smoothing import PoseFilter, PoseFilterSettings

_DEGREE = np.radians(1.0)
_NOISE = np.diag([0.002**2] * 3 + [(0.5 * _DEGREE) ** 2] * 3)


#: Of poses whose errors are independent from frame to frame.


def _pose(yaw_degrees: float, position=(0.0, 0.0, 0.6), shake: np.ndarray | None = None) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, :3] = rotation_from_yaw_pitch_roll([yaw_degrees * _DEGREE, 0.1, 0.0])
    pose[:3, 3] = position
    if shake is not None:
        pose[:3, :3] = rotation_from_vector(shake[3:]) @ pose[:3, :3]
        pose[:3, 3] += shake[:3]
    return pose


def _angle(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(vector_from_rotation(a[:3, :3] @ b[:3, :3].T)) / _DEGREE)


def _still_head(rate: float, seconds: float = 8.0) -> tuple[float, float, float, float]:
    """Rms of (raw angle, filtered angle, raw position, filtered position) of a head that does not move."""
    rng = np.random.default_rng(3)
    shakes = rng.normal(size=(int(seconds * rate), 6)) * np.sqrt(np.diag(_NOISE))
    pose_filter, truth = PoseFilter(lasting_share=0.0), _pose(20.0)
    raw = [_pose(20.0, shake=shake) for shake in shakes]
    out = [pose_filter.update(i / rate, pose, _NOISE)[0] for i, pose in enumerate(raw)]
    settled = slice(int(rate), None)

    def rms(values: list[float]) -> float:
        return float(np.sqrt(np.mean(np.square(values))))

    return (
        rms([_angle(p, truth) for p in raw[settled]]),
        rms([_angle(p, truth) for p in out[settled]]),
        rms([float(np.linalg.norm(p[:3, 3] - truth[:3, 3])) for p in raw[settled]]),
        rms([float(np.linalg.norm(p[:3, 3] - truth[:3, 3])) for p in out[settled]]),
    )


@pytest.mark.parametrize("rate", [15.0, 30.0, 60.0])
def test_still_head_is_smoothed_at_every_frame_rate(rate: float) -> None:
    raw_angle, angle, raw_position, position = _still_head(rate)
    assert angle < 0.65 * raw_angle
    assert position < 0.65 * raw_position


def test_the_time_over_which_is_smoothed_does_not_depend_on_the_frame_rate() -> None:
    # White noise that comes twice as often averages down by sqrt(2) over the same time, no more and no less.
    (_, slow, _, _), (_, fast, _, _) = _still_head(30.0, 30.0), _still_head(60.0, 30.0)
    assert fast / slow == pytest.approx(1 / np.sqrt(2), abs=0.12)


@pytest.mark.parametrize("rate", [15.0, 30.0, 60.0])
def test_quick_turn_from_rest_lags_less_than_a_frame(rate: float) -> None:
    speed, start, stop = 200.0, 1.0, 1.4
    pose_filter = PoseFilter()
    for i in range(int(2.0 * rate)):
        truth = _pose(speed * (np.clip(i / rate, start, stop) - start))
        filtered, _ = pose_filter.update(i / rate, truth, _NOISE)
        assert _angle(filtered, truth) < 1.0 * speed / rate


@pytest.mark.parametrize("rate", [15.0, 30.0, 60.0])
def test_turning_head_is_followed(rate: float) -> None:
    pose_filter = PoseFilter()
    for i in range(int(6.0 * rate)):
        truth = _pose(30.0 * np.sin(np.pi * i / rate))  # up to 94 degrees/s
        filtered, _ = pose_filter.update(i / rate, truth, _NOISE)
        assert _angle(filtered, truth) < 2.0


def test_a_head_at_rest_is_smoothed_more_than_one_that_turns() -> None:
    def spread(speed: float) -> float:
        pose_filter = PoseFilter(lasting_share=0.0)
        for i in range(120):
            _, covariance = pose_filter.update(i / 30.0, _pose(speed * i / 30.0), _NOISE)
        return float(np.sqrt(covariance[4, 4]))

    assert spread(0.0) < 0.9 * spread(15.0) < 0.9 * spread(60.0)


def test_turns_through_the_back_and_sideways_have_no_seam() -> None:
    pose_filter = PoseFilter()
    steps = [rotation_from_vector([0.0, 0.0, 0.05 * i]) @ rotation_from_vector([0.0, 1.5, 0.0]) for i in range(200)]
    out = []
    for i, rotation in enumerate(steps):
        pose = np.eye(4)
        pose[:3, :3] = rotation
        out.append(pose_filter.update(i / 30.0, pose, _NOISE)[0])
    assert max(_angle(a, b) for a, b in pairwise(out)) < 1.5 * 0.05 / _DEGREE
    assert np.allclose(out[-1][:3, :3] @ out[-1][:3, :3].T, np.eye(3), atol=1e-9)


def test_disabled_filter_returns_what_it_gets() -> None:
    pose_filter = PoseFilter(PoseFilterSettings(enabled=False))
    for stamp, yaw in [(0.0, 0.0), (0.03, 40.0), (0.03, -5.0), (-1.0, 3.0)]:
        pose, covariance = pose_filter.update(stamp, _pose(yaw), _NOISE)
        assert np.array_equal(pose, _pose(yaw)) and np.array_equal(covariance, _NOISE)


def test_first_pose_comes_out_as_it_is() -> None:
    pose, covariance = PoseFilter(lasting_share=0.0).update(5.0, _pose(30.0), _NOISE)
    assert np.allclose(pose, _pose(30.0)) and np.allclose(covariance, _NOISE)


def test_repeated_stamp_returns_the_last_result() -> None:
    pose_filter = PoseFilter()
    pose_filter.update(0.0, _pose(0.0), _NOISE)
    first, _ = pose_filter.update(0.03, _pose(1.0), _NOISE)
    again, _ = pose_filter.update(0.03, _pose(30.0), _NOISE)
    assert np.array_equal(first, again)


@pytest.mark.parametrize("stamp", [0.99, -7.0, 1.6, 100.0])
def test_time_running_backwards_or_a_long_gap_starts_anew(stamp: float) -> None:
    pose_filter = PoseFilter()
    for i in range(31):
        pose_filter.update(i / 30.0, _pose(0.0), _NOISE)
    pose, _ = pose_filter.update(stamp, _pose(0.7), _NOISE)
    assert np.allclose(pose, _pose(0.7))


def test_short_gap_keeps_the_past() -> None:
    pose_filter = PoseFilter()
    for i in range(31):
        pose_filter.update(i / 30.0, _pose(0.0), _NOISE)
    pose, _ = pose_filter.update(1.2, _pose(0.7), _NOISE)
    assert 0.0 < _angle(pose, _pose(0.7)) < 0.7


def test_reset_forgets() -> None:
    pose_filter = PoseFilter()
    pose_filter.update(0.0, _pose(0.0), _NOISE)
    pose_filter.reset()
    pose, _ = pose_filter.update(0.03, _pose(0.4), _NOISE)
    assert np.allclose(pose, _pose(0.4))


def test_noise_is_smoothed_out_of_the_covariance_but_the_unknown_head_size_stays() -> None:
    covariance = _NOISE.copy()
    covariance[2, 2] = 0.035**2  # 6 % of 0.6 m: the same error in every frame
    pose_filter = PoseFilter(lasting_share=0.0)
    for i in range(60):
        _, out = pose_filter.update(i / 30.0, _pose(0.0), covariance)
    assert out[2, 2] == pytest.approx(covariance[2, 2], rel=0.03)
    assert out[0, 0] < 0.5 * covariance[0, 0] and out[4, 4] < 0.5 * covariance[4, 4]
    assert np.allclose(out, out.T) and np.linalg.eigvalsh(out).min() > 0


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_what_lasts_is_not_smoothed_out_of_the_covariance(share: float) -> None:
    pose_filter = PoseFilter(lasting_share=share)
    covariance = 16 * _NOISE
    for i in range(60):
        _, out = pose_filter.update(i / 30.0, _pose(0.0), covariance)
    assert (np.diag(out) > share * np.diag(covariance)).all()
    assert (np.diag(out) < (share + 0.6 * (1 - share)) * np.diag(covariance)).all()


def test_large_shared_depth_error_does_not_delay_a_move_in_depth() -> None:
    covariance = _NOISE.copy()
    covariance[2, 2] = 0.05**2
    pose_filter = PoseFilter()
    for i in range(60):
        truth = _pose(0.0, (0.0, 0.0, 0.6 + 0.3 * max(0.0, i / 30.0 - 1.0)))  # leans back at 0.3 m/s
        filtered, _ = pose_filter.update(i / 30.0, truth, covariance)
        assert abs(filtered[2, 3] - truth[2, 3]) < 0.3 / 30.0


def test_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="pose that is not finite"):
        PoseFilter().update(0.0, np.full((4, 4), np.nan), _NOISE)
    with pytest.raises(ValueError, match="covariance that is not finite"):
        PoseFilter().update(0.0, np.eye(4), np.full((6, 6), np.inf))


def test_settings_that_cannot_be_are_named() -> None:
    with pytest.raises(ValueError, match="longest_gap is 0"):
        PoseFilterSettings(longest_gap=0.0)
    with pytest.raises(ValueError, match="rotation_noise"):
        PoseFilterSettings(rotation_noise=(2.0, 1.0))


def test_rounding_does_not_build_up_over_a_long_drive() -> None:
    """Covariances as a solver leaves them, symmetric up to rounding only, must not make the filter diverge."""
    rng = np.random.default_rng(7)
    pose_filter, truth = PoseFilter(), _pose(20.0)
    mixing = rng.normal(size=(6, 6))
    correlated = np.sqrt(_NOISE) @ (mixing @ mixing.T / 6 + np.eye(6)) @ np.sqrt(_NOISE)
    for i in range(1500):
        shake = rng.multivariate_normal(np.zeros(6), correlated) * (4.0 if i % 50 == 0 else 1.0)
        uneven = correlated * (1.0 + 1e-6 * rng.normal(size=(6, 6)))
        out, covariance = pose_filter.update(i / 30.0, _pose(20.0, shake=shake), uneven)
    assert _angle(out, truth) < 3.0
    np.testing.assert_allclose(covariance, covariance.T, atol=1e-12)
    assert np.linalg.eigvalsh(covariance).min() > 0


def test_errors_grow_as_under_white_acceleration() -> None:
    """Against the matrix exponential (Van Loan 1978) of the model that the filter states."""
    pose_filter, dt = PoseFilter(lasting_share=0.0), 0.3
    for i in range(4):
        pose_filter.update(i / 30, _pose(4.0 * i, (0.01 * i, 0.0, 0.6)), _NOISE)
    before, density = pose_filter._spread, pose_filter._density * pose_filter._hurry() ** 2
    flow = np.zeros((12, 12))
    flow[:6, 6:] = np.eye(6)
    noise = np.zeros((12, 12))
    noise[6:, 6:] = np.diag(density)
    exponential = expm(dt * np.block([[-flow, noise], [np.zeros((12, 12)), flow.T]]))
    transition = exponential[12:, 12:].T
    pose_filter._predict(dt)
    expected = transition @ before @ transition.T + transition @ exponential[:12, 12:]
    np.testing.assert_allclose(pose_filter._spread, expected, rtol=1e-9, atol=1e-15)


def test_a_head_that_moves_may_turn_more_suddenly() -> None:
    settings = PoseFilterSettings()
    pose_filter = PoseFilter(settings)
    pose_filter._rate = np.array([settings.position_pace, 0.0, 0.0, 0.0, 2.0 * np.radians(settings.rotation_pace), 0.0])
    np.testing.assert_allclose(pose_filter._hurry(), [2.0] * 3 + [3.0] * 3)


def test_a_departure_widens_the_rate_as_it_does_the_value() -> None:
    pose_filter = PoseFilter(lasting_share=0.0)
    pose_filter.update(0.0, _pose(0.0), _NOISE)
    before = pose_filter._spread.copy()
    pose_filter._widen(slice(0, 3), np.array([0.5, 0.0, 0.0]), _NOISE[:3, :3])
    grown = pose_filter._spread.diagonal() / before.diagonal()
    assert grown[0] > 10.0
    np.testing.assert_allclose(grown, np.where(np.isin(np.arange(12), [0, 1, 2, 6, 7, 8]), grown[0], 1.0))


@pytest.mark.parametrize("axis", range(6))
def test_a_sudden_move_along_or_about_any_axis_is_followed_at_once(axis: int) -> None:
    move = np.zeros(6)
    move[axis] = 0.1 if axis < 3 else 20.0 * _DEGREE
    pose_filter = PoseFilter()
    for i in range(30):
        pose_filter.update(i / 30.0, _pose(10.0), _NOISE)
    moved = _pose(10.0, shake=move)
    filtered, _ = pose_filter.update(1.0, moved, _NOISE)
    assert np.linalg.norm(filtered[:3, 3] - moved[:3, 3]) < 0.01 and _angle(filtered, moved) < 2.0
