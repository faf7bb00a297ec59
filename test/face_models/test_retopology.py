"""A published model on our mesh: what is known of it comes back, and everything downstream works with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from face_models.published import SHIFT, Published
from face_models.test_basel import write_3ddfa

from dense_face_ros.alignment import Aligner
from dense_face_ros.correspondence import Correspondences
from dense_face_ros.eyes import CORNERS
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import FACING_CAMERA, PinholeCamera
from dense_face_ros.template import KINDS, Template
from training.face_models.basel import read_3ddfa
from training.face_models.import_model import main
from training.face_models.landmarks import similarity
from training.face_models.retopology import on_our_mesh
from training.face_models.source import to_head_axes
from training.rendering.head_mesh import HeadMesh

MM = 1e-3


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, published: Published) -> Path:
    return write_3ddfa(tmp_path_factory.mktemp("3ddfa"), published)


@pytest.fixture(scope="module")
def imported(files: Path) -> FaceModel:
    """Through the command line and the file."""
    assert main(["3ddfa", str(files), "--out", str(files.parent / "model.npz")]) == 0
    return FaceModel.load(files.parent / "model.npz")


@pytest.fixture(scope="module")
def skin(published: Published) -> np.ndarray:
    return np.unique(published.ours.triangles[published.skin])


def turn_to(published: Published, model: FaceModel, skin: np.ndarray) -> np.ndarray:
    """(3, 3) our axes <- the imported model's: a new mean face may nod a little differently."""
    return similarity(model.mean[skin].astype(float), published.person[skin])[1]


def test_the_mean_face_comes_back(imported: FaceModel, published: Published, skin: np.ndarray) -> None:
    turn = turn_to(published, imported, skin)
    assert np.degrees(np.arccos(0.5 * (np.trace(turn) - 1.0))) < 0.4
    ours, theirs = imported.mean[skin] @ turn.T, published.person[skin]
    gap = np.linalg.norm((ours - ours.mean(axis=0)) - (theirs - theirs.mean(axis=0)), axis=1)
    assert np.median(gap) < 0.6 * MM and np.quantile(gap, 0.95) < 1.5 * MM


def test_the_modes_come_back(imported: FaceModel, published: Published, skin: np.ndarray) -> None:
    """The imported identity modes span what was written; expressions are found one by one."""
    turn = turn_to(published, imported, skin)
    found = (imported.identity_basis @ turn.T)[:, skin].reshape(3, -1)
    truth = published.identity[:, skin].reshape(3, -1)
    left = truth - truth @ np.linalg.pinv(found) @ found
    assert np.linalg.norm(left) < 0.15 * np.linalg.norm(truth)
    strength = [np.linalg.norm(x, "nuc") for x in (found, truth)]
    assert strength[0] == pytest.approx(strength[1], rel=0.1), "still one standard deviation each"
    jaw = imported.expression_names.index("mode01+")
    gap = np.linalg.norm(imported.expression_basis[jaw][skin] @ turn.T - 3.0 * published.expression[0][skin], axis=1)
    assert np.median(gap) < 0.1 * MM and np.quantile(gap, 0.95) < 1.5 * MM


def test_the_origin_lies_between_the_eyes_of_every_person(imported: FaceModel, published: Published) -> None:
    ours = published.ours
    balls = [ours.regions == ours.region_names.index(name) for name in ("eye_left", "eye_right")]
    for mode in (imported.mean - ours.mean, *imported.identity_basis):
        moved = np.mean([mode[ball].mean(axis=0) for ball in balls], axis=0)
        np.testing.assert_allclose(moved, 0.0, atol=0.4 * MM)  # the mesh has only the balls' fronts
    assert not imported.expression_basis[:, balls[0] | balls[1]].any()


def test_published_landmarks_are_kept(imported: FaceModel, published: Published, files: Path) -> None:
    marks = imported.at(imported.landmarks, imported.mean)
    wanted = published.cut(published.person)[published.keypoints]
    _, turn, _ = similarity(marks, wanted)
    marks = (marks - marks.mean(axis=0)) @ turn.T
    gap = np.linalg.norm(marks - (wanted - wanted.mean(axis=0)), axis=1)
    assert np.median(gap) < 0.3 * MM and gap.max() < 2.5 * MM


def test_everything_downstream_works(imported: FaceModel) -> None:
    for kind in KINDS:
        template = Template(imported, kind)
        assert (template.triangle >= 0).mean() > 0.3
        points, moved = template.surface_points(template.pixels(imported.landmarks))
        assert len(points) == 68 and np.median(moved) < 0.5
    assert HeadMesh(imported).mean.shape[1] == 3
    camera = PinholeCamera(600.0, 600.0, 320.0, 240.0, 640, 480)
    person = np.zeros(imported.identity_size + imported.expression_size)
    person[1] = 2.0
    at = imported.at(imported.landmarks, imported.shape(person)) @ FACING_CAMERA.T + [0.02, 0.01, 0.6]
    left, right = (camera.project(at[list(corners)]).mean(axis=0) for corners in CORNERS)
    assert left[0] - right[0] == pytest.approx(62.0, abs=8.0), "eyes 62 mm apart, 600 mm away"
    pairs = Correspondences(camera.project(at), imported.landmarks, np.ones(68), np.ones(68))
    fit = Aligner(imported).align(pairs, camera)
    assert fit.residual < 0.6 and np.linalg.norm(fit.pose[:3, 3] - [0.02, 0.01, 0.6]) < 0.05


def test_what_the_source_lacks_is_continued(published: Published, files: Path, skin: np.ndarray) -> None:
    """Without ears: they move as their neighbourhood does. Without landmarks: eyeballs will do to start from. Without
    expressions: the shipped ones."""
    source = read_3ddfa(files)
    ears = np.abs(source.mean[:, 1]) > 0.078
    cropped = replace(
        source, triangles=source.triangles[~ears[source.triangles].any(axis=1)], expressions=source.expressions[:0],
        marks={}, eyes=to_head_axes(published.axes(np.array([[0, 0.031, 0], [0, -0.031, 0.0]])) + SHIFT),
    )  # fmt: skip
    model, found = on_our_mesh(cropped, published.ours)
    off = skin[~found.supported[skin]]
    assert 0.03 < len(off) / len(skin) < 0.3
    turn = turn_to(published, model, skin)
    ours, theirs = model.mean @ turn.T, published.person
    gap = np.linalg.norm((ours - ours[skin].mean(axis=0)) - (theirs - theirs[skin].mean(axis=0)), axis=1)
    assert np.median(gap[skin]) < 0.3 * MM and np.median(gap[off]) < 2.0 * MM
    assert model.expression_names == published.ours.expression_names
    np.testing.assert_array_equal(model.landmarks.triangle, published.ours.landmarks.triangle)


def test_other_units_and_unknown_landmarks_are_named(published: Published, files: Path) -> None:
    source = read_3ddfa(files)
    inches = replace(source, mean=source.mean / 0.0254, marks={i: p / 0.0254 for i, p in source.marks.items()})
    with pytest.raises(ValueError, match=r"is 40\..* times the size of ours; is it in other units\?"):
        on_our_mesh(inches, published.ours)
    with pytest.raises(ValueError, match="2 landmarks are known, 6 are needed"):
        on_our_mesh(replace(source, marks={i: source.marks[i] for i in (0, 1)}), published.ours)


def test_the_command_line_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "model.npz")
    assert main(["flame", str(tmp_path / "none.pkl"), "--out", out]) == 2
    assert capsys.readouterr().err == f"error: '{tmp_path}/none.pkl' does not exist\n"
    absent = tmp_path / "absent"
    for option, given in (("--out", ["--out", str(absent / "m.npz")]),
                          ("--picture", ["--out", out, "--picture", str(absent / "m.png")])):  # fmt: skip
        assert main(["flame", str(tmp_path / "none.pkl"), *given]) == 2
        assert capsys.readouterr().err == f"error: {option}: folder '{absent}' does not exist; make it first\n"
    with pytest.raises(SystemExit):
        main(["bfm", "x.h5", "--extra", "y", "--out", out])
    assert "--extra has no meaning for bfm" in capsys.readouterr().err
