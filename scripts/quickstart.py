"""The main job from end to end, in about a minute on one core, with nothing but this machine.

    python scripts/quickstart.py                  # what `make run` calls
    python scripts/quickstart.py --steps 500      # a quick look

Builds the data, verifies them bit for bit, trains the paper's CNN on two configs through Trainer,
loads the saved models back, and publishes data and models to an embedded Hub, from which they are
read again. Writes a picture, the models and results.json.
"""

import os
import time
from pathlib import Path
from typing import Annotated

import typer
from publish import reserve_endpoint, start_local_hub
from rich.console import Console
from rich.table import Table

# read when the libraries are imported, which therefore happens inside the functions
os.environ |= {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}
console = Console()
TRAINED_ON = ("default", "shuffled")


def build() -> None:
    """Generate every config into the datasets cache."""
    import datasets

    import mnist1d_hf

    table = Table("config", "train", "test", "seconds", title="1. Data, generated here")
    for config_name in mnist1d_hf.CONFIGS:
        start = time.perf_counter()
        data = datasets.load_dataset("mnist1d", config_name)
        sizes = [str(data[split].num_rows) for split in ("train", "test")]
        table.add_row(config_name, *sizes, f"{time.perf_counter() - start:.2f}")
    console.print(table)


def verify() -> None:
    """Compare the data with the paper's; stops when a bit differs."""
    from mnist1d_hf.data.identity import check_identity

    checks = [check for check in check_identity() if "float32" in check.what]
    broken = [check.what for check in checks if not check.holds]
    if broken:
        raise ValueError(f"these arrays differ from the paper's: {', '.join(broken)}")
    console.print(f"2. Verified: {len(checks)} arrays have the paper's SHA-256, bit for bit.\n")


def train_all(folder: Path, steps: int) -> dict[str, dict[str, float]]:
    """Train the CNN on two configs, save, reload, evaluate; test accuracies in percent."""
    import datasets
    from train import main as train
    from transformers import AutoModelForSequenceClassification

    import mnist1d_hf

    console.print(f"3. Training the CNN for {steps} steps each")
    results = {}
    for config_name in TRAINED_ON:
        start = time.perf_counter()
        out = folder / ("cnn" if config_name == "default" else f"cnn-{config_name}")
        arguments = f"--config_name {config_name} --output_dir {out} --max_steps {steps}"
        arguments += " --protocol paper --overwrite true"
        quiet = ["--eval_strategy", "no", "--logging_strategy", "no"]
        metrics = train([*arguments.split(), *quiet])
        model = AutoModelForSequenceClassification.from_pretrained(out)
        test = datasets.load_dataset("mnist1d", config_name, split="test")
        x, labels = mnist1d_hf.to_torch(test)
        reloaded = (model(x).logits.argmax(-1) == labels).float().mean().item()
        results[config_name] = {
            "test accuracy": 100 * metrics["test_accuracy"],
            "reloaded": 100 * reloaded,
            "seconds": time.perf_counter() - start,
        }
    return results


def publish_and_read_back(models: Path) -> None:
    """Bring data and models to the embedded Hub; load both from there as anybody would."""
    import tempfile

    import datasets
    from transformers import AutoModelForSequenceClassification

    from mnist1d_hf.data.identity import DIGESTS, digest
    from mnist1d_hf.data.tensors import to_numpy
    from mnist1d_hf.hub.publish import plan
    from mnist1d_hf.hub.push import push, whoami

    owner = whoami()
    console.print("\n4. Published to an embedded Hub and read back")
    with tempfile.TemporaryDirectory() as work:
        for publication in plan(owner, Path(work), parts=("dataset", "models"), models=models):
            done = push(publication)
            console.print(f"   {done.repo_type} {done.repo_id}, commit {done.commit[:8]}")
        # a cache of its own: this Hub is gone when the script ends
        data = datasets.load_dataset(
            f"{owner}/mnist1d", "shuffled", revision="v1.0.0", cache_dir=work
        )
        assert digest(to_numpy(data["train"])) == DIGESTS["shuffled"]["x_train"]
        model = AutoModelForSequenceClassification.from_pretrained(
            f"{owner}/mnist1d-cnn", cache_dir=work
        )
    console.print(
        f"   load_dataset('{owner}/mnist1d', 'shuffled'): the same bits; "
        f"{type(model).__name__}: {model.num_parameters()} parameters"
    )


def draw(path: Path) -> None:
    """A picture of the data, as PNG."""
    from mnist1d_hf import make_mnist1d
    from mnist1d_hf.figures.pictures import plot_examples
    from mnist1d_hf.figures.style import save

    data = make_mnist1d()
    save(plot_examples(data.x_train, data.y_train), path)


def main(
    out: Annotated[Path, typer.Option(help="folder for what is made")] = Path("out/quickstart"),
    steps: Annotated[int, typer.Option(help="of training; the paper's 6000 by default")] = 6000,
) -> None:
    start = time.perf_counter()
    from mnist1d_hf.extras import require
    from mnist1d_hf.files import check_writable

    require("studies", "torch", "transformers", "accelerate", "matplotlib")
    check_writable(out)
    if steps < 1:
        raise ValueError(f"--steps {steps}: at least 1")
    start_local_hub(None)
    from mnist1d_hf.evidence.published import PUBLISHED
    from mnist1d_hf.evidence.results import write_result

    build()
    verify()
    results = train_all(out / "models", steps)
    table = Table("CNN on", "test accuracy", "saved and reloaded", "published", "seconds")
    for config_name, row in results.items():
        table.add_row(
            config_name,
            f"{row['test accuracy']:.1f} %",
            f"{row['reloaded']:.1f} %",
            "{} ± {} %".format(*PUBLISHED[config_name]["cnn"]),
            f"{row['seconds']:.0f}",
        )
    console.print(table)
    publish_and_read_back(out / "models")
    draw(out / "examples")
    seconds = time.perf_counter() - start
    write_result(out / "results.json", results, args={"steps": steps}, seconds=seconds)
    console.print(f"\nDone in {seconds:.0f} s: models, examples.png and results.json in {out}")


if __name__ == "__main__":
    reserve_endpoint()  # before a library that asks for it is imported
    from mnist1d_hf.entrances import program

    program(main, __doc__, "what is finished is kept, and the same command starts again")()
