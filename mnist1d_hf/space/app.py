"""The explorer: see the data change, ask the models, take the human's quiz.

    mnist1d-hf explore --models models/          # or, on a Space, python app.py

It asks nothing of other machines but the models that it is told to load.
"""

import os
import socket
import sys
from typing import Any

import gradio as gr

from mnist1d_hf.space import drawing
from mnist1d_hf.space.classifiers import load_classifiers
from mnist1d_hf.space.classify_tab import classify_tab
from mnist1d_hf.space.explore_tab import explore_tab
from mnist1d_hf.space.quiz_tab import quiz_tab

TITLE = "MNIST-1D explorer"
# The link stands last, so that the keyboard reaches the controls first.
INTRO = "# MNIST-1D explorer\n\nForty numbers, ten digits. In all pictures time runs down."
SOURCE = """
The dataset is described in [Scaling Down Deep Learning with
MNIST-1D](https://arxiv.org/abs/2011.14439) (Greydanus & Kobak, ICML 2024).
"""
# Gradio's own colours, where text on them has a contrast below 4.5.
THEME = gr.themes.Default().set(
    body_text_color_subdued="*neutral_600",
    body_text_color_subdued_dark="*neutral_300",
    block_title_text_color="*neutral_700",
    block_label_text_color="*neutral_700",
    button_primary_background_fill="*primary_700",
    button_primary_background_fill_hover="*primary_800",
    button_primary_background_fill_dark="*primary_700",
    button_primary_background_fill_hover_dark="*primary_800",
    link_text_color_dark="*secondary_300",
)
# Seconds after which files that visitors had made are removed, and how often that is looked for.
FILES_LIVE = 3600


def build(models: str | None = None) -> gr.Blocks:
    """The app; `models` names folders and repositories, separated by commas."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    classifiers, problems = load_classifiers(models)
    for problem in problems:
        print(f"not loaded: {problem}", file=sys.stderr)
    with gr.Blocks(
        title=TITLE, analytics_enabled=False, delete_cache=(FILES_LIVE, FILES_LIVE)
    ) as app:
        gr.Markdown(INTRO)
        with gr.Tab("Explore"):
            explore_tab()
        with gr.Tab("Classify"):
            classify_tab(classifiers, problems)
        with gr.Tab("Quiz"):
            quiz_tab()
        gr.Markdown(SOURCE)
    return app


def launch(models: str | None = None, **options: Any) -> None:
    """Serve the app until it is interrupted; `options` go to `gradio.Blocks.launch`."""
    run(build(models), **options)


def run(app: gr.Blocks, **options: Any) -> None:
    """Serve an app that is built already."""
    look: dict[str, Any] = {"css_paths": drawing.CSS, "theme": THEME, "footer_links": []}
    app.launch(ssr_mode=False, **look, **options)


def serve(models: str | None, host: str, port: int, browser: bool) -> None:
    """Serve the app on this machine; ValueError when it cannot listen at the address.

    Port 0 stands for any free one.
    """
    try:  # Gradio would try for twenty seconds, and takes no port 0
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
            probe.bind(address)
            port = probe.getsockname()[1]
    except OSError as error:
        reason = error.strerror or error
        raise ValueError(f"{host}:{port}: {reason}; choose another --port or --host") from error
    app = build(models)
    where = f"[{host}]" if ":" in host else host
    print(f"The explorer runs at http://{where}:{port}; Ctrl-C ends it.", flush=True)
    run(app, server_name=host, server_port=port, inbrowser=browser, quiet=True)


if __name__ == "__main__":
    launch(os.environ.get("MNIST1D_MODELS"))
