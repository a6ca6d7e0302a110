"""Model cards: what they say of a training record, at home and once published."""

import dataclasses

import pytest
from huggingface_hub import ModelCard, parse_eval_result_entries
from yaml import safe_load

from mnist1d_hf.evidence.training_record import DataFacts, Evaluation, TrainingRecord
from mnist1d_hf.pages.model_card import eval_results, model_card

TRAIN = DataFacts("mnist1d", "default", {}, "train", 3500)
VALIDATION = Evaluation(
    "validation", dataclasses.replace(TRAIN, split="validation", rows=500), {"accuracy": 0.91}
)
TEST = Evaluation(
    "test", dataclasses.replace(TRAIN, split="test", rows=1000), {"accuracy": 0.9375}, "default"
)
RECORD = TrainingRecord(
    model_type="mnist1d_cnn",
    architecture="Mnist1DCNNForSequenceClassification",
    num_parameters=5210,
    sequence_length=40,
    num_labels=10,
    finetuned_from=None,
    feature_extractor=True,
    weights_sha256="0" * 64,
    trained_on=TRAIN,
    steps=2500,
    selection={"step": 2500, "metric": None, "split": None},
    batch_size={"total": 100, "per process": 50, "accumulation": 2, "processes": 1},
    optimizer={"name": "AdamW", "learning_rate": 0.01},
    schedule={"name": "cosine", "warmup_steps": 50},
    loss={"name": "cross-entropy"},
    max_grad_norm=None,
    augmentation=None,
    seed=42,
    evaluations=[VALIDATION, TEST],
    curves={"validation": [[100 * n, n / 100] for n in range(1, 26)]},
    command="python scripts/train.py --model cnn",
    date="2026-01-02",
)
ROW = {"config": "default", "model": "cnn", "recipe": "paper", "protocol": "last_step"}


def card_of(record=RECORD, **changes):
    return model_card(record, **({"name": "cnn", "place": "out/cnn"} | changes))


def test_says_what_was_measured():
    card = card_of()
    assert "5,210 parameters" in card.text and "| 93.75 % |" in card.text
    assert "```bash\npython scripts/train.py --model cnn\n```" in card.text
    assert "Trained on `mnist1d`, config `default`, split `train` (3,500 rows)." in card.text
    assert "| batch size | 100 (2 steps of accumulation) |" in card.text
    assert "| schedule | cosine (warmup_steps = 50) |" in card.text
    assert "the standard error of the accuracy is 0.8 percentage points" in card.text
    results = {r.dataset_split: r.metric_value for r in card.data.eval_results}
    assert results == {"validation": 0.91, "test": 0.9375}
    assert str(ModelCard(str(card))) == str(card)


def test_a_long_curve_is_thinned_to_its_end():
    [steps] = [x for x in str(card_of()).splitlines() if x.startswith("| step |")]
    assert steps.endswith("| 2200 | 2500 |") and steps.count("|") <= 12


def test_what_is_not_known_is_left_out():
    bare = dataclasses.replace(
        RECORD, evaluations=[], curves={}, command=None, trained_on=DataFacts(), optimizer=None
    )
    card = card_of(bare)
    assert "Not evaluated." in card.text and "```bash" not in card.text
    assert "While" not in card.text and "optimizer" not in card.text and "None" not in card.text
    assert card.data.eval_results is None and card.data.datasets is None
    assert card.data.license is None and card_of(bare, license="mit").data.license == "mit"


def test_a_model_of_another_package_is_not_called_ours():
    card = card_of(dataclasses.replace(RECORD, model_type="bert"))
    assert "## Use" not in card.text and "mnist1d" not in card.data.tags


def test_without_an_extractor_the_snippet_needs_none():
    text = card_of(dataclasses.replace(RECORD, feature_extractor=False)).text
    assert "AutoFeatureExtractor" not in text and "pipeline(" not in text
    assert "model(torch.zeros(1, 40))" in text


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_published_card_is_valid_and_names_its_place(hub):
    measured = [
        {**ROW, "mean": 93.731, "std": 0.644, "n": 10},
        {**ROW, "protocol": "validation", "mean": 92.0, "std": None, "n": 1},
    ]
    record = RECORD.published_as("alice/mnist1d")
    names = {"name": "mnist1d-cnn", "place": "alice/mnist1d-cnn", "license": "apache-2.0"}
    card = card_of(record, **names, measured=measured, remote_pipeline=True)
    card.validate()
    assert card.data.datasets == ["alice/mnist1d"]
    assert {r.dataset_type for r in card.data.eval_results} == {"alice/mnist1d"}
    assert "\n# mnist1d-cnn\n" in card.text and "`alice/mnist1d`, config `default`" in card.text
    assert card.data.model_name == "mnist1d-cnn"
    assert card.text.count('"alice/mnist1d-cnn"') == 4 and "out/cnn" not in card.text
    # a folder that is not published lacks the code of the pipeline
    assert card.text.count("pipeline(") == 2 and card_of().text.count("pipeline(") == 1
    assert "- 93.73 ± 0.64 % (n = 10): paper recipe, last step\n" in card.text
    assert "- 92.00 % (n = 1): paper recipe, validation\n" in card.text


def test_results_file_in_the_hubs_format():
    [entry] = parse_eval_result_entries(safe_load(eval_results(RECORD, "alice/mnist1d")))
    assert (entry.dataset_id, entry.task_id, entry.value) == ("alice/mnist1d", "default", 0.9375)
    assert (entry.date, entry.notes) == ("2026-01-02", "seed 42")
    other = dataclasses.replace(RECORD, evaluations=[VALIDATION])  # no rows of the benchmark
    assert eval_results(other, "alice/mnist1d") is None


def test_a_step_selected_on_the_test_rows_is_confessed():
    chosen = {"step": 500, "metric": "accuracy", "split": "test"}
    record = dataclasses.replace(RECORD, selection=chosen)
    [entry] = safe_load(eval_results(record, "alice/mnist1d"))
    assert entry["notes"] == "seed 42; the step was selected on these rows"
    assert "of step 500, the best by accuracy on test" in card_of(record).text


def test_the_error_above_the_optimum_is_shown_where_it_is_known():
    known = dataclasses.replace(TEST, optimum=0.9995)
    assert known.excess_error == pytest.approx(6.2) and VALIDATION.excess_error is None
    card = card_of(dataclasses.replace(RECORD, evaluations=[VALIDATION, known]))
    assert "| accuracy | error above the optimum |" in card.text
    assert "| 93.75 % | 6.20 points |" in card.text and "| 91.00 % |  |" in card.text
    assert "The optimum is the best possible classifier." in card.text
    assert "optimum" not in card_of().text
    with_optimum = eval_results(dataclasses.replace(RECORD, evaluations=[known]), "alice/set")
    assert with_optimum == eval_results(RECORD, "alice/set")
