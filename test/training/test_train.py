import json
import os
import signal
from dataclasses import replace

import pytest
import torch

from dense_face_ros.template import Template
from training.checkpoint import load_checkpoint, network_of, save_checkpoint
from training.data import make_dataset
from training.loader import BadData
from training.recipes import RECIPES, recipe_named
from training.run_log import RunLog
from training.schedule import learning_rate, parameter_groups
from training.train import main, train
from training.training_run import TrainingRun

SMOKE = replace(RECIPES["smoke"], precision="32-true")


def run(out, recipe, template, ramps, **settings):
    path = train(recipe, out, out, template, ramps, **{"workers": 0, **settings})
    return load_checkpoint(path)


class Changed(torch.utils.data.Dataset):
    """A data set that does something else with its samples."""

    def __init__(self, good):
        self.good = good

    def __len__(self):
        return len(self.good)


def changed_training_set(make_dataset, change):
    def make(recipe, data, split, seed, stride):
        good = make_dataset(recipe, data, split, seed, stride)
        return change(good) if split == "train" else good

    return make


def test_a_stopped_and_resumed_run_equals_an_uninterrupted_one(tmp_path, template, ramps):
    """SIGTERM during step 5 of 10 ends the run behind that step; the rest gives the same weights to the last bit."""
    whole = run(tmp_path / "whole", SMOKE, template, ramps, steps=10)

    class Stopping(Changed):
        taken = 0

        def __getitem__(self, index):
            self.taken += 1
            if self.taken == 5 * SMOKE.batch_size:
                os.kill(os.getpid(), signal.SIGTERM)
            return self.good[index]

    first = run(tmp_path / "parts", SMOKE, template, changed_training_set(ramps, Stopping), steps=10)
    assert first["step"] == 5 and first["images"] == 20
    both = run(tmp_path / "parts", SMOKE, template, ramps, steps=10, resume=True)
    assert both["step"] == whole["step"] == 10
    for part in ("network", "average"):
        for name, tensor in whole[part].items():
            assert torch.equal(both[part][name], tensor), f"{part} {name}"


def test_a_run_that_is_ended_while_it_is_validated_keeps_its_steps(tmp_path, template, ramps, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(TrainingRun, "_validate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", SMOKE, template, ramps, steps=3)
    assert load_checkpoint(tmp_path / "run" / "checkpoint.pt")["step"] == 3


class Damaged(Changed):
    """One whose photograph is gone when four batches have been made."""

    taken = 0

    def __getitem__(self, index):
        self.taken += 1
        if self.taken > 4 * SMOKE.batch_size:
            raise FileNotFoundError("photograph 'gone.jpg' does not exist")
        return self.good[index]


@pytest.mark.parametrize("workers", [0, 1])
def test_what_is_wrong_with_the_data_ends_a_run_behind_a_checkpoint(tmp_path, template, ramps, workers):
    damaged = changed_training_set(ramps, Damaged)
    with pytest.raises(BadData, match=r"^photograph 'gone\.jpg' does not exist$"):
        run(tmp_path / "run", SMOKE, template, damaged, steps=10, workers=workers)
    assert load_checkpoint(tmp_path / "run" / "checkpoint.pt")["step"] == 4
    assert run(tmp_path / "run", SMOKE, template, ramps, steps=5, resume=True)["step"] == 5


def test_the_log_is_closed_whatever_ends_a_run(tmp_path, template, ramps, monkeypatch):
    """What TensorBoard has not written by then is lost."""
    closed = []
    monkeypatch.setattr(RunLog, "close", lambda log: closed.append(log))
    run(tmp_path / "whole", SMOKE, template, ramps, steps=1)
    with pytest.raises(BadData):
        run(tmp_path / "ended", SMOKE, template, changed_training_set(ramps, Damaged), steps=10)
    assert len(closed) == 2


def test_a_run_that_has_no_batch_leaves_no_checkpoint(tmp_path, template, ramps, monkeypatch):
    """What is named as missing can be given, and the same command called again."""
    monkeypatch.setattr(Damaged, "taken", 100)
    with pytest.raises(BadData):
        run(tmp_path / "run", SMOKE, template, changed_training_set(ramps, Damaged), steps=10)
    assert not (tmp_path / "run" / "checkpoint.pt").exists()


def test_what_is_wrong_with_the_data_is_told_in_one_line(tmp_path, ramps, monkeypatch, capfd):
    damaged = changed_training_set(ramps, Damaged)
    monkeypatch.setattr("training.data.make_dataset", lambda *given, **_: damaged(*given))
    threads = torch.get_num_threads()
    with pytest.raises(SystemExit) as ended:
        main(["--recipe", "smoke", "--out", str(tmp_path / "run"), "--threads", str(threads)])
    assert ended.value.code == 2
    told = capfd.readouterr().err
    assert told.endswith("\ntraining.train: photograph 'gone.jpg' does not exist\n") and "Traceback" not in told


def test_a_checkpoint_of_another_network_is_named(tmp_path, template, ramps):
    save_checkpoint(tmp_path / "finder.pt", {"kind": "finder"})
    with pytest.raises(ValueError, match=r"finder\.pt' has no recipe, template, average"):
        run(tmp_path / "run", SMOKE, template, ramps, steps=1, start_from=tmp_path / "finder.pt")


def test_training_learns_and_logs(tmp_path, template, ramps):
    run(tmp_path / "run", SMOKE, template, ramps, steps=60)
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["split"] for line in lines] == ["train", "validation"]
    assert lines[-1]["step"] == 60 and lines[-1]["images"] == 240
    assert {"loss", "epe", "iou", "seconds"} <= lines[-1].keys()
    run(tmp_path / "short", SMOKE, template, ramps, steps=1)
    start = json.loads((tmp_path / "short" / "log.jsonl").read_text().splitlines()[-1])
    assert lines[-1]["loss"] < 0.8 * start["loss"]
    assert list((tmp_path / "run").glob("events.out.tfevents*"))


def test_bfloat16_and_workers_run(tmp_path, template, ramps, monkeypatch):
    monkeypatch.setattr("training.processes.cpu_has_bfloat16", lambda: True)
    state = run(tmp_path / "run", RECIPES["smoke"], template, ramps, steps=2, workers=1)
    assert state["step"] == 2
    assert all(tensor.dtype != torch.bfloat16 for tensor in state["network"].values())


def test_paper_trains_on_pairs_then_on_the_template(tmp_path, template, ramps):
    small = {"batch_size": 2, "validation_samples": 2}
    pairs = replace(RECIPES["paper_synthetic"], **small)
    run(tmp_path / "pairs", pairs, template, ramps, steps=1)
    photographs = replace(RECIPES["paper_photographs"], learning_rate=0.0, **small)
    state = run(
        tmp_path / "photographs", photographs, template, ramps, steps=1, start_from=tmp_path / "pairs" / "checkpoint.pt"
    )
    before = load_checkpoint(tmp_path / "pairs" / "checkpoint.pt")["average"]
    for name in ("source_encoder.0.weight", "target_encoder.0.weight", "flow_decoder.0.weight"):
        torch.testing.assert_close(state["network"][name], before[name])
    assert torch.equal(state["network"]["template_image"], torch.from_numpy(template.image))


def test_minutes_end_a_run(tmp_path, template, ramps):
    state = run(tmp_path / "run", SMOKE, template, ramps, steps=10_000, minutes=0.02)
    assert 0 < state["step"] < 10_000


def test_minutes_that_end_before_the_first_step_leave_no_checkpoint(tmp_path, template, ramps):
    with pytest.raises(ValueError, match=r"--minutes 1e-06 were over before the first step: it took .* s to make the"):
        run(tmp_path / "run", SMOKE, template, ramps, minutes=1e-6)
    assert not (tmp_path / "run" / "checkpoint.pt").exists()
    assert run(tmp_path / "run", SMOKE, template, ramps, steps=1)["step"] == 1, "the folder is free"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--out", "{file}"], "--out '{file}' is a file; give a folder"),
        (["--out", "{folder}", "--workers", "-1"], "--workers is -1; it must be at least 0"),
    ],
)
def test_options_of_no_use_are_named(tmp_path, capsys, options, said):
    places = {"file": tmp_path / "file", "folder": tmp_path / "run"}
    places["file"].write_text("mine")
    threads = str(torch.get_num_threads())
    with pytest.raises(SystemExit) as ended:
        main(["--recipe", "smoke", "--threads", threads, *(option.format(**places) for option in options)])
    assert ended.value.code == 1
    assert capsys.readouterr().err.endswith(f"training.train: {said.format(**places)}\n")
    assert places["file"].read_text() == "mine" and not places["folder"].exists()


def test_a_finished_run_is_not_overwritten(tmp_path, template, ramps):
    run(tmp_path / "run", SMOKE, template, ramps, steps=1)
    with pytest.raises(ValueError, match="already holds a run; add --resume"):
        run(tmp_path / "run", SMOKE, template, ramps, steps=1)
    with pytest.raises(ValueError, match="trained with recipe 'smoke', not 'other'"):
        run(tmp_path / "run", replace(SMOKE, name="other"), template, ramps, steps=2, resume=True)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        run(tmp_path / "none", SMOKE, template, ramps, steps=2, resume=True)


def test_gradients_that_stay_infinite_end_the_run(tmp_path, template, ramps):
    class Poisoned(Changed):
        def __getitem__(self, index):
            return {**self.good[index], "weight": float("inf")}

    poisoned = changed_training_set(ramps, Poisoned)
    with pytest.raises(FloatingPointError, match=r"not finite for 20 steps in a row; begin again with a lower"):
        run(tmp_path / "run", SMOKE, template, poisoned, steps=30)


def test_a_broken_batch_now_and_then_ends_no_run(tmp_path, template, ramps):
    class Poisoned(Changed):
        taken = 0

        def __getitem__(self, index):
            self.taken += 1
            odd = (self.taken - 1) // SMOKE.batch_size % 2
            return {**self.good[index], "weight": float("inf") if odd else 1.0}

    state = run(tmp_path / "run", SMOKE, template, changed_training_set(ramps, Poisoned), steps=44)
    assert state["step"] == 44 and all(tensor.isfinite().all() for tensor in state["network"].values())


def validation_set_with(make_dataset, change):
    """``change`` (index, sample) -> sample."""

    class Other(Changed):
        def __getitem__(self, index):
            return change(index, self.good[index])

    def make(recipe, data, split, seed, stride):
        good = make_dataset(recipe, data, split, seed, stride)
        return Other(good) if split == "validation" else good

    return make


def last_validation(folder):
    return json.loads((folder / "log.jsonl").read_text().splitlines()[-1])


def test_crops_without_a_face_have_no_part_in_the_error_of_validation(tmp_path, template, ramps):
    def faceless(index, sample):
        return sample if index < 4 else {**sample, "matchable": 0 * sample["matchable"]}

    recipe = replace(SMOKE, validation_samples=8)
    run(tmp_path / "half", recipe, template, validation_set_with(ramps, faceless), steps=1)
    run(tmp_path / "faces", replace(recipe, validation_samples=4), template, ramps, steps=1)
    half, faces = last_validation(tmp_path / "half"), last_validation(tmp_path / "faces")
    assert half["epe"] == pytest.approx(faces["epe"]) and half["iou"] != pytest.approx(faces["iou"])


def test_a_validation_that_is_no_number_is_not_told_as_perfect(tmp_path, template, ramps, capsys):
    nowhere = validation_set_with(ramps, lambda _, sample: {**sample, "weight": float("nan")})
    run(tmp_path / "run", SMOKE, template, nowhere, steps=1)
    assert last_validation(tmp_path / "run")["loss"] is None
    assert "loss nan" in capsys.readouterr().out


def test_weights_that_are_not_finite_end_the_run_and_leave_the_checkpoint_before(
    tmp_path, template, ramps, monkeypatch
):
    """Statistics of a normalisation: training does not use them, and no gradient tells."""
    one_step = TrainingRun._one_step

    def damaging(self, *arguments):
        report = one_step(self, *arguments)
        if self.step == 3:
            next(m for m in self.network.modules() if isinstance(m, torch.nn.BatchNorm2d)).running_var[0] = torch.nan
        return report

    run(tmp_path / "run", SMOKE, template, ramps, steps=2)
    monkeypatch.setattr(TrainingRun, "_one_step", damaging)
    what = r"^at step 4 weights are not finite \(network: \S+running_var, average: \S+running_var\); "
    with pytest.raises(FloatingPointError, match=what + r"lower --learning-rate .* '.*checkpoint\.pt', .* step 2$"):
        run(tmp_path / "run", SMOKE, template, ramps, steps=4, resume=True)
    assert load_checkpoint(tmp_path / "run" / "checkpoint.pt")["step"] == 2
    with pytest.raises(FloatingPointError, match=what + r"begin again with a lower --learning-rate$"):
        run(tmp_path / "new", SMOKE, template, ramps, steps=4)
    assert not (tmp_path / "new" / "checkpoint.pt").exists()


def test_checkpoints_hold_the_average_and_nothing_executable(tmp_path, template, ramps):
    state = run(tmp_path / "run", SMOKE, template, ramps, steps=3)
    network = network_of(state, tmp_path)
    assert not network.training
    torch.testing.assert_close(network.state_dict()["head.weight"], state["average"]["head.weight"])
    assert any(not torch.equal(state["average"][name], tensor) for name, tensor in state["network"].items())
    bad = tmp_path / "bad.pt"
    bad.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="no whole checkpoint; give"):
        load_checkpoint(bad)


def test_learning_rate_follows_the_schedule():
    best = RECIPES["best"]
    assert learning_rate(best, 0, 0.0) == pytest.approx(best.learning_rate / best.warmup_steps)
    assert learning_rate(best, 10_000, 0.5) == pytest.approx(0.505 * best.learning_rate)
    assert learning_rate(best, 10_000, 1.0) == pytest.approx(0.01 * best.learning_rate)
    paper = RECIPES["paper_photographs"]
    assert learning_rate(paper, 10_000, 0.5) == pytest.approx(1e-4)
    assert learning_rate(paper, 10_000, 0.7) == pytest.approx(1e-5)


def test_weights_decay_and_offsets_and_normalisations_do_not():
    layers = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    decaying, others = parameter_groups(layers, 0.1)
    assert [p.ndim for p in decaying["params"]] == [4] and decaying["weight_decay"] == 0.1
    assert [p.ndim for p in others["params"]] == [1, 1, 1] and others["weight_decay"] == 0.0


def test_unknown_recipe_is_named():
    with pytest.raises(ValueError, match="recipe is 'fast'; known are paper_synthetic"):
        recipe_named("fast")


def test_the_cost_of_the_pose_is_learned_from_and_logged(tmp_path, shipped_model):
    recipe = replace(SMOKE, pose_weight=0.3, batch_size=2, validation_samples=2)
    whole = Template(shipped_model, recipe.template_kind)
    with_pose = run(tmp_path / "with", recipe, whole, make_dataset, steps=2)
    without = run(tmp_path / "without", replace(recipe, pose_weight=0.0), whole, make_dataset, steps=2)
    assert any(not torch.equal(with_pose["network"][name], tensor) for name, tensor in without["network"].items())
    last = json.loads((tmp_path / "with" / "log.jsonl").read_text().splitlines()[-1])
    assert last["turned"] > 0.0 and last["farther"] > 0.0 and "moved" not in last, "no head repeats in validation"


def test_validation_draws_the_same_cells_each_time_and_none_of_training(tmp_path, shipped_model, monkeypatch):
    validate = TrainingRun._validate

    def twice(self, *arguments):
        before = torch.get_rng_state()
        validate(self, *arguments)
        validate(self, *arguments)
        assert torch.equal(torch.get_rng_state(), before)

    monkeypatch.setattr(TrainingRun, "_validate", twice)
    recipe = replace(SMOKE, pose_weight=0.3, batch_size=2, validation_samples=2)
    run(tmp_path / "run", recipe, Template(shipped_model, recipe.template_kind), make_dataset, steps=1)
    first, second = (json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()[-2:])
    assert first["turned"] == second["turned"] > 0.0
