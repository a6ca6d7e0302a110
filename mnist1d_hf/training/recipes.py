"""The hyperparameters of each of the six models, for the studies and the published models.

>>> RECIPES["tcn"].learning_rate, RECIPES["cnn"] == Recipe(stackable=True, relative_step_time=6)
(0.003, True)
"""

from dataclasses import dataclass, replace

from mnist1d_hf.signals.params import check_choice

WARM_UP = 0.05  # fraction of the steps before the cosine schedule


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of a training; defaults are those of the notebook mnist1d-classification."""

    learning_rate: float = 1e-2
    weight_decay: float = 0.0
    optimizer: str = "Adam"  # or AdamW, with decoupled weight decay
    schedule: str = "constant"  # or cosine, after a warm-up
    label_smoothing: float = 0.0
    shuffled: bool = False  # whether rows are permuted in every epoch
    steps: int = 6000  # with batches of 100 rows; the notebook makes one step more
    shift: int | None = None  # largest shift of `augment.vary` in points; None: no augmentation
    stackable: bool = False  # whether `many.train_many` supports the model
    relative_step_time: int = 1  # time of a step on one core, relative to logistic regression

    @property
    def slow(self) -> bool:
        """Whether a training takes about ten minutes, far longer than that of the CNN."""
        return self.steps * self.relative_step_time > 200_000


def recipe_of_ours(*, steps: int, shift: int, relative_step_time: int) -> Recipe:
    """The common recipe of TCN and Transformer, which was tuned on other rows than the paper's."""
    return Recipe(
        learning_rate=3e-3,
        weight_decay=0.01,
        optimizer="AdamW",
        schedule="cosine",
        label_smoothing=0.05,
        shuffled=True,
        steps=steps,
        shift=shift,
        relative_step_time=relative_step_time,
    )


PAPER = Recipe()
RECIPES = {
    "logistic": Recipe(stackable=True, relative_step_time=1),
    "mlp": Recipe(stackable=True, relative_step_time=2),
    "cnn": Recipe(stackable=True, relative_step_time=6),
    "gru": Recipe(relative_step_time=40),
    # a TCN needs few shifts, and shifts split digits at the border
    "tcn": recipe_of_ours(steps=1500, shift=2, relative_step_time=80),
    "transformer": recipe_of_ours(steps=3000, shift=6, relative_step_time=120),
}
OURS = ("tcn", "transformer")  # the models of this package, which have recipes of their own


def recipe_of(model: str, name: str) -> Recipe:
    """A recipe by its name: "paper", or of a model of ours "augmented", or "plain" without that.

    Raises ValueError for an unknown model or name.
    """
    check_choice("model", model, RECIPES)
    check_choice("recipe", name, ("paper", "augmented", "plain"))
    if name == "paper":
        return PAPER
    return RECIPES[model] if name == "augmented" else replace(RECIPES[model], shift=None)
