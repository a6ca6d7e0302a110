"""A perceptron with one hidden layer in NumPy alone, gradients written out by hand.

python scripts/examples/numpy_mlp.py     # a few seconds; ends at 60.9 %
"""

import numpy as np
import typer

import mnist1d_hf

Weights = dict[str, np.ndarray]


def start(generator: np.random.Generator, hidden: int) -> Weights:
    """Weights such that every layer keeps the size of its input."""
    return {
        "w1": generator.normal(0, np.sqrt(2 / 40), (40, hidden)),
        "b1": np.zeros(hidden),
        "w2": generator.normal(0, np.sqrt(1 / hidden), (hidden, 10)),
        "b2": np.zeros(10),
    }


def forward(w: Weights, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hidden activations (n, hidden) and logits (n, 10)."""
    h = np.maximum(x @ w["w1"] + w["b1"], 0)
    return h, h @ w["w2"] + w["b2"]


def loss_and_gradients(w: Weights, x: np.ndarray, labels: np.ndarray) -> tuple[float, Weights]:
    """Mean cross-entropy and its gradient with respect to every weight."""
    n = len(x)
    h, logits = forward(w, x)
    shifted = logits - logits.max(axis=1, keepdims=True)  # exp cannot overflow
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_p[np.arange(n), labels].mean()

    d_logits = np.exp(log_p)  # softmax ...
    d_logits[np.arange(n), labels] -= 1  # ... minus one-hot: the gradient of the cross-entropy
    d_logits /= n
    d_h = d_logits @ w["w2"].T * (h > 0)  # through the second layer and the ReLU
    return loss, {
        "w2": h.T @ d_logits,
        "b2": d_logits.sum(axis=0),
        "w1": x.T @ d_h,
        "b1": d_h.sum(axis=0),
    }


def main(
    steps: int = 4000, hidden: int = 100, learning_rate: float = 0.1, momentum: float = 0.9
) -> float:
    """Stochastic gradient descent with momentum; returns the accuracy on test."""
    data = mnist1d_hf.make_mnist1d()  # arrays, without any dataset library
    generator = np.random.default_rng(0)
    weights = start(generator, hidden)
    velocity = {name: np.zeros_like(value) for name, value in weights.items()}
    accuracy = 0.0
    for step in range(1, steps + 1):
        rows = generator.integers(len(data.x_train), size=100)
        loss, gradients = loss_and_gradients(weights, data.x_train[rows], data.y_train[rows])
        for name, gradient in gradients.items():
            velocity[name] = momentum * velocity[name] - learning_rate * gradient
            weights[name] += velocity[name]
        if step % 1000 == 0 or step == steps:
            accuracy = float((forward(weights, data.x_test)[1].argmax(1) == data.y_test).mean())
            print(f"step {step}: loss {loss:.3f}, test accuracy {100 * accuracy:.1f} %")
    return accuracy


if __name__ == "__main__":
    typer.run(main)
