import numpy as np
import pytest

from dense_face_ros.evaluation.paired import paired_difference


def test_noise_is_called_noise_and_a_shift_is_found() -> None:
    rng = np.random.default_rng(1)
    a = rng.normal(5.0, 1.0, 200)
    noise = rng.normal(0.0, 1.0, 200)
    same, worse = paired_difference(a, a + noise - noise.mean()), paired_difference(a, a + noise + 0.5)
    assert same is not None and same.verdict == "noise"
    assert worse is not None and worse.verdict == "higher"
    better = paired_difference(a, a - 0.5 + noise)
    assert better is not None and better.verdict == "lower"


def test_the_margin_is_that_of_students_t() -> None:
    found = paired_difference(np.zeros(4), np.array([1.0, 2.0, 3.0, 4.0]))
    assert found is not None
    assert found.difference == 2.5
    assert found.margin == pytest.approx(3.1824463 * np.std([1, 2, 3, 4], ddof=1) / 2, rel=1e-6)


def test_neighbours_that_err_alike_do_not_count_as_many() -> None:
    rng = np.random.default_rng(2)
    slow = np.repeat(rng.normal(0.0, 1.0, 10), 30)
    alone, blocks = paired_difference(np.zeros(300), slow), paired_difference(np.zeros(300), slow, block=30)
    assert alone is not None and blocks is not None and alone.margin is not None and blocks.margin is not None
    assert blocks.margin > 4 * alone.margin


def test_unknown_values_and_too_few() -> None:
    a = np.array([1.0, np.nan, 3.0])
    assert paired_difference(a, np.full(3, np.nan)) is None
    found = paired_difference(a, a)
    assert found is not None and found.pairs == 2 and found.verdict == "equal"
    one = paired_difference(np.array([1.0]), np.array([2.0]))
    assert one is not None and one.margin is None and one.verdict == "cannot be told"
