"""The explorer: a Gradio app to see the data, ask the models, and take the human's quiz."""
