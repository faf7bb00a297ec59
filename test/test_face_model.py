"""The face model file and its queries; the promises of the shipped model."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel, SurfacePoints


def rewritten(path: Path, model: FaceModel, **changes: object) -> Path:
    model.save(path)
    with np.load(path) as file:
        data = {name: file[name] for name in file.files}
    for name, value in changes.items():
        if value is None:
            del data[name]
        else:
            data[name] = np.asarray(value)
    np.savez(path.with_suffix(""), **data)
    return path


def test_saved_and_loaded_it_is_the_same(small_model: FaceModel, tmp_path: Path) -> None:
    small_model.save(tmp_path / "face.npz")
    again = FaceModel.load(tmp_path / "face.npz")
    np.testing.assert_array_equal(again.mean, small_model.mean)
    np.testing.assert_allclose(again.identity_basis, small_model.identity_basis, atol=2e-5)
    np.testing.assert_array_equal(again.triangles, small_model.triangles)
    assert again.expression_names == small_model.expression_names
    assert again.licence == small_model.licence


def test_a_file_that_cannot_be_finished_leaves_the_old_one(
    small_model: FaceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "face.npz"
    small_model.save(path)
    before = path.read_bytes()

    def full_disk(file: BinaryIO, **_: object) -> None:
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez_compressed", full_disk)
    with pytest.raises(OSError, match="no space left"):
        small_model.save(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mirror": None}, "lacks mirror"),
        ({"format_version": 99}, "format version 99"),
        ({"albedo": np.zeros((3, 3))}, r"albedo has shape \(3, 3\)"),
        ({"format_version": [1, 1]}, "cannot be used"),
        ({"format_version": "one"}, "cannot be used"),
        ({"mean": 1.0}, "cannot be used"),
        ({"contour_candidates": np.zeros((3, 2))}, r"contour_candidates has shape \(3, 2\), expected \(17, 2\)"),
        ({"contour_candidates": np.zeros((17, 0))}, r"contour_candidates has shape \(17, 0\), expected \(17, 1\)"),
        ({"contour_candidates": 3}, "cannot be used"),
        ({"triangles": [[0, 1, 100000]]}, r"triangles has indices outside 0\.\.836"),
        ({"triangles": np.zeros((0, 3))}, "landmark_triangle has indices outside"),
        ({"landmark_triangle": np.full(68, 100000)}, "landmark_triangle has indices outside"),
        ({"landmark_triangle": np.full(68, -1)}, "landmark_triangle has indices outside"),
        ({"contour_candidates": np.full((17, 5), 837)}, "contour_candidates has indices outside"),
        ({"mirror": np.full(837, 837)}, "mirror has indices outside"),
        ({"regions": np.full(837, 4)}, r"regions has indices outside 0\.\.3"),
        ({"expression_spread": np.full(5, np.nan)}, "expression_spread holds values that are not finite"),
        ({"expression_spread": np.zeros(5)}, "expression_spread is 0.0, must be above 0"),
        ({"landmark_weights": np.full((68, 3), np.nan)}, "landmark_weights holds values that are not finite"),
        ({"albedo": np.full((837, 3), np.inf)}, "albedo holds values that are not finite"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(
    small_model: FaceModel, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    path = rewritten(tmp_path / "face.npz", small_model, **changes)
    with pytest.raises(ValueError, match=rf"face\.npz'.*{message}"):
        FaceModel.load(path)


def test_not_a_number_in_the_mean_is_refused(small_model: FaceModel, tmp_path: Path) -> None:
    mean = small_model.mean.copy()
    mean[3, 1] = np.nan
    with pytest.raises(ValueError, match="mean holds values that are not finite"):
        FaceModel.load(rewritten(tmp_path / "face.npz", small_model, mean=mean))


@pytest.mark.parametrize("content", [b"", b"not a model", b"PK\x03\x04 broken"])
def test_damaged_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "face.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"face\.npz"):
        FaceModel.load(tmp_path / "face.npz")


def test_a_pickle_is_not_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "face", mean=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match=r"face\.npz"):
        FaceModel.load(tmp_path / "face.npz")


def test_shape_is_linear(small_model: FaceModel) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, small_model.identity_size + small_model.expression_size))
    both = small_model.shape(a) + small_model.shape(b) - small_model.mean
    np.testing.assert_allclose(small_model.shape(a + b), both, atol=1e-5)
    by_hand = small_model.mean + np.tensordot(
        a, np.concatenate([small_model.identity_basis, small_model.expression_basis]), 1
    )
    np.testing.assert_allclose(small_model.shape(a), by_hand, atol=1e-5)


def test_interpolation_at_corners_and_centres(small_model: FaceModel) -> None:
    corner = SurfacePoints(np.array([5], np.int32), np.array([[0, 1, 0]], np.float32))
    np.testing.assert_array_equal(
        small_model.at(corner, small_model.mean)[0], small_model.mean[small_model.triangles[5, 1]]
    )


class TestShippedModel:
    def test_size(self, shipped_model: FaceModel) -> None:
        assert 2000 < len(shipped_model.mean) < 6000
        assert shipped_model.identity_size >= 40
        assert {"eyeBlink_L", "eyeBlink_R", "jawOpen", "mouthSmile_L"} <= set(shipped_model.expression_names)

    def test_it_is_left_right_symmetric(self, shipped_model: FaceModel) -> None:
        mirrored = shipped_model.mean[shipped_model.mirror] * [1, -1, 1]
        assert np.abs(mirrored - shipped_model.mean).max() < 1e-4
        assert (shipped_model.mirror[shipped_model.mirror] == np.arange(len(shipped_model.mean))).all()
        one = {tuple(np.roll(t, -np.argmin(t))) for t in shipped_model.triangles}
        other = {tuple(np.roll(t, -np.argmin(t))) for t in shipped_model.mirror[shipped_model.triangles][:, ::-1]}
        assert one == other

    def test_axes_and_units(self, shipped_model: FaceModel) -> None:
        """The nose points out along x, the person's left eye lies at y > 0, the chin below; all in metres."""
        marks = shipped_model.at(shipped_model.landmarks, shipped_model.mean)
        assert marks[:, 0].argmax() == 30
        assert marks[45, 1] > 0.03 and marks[36, 1] < -0.03
        assert -0.13 < marks[8, 2] < -0.09

    def test_the_origin_lies_between_the_eyes_of_every_person(self, shipped_model: FaceModel) -> None:
        ball = np.isin(shipped_model.regions, [shipped_model.region_names.index(f"eye_{s}") for s in ("left", "right")])
        centre = shipped_model.mean[ball][:, 1:].mean(axis=0)
        assert np.abs(centre).max() < 0.002
        moved = shipped_model.identity_basis[:, ball].mean(axis=1)
        assert np.abs(moved).max() < 0.002

    def test_no_identity_turns_the_face(self, shipped_model: FaceModel) -> None:
        """Laid on the mean face as well as a rotation and a shift can (Kabsch), anybody's stays as it is."""
        rng, mean = np.random.default_rng(0), shipped_model.mean.astype(np.float64)
        for _ in range(10):
            coefficients = np.concatenate(
                [rng.standard_normal(shipped_model.identity_size), np.zeros(shipped_model.expression_size)]
            )
            shape = shipped_model.shape(coefficients).astype(np.float64)
            left, _, right = np.linalg.svd((shape - shape.mean(axis=0)).T @ (mean - mean.mean(axis=0)))
            np.testing.assert_allclose(left @ right, np.eye(3), atol=np.radians(0.01))

    def test_adults_eyes_are_as_far_apart_as_people_s(self, shipped_model: FaceModel) -> None:
        def middle(side: str) -> float:
            region = shipped_model.region_names.index(f"eye_{side}")
            return float(shipped_model.mean[shipped_model.regions == region][:, 1].mean())

        assert 0.058 < middle("left") - middle("right") < 0.068, "mean adult distance 63 mm"

    def test_triangles_face_outwards(self, shipped_model: FaceModel) -> None:
        normals = shipped_model.normals(shipped_model.mean)
        outward = shipped_model.mean - np.array([-0.05, 0, -0.02])
        inward = (normals * outward).sum(axis=1) < 0  # nostrils, inner lips, the folds of the ears
        assert inward.mean() < 0.15

    def test_the_source_is_named(self, shipped_model: FaceModel) -> None:
        assert "ICT Face Model Light" in shipped_model.licence
        assert "MIT" in shipped_model.licence
