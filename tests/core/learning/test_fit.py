"""The fit loop: learns, resumes after a kill on the same curve, stops early, cancels within a batch."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from porelab_gui.core.errors import FormatError, InputError, NotConverged
from porelab_gui.core.learning.fit import FitConfig, fit
from porelab_gui.core.progress import Cancelled

CONFIG = FitConfig(epochs=6, batch_size=8, learning_rate=1e-2, precision="float32", threads=1, seed=3)


class Line:
    """y = 2 x + noise that is drawn anew in every epoch."""

    def __init__(self, count=64):
        self.x = torch.linspace(-1, 1, count)[:, None]
        self.epoch = 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        noise = torch.randn(1) * 0.01
        return self.x[i], 2 * self.x[i] + noise


def net():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(1, 8), torch.nn.Dropout(0.1), torch.nn.Tanh(), torch.nn.Linear(8, 1))


def loss(model, batch):
    return torch.nn.functional.mse_loss(model(batch[0]), batch[1])


def validate(model):
    x = torch.linspace(-1, 1, 33)[:, None]
    with torch.no_grad():
        return {"loss": float(torch.mean((model(x) - 2 * x) ** 2))}


def train(folder, progress=lambda *a, **k: None, config=CONFIG):
    model = net()
    return model, fit(model, loss, Line(), validate, config, folder, progress)


def test_it_learns_and_holds_the_best_epoch(tmp_path):
    model, result = train(tmp_path, config=FitConfig(epochs=40, batch_size=8, learning_rate=1e-2, precision="float32"))
    assert result.best < 0.02 and validate(model)["loss"] == pytest.approx(result.best, rel=1e-5)
    assert len(result.curves) == 40 and {"train_loss", "learning_rate", "loss"} <= result.curves[0].keys()


def test_a_cancelled_run_goes_on_with_the_same_curve(tmp_path):
    _, whole = train(tmp_path / "whole")

    def stop(done, total, message="", /, **metrics):
        if done > 2.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        train(tmp_path / "broken", stop)
    _, resumed = train(tmp_path / "broken")
    assert resumed.curves == whole.curves


SCRIPT = """
import sys, time
sys.path.insert(0, {tests!r})
from test_fit import train
from pathlib import Path
def slow(done, total, message="", /, **metrics):
    time.sleep(0.02)
    print(done, flush=True)
train(Path({folder!r}), slow)
"""


def test_kill_minus_nine_loses_at_most_one_epoch(tmp_path):
    script = SCRIPT.format(tests=str(Path(__file__).parent), folder=str(tmp_path / "killed"))
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    for line in child.stdout:
        if float(line) > 3.4:
            child.send_signal(signal.SIGKILL)
            break
    child.wait()
    seen = []
    _, resumed = train(tmp_path / "killed", lambda done, *a, **k: seen.append(done))
    _, whole = train(tmp_path / "whole")
    assert seen[0] >= 3.0
    assert resumed.curves == whole.curves


def test_cancel_is_heard_within_a_batch(tmp_path):
    calls = []

    def stop(done, total, message="", /, **metrics):
        calls.append(done)
        raise Cancelled

    with pytest.raises(Cancelled):
        train(tmp_path, stop)
    assert calls == [pytest.approx(1 / 8)]


def test_early_stopping(tmp_path):
    config = FitConfig(epochs=50, batch_size=8, learning_rate=0.0, final_learning_rate=0.0, patience=3, weight_decay=0)
    _, result = train(tmp_path, config=config)
    assert result.stopped_early and len(result.curves) == 4


def test_a_loss_that_is_not_finite_is_refused(tmp_path):
    with pytest.raises(NotConverged, match="learning rate"):
        fit(net(), lambda m, b: loss(m, b) * float("nan"), Line(), validate, CONFIG, tmp_path)


def test_nothing_to_train_on_is_refused(tmp_path):
    with pytest.raises(InputError, match="nothing to train"):
        fit(net(), loss, Line(0), validate, CONFIG, tmp_path)


def test_other_settings_in_the_same_folder_are_refused(tmp_path):
    train(tmp_path)
    with pytest.raises(InputError, match="other settings"):
        train(tmp_path, config=FitConfig(epochs=6, batch_size=4, precision="float32"))


def test_a_damaged_checkpoint_is_named(tmp_path):
    train(tmp_path)
    path = next(tmp_path.glob("last-*.pt"))
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(FormatError, match="damaged"):
        train(tmp_path)


def test_halves_add_up_to_the_same_update(tmp_path):
    config = FitConfig(epochs=1, batch_size=64, learning_rate=1e-2, precision="float32")
    results = []
    for size in (64, 16):
        torch.manual_seed(0)
        model = torch.nn.Linear(1, 1)
        from porelab_gui.core.learning.fit import _Loop

        loop = _Loop(model, loss, Line(), validate, config, tmp_path / str(size), lambda *a, **k: None, None)
        loop.result.batch_size = size
        examples = [(x[None], 2 * x[None]) for x in torch.linspace(-1, 1, 64)]
        loop._update(examples)
        results.append(model.weight.item())
    assert results[0] == pytest.approx(results[1], rel=1e-6)


def test_a_full_device_halves_the_batch_and_goes_on_with_the_same_update(tmp_path):
    def hungry(model, batch):
        if len(batch[0]) > 4:
            raise torch.cuda.OutOfMemoryError("full")
        return loss(model, batch)

    config = FitConfig(epochs=1, batch_size=16, learning_rate=1e-2, precision="float32", seed=3)
    weights = []
    for name, how in (("hungry", hungry), ("plain", loss)):
        torch.manual_seed(0)
        model = torch.nn.Linear(1, 1)
        result = fit(model, how, Line(), validate, config, tmp_path / name)
        assert result.batch_size == (4 if how is hungry else 16)
        weights.append(model.weight.item())
    assert weights[0] == pytest.approx(weights[1], rel=1e-5)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        fit(
            net(), lambda m, b: (_ for _ in ()).throw(torch.cuda.OutOfMemoryError()), Line(), validate, config, tmp_path
        )


def test_the_best_may_be_the_largest_and_pictures_come_every_few_epochs(tmp_path):
    drawn, scores = [], iter([0.2, 0.9, 0.5, 0.4])
    config = FitConfig(epochs=4, precision="float32", monitor="score", maximise=True, draw_every=2, warmup=1)
    model, states = net(), []

    def watch(m):
        states.append(m[0].weight.detach().clone())
        return {"score": next(scores)}

    result = fit(model, loss, Line(), watch, config, tmp_path, draw=lambda m, p: drawn.append(m is model))
    assert (result.best, result.best_epoch) == (0.9, 1) and drawn == [True, True, True]
    assert torch.equal(model[0].weight, states[1])
    rates = [row["learning_rate"] for row in result.curves]
    assert rates[0] == pytest.approx(rates[1] / 2) and rates[1] > rates[2] > rates[3]


TWO = """
import sys
sys.path.insert(0, {tests!r})
import torch
from pathlib import Path
from test_fit import FitConfig, Line, fit, loss, validate
torch.manual_seed(0)
model = torch.nn.Linear(1, 1)
config = FitConfig(epochs=2, batch_size=16, learning_rate=1e-2, precision="float32", threads=1)
class Still(Line):
    def __getitem__(self, i):
        return self.x[i], 2 * self.x[i]
fit(model, loss, Still(), validate, config, Path({folder!r}))
"""


def test_two_processes_under_torchrun_learn_what_one_learns(tmp_path):
    from safetensors.torch import load_file

    found = []
    for count in (1, 2):
        folder = tmp_path / str(count)
        script = tmp_path / f"two{count}.py"
        script.write_text(TWO.format(tests=str(Path(__file__).parent), folder=str(folder)))
        start = [sys.executable, str(script)]
        if count == 2:
            start[1:1] = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        subprocess.run(start, check=True, timeout=120, capture_output=True)
        found.append(load_file(folder / "best.safetensors")["weight"].item())
    assert found[0] == pytest.approx(found[1], rel=1e-5)
