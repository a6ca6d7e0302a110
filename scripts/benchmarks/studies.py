"""Metalearning: outer steps of our searches against the notebooks' way, on the same numbers.

Each side runs in a process of its own, so that its peak memory is its own; the first outer step
warms up and is not timed. The notebook tests after every inner step, and keeps the graph of that
too; its time is also given without.
"""

import multiprocessing
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import torch
from torch.func import grad_and_value, vmap
from torch.nn.functional import cross_entropy, elu

from mnist1d_hf.studies import metalearn_activation, metalearn_lr
from mnist1d_hf.training.unrolled import train, unflatten

SIDES = ("ours", "notebook", "notebook without its tests")


def measure(outer_steps: int) -> list[dict]:
    """Seconds of an outer step and peak memory, a row for each side of each search."""
    rows = []
    for search in (activation, learning_rate):
        sides = SIDES if search is activation else SIDES[:2]
        found = {side: alone(search, side, outer_steps) for side in sides}
        for side, (seconds, memory) in found.items():
            rows.append(
                {
                    "search": search.__name__.replace("_", " "),
                    "side": side,
                    "CPU s per outer step": seconds,
                    "of ours": seconds / found["ours"][0],
                    "peak memory, GB": memory,
                }
            )
    return rows


def alone(search: Callable, side: str, outer_steps: int) -> tuple[float, float]:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn) as pool:
        return pool.submit(timed, search, side, outer_steps).result()


def timed(search: Callable, side: str, outer_steps: int) -> tuple[float, float]:
    """Least CPU seconds of an outer step, one thread, and the peak memory of this process."""
    torch.set_num_threads(1)
    step, count = search(side)
    seconds = []
    for _ in range(1 + outer_steps):
        begin = time.process_time()
        step()
        seconds.append((time.process_time() - begin) / count)
    return min(seconds[1:]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def activation(side: str) -> tuple[Callable, int]:
    """An outer step of the search for an activation function: 301 inner steps and the gradient."""
    x, labels, x_test, _ = metalearn_activation.problem(0, 10000, 301, 100)
    draws = metalearn_activation.search_draws(0, 301, 128, 100)
    meta = [p.requires_grad_() for p in draws.meta]

    def ours() -> None:
        function = metalearn_activation.noisy(meta, draws.meta_noise)
        losses, _ = train(function, draws.first, draws.noise, x, labels, 0.01)
        torch.autograd.grad(losses[-200:].mean(), meta)

    def forward(weights: torch.Tensor, inputs: torch.Tensor, step: int) -> torch.Tensor:
        w1, b1, w2, b2 = unflatten(weights)
        z = (w1 @ inputs.t()).t() + b1
        w, b, v, c = meta
        hidden = torch.tanh(z.reshape(-1, 1) @ w.t() + b) + draws.meta_noise[step]
        return (
            elu(z) + 0.2 * (hidden @ v.t() + c).reshape(z.shape) + draws.noise[step]
        ) @ w2.t() + b2

    def notebook() -> None:
        weights, losses = draws.first.clone().requires_grad_(), []
        mean_square = torch.ones_like(weights)
        for step in range(len(x)):
            loss = cross_entropy(forward(weights, x[step], step), labels[step])
            (gradient,) = torch.autograd.grad(loss, weights, retain_graph=True, create_graph=True)
            mean_square = mean_square * 0.4 + gradient**2 * 0.6
            weights = weights - 0.01 * gradient / (torch.sqrt(mean_square) + 1e-8)
            losses.append(loss)
            if step and side == "notebook":
                forward(weights, x_test[:500], step).argmax(-1)
        torch.autograd.grad(torch.stack(losses)[-200:].mean(), meta)

    return (ours if side == "ours" else notebook), 1


def learning_rate(side: str) -> tuple[Callable, int]:
    """An outer step of the search for a learning rate: 200 inner steps, per starting rate."""
    args = metalearn_lr.Args()
    weights = metalearn_lr.initial_weights(0, args.hidden_size)
    x, labels = metalearn_lr.batches(args.inner_steps, args.batch_size, 0)
    rates = torch.tensor(args.rates)

    def ours() -> None:
        step = vmap(grad_and_value(metalearn_lr.objective, has_aux=True), (0, None, None, None))
        step(rates, weights, x, labels)

    def notebook() -> None:
        rate = torch.tensor(0.5, requires_grad=True)
        vector = torch.cat([w.flatten() for w in weights]).requires_grad_()
        losses = []
        for inputs, answers in zip(x, labels, strict=True):
            loss = metalearn_lr.loss(list(unflatten(vector)), inputs, answers)
            (gradient,) = torch.autograd.grad(loss, vector, retain_graph=True, create_graph=True)
            vector = vector - rate * gradient
            losses.append(loss)
        torch.autograd.grad(torch.stack(losses).mean(), rate)

    return (ours, len(rates)) if side == "ours" else (notebook, 1)
