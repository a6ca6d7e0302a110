"""The examples run, and print what their first lines promise."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest
import torch

FOLDER = "scripts/examples"


@pytest.fixture
def example(root, cache):
    def load(name):
        spec = importlib.util.spec_from_file_location(name, root / FOLDER / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def test_every_example_is_tested(root):
    tested = {"plain_pytorch", "sklearn_baselines", "numpy_mlp", "jax_arrays", "kfold"}
    assert {path.stem for path in (root / FOLDER).glob("*.py")} == tested


def test_plain_pytorch(example):
    assert example("plain_pytorch").main(steps=150) > 0.45


def test_sklearn_baselines_give_the_published_numbers(example):
    accuracy = example("sklearn_baselines").main()
    assert accuracy["logistic"] == pytest.approx(0.328, abs=0.0021)  # two rows of rounding
    assert accuracy["10 nearest neighbours"] == 0.596


def test_numpy_mlp(example):
    assert example("numpy_mlp").main(steps=300) > 0.4


def test_the_gradients_of_the_numpy_mlp_are_those_of_autograd(example):
    module, generator = example("numpy_mlp"), np.random.default_rng(0)
    weights = module.start(generator, hidden=7)
    x, labels = generator.normal(size=(5, 40)), np.arange(5)
    loss, gradients = module.loss_and_gradients(weights, x, labels)
    w = {name: torch.tensor(value, requires_grad=True) for name, value in weights.items()}
    hidden = (torch.tensor(x) @ w["w1"] + w["b1"]).relu()
    expected = torch.nn.functional.cross_entropy(hidden @ w["w2"] + w["b2"], torch.tensor(labels))
    expected.backward()
    assert loss == pytest.approx(expected.item())
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, w[name].grad, rtol=1e-8, atol=1e-12)


def test_jax_arrays_need_no_torch(root, cache):
    pytest.importorskip("jax")
    code = (
        f"import sys, runpy; sys.path.insert(0, {str(root / FOLDER)!r}); import jax_arrays\n"
        "assert jax_arrays.main(steps=300) > 0.28\n"
        "assert 'torch' not in sys.modules"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert child.returncode == 0, child.stderr


def test_kfold(example):
    accuracy = example("kfold").main(folds=2, steps=100)
    assert len(accuracy) == 2 and min(accuracy) > 0.25
