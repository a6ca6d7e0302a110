"""How each of the six models is trained: one place for the studies and the published models.

>>> RECIPES["tcn"].learning_rate, RECIPES["cnn"] == Recipe(stackable=True, relative_step_time=6)
(0.003, True)
"""

from dataclasses import dataclass

WARM_UP = 0.05  # of the steps, before the cosine


@dataclass(frozen=True)
class Recipe:
    """How to train a model; the defaults are those of the notebook mnist1d-classification."""

    learning_rate: float = 1e-2
    weight_decay: float = 0.0
    optimizer: str = "Adam"  # or AdamW, which decays weights apart from the gradient
    schedule: str = "constant"  # or cosine, after a warm-up over `WARM_UP` of the steps
    label_smoothing: float = 0.0
    shuffled: bool = False  # whether every epoch has another order, or that of the rows
    steps: int = 6000  # of 100 rows each; the notebook makes one more
    shift: int | None = None  # largest, in points, of `augment.vary`; None: no augmentation
    stackable: bool = False  # whether `many.train_many` trains several at once
    relative_step_time: int = 1  # of one step on one core, that of the logistic regression being 1

    @property
    def slow(self) -> bool:
        """Whether a whole training takes far longer than one of the CNN, some ten minutes."""
        return self.steps * self.relative_step_time > 200_000


def recipe_of_ours(*, steps: int, shift: int, relative_step_time: int) -> Recipe:
    """What TCN and Transformer share; it was chosen on other rows than those of the paper."""
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
    # a TCN hardly needs shifts, and at the border they cut digits in two
    "tcn": recipe_of_ours(steps=1500, shift=2, relative_step_time=80),
    "transformer": recipe_of_ours(steps=3000, shift=6, relative_step_time=120),
}
OURS = ("tcn", "transformer")  # the models of this package, which have recipes of their own
