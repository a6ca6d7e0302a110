"""Model cards: what they say, and what they say once published."""

import pytest
import yaml
from huggingface_hub import ModelCard, parse_eval_result_entries

from mnist1d_hf.pages.model_card import eval_results, for_hub, model_card, results_for_hub

FACTS = {
    "model_name": "cnn",
    "architecture": "Mnist1DCNNForSequenceClassification",
    "num_parameters": 5210,
    "dataset": "mnist1d",
    "dataset_args": "default",
    "accuracy": {"validation": 0.91, "test": 0.9375},
    "training": {"steps": 6000, "seed": 42},
    "command": "python scripts/train.py --model cnn",
    "curve": [(100 * n, n / 100) for n in range(1, 26)],
}
ROW = {"config": "default", "model": "cnn", "recipe": "paper", "protocol": "last_step"}


def test_says_what_was_measured():
    card = ModelCard(model_card(**FACTS))
    assert "5,210 parameters" in card.text and "| test | 93.75 % |" in card.text
    assert "```bash\npython scripts/train.py --model cnn\n```" in card.text
    results = {r.dataset_split: r.metric_value for r in card.data.eval_results}
    assert results == FACTS["accuracy"]


def test_a_long_curve_is_thinned_to_its_end():
    [steps] = [x for x in model_card(**FACTS).splitlines() if x.startswith("| step |")]
    assert steps.endswith("| 2200 | 2500 |") and steps.count("|") <= 12
    assert "| test, % |" in model_card(**{**FACTS, "watched": "test"})


def test_without_facts_it_claims_nothing():
    bare = {k: v for k, v in FACTS.items() if k not in ("command", "curve", "dataset_args")}
    text = model_card(**{**bare, "accuracy": {}})
    assert "Not evaluated." in text and "```bash" not in text and "While" not in text
    assert ModelCard(text).data.eval_results is None


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_published_card_is_valid_and_names_its_place(hub):
    measured = [
        {**ROW, "mean": 93.731, "std": 0.644, "n": 10},
        {**ROW, "protocol": "validation", "mean": 92.0, "std": None, "n": 1},
    ]
    text = for_hub(model_card(**FACTS), "alice/mnist1d-cnn", "alice/mnist1d", measured)
    card = ModelCard(text)
    card.validate()
    assert card.data.datasets == ["alice/mnist1d"]
    assert {r.dataset_type for r in card.data.eval_results} == {"alice/mnist1d"}
    assert "\n# mnist1d-cnn\n" in text and "trained on `alice/mnist1d` (default)" in text
    assert card.data.model_name == "mnist1d-cnn"
    assert text.count('"alice/mnist1d-cnn"') == 4 and '"cnn"' not in text
    # a folder that is not published lacks the code of the pipeline
    assert text.count("pipeline(") == 2 and model_card(**FACTS).count("pipeline(") == 1
    assert "- 93.73 ± 0.64 % (n = 10): paper recipe, last step\n" in text
    assert "- 92.00 % (n = 1): paper recipe, validation\n" in text
    assert "several seeds -->" not in for_hub(model_card(**FACTS), "a/b", "a/c")


def test_results_file_in_the_hubs_format():
    text = eval_results(dataset="mnist1d", task="default", accuracy=0.9375, date="2026-01-02")
    told = yaml.safe_load(results_for_hub(text, "alice/mnist1d", ["default", "shuffled"]))
    [entry] = parse_eval_result_entries(told)
    assert (entry.dataset_id, entry.task_id, entry.value) == ("alice/mnist1d", "default", 0.9375)
    assert entry.date == "2026-01-02"
    other = eval_results(dataset="mnist1d", task="default seed=7", accuracy=0.5, date="2026-01-02")
    assert results_for_hub(other, "alice/mnist1d", ["default"]) is None  # other test rows


def test_a_card_without_front_matter():
    with pytest.raises(ValueError, match="no front matter"):
        for_hub("# a title", "a/b", "a/c")
