"""Going on from an exported network."""

import numpy as np
import pytest
import torch

from dense_face_ros.template import Template
from training.export import export
from training.network import make_network
from training.network.exported_weights import load_exported
from training.recipes import RECIPES
from training.terms import FREE


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "net.onnx"
    export(trained[0], path)
    return path, trained[1]


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (6, 128, 128, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def template_hash(shipped_model) -> str:
    """Of the template that ``exported`` maps to."""
    return Template(shipped_model).hash


@pytest.mark.parametrize("blocks", [RECIPES["smoke"].blocks, (2, 3, 4)])
def test_it_computes_the_same_in_evaluation_and_in_training(exported, images, template_hash, blocks):
    path, network = exported
    fresh = make_network("compact", RECIPES["smoke"].width, blocks=blocks)
    told = load_exported(fresh, path, template_hash, [images[:2], images[2:]])
    assert told["images_seen"] == "1234" and told["licence"] == FREE
    with torch.inference_mode():
        wanted = network(images)
        found = fresh.eval()(images)
        training = fresh.train()(images)  # the batch is all that the normalisations were measured on
    for a, b, c in zip(wanted, found, training, strict=True):
        torch.testing.assert_close(b, a, atol=1e-3, rtol=1e-4)
        torch.testing.assert_close(c, a, atol=0.3, rtol=1e-2)


def test_other_files_are_refused(exported, images, template_hash, tmp_path):
    with pytest.raises(ValueError, match="holds another architecture"):
        load_exported(make_network("compact", 1.0), exported[0], template_hash, [images])
    with pytest.raises(ValueError, match="holds another architecture"):
        load_exported(
            make_network("compact", RECIPES["smoke"].width, blocks=(0, 2, 2)), exported[0], template_hash, [images]
        )
    with pytest.raises(ValueError, match="no images"):
        load_exported(make_network("compact", RECIPES["smoke"].width), exported[0], template_hash, [])
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_exported(make_network("compact"), tmp_path / "none.onnx", template_hash, [images])
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(ValueError, match="is no ONNX file"):
        load_exported(make_network("compact"), tmp_path / "text.onnx", template_hash, [images])
