"""Logistic regression in JAX; PyTorch is not even imported.

python scripts/examples/jax_arrays.py     # some seconds; prints 33.0 % (needs jax)
"""

import jax
import jax.numpy as jnp
import typer

import mnist1d_hf


def loss(weights: dict[str, jax.Array], x: jax.Array, labels: jax.Array) -> jax.Array:
    """Mean cross-entropy."""
    log_p = jax.nn.log_softmax(x @ weights["w"] + weights["b"])
    return -jnp.take_along_axis(log_p, labels[:, None], axis=1).mean()


@jax.jit
def step(weights: dict[str, jax.Array], x: jax.Array, labels: jax.Array) -> dict[str, jax.Array]:
    """One step of gradient descent on all rows."""
    gradients = jax.grad(loss)(weights, x, labels)
    return jax.tree.map(lambda value, gradient: value - 0.3 * gradient, weights, gradients)


def main(steps: int = 2000) -> float:
    """Train on all rows at once; returns the accuracy on test."""
    splits = mnist1d_hf.load_dataset("default")
    x, x_test = (jnp.asarray(mnist1d_hf.to_numpy(splits[s], "x")) for s in ("train", "test"))
    y, y_test = (jnp.asarray(mnist1d_hf.to_numpy(splits[s], "label")) for s in ("train", "test"))
    weights = {"w": jnp.zeros((40, 10)), "b": jnp.zeros(10)}
    for _ in range(steps):
        weights = step(weights, x, y)
    accuracy = float(((x_test @ weights["w"] + weights["b"]).argmax(1) == y_test).mean())
    print(f"test accuracy {100 * accuracy:.1f} %")
    return accuracy


if __name__ == "__main__":
    typer.run(main)
