"""The models that are published: trained by one command, once, resumable, and as the study does."""

import dataclasses
import json

import pytest
import torch
from safetensors.torch import load_file

from mnist1d_hf.models import ARCHITECTURES
from mnist1d_hf.training.recipes import RECIPES, WARM_UP


@pytest.fixture
def script(root, monkeypatch, cache):
    """scripts/train_baselines.py with checkpoints after every step."""
    monkeypatch.syspath_prepend(str(root / "scripts"))
    import train_baselines

    often = ["--save_strategy=steps", "--save_steps=1", "--save_total_limit=1", "--eval_steps=2"]
    monkeypatch.setattr(train_baselines, "KEEP", [*often, "--disable_tqdm=true", "--use_cpu=true"])
    return train_baselines


def weights(folder):
    return load_file(folder / "model.safetensors")


def test_train_py_is_told_the_whole_recipe(script):
    from mnist1d_hf.training import arguments as train

    assert set(RECIPES) == set(ARCHITECTURES)
    for recipe in RECIPES.values():
        _, data, args = train.parse(script.options(recipe))
        parsed = dataclasses.replace(
            recipe,
            learning_rate=args.learning_rate,
            weight_decay=args.weight_decay,
            schedule=args.lr_scheduler_type,
            label_smoothing=args.label_smoothing_factor,
            shuffled=args.train_sampling_strategy == "random",
            steps=args.max_steps,
            shift=data.augment,
        )
        assert parsed == recipe
        assert args.warmup_steps == (WARM_UP if recipe.schedule == "cosine" else 0)


def test_trains_what_is_missing_and_goes_on_where_it_was_interrupted(
    script, tmp_path, capsys, monkeypatch
):
    once, twice = tmp_path / "once", tmp_path / "twice"
    script.train_baselines(once, ["logistic", "tcn"], max_steps=4)
    told = capsys.readouterr().out
    assert told.count("python scripts/train.py --model=") == 2
    card = (once / "tcn" / "README.md").read_text()
    assert "--augment=2" in card and "--warmup_steps=0.05" in card and "resume" not in card
    script.train_baselines(once, ["logistic", "tcn"], max_steps=4)
    assert capsys.readouterr().out.count("there already") == 2

    import train

    class Interrupting(train.AugmentingTrainer):
        def training_step(self, model, inputs, num_items_in_batch=None):
            if self.state.global_step == 2:
                raise KeyboardInterrupt
            return super().training_step(model, inputs, num_items_in_batch)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(train, "AugmentingTrainer", Interrupting)
        script.train_baselines(twice, ["tcn"], max_steps=4)
    assert not (twice / "tcn" / "README.md").exists()
    (twice / "tcn" / "checkpoint-3").mkdir()  # cut off while it was written
    steps = []

    class Counting(train.AugmentingTrainer):
        def training_step(self, model, inputs, num_items_in_batch=None):
            steps.append(self.state.global_step)
            return super().training_step(model, inputs, num_items_in_batch)

    monkeypatch.setattr(train, "AugmentingTrainer", Counting)
    script.train_baselines(twice, ["tcn"], max_steps=4)
    assert steps == [2, 3]
    resumed, whole = weights(twice / "tcn"), weights(once / "tcn")
    assert all(torch.equal(resumed[name], value) for name, value in whole.items())
    argv = script.arguments("tcn", tmp_path / "plain", 4)
    train.main([option for option in argv if option != "--augment=2"])
    plain = weights(tmp_path / "plain" / "tcn")
    assert any(not torch.equal(plain[name], value) for name, value in whole.items())
    # but for the folder's name, the card of the resumed one is that of the other
    cards = [(f / "tcn" / "README.md").read_text().replace(str(f), "") for f in (once, twice)]
    assert cards[0] == cards[1]


def test_checkpoints_of_another_recipe_are_not_gone_on_from(script, tmp_path):
    script.train_baselines(tmp_path / "a", ["logistic"], max_steps=2)
    script.train_baselines(tmp_path / "a", ["logistic"], max_steps=3)
    whole = weights(tmp_path / "a" / "logistic")
    script.train_baselines(tmp_path / "b", ["logistic"], max_steps=3)
    assert all(torch.equal(weights(tmp_path / "b" / "logistic")[n], v) for n, v in whole.items())
    state = json.loads((tmp_path / "a" / "logistic" / "trainer_state.json").read_text())
    assert state["global_step"] == 3


def test_unknown_model(script, tmp_path):
    with pytest.raises(ValueError, match="unknown models ccn: choose of logistic, mlp"):
        script.train_baselines(tmp_path, ["ccn"])
