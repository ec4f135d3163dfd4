"""Draws debug pictures: what the student was shown, and with two scales what it predicted.

Source: docs/methods/self-training.md#debug-pictures.

An observer of loss groups. Every so many iterations it copies the images of a step to the host; a thread of its own
draws them, so that training goes on meanwhile.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmseg.fileio import atomic_write
from mmseg.models.detail_crop import Box, crop, shrink
from mmseg.uda.pictures import Arrays, Layout, Panel, Rows
from mmseg.uda.trainable import LossGroup
from mmseg.visualization.palette import Palette, colourise, denormalised
from mmseg.visualization.panels import draw_panels

logger = logging.getLogger('mmseg')


Show = Callable[[int, str, np.ndarray], None]
"""Called in the drawing thread with iteration, name and picture, uint8 RGB (H, W, 3)."""


@dataclass(frozen=True)
class Paint:
    """How panels become pictures.

    Attributes:
        palette: RGB colours of the classes.
        mean, std: normalisation of the images in grey levels 0..255.
    """

    palette: Palette
    mean: Sequence[float]
    std: Sequence[float]

    def __call__(self, panel: Panel) -> np.ndarray:
        """uint8 RGB (H, W, 3), or grey values (H, W) in [0, 1]."""
        if panel.kind == 'image':
            return denormalised(panel.values, self.mean, self.std)
        if panel.kind == 'classes':
            return colourise(panel.values.reshape(panel.values.shape[-2:]), self.palette)
        return panel.values


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


class DebugPictures:
    """Writes ``{iteration + 1:06d}_{j}.png`` for each image j of the batch, and ``..._s.png`` with two scales.

    Args:
        work_dir: folder of the run; pictures go into the layout's folder below it.
        layout: what the method shows.
        interval: iterations between pictures, starting with iteration 0; 0 = never.
        paint: colours.
        show: gets each picture, too, as ``{folder}/{j}`` or ``{folder}/{j}_s``.
    """

    def __init__(
        self,
        work_dir: Path,
        layout: Layout,
        interval: int,
        paint: Paint,
        show: Show = lambda iteration, name, picture: None,
    ) -> None:
        self.folder = work_dir / layout.folder
        self.layout = layout
        self.interval = interval
        self.paint = paint
        self.show = show
        self._shown: dict[str, Shown] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix='debug-pictures')
        self._drawing: Future[None] | None = None

    def __call__(self, iteration: int, group: LossGroup) -> None:
        """Observer of :class:`mmseg.uda.trainable.Trainable`."""
        self._shown[group.name] = on_host(group.seen, scales=group.name in self.layout.groups)

    def finish(self, iteration: int) -> None:
        """The iteration has no more groups: draw, if all groups of the layout have come."""
        shown, self._shown = self._shown, {}
        if shown.keys() >= {*self.layout.groups}:
            self.wait()
            self._drawing = self._thread.submit(self._draw, iteration, shown)

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

    def _draw(self, iteration: int, groups: Mapping[str, Shown]) -> None:
        arrays = {name: group.arrays for name, group in groups.items()}
        scales = {
            name: groups[group].target_scales if of_target else groups[group].scales
            for name, group, of_target in self.layout.scales
        }
        for j in range(len(arrays['source']['img'])):
            rows = self.layout.rows(arrays, j)
            columns = max(self.layout.columns, *(len(row) for row in rows))
            self._write(iteration + 1, f'{j}', rows, columns)
            if widest := max(map(len, scales.values()), default=0):
                self._write(iteration + 1, f'{j}_s', scale_rows(scales, j), widest)

    def _write(self, number: int, name: str, rows: Rows, columns: int) -> None:
        pictures = [[(panel.title, self.paint(panel)) for panel in row] for row in rows]
        drawn = draw_panels(pictures, columns)
        with atomic_write(self.folder / f'{number:06d}_{name}.png') as temporary:
            drawn.save(temporary, 'PNG')
        self.show(number, f'{self.folder.name}/{name}', np.asarray(drawn))


def scale_rows(rows: Mapping[str, Arrays], j: int) -> Rows:
    """A row of panels of image j for each entry of ``rows``: images, class maps as colours, attention in grey.

    Args:
        rows: what :func:`scale_pictures` returned, by the row's name.
        j: position in the batch.
    """
    return [
        [_scale_panel(f'{name} {title}', values[j]) for title, values in arrays.items()]
        for name, arrays in rows.items()
    ]


def _scale_panel(title: str, values: np.ndarray) -> Panel:
    if values.ndim == 3:
        return Panel(title, 'image', values)
    return Panel(title, 'shade' if values.dtype == np.float32 else 'classes', values)


def scale_pictures(seen: Mapping[str, Any]) -> Arrays:
    """What a network with two scales saw and predicted, by published title (docs/methods/hrda.md#debug-output).

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


def on_host(seen: Mapping[str, Any], scales: bool = True) -> Shown:
    """``LossGroup.seen`` on the host, with or without the pictures of two scales."""
    if not scales:
        return Shown(_to_host(seen), {}, {})
    target = seen.get('target_seen', {})
    return Shown(
        _to_host(seen), scale_pictures(seen), scale_pictures({**target, 'img': seen.get('target_img')})
    )


def _to_host(seen: Mapping[str, Any]) -> Arrays:
    return {name: value.detach().cpu().numpy() for name, value in seen.items() if isinstance(value, Tensor)}
