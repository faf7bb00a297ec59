import numpy as np

from training.benchmarks.markup21 import POINTS, from_68


def test_names_say_where_the_points_are(model) -> None:
    """On the frontal mean face: left and right in the image, brows above eyes above nose above mouth above chin."""
    head = np.asarray(model.at(model.landmarks, model.mean), dtype=float)
    u, v = from_68(np.column_stack([head[:, 1], -head[:, 2]])).T
    at = {name: index for index, name in enumerate(POINTS)}
    assert len(at) == 21 and all(0 <= i < 68 for indices in POINTS.values() for i in indices)
    for name in at:
        if name.startswith("Left"):
            assert u[at[name]] < -0.005, name
        elif name.startswith("Right"):
            assert u[at[name]] > 0.005, name
    for side in ("Left", "Right"):
        for part in ("Brow", "Eye"):
            corners = [u[at[f"{side}{part}{place}"]] for place in ("LeftCorner", "Center", "RightCorner")]
            assert corners == sorted(corners)
        assert v[at[f"{side}BrowCenter"]] < v[at[f"{side}EyeCenter"]] < v[at["NoseCenter"]]
    assert v[at["NoseCenter"]] < v[at["MouthCenter"]] < v[at["ChinCenter"]]
    for left, right in (("NoseLeft", "NoseRight"), ("MouthLeftCorner", "MouthRightCorner"), ("LeftEar", "RightEar")):
        assert u[at[left]] < 0 < u[at[right]]


def test_a_centre_is_the_mean_of_its_landmarks() -> None:
    landmarks = np.random.default_rng(0).normal(size=(68, 2))
    centre = from_68(landmarks)[list(POINTS).index("LeftEyeCenter")]
    assert np.allclose(centre, landmarks[36:42].mean(axis=0))
