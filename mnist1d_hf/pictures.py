"""Pictures of the data itself."""

import numpy as np
from matplotlib.figure import Figure

from mnist1d_hf.figures import COLOURS, panels, style


@style()
def plot_examples(
    x: np.ndarray, y: np.ndarray, t: np.ndarray | None = None, *, per_class: int = 3
) -> Figure:
    """The first examples of each class, drawn as the paper does: time runs down, x to the side.

    x is (n, d), y (n,) with labels 0 to 9, t (d,) the positions of the points. A class with fewer
    than `per_class` examples leaves its places empty.
    """
    t = np.arange(x.shape[1]) if t is None else t
    figure, axes = panels(per_class, 10, width=6.5, height=1.1 * per_class, squeeze=False)
    reach = 1.05 * np.abs(x).max()
    for digit in range(10):
        rows = np.flatnonzero(y == digit)[:per_class]
        for place, axis in enumerate(axes[:, digit]):
            axis.set(xlim=(-reach, reach), ylim=(t[-1], t[0]), xticks=[], yticks=[])
            axis.set_title("")
            axis.set_title("", loc="left")
            for side in ("left", "bottom"):
                axis.spines[side].set_visible(False)
            if place < len(rows):
                axis.plot(x[rows[place]], t, color=COLOURS["black"], linewidth=1)
        axes[0, digit].set_title(str(digit), loc="center")
    return figure
