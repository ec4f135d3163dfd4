"""Debug pictures of adaptation: what the student was shown, and with two scales what it predicted (spec/uda.md 2.6).

An observer of loss groups. Every so many iterations it copies the images of a step to the host; a thread of its own
draws them, so that training goes on meanwhile.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmseg.fileio import atomic_write
from mmseg.models.detail_crop import Box, crop, shrink
from mmseg.models.trainable import LossGroup
from mmseg.uda.debug_rows import (
    Arrays,
    Paint,
    Rows,
    discriminator_rows,
    entropy_rows,
    mixing_rows,
    scale_rows,
)
from mmseg.visualization.palette import Palette
from mmseg.visualization.panels import draw_panels

logger = logging.getLogger('mmseg')


@dataclass(frozen=True)
class Shown:
    """A loss group on the host.

    Attributes:
        arrays: tensors of ``LossGroup.seen``.
        scales: pictures by title of networks with two scales, see :func:`scale_pictures`; empty for others.
        target_scales: the same of the pseudo-labels' network and the target images.
    """

    arrays: Arrays
    scales: Arrays
    target_scales: Arrays


@dataclass(frozen=True)
class Layout:
    """The pictures of a method; drawn when the last of its loss groups has come.

    Attributes:
        groups: names of the loss groups that are shown.
        folder: below the run's folder, as published.
        columns: panels beside each other.
        rows: (arrays by group, position in the batch, paint) -> panels.
        scales: what was shown by group -> rows of the picture of two scales.
    """

    groups: tuple[str, ...]
    folder: str
    columns: int
    rows: Callable[[Mapping[str, Arrays], int, Paint], Rows]
    scales: Callable[[Mapping[str, Shown]], dict[str, Arrays]]


DISCRIMINATED = ('source', 'adversarial', 'discriminator_source', 'discriminator_target')
LAYOUTS = (
    Layout(
        ('source', 'mixed'), 'class_mix_debug', 5, mixing_rows,
        lambda group: {
            'Source': group['source'].scales, 'Target': group['mixed'].target_scales, 'Mix': group['mixed'].scales,
        },
    ),
    Layout(
        ('source', 'entropy'), 'debug', 3, entropy_rows,
        lambda group: {'Source': group['source'].scales, 'Target': group['entropy'].scales},
    ),
    Layout(
        DISCRIMINATED, 'debug', 3, discriminator_rows,
        lambda group: {'Source': group['source'].scales, 'Target': group['adversarial'].scales},
    ),
)  # fmt: skip
"""DACS, MinEnt, AdvSeg. Training without adaptation has none."""


class DebugPictures:
    """Writes ``{iteration + 1:06d}_{j}.png`` for each image j of the batch, and ``..._s.png`` with two scales.

    Args:
        work_dir: folder of the run; pictures go into ``class_mix_debug`` or ``debug`` below it.
        interval: iterations between pictures, starting with iteration 0; 0 = never.
        palette: RGB colours of the classes.
        mean, std: normalisation of the images in grey levels 0..255.
    """

    def __init__(
        self, work_dir: Path, interval: int, palette: Palette, mean: Sequence[float], std: Sequence[float]
    ) -> None:
        self.work_dir = work_dir
        self.interval = interval
        self.paint = Paint(palette, mean, std)
        self._shown: dict[str, Shown] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix='debug-pictures')
        self._drawing: Future[None] | None = None

    def __call__(self, iteration: int, group: LossGroup) -> None:
        """Observer of :class:`mmseg.models.trainable.Trainable`."""
        layouts = [layout for layout in LAYOUTS if group.name in layout.groups]
        if self.interval <= 0 or iteration % self.interval or not layouts:
            return
        self._shown[group.name] = shown(group.seen)
        for layout in layouts:
            if group.name == layout.groups[-1]:
                self.wait()
                self._drawing = self._thread.submit(self._draw, iteration, layout, self._shown)
                self._shown = {}

    def wait(self) -> None:
        """Wait until the pictures are written, or cannot be (a full disk); raises what went wrong while drawing."""
        if self._drawing is None:
            return
        drawing, self._drawing = self._drawing, None
        try:
            drawing.result()
        except OSError as error:
            logger.warning(f'Debug pictures could not be written ({error}); training goes on without them.')

    def close(self) -> None:
        """Write what is left; to be called at the end of a run."""
        try:
            self.wait()
        finally:
            self._thread.shutdown()

    def _draw(self, iteration: int, layout: Layout, groups: Mapping[str, Shown]) -> None:
        arrays = {name: group.arrays for name, group in groups.items()}
        scales = layout.scales(groups)
        folder = self.work_dir / layout.folder
        for j in range(len(arrays['source']['img'])):
            name = f'{iteration + 1:06d}_{j}'
            _write(folder / f'{name}.png', layout.rows(arrays, j, self.paint), layout.columns)
            if scales['Source']:
                _write(folder / f'{name}_s.png', scale_rows(scales, j, self.paint), len(scales['Source']))


def _write(path: Path, rows: Rows, columns: int) -> None:
    with atomic_write(path) as temporary:
        draw_panels(rows, columns).save(temporary, 'PNG')


def scale_pictures(seen: Mapping[str, Any]) -> Arrays:
    """What a network with two scales saw and predicted, by published title (spec/hrda.md 4).

    Args:
        seen: 'scales' (:class:`mmseg.models.heads.hrda_head.ScaleLogits`), 'detail_box', 'scale_images', 'img' and,
            in training, 'label'; without 'scales' the result is empty.

    Returns:
        Images (B, 3, h, w), class maps uint8 (B, h, w), the attention float32 (B, h, w) in [0, 1].
    """
    if 'scales' not in seen:
        return {}
    scales, box = seen['scales'], seen['detail_box']
    detail, fused = _classes(scales.detail), _classes(scales.fused)
    pictures = {
        **seen['scale_images'](seen['img'], box),
        'High Res': detail,
        'High Res Inserted': _inserted(detail, fused, box),
        'Low Res': _classes(scales.context),
        'Fused': fused,
    }
    if isinstance(scales.weight, Tensor):
        pictures['Attention'] = scales.attention_map()[:, 0].float()
    if box is not None and 'label' in seen:
        pictures['Cropped GT'] = crop(seen['label'], box)[:, 0].to(torch.uint8)
    return _to_host(pictures)


def _classes(logits: Tensor) -> Tensor:
    return logits.argmax(dim=1).to(torch.uint8)


def _inserted(detail: Tensor, fused: Tensor, box: Box | None) -> Tensor:
    """The class map of the detail at its place in the whole; class 0 around it, as published."""
    if box is None:
        return detail
    canvas = torch.zeros_like(fused)
    crop(canvas, shrink(box, (box[1] - box[0]) / detail.shape[1])).copy_(detail)
    return canvas


def shown(seen: Mapping[str, Any]) -> Shown:
    """``LossGroup.seen`` on the host."""
    target = seen.get('target_seen', {})
    return Shown(
        _to_host(seen), scale_pictures(seen), scale_pictures({**target, 'img': seen.get('target_img')})
    )


def _to_host(seen: Mapping[str, Any]) -> Arrays:
    return {name: value.detach().cpu().numpy() for name, value in seen.items() if isinstance(value, Tensor)}
