"""The explorer: see the data change, ask the models, take the human's quiz.

    mnist1d-hf explore --models models/          # or, on a Space, python app.py

It asks nothing of other machines but the models that it is told to load.
"""

import os
from typing import Any

import gradio as gr

from mnist1d_hf.space import drawing
from mnist1d_hf.space.classifiers import load_classifiers
from mnist1d_hf.space.classify_tab import classify_tab
from mnist1d_hf.space.explore_tab import explore_tab
from mnist1d_hf.space.quiz_tab import quiz_tab

TITLE = "MNIST-1D explorer"
INTRO = """
# MNIST-1D explorer

Forty numbers, ten digits: the dataset of
[Greydanus & Kobak (ICML 2024)](https://arxiv.org/abs/2011.14439). Time runs down.
"""
# Seconds after which files that visitors had made are removed, and how often that is looked for.
FILES_LIVE = 3600


def build(models: str | None = None) -> gr.Blocks:
    """The app; `models` names folders and repositories, separated by commas."""
    classifiers, problems = load_classifiers(models)
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
    return app


def launch(models: str | None = None, **options: Any) -> None:
    """Serve the app until it is interrupted; `options` go to `gradio.Blocks.launch`."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    build(models).launch(css=drawing.CSS, footer_links=[], ssr_mode=False, **options)


if __name__ == "__main__":
    launch(os.environ.get("MNIST1D_MODELS"))
