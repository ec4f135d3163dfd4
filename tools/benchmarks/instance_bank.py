"""The instance loss of DIDA: streamed over the bank, and as published with one map a row.

Source: docs/methods/dida.md#one-training-step.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.resident import MIB, kib, peak_mib
from benchmarks.settings import Settings
from benchmarks.timing import Comparison, compare, seconds
from mmseg.uda.instance_bank.grid import Grid
from mmseg.uda.instance_bank.loss import Form, Target, instance_loss
from mmseg.uda.instance_bank.options import BankOptions
from mmseg.uda.instance_bank.similarity import Rows, Similarity

SIZES = (50, 100, 200, 300, 400, 500)
CLASSES, CHANNELS, STRIDE = 19, 256, 4
DENSE_MAPS = 10
"""Maps with a channel for every row that are alive at the peak of the published form.

Source: docs/methods/dida.md#cost-of-the-published-form.
"""


def streamed_loss(settings: Settings) -> list[Comparison]:
    """Forward and backward pass for each size of the bank; a dense form that does not fit has no numbers (nan)."""
    return [_compare(settings, rows) for rows in SIZES]


def dense_loss(weak: Tensor, strong: Tensor, features: Tensor, labels: Tensor, scores: Tensor) -> Tensor:
    """Published formulation: embeddings at the size of the image, gathered with an index of its size."""
    size = (scores.shape[2], scores.shape[3])
    weak, strong = (F.interpolate(x, size=size, mode='bilinear', align_corners=False) for x in (weak, strong))
    with torch.no_grad():
        similar = torch.einsum('bdhw,kd->bkhw', weak, features)
        index = labels.view(1, -1, 1, 1).expand(len(weak), len(labels), *size)
        weights = similar * scores.gather(1, index)
        weights = weights / weights.sum(dim=1, keepdim=True)
    similar = torch.einsum('bdhw,kd->bkhw', strong, features)
    similar = similar / similar.sum(dim=1, keepdim=True)
    return (-weights * (similar + 1e-10).log()).sum(dim=1).mean()


def _compare(settings: Settings, count: int) -> Comparison:
    batch, size = settings.batch, settings.size
    coarse = (size // STRIDE, size // STRIDE)
    draw = torch.Generator().manual_seed(count)

    def noise(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=draw).to(settings.device)

    weak, strong = noise(batch, CHANNELS, *coarse), noise(batch, CHANNELS, *coarse).requires_grad_()
    scores = noise(batch, CLASSES, size, size) + 1
    features = noise(count, CHANNELS)
    labels = (torch.arange(count) % CLASSES).to(settings.device)
    rows = Rows(features, labels, torch.zeros_like(features[:, 0]), CLASSES)
    how = Similarity('sum', chunk=BankOptions().chunk)
    target = Target(weak, scores, torch.ones_like(scores[:, :1]))

    def ours() -> list[Tensor]:
        loss = instance_loss(strong, target, rows, Grid(coarse, (size, size)), Form(how, how))
        return [loss.detach(), *torch.autograd.grad(loss, strong)]

    def theirs() -> list[Tensor]:
        loss = dense_loss(weak, strong, features, labels, scores)
        return [loss.detach(), *torch.autograd.grad(loss, strong)]

    name = f'instance loss, {count} rows, {batch} crops of {size}x{size}'
    if _dense_bytes(settings, count) > _free_bytes(settings.device):
        ours()
        time = 1e3 * seconds(ours, settings.device)
        result = Comparison(name, time, math.nan, math.nan, (math.nan, math.nan), math.nan)
        return replace(result, ours_mib=_peak_mib(ours), reference_mib=math.nan)
    (value, gradient), (wanted, wanted_gradient) = ours(), theirs()
    scale = wanted_gradient.abs().max()
    difference = max(float((value - wanted).abs()), float((gradient - wanted_gradient).abs().max() / scale))
    result = compare(name, ours, theirs, settings.rounds, settings.device, difference)
    if settings.device.type == 'cpu':
        result = replace(result, ours_mib=_peak_mib(ours), reference_mib=_peak_mib(theirs))
    return result


def _dense_bytes(settings: Settings, rows: int) -> int:
    return DENSE_MAPS * settings.batch * rows * settings.size**2 * 4


def _free_bytes(device: torch.device) -> int:
    if device.type == 'cuda':
        return int(torch.cuda.mem_get_info(device)[0])
    return kib('/proc/meminfo', 'MemAvailable:', 4 * MIB) * 1024


def _peak_mib(function: Callable[[], object]) -> float | None:
    """Largest resident memory during a call above that before it."""
    found = peak_mib(function)
    return None if found is None else found[1] - found[0]
