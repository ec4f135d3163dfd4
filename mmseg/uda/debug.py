"""Debug pictures of self-training: what the student was shown (spec/uda.md 2.6).

An observer of loss groups. Every so many iterations it copies the images of a step to the host; a thread of its own
draws them, so that training goes on meanwhile.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from mmseg.fileio import atomic_write
from mmseg.models.trainable import LossGroup
from mmseg.visualization.palette import Palette, colourise

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Panel:
    """One picture of a figure: uint8 RGB (H, W, 3), or grey values (H, W) in [0, 1]."""

    title: str
    picture: np.ndarray


class DebugPictures:
    """Writes ``{iteration + 1:06d}_{j}.png`` for each image j of the batch.

    Args:
        folder: where files go, published: ``{work_dir}/class_mix_debug``.
        interval: iterations between pictures, starting with iteration 0; 0 = never.
        palette: RGB colours of the classes.
        mean, std: normalisation of the images in grey levels 0..255.
    """

    def __init__(
        self, folder: Path, interval: int, palette: Palette, mean: Sequence[float], std: Sequence[float]
    ) -> None:
        self.folder = folder
        self.interval = interval
        self.palette = palette
        self.normalisation = (np.asarray(mean, np.float32), np.asarray(std, np.float32))
        self._source: Arrays = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix='debug-pictures')
        self._drawing: Future[None] | None = None

    def __call__(self, iteration: int, group: LossGroup) -> None:
        """Observer of :class:`mmseg.models.trainable.Trainable`; draws when the 'mixed' group has come."""
        if self.interval <= 0 or iteration % self.interval:
            return
        if group.name == 'source':
            self._source = _to_host(group.seen)
        elif group.name == 'mixed':
            self.wait()
            source, self._source = self._source, {}
            self._drawing = self._thread.submit(self._draw, iteration, source, _to_host(group.seen))

    def wait(self) -> None:
        """Wait until the pictures are written; raises what went wrong while drawing."""
        if self._drawing is not None:
            drawing, self._drawing = self._drawing, None
            drawing.result()

    def close(self) -> None:
        """Write what is left; to be called at the end of a run."""
        self.wait()
        self._thread.shutdown()

    def _draw(self, iteration: int, source: Arrays, mixed: Arrays) -> None:
        for j in range(len(mixed['img'])):
            rows = picture_rows(source, mixed, j, self.palette, self.normalisation)
            with atomic_write(self.folder / f'{iteration + 1:06d}_{j}.png') as path:
                draw_figure(rows).savefig(path)


def picture_rows(
    source: Arrays, mixed: Arrays, j: int, palette: Palette, normalisation: tuple[np.ndarray, np.ndarray]
) -> list[list[Panel]]:
    """The two rows of panels of image j.

    Args:
        source: what the 'source' group has seen: ``img`` (B, 3, H, W), ``label`` (B, 1, H, W) and, with the feature
            distance on classes, ``distance_mask`` and ``distance_label`` (B, 1, h, w).
        mixed: of the 'mixed' group: ``img``, ``target_img``, ``label``, ``pseudo_label`` (B, H, W), ``weight``
            (B, H, W), ``mask`` (B, 1, H, W).
        j: position in the batch.
        palette: RGB colours of the classes.
        normalisation: mean and standard deviation (3,).
    """

    def image(values: np.ndarray) -> np.ndarray:
        mean, std = normalisation
        return (values[j].transpose(1, 2, 0) * std + mean).clip(0, 255).round().astype(np.uint8)

    def label(values: np.ndarray) -> np.ndarray:
        return colourise(values[j].reshape(values[j].shape[-2:]), palette)

    upper = [
        Panel('Source Image', image(source['img'])),
        Panel('Source Seg GT', label(source['label'])),
        Panel('Mixed Image', image(mixed['img'])),
        Panel('Pseudo W.', mixed['weight'][j]),
    ]
    lower = [
        Panel('Target Image', image(mixed['target_img'])),
        Panel('Target Seg (Pseudo) GT', label(mixed['pseudo_label'])),
        Panel('Domain Mask', mixed['mask'][j, 0].astype(np.float32)),
        Panel('Seg Targ', label(mixed['label'])),
    ]
    if 'distance_mask' in source:
        upper.append(Panel('FDist Mask', source['distance_mask'][j, 0].astype(np.float32)))
        lower.append(Panel('Scaled GT', label(source['distance_label'])))
    return [upper, lower]


def draw_figure(rows: list[list[Panel]], columns: int = 5) -> Figure:
    """A figure of 3 x 3 inches a panel (100 dpi); grey panels range from 0 to 1."""
    figure = Figure(figsize=(3 * columns, 3 * len(rows)), dpi=100)
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for line, panels in zip(axes, rows, strict=True):
        for axis, panel in zip(line, panels, strict=False):
            axis.imshow(panel.picture, cmap='gray', vmin=0, vmax=1)
            axis.set_title(panel.title)
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.01, top=0.93, wspace=0.05, hspace=0.15)
    return figure


def _to_host(seen: dict[str, Any]) -> Arrays:
    return {name: value.detach().cpu().numpy() for name, value in seen.items() if isinstance(value, Tensor)}
