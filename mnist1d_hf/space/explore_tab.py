"""First tab: every parameter a control, ten signals that follow, the line and file that fit."""

import hashlib
import shutil
import tempfile
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import gradio as gr

from mnist1d_hf.signals.params import CONFIGS, STREAMS, SignalParams
from mnist1d_hf.signals.steps import STEPS
from mnist1d_hf.space import drawing
from mnist1d_hf.space.preview import preview
from mnist1d_hf.space.settings import LIMITS, loading_line, params_from, switch_off

# The sliders that are always in sight: those that shape a signal. The rest are about the set.
SHAPING = (
    *("scale_coeff", "max_translation", "corr_noise_scale", "iid_noise_scale", "shear_scale"),
    *("padding_low", "padding_high", "template_len", "final_seq_length"),
)
ALL_DIGITS = "all"
# Signals before normalisation, drawn this wide to both sides unless they are wider.
REACH = 1.2

FILES = Path(tempfile.mkdtemp(prefix="mnist1d-explorer-"))
KEPT = 20


def explore_tab() -> None:
    start = control_values(CONFIGS["default"])
    controls: dict[str, Any] = {}

    def slider(name: str) -> None:
        least, greatest, step = LIMITS[name]
        controls[name] = gr.Slider(
            least, greatest, start[name], step=step, label=name, info=help_of(name)
        )

    drawn, code, told = redraw(steps=STEPS, digit=ALL_DIGITS, **start)
    picture = gr.HTML(drawn, elem_id="picture")
    with gr.Row():
        with gr.Column(scale=3, min_width=300):
            preset = gr.Radio(list(CONFIGS), value="default", label="Preset")
            digit = gr.Radio([ALL_DIGITS, *map(str, range(10))], value=ALL_DIGITS, label="Digit")
            steps = gr.CheckboxGroup(STEPS, value=list(STEPS), label="Steps", elem_id="steps")
            status = gr.HTML(told, elem_id="status")
            line = gr.Code(
                code,
                language="python",
                label="Load this dataset",
                elem_id="line",
                interactive=False,
                wrap_lines=True,
                show_line_numbers=False,
            )
            make = gr.Button("Make Parquet files")
            files = gr.File(label="Dataset as Parquet", file_count="multiple", interactive=False)
        with gr.Column(scale=2, min_width=300):
            controls["seed"] = gr.Number(
                start["seed"], label="seed", info=help_of("seed"), precision=0
            )
            for name in SHAPING:
                slider(name)
            controls["shuffle_seq"] = gr.Checkbox(
                start["shuffle_seq"], label="shuffle_seq", info=help_of("shuffle_seq")
            )
            with gr.Accordion("The set: rows, splits, labels, stream", open=False):
                for name in LIMITS:
                    if name not in SHAPING:
                        slider(name)
                controls["stream"] = gr.Radio(
                    STREAMS, value=start["stream"], label="stream", info=help_of("stream")
                )

    asked = {**controls, "steps": steps}
    gr.on(
        [component.change for component in (*asked.values(), digit)],
        redraw,
        inputs_kwargs={**asked, "digit": digit},
        outputs=[picture, line, status],
        queue=False,
        trigger_mode="always_last",
        show_progress="hidden",
        api_name="explore",
    )
    preset.input(
        lambda config: reset(config, list(asked)),
        preset,
        list(asked.values()),
        queue=False,
        show_progress="hidden",
    )
    make.click(
        download, inputs_kwargs=asked, outputs=[files, status], concurrency_limit=1, api_name="file"
    )


def help_of(name: str) -> str:
    """What a parameter means; padding has a control for each of its two numbers."""
    own = {
        "padding_low": "least number of zeros appended",
        "padding_high": "greatest number of zeros appended",
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
        x, y = preview(params, None if digit == ALL_DIGITS else int(digit))
    except ValueError as error:
        return gr.skip(), gr.skip(), drawing.alert(error)
    reach = max(REACH, float(abs(x).max()))
    test = params.num_rows() - params.num_train
    told = f"{params.num_train} rows to train, {test} to test, {x.shape[1]} positions each."
    return drawing.signals_html(x, y, reach=reach), loading_line(params), drawing.note(told)


def download(*, steps: Any, **values: Any) -> tuple[list[str] | None, str]:
    """The set as Parquet files, and a status."""
    from mnist1d_hf.export import export_dataset
    from mnist1d_hf.load import load_dataset_builder

    try:
        params = wanted(values, steps)
        home = FILES / hashlib.sha256(repr(params).encode()).hexdigest()[:16]
        written = export_dataset(load_dataset_builder("default", **vars(params)), home, "parquet")
    except ValueError as error:
        return None, drawing.alert(error)
    homes = sorted(FILES.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in homes[KEPT:]:
        shutil.rmtree(old)
    return [str(path) for path in written], drawing.note("The files are ready.")
