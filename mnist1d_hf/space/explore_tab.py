"""First tab: every parameter a control, ten signals that follow, the line and file that fit."""

import atexit
import hashlib
import shutil
import tempfile
from dataclasses import asdict, fields
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr

from mnist1d_hf.signals.params import CONFIGS, STREAMS, SignalParams
from mnist1d_hf.signals.stages import STEPS
from mnist1d_hf.space import drawing
from mnist1d_hf.space.preview import preview
from mnist1d_hf.space.settings import LABELS, LIMITS, loading_line, params_from, switch_off

# The sliders that are always in sight: those that shape a signal. The rest are about the set.
SHAPING = (
    *("scale_coeff", "max_translation", "corr_noise_scale", "iid_noise_scale", "shear_scale"),
    *("padding_low", "padding_high", "template_len", "final_seq_length"),
)
ALL_DIGITS = "all"
# Signals before normalisation, drawn this wide to both sides unless they are wider.
REACH = 0.8

# Datasets that visitors had made are kept for the next who asks, this many of them.
KEPT = 20


def explore_tab() -> None:
    start = control_values(CONFIGS["default"])
    drawn, code, told = redraw(steps=STEPS, digit=ALL_DIGITS, **start)
    with gr.Column(elem_id="stage"):  # stays in sight
        picture = gr.HTML(drawn, elem_id="picture")
        status = gr.HTML(told, elem_id="status")
    with gr.Row():
        with gr.Column(scale=3, min_width=300):
            controls = parameter_controls(start)
        with gr.Column(scale=2, min_width=300):
            preset = gr.Radio(list(CONFIGS), value="default", label="Preset")
            digit = gr.Radio([ALL_DIGITS, *map(str, range(10))], value=ALL_DIGITS, label="Digit")
            steps = gr.CheckboxGroup(STEPS, value=list(STEPS), label="Steps")
            line = gr.Code(
                code,
                language=None,  # whose colours are too faint to read
                label="Load this dataset",
                elem_id="line",
                interactive=False,
                wrap_lines=True,
                show_line_numbers=False,
            )
            make = gr.Button("Make Parquet files")
            files = gr.File(
                label="Dataset as Parquet", file_count="multiple", interactive=False, visible=False
            )
    asked = {**controls, "steps": steps}

    at_once: dict[str, Any] = {"queue": False, "show_progress": "hidden"}
    gr.on(
        [component.change for component in (*asked.values(), digit)],
        redraw,
        inputs_kwargs={**asked, "digit": digit},
        outputs=[picture, line, status],
        trigger_mode="always_last",
        api_name="explore",
        **at_once,
    )
    names = list(asked)
    preset.input(lambda config: reset(config, names), preset, list(asked.values()), **at_once)
    make.click(
        download, inputs_kwargs=asked, outputs=[files, status], concurrency_limit=1, api_name="file"
    )


def parameter_controls(start: dict[str, Any]) -> dict[str, Any]:
    """A control for every parameter, at its value in `start`."""
    controls: dict[str, Any] = {}

    def look(name: str) -> dict[str, Any]:
        info = f"`{name}`: {help_of(name)}"
        return {"label": LABELS[name], "info": info, "value": start[name]}

    def slider(name: str) -> None:
        least, greatest, step = LIMITS[name]
        control = gr.Slider(least, greatest, step=step, buttons=[], **look(name))
        # Gradio answers a number beyond the ends with an error of the server; `params_from` tells
        # the visitor what is wrong. A subclass would make Gradio write a file beside this one.
        control.preprocess = lambda payload: payload  # type: ignore[method-assign]
        controls[name] = control

    for name in SHAPING:
        slider(name)
    controls["shuffle_seq"] = gr.Checkbox(**look("shuffle_seq"))
    controls["seed"] = gr.Number(**look("seed"))
    with gr.Accordion("The set: rows, splits, labels, stream", open=False):
        for name in LIMITS:
            if name not in SHAPING:
                slider(name)
        controls["stream"] = gr.Radio(STREAMS, **look("stream"))
    return controls


def help_of(name: str) -> str:
    """What a parameter means; padding has a control for each of its two numbers."""
    own = {
        "padding_low": "Least number of zeros appended to a template.",
        "padding_high": "Greatest number of zeros appended to a template.",
    }
    helps = {field.name: field.metadata["help"] for field in fields(SignalParams)}
    return own.get(name) or helps[name]


def control_values(params: SignalParams) -> dict[str, Any]:
    """What the controls say for these parameters."""
    values = asdict(params)
    values["padding_low"], values["padding_high"] = values.pop("padding")
    return values


def reset(config: str, names: list[str]) -> list[Any]:
    """Values of the controls `names` for a preset, with every step switched on."""
    values = {**control_values(CONFIGS[config]), "steps": list(STEPS)}
    return [values[name] for name in names]


def wanted(values: dict[str, Any], steps: Any) -> SignalParams:
    return switch_off(params_from(values), set(STEPS) - set(steps))


def redraw(*, steps: Any, digit: str, **values: Any) -> tuple[Any, Any, str]:
    """Picture, line and status; after a mistake the first two stay as they are."""
    try:
        params = wanted(values, steps)
        x, y, part = preview(params, None if digit == ALL_DIGITS else int(digit))
    except ValueError as error:
        return gr.skip(), gr.skip(), drawing.alert(error)
    reach = max(REACH, float(abs(x).max()))
    rows = params.split_sizes().items()
    counts = ", ".join(f"{count} rows of {split}" for split, count in rows if count)
    told = f"Orange: the digit. {counts}; {x.shape[1]} positions each."
    drawn = drawing.explained_html(x, y, part, reach=reach, scattered=params.shuffle_seq)
    return drawn, loading_line(params), drawing.note(told)


def download(*, steps: Any, **values: Any) -> tuple[Any, str]:
    """The set as Parquet files, and a status."""
    from mnist1d_hf.data.export import export_dataset
    from mnist1d_hf.data.load import load_dataset_builder

    try:
        params = wanted(values, steps)
        home = files_folder() / hashlib.sha256(repr(params).encode()).hexdigest()[:16]
        written = export_dataset(load_dataset_builder("default", **vars(params)), home, "parquet")
    except ValueError as error:
        return gr.File(visible=False), drawing.alert(error)
    home.touch()  # the newest of all, also when it was made before
    homes = sorted(home.parent.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in homes[KEPT:]:
        shutil.rmtree(old)
    files = gr.File([str(path) for path in written], visible=True)
    return files, drawing.note("The files are ready.")


@cache
def files_folder() -> Path:
    """A folder that ends with this process."""
    folder = Path(tempfile.mkdtemp(prefix="mnist1d-explorer-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
