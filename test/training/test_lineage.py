"""What a run goes on from hands on its terms, its sources and its settings."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace

import pytest

from dense_face_ros.template import Template
from training.checkpoint import CHECKPOINT, load_checkpoint, save_checkpoint
from training.export import export
from training.lineage import descendant, previous_state
from training.recipes import RECIPES
from training.run_log import LOG, RunLog
from training.terms import FREE, PHOTOGRAPHS, RENDERINGS, RESEARCH
from training.train import main, train

SMOKE = replace(RECIPES["smoke"], precision="32-true")


def run(out, recipe, template, ramps, **settings):
    return load_checkpoint(train(recipe, out, out, template, ramps, **{"workers": 0, "steps": 1, **settings}))


def test_terms_once_on_the_weights_stay():
    free = descendant(RECIPES["free"], RENDERINGS, FREE)
    assert free == RECIPES["free"], "nothing new was learned from"
    bound = descendant(RECIPES["free"], PHOTOGRAPHS, RESEARCH)
    assert bound.licence == RESEARCH
    assert "face photographs of youtube_faces" in bound.training_data and "London Set" in bound.training_data
    assert bound.training_data.count(RENDERINGS) == 1
    assert descendant(RECIPES["best"], RENDERINGS, FREE) == RECIPES["best"]
    assert descendant(RECIPES["best"], RENDERINGS, "mine alone").licence == f"mine alone; {RESEARCH}"
    assert descendant(RECIPES["free"], RENDERINGS, "mine alone").licence == "mine alone"
    credit = "pictures (CC0; see there)"
    assert (
        descendant(replace(SMOKE, training_data=credit), f"skins; {credit}", FREE).training_data == f"skins; {credit}"
    )


def test_a_run_for_another_template_is_not_gone_on_with(monkeypatch, tmp_path):
    state = {"recipe": asdict(SMOKE), "template": {"kind": "cylindrical", "hash": "a"}}
    monkeypatch.setattr("training.lineage.load_run", lambda path: state)
    assert previous_state(tmp_path, SMOKE, {"kind": "cylindrical", "hash": "a"}, resume=True) is state
    with pytest.raises(ValueError, match="was trained for another template or face model; start a new folder"):
        previous_state(tmp_path, SMOKE, {"kind": "cylindrical", "hash": "b"}, resume=True)


def test_a_run_from_other_weights_inherits_from_a_checkpoint_and_from_an_exported_file(tmp_path, template, ramps):
    bound = replace(SMOKE, licence=RESEARCH, training_data=f"{RENDERINGS}; pictures of others")
    run(tmp_path / "bound", bound, template, ramps)
    export(tmp_path / "bound" / CHECKPOINT, tmp_path / "bound.onnx")
    for start in (tmp_path / "bound" / CHECKPOINT, tmp_path / "bound.onnx"):
        state = run(tmp_path / f"from{start.suffix}", SMOKE, template, ramps, start_from=start)
        assert state["recipe"]["licence"] == RESEARCH
        assert state["recipe"]["training_data"] == f"{RENDERINGS}; pictures of others"
    with pytest.raises(ValueError, match=r"--start-from .* holds another architecture or width than recipe 'smoke'"):
        run(tmp_path / "wide", replace(SMOKE, width=0.5), template, ramps, start_from=tmp_path / "bound" / CHECKPOINT)


def test_weights_for_another_face_model_are_no_start(tmp_path, template, small_model, ramps):
    run(tmp_path / "run", SMOKE, template, ramps)
    export(tmp_path / "run" / CHECKPOINT, tmp_path / "net.onnx")
    broad = Template(replace(small_model, mean=1.2 * small_model.mean), template.kind)
    for start in (tmp_path / "run" / CHECKPOINT, tmp_path / "net.onnx"):
        with pytest.raises(ValueError) as refused:
            run(tmp_path / "other", SMOKE, broad, ramps, start_from=start)
        said = str(refused.value)
        assert said.startswith(f"network '{start}' was trained for the frontal template {template.hash[:12]}, but")
        assert said.endswith("(DENSE_FACE_MODEL names the face model, --start-from the network)") and "\n" not in said
    assert not (tmp_path / "other").exists()


def test_a_deeper_network_goes_on_from_a_shallower_one(tmp_path, template, ramps):
    run(tmp_path / "shallow", SMOKE, template, ramps)
    deeper = replace(SMOKE, blocks=(1, 3, 2), steps=1)
    export(tmp_path / "shallow" / CHECKPOINT, tmp_path / "shallow.onnx")
    for start in (tmp_path / "shallow" / CHECKPOINT, tmp_path / "shallow.onnx"):
        out = tmp_path / f"deep{start.suffix}"
        assert "stages.3.3.first.conv.weight" in run(out, deeper, template, ramps, start_from=start)["average"]
        export(out / CHECKPOINT, tmp_path / f"deep{start.suffix}.onnx")
    with pytest.raises(ValueError, match="holds another architecture or width"):
        run(tmp_path / "again", SMOKE, template, ramps, start_from=tmp_path / "deep.pt" / CHECKPOINT)


def test_a_resumed_run_keeps_its_learning_rate_and_its_sources(tmp_path, template, ramps):
    out = tmp_path / "run"
    credited = replace(SMOKE, training_data=f"{RENDERINGS}; skins of somebody")
    run(out, credited, template, ramps, learning_rate=1e-4)
    again = run(out, SMOKE, template, ramps, steps=2, resume=True)["recipe"]
    assert again["learning_rate"] == 1e-4 and again["training_data"].endswith("skins of somebody")
    assert run(out, SMOKE, template, ramps, steps=3, resume=True, learning_rate=2e-4)["recipe"]["learning_rate"] == 2e-4
    with pytest.raises(ValueError, match="was trained with batch_size 4, recipe 'smoke' now has 8; start a new folder"):
        run(out, replace(SMOKE, batch_size=8), template, ramps, steps=4, resume=True)


def test_a_resumed_run_keeps_its_length(tmp_path, template, ramps):
    """The learning rate follows it: a run of minutes that was gone on with for the recipe's steps jumped back up."""
    out = tmp_path / "run"
    begun = run(out, SMOKE, template, ramps, steps=10_000, minutes=0.02)
    assert begun["length"] == {"steps": 10_000, "minutes": 0.02}
    again = run(out, SMOKE, template, ramps, steps=None, resume=True)
    assert again["step"] == begun["step"] and again["length"] == begun["length"], "it was at its end"
    longer = run(out, SMOKE, template, ramps, steps=begun["step"] + 1, resume=True)
    assert longer["step"] == begun["step"] + 1 and longer["length"]["minutes"] is None
    assert run(tmp_path / "recipe", SMOKE, template, ramps, steps=None)["length"] == {"steps": 10, "minutes": None}


def test_an_older_checkpoint_that_tells_no_length_asks_for_one(tmp_path, template, ramps):
    state = run(tmp_path, SMOKE, template, ramps)
    del state["length"]
    save_checkpoint(tmp_path / CHECKPOINT, state)
    with pytest.raises(ValueError, match=r"does not tell how long its run is to be; give --minutes or --steps$"):
        run(tmp_path, SMOKE, template, ramps, steps=None, resume=True)
    assert run(tmp_path, SMOKE, template, ramps, steps=2, resume=True)["step"] == 2


def test_lengths_and_threads_that_are_none_are_refused(tmp_path, template, ramps, capsys):
    for option, value in (("steps", 0), ("steps", -5), ("minutes", 0.0), ("minutes", -1.0)):
        with pytest.raises(ValueError, match=f"--{option} is {value}; it must be more than 0"):
            run(tmp_path / "run", SMOKE, template, ramps, **{option: value})
    with pytest.raises(SystemExit):
        main(["--recipe", "smoke", "--out", str(tmp_path / "run"), "--threads", "-1"])
    assert "--threads is -1; it must be at least 1" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit):
        main(["--recipe", "smoke", "--out", str(tmp_path / "file"), "--steps", "1"])
    assert "training.train: " in capsys.readouterr().err


def test_a_log_that_was_cut_short_is_gone_on_with(tmp_path):
    lines = [json.dumps({"split": "train", "step": step, "loss": 1.0}) for step in (1, 2, 3)]
    (tmp_path / LOG).write_text("\n".join(lines) + '\n{"split": "train", "st')
    RunLog(tmp_path, 2).close()
    assert (tmp_path / LOG).read_text().splitlines() == lines[:2]


def test_sigterm_to_all_processes_of_a_run_ends_it_with_a_checkpoint(tmp_path):
    """As timeout and batch systems send it: the loader's worker must not die of it first."""
    command = [sys.executable, "-m", "training.train", "--recipe", "smoke", "--out", str(tmp_path), "--steps", "100000"]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 120.0
        while not (tmp_path / LOG).is_file() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, said[-2000:]
    assert load_checkpoint(tmp_path / CHECKPOINT)["step"] > 0
