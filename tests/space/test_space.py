"""The explorer without a browser: settings, preview, quiz, drawing, models, the app over HTTP."""

import json
import math
import re
import socket
import time
import tomllib
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from mnist1d_hf.cli import app as command
from mnist1d_hf.data.load import load_dataset_builder
from mnist1d_hf.evidence import published as baselines
from mnist1d_hf.files import sha256
from mnist1d_hf.signals.frame import frame
from mnist1d_hf.signals.frozen import frozen_draws, legacy_stream
from mnist1d_hf.signals.params import CONFIGS, SignalParams
from mnist1d_hf.signals.render import resample
from mnist1d_hf.signals.stages import STEPS, stages
from mnist1d_hf.space import drawing, terminal
from mnist1d_hf.space.classifiers import SHIPPED, load_classifiers, mistakes, opinions, sources
from mnist1d_hf.space.classify_tab import UNLIKE, show_row, show_stroke
from mnist1d_hf.space.optimum import judge
from mnist1d_hf.space.preview import preview
from mnist1d_hf.space.quiz import QUIZ_CONFIGS, new_quiz, report_json, test_split, wilson
from mnist1d_hf.space.settings import (
    LABELS,
    LIMITS,
    changes,
    loading_line,
    params_from,
    switch_off,
)

SPACE = Path(drawing.__file__).parent


def controls(params=CONFIGS["default"], **values):
    found = dict(vars(params))
    found["padding_low"], found["padding_high"] = found.pop("padding")
    return {**found, **values}


# -- published numbers ------------------------------------------------------------------------


def test_the_human_s_numbers_agree_with_each_other():
    assert baselines.HUMAN == pytest.approx(95.8)
    assert sum(baselines.HUMAN_ANSWERS) == 500 and sum(baselines.CNN_ANSWERS) == 500
    assert 100 - sum(baselines.HUMAN_ERRORS) / 5 == pytest.approx(95.8)
    assert 100 - sum(baselines.CNN_ERRORS) / 5 == pytest.approx(93.2)
    unique = len(baselines.HUMAN_MISTAKES)
    assert 100 * (1 - unique / 400) == 95.75 and "95.75" in baselines.HUMAN_CAVEAT
    _, y = test_split("default")
    assert np.bincount(y[:500]).tolist() == list(baselines.CNN_ANSWERS)
    copied = np.r_[0:100, 0:100, 200:500]
    assert np.bincount(y[copied]).tolist() == list(baselines.HUMAN_ANSWERS)
    for row, (truth, said) in baselines.HUMAN_MISTAKES.items():
        assert y[row] == truth != said


# -- settings ---------------------------------------------------------------------------------


@pytest.mark.parametrize("params", CONFIGS.values(), ids=CONFIGS)
def test_controls_give_back_the_parameters(params):
    assert params_from(controls(params)) == params
    floats = {k: float(v) if type(v) is int else v for k, v in controls(params).items()}
    assert params_from(floats) == params


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("value", [-1, 1e300, math.nan, None, "1; drop", [1]], ids=repr)
def test_hostile_values_are_refused_by_name(name, value):
    with pytest.raises(ValueError, match=name.split("_")[0]):
        params_from(controls(**{name: value}))


@pytest.mark.parametrize(
    "values",
    [{"seed": -1}, {"seed": 0.5}, {"seed": None}, {"padding_low": 61}, {"stream": "other"}]
    + [{"shuffle_seq": "yes"}, {"max_translation": 100}, {"validation_size": 4001}],
    ids=str,
)
def test_values_that_break_a_rule_are_refused(values):
    with pytest.raises(ValueError, match="must be"):
        params_from(controls(**values))


numbers = {
    name: st.integers(low, high) if isinstance(step, int) else st.floats(low, high)
    for name, (low, high, step) in LIMITS.items()
}


@settings(max_examples=60)
@given(st.fixed_dictionaries(numbers), st.sets(st.sampled_from(STEPS)), st.booleans())
def test_any_position_of_the_controls_draws_or_explains(values, off, shuffled):
    try:
        params = switch_off(params_from(controls(**values, shuffle_seq=shuffled)), off)
        x, y, part = preview(params)
    except ValueError as error:
        assert "must" in str(error)
        return
    assert x.shape == (10, params.final_seq_length) and np.isfinite(x).all()
    # with fewer points than before, all of them can lie beside a short digit
    seen = part.any(axis=1) | (params.final_seq_length < params.padded_length)
    assert part.shape == x.shape and seen.all()
    drawn = drawing.explained_html(x, y, part, reach=1, scattered=shuffled)
    assert drawn.count("template of the digit") == 10


def test_each_step_can_be_switched_off_alone_and_all_together():
    start = SignalParams()
    for step in STEPS:
        assert switch_off(start, [step]) != start
    bare = switch_off(start, STEPS)
    x, *_ = preview(bare)
    scaled, *_ = preview(switch_off(start, set(STEPS) - {"scale"}))
    factor = np.ptp(scaled, axis=1) / np.ptp(x, axis=1)
    assert x.shape == (10, 12) and (np.abs(factor - 1) <= 0.2).all() and factor.std() > 0.01
    with pytest.raises(ValueError, match="unknown steps"):
        switch_off(start, ["spin"])


def test_the_loading_line_loads_what_it_says():
    params = SignalParams(shuffle_seq=True, seed=7, padding=(1, 50), stream="counter")
    line = loading_line(params)
    found = re.search(r'load_dataset\("mnist1d", "(\w+)", (.*)\)$', line)
    arguments = eval(f"dict({found[2]})")
    assert found[1] == "shuffled" and set(arguments) == {"seed", "padding", "stream"}
    assert load_dataset_builder(found[1], **arguments).config.params == params
    for name, preset in CONFIGS.items():
        assert f'load_dataset("mnist1d", "{name}")' in loading_line(preset)
        assert not changes(preset, preset)


# -- preview ----------------------------------------------------------------------------------


def test_the_random_numbers_stay_while_a_slider_moves():
    start = SignalParams(iid_noise_scale=0)
    x, y, _ = preview(start)
    assert y.tolist() == list(range(10))
    steeper, *_ = preview(replace(start, shear_scale=1.5))
    np.testing.assert_allclose(np.diff(steeper - x, n=2), 0, atol=1e-12)
    assert not np.allclose(preview(replace(start, seed=1))[0], x)
    shuffled, *_ = preview(replace(start, shuffle_seq=True))
    np.testing.assert_allclose(np.sort(shuffled), np.sort(x))
    assert preview(start, 3).y.tolist() == [3] * 10


def test_what_is_drawn_as_the_digit_is_the_digit():
    start = SignalParams(corr_noise_scale=0, iid_noise_scale=0, shear_scale=0)
    x, _, part = preview(start)
    assert np.array_equal(part, x != 0)  # without noise nothing else is left
    moved, _, there = preview(replace(start, shuffle_seq=True))
    assert np.array_equal(there, moved != 0) and not np.array_equal(there, part)
    line = drawing.signal_svg(x[0], "a zero", reach=1, digit=part[0])
    assert line.count('<polyline class="digit"') == len(drawing.runs(part[0])) == 1
    dots = drawing.signal_svg(moved[0], "a zero", reach=1, digit=there[0], scattered=True)
    assert dots.count("<circle") == there[0].sum() and "digit" not in dots


def test_a_preview_takes_a_fifth_of_a_second_at_most():
    params = SignalParams(padding=(0, 120), final_seq_length=200)
    preview(params)
    start = time.process_time()
    for _ in range(10):
        drawing.explained_html(*preview(params), reach=1, scattered=False)
    assert (time.process_time() - start) / 10 < 0.2


def test_every_control_has_a_plain_name():
    assert LABELS.keys() == {*LIMITS, "seed", "shuffle_seq", "stream"}
    assert not any("_" in label for label in LABELS.values())


# -- quiz -------------------------------------------------------------------------------------


def test_wilson_s_interval_is_the_one_of_the_textbooks():
    assert wilson(19, 20) == pytest.approx((0.7639, 0.9911), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0, 0.1611), abs=1e-4)
    assert wilson(100, 100) == pytest.approx((0.9630, 1), abs=1e-4)
    assert wilson(0, 0) == (0, 1)


@pytest.mark.parametrize("config", QUIZ_CONFIGS)
@pytest.mark.parametrize("questions", [20, 100])
def test_a_quiz_asks_test_rows_ten_at_a_time_and_scores_them(config, questions):
    quiz = new_quiz(config, questions, seed=5)
    assert quiz == new_quiz(config, questions, seed=5) != new_quiz(config, questions, seed=6)
    assert len(set(quiz.rows)) == questions
    x, y = test_split(config)
    assert list(quiz.truths) == y[list(quiz.rows)].tolist()
    for block in range(questions // 10):
        places = quiz.block()
        assert np.array_equal(quiz.signals(places), x[list(quiz.rows[places])])
        answers = list(quiz.truths[places])
        if block == 0:
            answers[:2] = [(a + 1) % 10 for a in answers[:2]]
        quiz = quiz.answer(" ".join(map(str, answers)))
    score = json.loads(report_json(quiz))
    assert quiz.finished and score["correct"] == questions - 2
    assert score["accuracy"] == 1 - 2 / questions
    low, high = score["interval_95"]
    assert low < score["accuracy"] < high
    assert sum(entry["wrong"] for entry in score["by_digit"]) == 2
    assert sum(entry["asked"] for entry in score["by_digit"]) == questions
    assert score["published_human"] == (0.958 if config == "default" else None)


@pytest.mark.parametrize(
    "typed", ["", "012345678", "01234567890", "abcdefghij", "٠١٢٣٤٥٦٧٨٩", "<b>"]
)
def test_answers_that_are_no_ten_digits_are_refused(typed):
    quiz = new_quiz("default", 20, seed=0)
    with pytest.raises(ValueError, match="Type 10 digits"):
        quiz.answer(typed)
    assert quiz.answer("0 1,2 3;4 5 6 7 8 9").answers == tuple(range(10))


def test_what_is_no_quiz_is_refused():
    with pytest.raises(ValueError, match="default, shuffled"):
        new_quiz("templates", 20, 0)
    with pytest.raises(ValueError, match="20, 100"):
        new_quiz("default", 30, 0)
    with pytest.raises(ValueError, match="seed=-1: must be an integer 0 or more"):
        new_quiz("default", 20, -1)


def test_the_terminal_shows_signals_as_braille_and_keeps_the_score(tmp_path, monkeypatch):
    quiz = new_quiz("default", 20, seed=3)
    wrong = (quiz.truths[0] + 1) % 10
    typed = [
        f"{wrong}" + "".join(map(str, quiz.truths[1:10])),
        "[/]",  # which is markup for the console
        "".join(map(str, quiz.truths[10:])),
    ]
    console = Console(file=StringIO(), width=80)
    monkeypatch.setattr(console, "input", lambda prompt: typed.pop(0))
    monkeypatch.chdir(tmp_path)  # the path of the result is printed, and a long one is not cut
    done = terminal.take_quiz(console, "default", 20, 3, Path("result.json"))
    text = console.file.getvalue()
    assert done.correct == 19 and "19 of 20 right: 95.0%" in text and "that was '[/]'" in text
    assert f"1: {quiz.truths[0]}, not {wrong}" in " ".join(text.split()) and "95.8" in text
    assert sum("\u2800" <= letter <= "\u28ff" for letter in text) > 20 * 7 * 14 * 0.9
    assert max(map(len, text.splitlines())) <= 80
    assert " ".join(text.split()).startswith(f"{terminal.INTRO['default']} {terminal.TASK}")
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines.index("0 1 2 3 4 5 6 7 8 9") < lines.index("1 2 3 4 5 6 7 8 9 10")
    assert json.loads((tmp_path / "result.json").read_text()) == json.loads(report_json(done))


def test_a_line_in_braille_is_where_the_signal_is():
    lines = terminal.braille(np.full(40, -drawing.REACH))
    assert len(lines) == terminal.HEIGHT
    assert all(line[0] == "⡇" and not line[1:].strip("⠀") for line in lines)
    right = terminal.braille(np.full(40, 100.0))
    assert all(line[-1] == "⢸" for line in right)


def test_the_quiz_command_refuses_what_is_no_quiz_and_stops_when_input_ends():
    run = CliRunner().invoke
    assert "default, shuffled" in (result := run(command, ["quiz", "other"])).output
    assert result.exit_code == 2
    assert run(command, ["quiz"], input="0123456789\n").exit_code == 1


def test_the_explore_command_starts_the_app(monkeypatch):
    from mnist1d_hf.space import app

    asked = {}
    monkeypatch.setattr(app, "build", lambda models: asked.update(models=models))
    monkeypatch.setattr(app, "run", lambda built, **options: asked.update(options))
    options = ["--models", "a", "--port", "0", "--no-browser"]
    result = CliRunner().invoke(command, ["explore", *options])
    assert result.exit_code == 0, result.output
    port = asked.pop("server_port")
    assert f"http://127.0.0.1:{port};" in result.output and port > 0
    assert asked == {"models": "a", "inbrowser": False, "server_name": "127.0.0.1", "quiet": True}


def test_an_address_where_nothing_can_listen_is_refused_at_once(monkeypatch):
    from mnist1d_hf.space import app

    monkeypatch.setattr(app, "build", None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ValueError, match=f"127.0.0.1:{port}: Address already in use; choose"):
            app.serve(None, "127.0.0.1", port, browser=False)


# -- drawing ----------------------------------------------------------------------------------


def test_a_drawn_line_becomes_a_signal():
    points = [[0.5, 0.0], [0.5, 0.5], [1.0, 0.75], [0.5, 1.0]]
    signal = drawing.stroke_to_signal(points, 41)
    assert signal[:21].tolist() == [0] * 21 and signal[30] == drawing.REACH and signal[-1] == 0
    short = drawing.stroke_to_signal([[1, 0.4], [1, 0.6]], 40)
    assert (short[:15] == 0).all() and (short[17:23] == drawing.REACH).all() and short[-1] == 0
    assert np.array_equal(signal, drawing.stroke_to_signal(points[::-1], 41))


@pytest.mark.parametrize(
    "points",
    [None, [], [[0.5, 0.5]], [[0.1, 0.5], [0.9, 0.5]], [[0, 0], [0, math.nan]], [[0], [1]], "ab"]
    + [[[0, 0]] * 20_001, [["a", "b"], ["c", "d"]], {"x": 1}, [{}, {}]],
    ids=lambda points: str(points)[:20],
)
def test_a_gesture_that_is_no_line_is_refused(points):
    with pytest.raises(ValueError, match="draw"):
        drawing.stroke_to_signal(points, 40)


def test_text_from_visitors_is_escaped():
    assert "<b>" not in drawing.alert("<b>") + drawing.note("<b>")
    assert "<b>" not in drawing.signals_html(np.zeros((1, 4)), ["<b>"], reach=1)


def test_signals_stay_in_their_frame():
    points = drawing.polyline(np.array([-100.0, 0, 100]), reach=1)
    assert points == "1.0,4.0 30.0,75.0 59.0,146.0"


# -- models -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    from mnist1d_hf.models import ARCHITECTURES

    home = tmp_path_factory.mktemp("models")
    for name in ("logistic", "cnn"):
        config, model = ARCHITECTURES[name]
        model(config()).save_pretrained(home / f"mnist1d-{name}")
    config, model = ARCHITECTURES["mlp"]
    model(config(final_seq_length=72)).save_pretrained(home / "mnist1d-long")
    broken = home / "mnist1d-broken"
    broken.mkdir()
    (broken / "config.json").write_text("{")
    return home


def test_models_come_from_a_folder_and_broken_ones_are_named(model_folder):
    models, problems = load_classifiers(str(model_folder))
    assert list(models) == ["cnn", "logistic", "long"]
    assert len(problems) == 1 and "mnist1d-broken" in problems[0]
    found = dict(opinions(models, test_split("default")[0][0]))
    assert list(found) == ["cnn", "logistic"]  # the other takes 72 positions
    for probability in found.values():
        assert probability.shape == (10,) and probability.sum() == pytest.approx(1, abs=1e-5)


def test_a_space_looks_for_the_models_beside_it(monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    models, problems = load_classifiers(None)
    assert sources(None) == [] and list(models) == ["cnn"] and not problems
    monkeypatch.setenv("SPACE_ID", "alice/mnist1d-explorer")
    assert sources(None) == [f"alice/mnist1d-{n}" for n in ("logistic", "mlp", "cnn", "gru")]
    assert sources("a/b, c/d") == ["a/b", "c/d"]


@pytest.mark.parametrize(
    "spec, message",
    [
        ("nowhere", "models 'nowhere': there is no such folder, nor a name as user/model"),
        ("./a/b", "there is no such folder"),
        ("~nobody-here/x", "there is no such folder"),
        ("a/b/c", "there is no such folder"),
        ("empty", "models 'empty': neither it nor a folder in it has a config.json"),
    ],
)
def test_what_is_neither_models_nor_a_repository_is_refused(spec, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=message):
        sources(spec)


def test_the_cnn_that_comes_with_the_code_is_the_one_of_its_record():
    record = json.loads((SHIPPED / "training.json").read_text())
    assert record["weights_sha256"] == sha256(SHIPPED / "model.safetensors")
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) < 30_000
    x, y = test_split("default")
    models, _ = load_classifiers(None)
    accuracy = 1 - len(mistakes(models["cnn"], x, y)) / len(y)
    told = f"{100 * accuracy:.1f} % of the 1000 test rows"
    assert record["evaluations"][0]["metrics"]["accuracy"] == pytest.approx(accuracy)
    assert told in " ".join((SHIPPED / "README.md").read_text().split())


def test_the_optimum_sees_the_digit_where_it_is():
    params = SignalParams(num_samples=200)
    draws = frozen_draws(legacy_stream(params.seed), 10, params)
    *_, translated = (s for s in stages(np.arange(10), draws, params) if s.step == "translate")
    truth = resample((translated.x != 0).astype(float), 40) > 0
    where = frame(params)
    *_, last = stages(np.arange(10), draws, params)
    for y, (raw, inside) in enumerate(zip(last.x, truth, strict=True)):
        judgement = judge((raw - where.mean) / where.std, params)
        assert judgement.classes.sum() == pytest.approx(1) and judgement.classes[y] > 0.5
        assert judgement.inside[inside].mean() > 0.7 > 0.3 > judgement.inside[~inside].mean()


def test_a_row_that_is_none_is_answered_in_a_line():
    for row in (-1, 1000, 2.5, 1e300, math.nan, math.inf, None, "3", [1]):
        assert show_row({}, row).count('role="alert"') == 1
        assert "from 0 to 999" in show_row({}, row)
    assert "Row 29 is a 7, which the author took for a 1. Answers: optimum 7." in show_row({}, 29.0)


def test_a_signal_that_the_generator_does_not_make_is_called_so():
    assert UNLIKE not in show_row({}, 29)
    assert UNLIKE in show_stroke({}, [[0, 0], [1, 1]])


# -- the Space and the app --------------------------------------------------------------------


def of_extra(extras, name):
    """The requirements of an extra, and of those that it includes."""
    for line in extras[name]:
        inside = re.fullmatch(r"mnist1d-hf\[(.+)\]", line)
        parts = inside[1].split(",") if inside else []
        yield from [line] if not inside else (x for part in parts for x in of_extra(extras, part))


def test_the_card_names_what_the_space_runs(root):
    _, front, text = (SPACE / "README.md").read_text().split("---\n", 2)
    card = yaml.safe_load(front)
    assert card["sdk"] == "gradio" and (SPACE / card["app_file"]).is_file()
    assert f"gradio=={card['sdk_version']}" in (root / "constraints.txt").read_text().splitlines()
    assert len(card["short_description"]) <= 60  # a limit of the Hub
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    needed = {*project["dependencies"], *of_extra(project["optional-dependencies"], "space")}
    assert set((SPACE / "requirements.txt").read_text().splitlines()) == needed
    assert "shared" not in text and "# MNIST-1D" in text
