"""Timings of single parts: attention, teacher update, blur, optimiser, label conversion."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from benchmarks import reference
from benchmarks.settings import OPTIMIZER, Settings, model_config
from benchmarks.timing import Comparison, compare
from mmseg.engine.optimizer import build_optimizer, parameter_options
from mmseg.fileio import write_label_png
from mmseg.models import build_segmentor
from mmseg.toolbox.preparation.conversion import convert_label
from mmseg.toolbox.preparation.label_formats import GTA
from mmseg.uda.augmentation import gaussian_blur
from mmseg.uda.teacher import MeanTeacher

STAGES = ((1, 4), (2, 8), (5, 16), (8, 32))
"""Of the four stages of a Mix Transformer: number of heads, stride. Keys are always on the grid of stride 32."""
HEAD_CHANNELS = 64
GTA_SIZE = (1052, 1914)


def attention(settings: Settings) -> list[Comparison]:
    """Forward and backward pass of the attention of each stage of a MiT-B5."""
    results = []
    for stage, (heads, stride) in enumerate(STAGES, 1):
        queries, keys = (settings.size // stride) ** 2, (settings.size // 32) ** 2
        shapes = [(settings.batch, heads, n, HEAD_CHANNELS) for n in (queries, keys, keys)]
        inputs = [torch.randn(shape, device=settings.device, requires_grad=True) for shape in shapes]
        upstream = torch.randn(shapes[0], device=settings.device)
        fast = _gradient_pass(F.scaled_dot_product_attention, inputs, upstream)
        plain = _gradient_pass(reference.attention, inputs, upstream)
        name = f'attention, stage {stage}, {queries} queries x {keys} keys x {heads} heads'
        difference = _largest_difference(fast(), plain())
        results.append(compare(name, fast, plain, settings.rounds, settings.device, difference))
    return results


def _gradient_pass(
    function: Callable[..., Tensor], inputs: list[Tensor], upstream: Tensor
) -> Callable[[], list[Tensor]]:
    def run() -> list[Tensor]:
        output = function(*inputs)
        return [output.detach(), *torch.autograd.grad(output, inputs, upstream)]

    return run


def teacher(settings: Settings) -> list[Comparison]:
    """One update of the mean teacher of DAFormer."""
    student, averaged, plain = (_network(settings) for _ in range(3))
    keeper = MeanTeacher(averaged, student, alpha=0.999)
    plain.load_state_dict(averaged.state_dict())
    keeper.update(7)
    reference.update_teacher(plain, student, 7, 0.999)
    difference = _largest_difference(averaged.parameters(), plain.parameters())
    count = sum(parameter.numel() for parameter in student.parameters())
    return [
        compare(
            f'teacher update, {settings.encoder}, {count / 1e6:.1f} M parameters',
            lambda: keeper.update(7),
            lambda: reference.update_teacher(plain, student, 7, 0.999),
            settings.rounds,
            settings.device,
            difference,
        )
    ]


def optimizer(settings: Settings) -> list[Comparison]:
    """One AdamW step with published options for every parameter of DAFormer."""
    first, second = _network(settings), _network(settings)
    second.load_state_dict(first.state_dict())
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        one.grad = torch.randn_like(one)
        other.grad = one.grad.clone()
    ours = build_optimizer(first, OPTIMIZER)
    options = {
        name: {'lr': lr, 'weight_decay': decay} for name, lr, decay in parameter_options(second, OPTIMIZER)
    }
    plain = reference.optimizer(second.named_parameters(), options.__getitem__, OPTIMIZER['lr'])
    ours.step()
    plain.step()
    difference = _largest_difference(first.parameters(), second.parameters())
    name = f'optimiser step, {settings.encoder}, {len(options)} tensors'
    return [compare(name, ours.step, plain.step, settings.rounds, settings.device, difference)]


def blur(settings: Settings) -> list[Comparison]:
    """Gaussian blur of a batch of crops."""
    images = torch.randn(settings.batch, 3, settings.size, settings.size, device=settings.device)
    sigmas = np.linspace(0.3, 1.1, settings.batch).tolist()
    difference = _largest_difference([gaussian_blur(images, sigmas)], [reference.blur(images, sigmas)])
    return [
        compare(
            f'blur, {settings.batch} images of {settings.size}x{settings.size}',
            lambda: gaussian_blur(images, sigmas),
            lambda: reference.blur(images, sigmas),
            settings.rounds,
            settings.device,
            difference,
        )
    ]


def convert(settings: Settings) -> list[Comparison]:
    """Conversion of a GTA label: against one pass a class, and against nothing but decoding and encoding the PNG."""
    cpu = torch.device('cpu')
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / '00001.png', Path(folder) / 'plain.png'
        draw_gta_label(source)
        stats = convert_label(str(source), GTA)
        counts = reference.convert_label(str(source), str(target), GTA.table)
        images = [np.asarray(Image.open(path), np.int64) for path in (stats.file, target)]
        difference = float(np.abs(images[0] - images[1]).max()) + float(stats.counts != counts)
        size = f'{GTA_SIZE[1]}x{GTA_SIZE[0]}'

        def ours() -> object:
            return convert_label(str(source), GTA)

        def plain() -> object:
            return reference.convert_label(str(source), str(target), GTA.table)

        def codec() -> object:
            return write_label_png(str(target), GTA.read(str(source)))

        return [
            compare(
                f'label conversion, {size}, one pass a class', ours, plain, settings.rounds, cpu, difference
            ),
            compare(
                f'label conversion, {size}, floor: decode and encode', ours, codec, settings.rounds, cpu, 0.0
            ),
        ]


def draw_gta_label(path: Path, rare_corner: int | None = None) -> tuple[int, int]:
    """A palette PNG of native size with regions of about 40 pixels and thin structures; returns (height, width).

    With ``rare_corner`` that id is found in one region at the lower right only.
    """
    rng = np.random.default_rng(0)
    ids = [raw_id for raw_id in GTA.table if raw_id != rare_corner]
    coarse = rng.choice(ids, size=(GTA_SIZE[0] // 40 + 1, GTA_SIZE[1] // 40 + 1))
    label = coarse.repeat(40, 0).repeat(40, 1)[: GTA_SIZE[0], : GTA_SIZE[1]].astype(np.uint8)
    label[:, ::97] = 17
    if rare_corner is not None:
        label[-160:, -160:] = rare_corner
    image = Image.fromarray(label)
    image.putpalette(rng.integers(0, 256, 768).astype(np.uint8).tobytes())
    image.save(path)
    return GTA_SIZE


def _network(settings: Settings) -> nn.Module:
    network = build_segmentor(model_config(settings.encoder))
    network.init_weights()
    return network.to(settings.device)


def _largest_difference(first: object, second: object) -> float:
    pairs = zip(first, second, strict=True)  # type: ignore[call-overload]
    return max(float((one.detach() - other.detach()).abs().max()) for one, other in pairs)
