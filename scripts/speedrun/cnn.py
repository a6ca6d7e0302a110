"""99 % on MNIST-1D in a few CPU seconds: a small convolutional network, differentiated by hand.

    python scripts/submit.py scripts/speedrun/cnn.py --track seconds-99 --rehearse

Three convolutions, the first two followed by max-pooling, each normalised over the batch; the
maximum over positions is classified. It starts from a plain PyTorch network of this shape, and:

- Muon trains the second and third convolution (Jordan et al. 2024, github.com/KellerJordan/Muon):
  the momentum is replaced by the nearest orthogonal matrix, and weights keep their norm.
- Arrays are (position, signal, channel), so that shifting, pooling and padding copy nothing, and a
  convolution is one matrix product for each of its taps. Autograd and its copies cost as much again
  as these products; the gradients below are twenty lines.
- Signals are rotated, rescaled and made noisier in each epoch; labels are smoothed; the weights of
  the second half of the training are averaged.
- Where the network is unsure, it also looks at the signal one position to the left and right.
"""

import math

import torch
from torch.nn import functional as F

EPOCHS, BATCH = 16, 125
CHANNELS = (48, 64, 96)
WIDTHS = (9, 3, 3)  # of the convolutions; the first one sees a digit of ten positions at once
MUON_RATE, MUON_MOMENTUM = 0.2, 0.6
ADAM_RATE, WEIGHT_DECAY = 0.01, 0.02  # of all other weights
WARM_UP = 0.25  # fraction of the steps until the learning rate is at its highest
AVERAGE = 0.95  # what the average keeps in each step
SMOOTHING = 0.1
ROTATION, SCALE, NOISE = 2, 0.1, 0.05  # positions; standard deviations
SURE = 0.95  # probability from which a signal is not looked at again
ROWS = 250  # signals at a time when predicting, so that their arrays stay in the cache


def train(x, y, *, seed, num_classes):
    """Signals x (n, d) float32 and labels y (n,) to a function from signals to labels."""
    generator = torch.Generator().manual_seed(seed)
    x, y = detrend(torch.from_numpy(x)), torch.from_numpy(y)
    with torch.no_grad():
        weights = fit(x, y, num_classes, generator)
        # the statistics of the averaged weights
        norms = forward(weights, x[:1000])[2]

    def logits(signals):
        return torch.cat([forward(weights, part, norms)[0] for part in signals.split(ROWS)])

    @torch.inference_mode()
    def predict(signals):
        signals = detrend(torch.from_numpy(signals))
        found = logits(signals).softmax(1)
        unsure = found.amax(1) < SURE
        for shift in (-1, 1):
            found[unsure] += logits(signals[unsure].roll(shift, 1)).softmax(1)
        return found.argmax(1).numpy()

    return predict


def fit(x, y, num_classes, generator):
    """The averaged weights of a training."""
    weights = start(num_classes, generator)
    matrices, others = weights[1:3], [weights[0], *weights[3:]]
    momenta = [torch.zeros_like(w) for w in matrices]
    adam = torch.optim.AdamW(
        others, ADAM_RATE, betas=(0.9, 0.99), weight_decay=WEIGHT_DECAY, fused=True
    )
    targets = torch.eye(num_classes).mul(1 - SMOOTHING).add(SMOOTHING / num_classes)[y]
    steps, step, average = EPOCHS * -(-len(x) // BATCH), 0, None
    for _ in range(EPOCHS):
        varied = vary(x, generator)
        for rows in torch.randperm(len(x), generator=generator).split(BATCH):
            done = step / steps
            rate = max(min(done / WARM_UP, (1 - done) / (1 - WARM_UP)), 1e-3)
            gradients = differentiate(weights, varied[rows], targets[rows])
            for w, gradient in zip(others, [gradients[0], *gradients[3:]], strict=True):
                w.grad = gradient
            adam.param_groups[0]["lr"] = ADAM_RATE * rate
            adam.step()
            for w, gradient, momentum in zip(matrices, gradients[1:3], momenta, strict=True):
                muon(w, gradient, momentum, MUON_RATE * rate)
            if 2 * step >= steps:
                average = average or [w.clone() for w in weights]
                for mean, w in zip(average, weights, strict=True):
                    mean.lerp_(w, 1 - AVERAGE)
            step += 1
    return average


def start(num_classes, generator):
    """Three kernels (width, channels before, channels), their biases, and the last layer's."""
    weights, before = [], 1
    for width, channels in zip(WIDTHS, CHANNELS, strict=True):
        kernel = torch.randn(width, before, channels, generator=generator)
        weights.append(kernel / math.sqrt(width * before))
        before = channels
    last = torch.randn(before, num_classes, generator=generator) / math.sqrt(4 * before)
    return [*weights, *map(torch.zeros, CHANNELS), last, torch.zeros(num_classes)]


def muon(weight, gradient, momentum, rate):
    """One step of Muon, in place; `weight` (width, channels before, channels) as a matrix."""
    momentum.mul_(MUON_MOMENTUM).add_(gradient)
    matrix = weight.view(-1, weight.shape[-1])
    update = (gradient + MUON_MOMENTUM * momentum).view(matrix.shape).T
    update = update / (update.norm() + 1e-7)
    for _ in range(3):  # Newton-Schulz iterations, with the coefficients of Muon
        square = update @ update.T
        square = torch.addmm(square, square, square, beta=-4.7750, alpha=2.0315)
        update = torch.addmm(update, square, update, beta=3.4445)
    matrix.mul_(math.sqrt(matrix.shape[1]) / matrix.norm()).sub_(update.T, alpha=rate)


def forward(weights, x, norms=(None, None, None)):
    """Logits of x (n, d), what the gradients need of each layer, and each layer's norms.

    `norms` are the mean and the inverse standard deviation of each layer, those of x by default.
    """
    kernels, biases, (last, last_bias) = weights[:3], weights[3:6], weights[6:]
    reach = WIDTHS[0] // 2
    h = F.pad(x.T, (0, 0, reach, reach)).unfold(0, WIDTHS[0], 1).contiguous()  # (d, n, width)
    layers, used = [], []
    for number, (kernel, bias, norm) in enumerate(zip(kernels, biases, norms, strict=True)):
        if number == 0:  # its input is made of windows already
            z, left = h @ kernel[:, 0], None
        else:
            h = F.pad(h, (0, 0, 0, 0, 1, 1))
            z, left = convolve(h, kernel), None
        if number < 2:
            left = z[0::2] >= z[1::2]
            z = torch.maximum(z[0::2], z[1::2])
        if norm is None:
            mean = z.mean((0, 1))
            norm = mean, ((z * z).mean((0, 1)) - mean**2 + 1e-5).rsqrt()
        z = (z - norm[0]) * norm[1]
        above = torch.relu(z + bias)
        layers.append((h, left, z, above))
        used.append(norm)
        h = above
    return h.amax(0) @ last + last_bias, layers, used


def differentiate(weights, x, targets):
    """The gradients of the mean cross-entropy of x (n, d) and `targets` (n, classes)."""
    logits, layers, norms = forward(weights, x)
    g = (logits.softmax(1) - targets) / len(x)
    top = layers[-1][-1]
    maximum = top.amax(0)
    found = [None] * 6 + [maximum.T @ g, g.sum(0)]
    g = torch.where(top == maximum, g @ weights[6].T, 0.0)
    for number in (2, 1, 0):
        h, left, z, above = layers[number]
        g = torch.ops.aten.threshold_backward(g, above, 0)  # of relu
        found[3 + number] = bias = g.sum((0, 1))
        count = g.shape[0] * g.shape[1]
        g = (g - bias / count - z * ((g * z).sum((0, 1)) / count)) * norms[number][1]
        if left is not None:  # each maximum goes back to where it came from
            pooled, g = g, g.new_empty(2 * len(g), *g.shape[1:])
            g[0::2] = torch.where(left, pooled, 0.0)
            torch.sub(pooled, g[0::2], out=g[1::2])
        if number == 0:
            found[0] = (h.flatten(0, 1).T @ g.flatten(0, 1)).unsqueeze(1)
        else:
            found[number], g = convolve_back(h, weights[number], g)
    return found


def convolve(h, kernel):
    """(length + width - 1, n, channels before) with a kernel: (length, n, channels)."""
    width, before, channels = kernel.shape
    length = len(h) - width + 1
    z = h[:length].view(-1, before) @ kernel[0]
    for tap in range(1, width):
        z.addmm_(h[tap : tap + length].view(-1, before), kernel[tap])
    return z.view(length, -1, channels)


def convolve_back(h, kernel, g):
    """The gradients of the kernel, and of what was there before padding by one position."""
    width, before, channels = kernel.shape
    length, flat = len(g), g.view(-1, channels)
    of_kernel, of_h = torch.empty_like(kernel), torch.zeros_like(h)
    for tap in range(width):
        part = slice(tap, tap + length)
        torch.mm(h[part].view(-1, before).T, flat, out=of_kernel[tap])
        of_h[part].view(-1, before).addmm_(flat, kernel[tap].T)
    return of_kernel, of_h[1:-1]


def detrend(x):
    """Signals (n, d) without their mean and slope, which say nothing about the class."""
    time = torch.linspace(-1, 1, x.shape[1])
    time /= time.norm()
    x = x - x.mean(1, keepdim=True)
    return x - (x @ time)[:, None] * time


def vary(x, generator):
    """Signals (n, d) rotated, rescaled and with noise."""
    n, d = x.shape
    shifts = torch.randint(-ROTATION, ROTATION + 1, (n, 1), generator=generator)
    x = x.gather(1, (torch.arange(d) - shifts) % d)
    x = x * (1 + SCALE * torch.randn(n, 1, generator=generator))
    return x + NOISE * torch.randn(n, d, generator=generator)
