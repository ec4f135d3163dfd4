"""Debug pictures of self-training: what the student was shown, and with two scales what it predicted (spec/uda.md 2.6).

An observer of loss groups. Every so many iterations it copies the images of a step to the host; a thread of its own
draws them, so that training goes on meanwhile.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mmseg.fileio import atomic_write
from mmseg.models.detail_crop import Box, crop, shrink
from mmseg.models.trainable import LossGroup
from mmseg.visualization.palette import Palette, colourise
from mmseg.visualization.panels import Panel, draw_panels

Arrays = dict[str, np.ndarray]


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
        self._source = Shown({}, {}, {})
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix='debug-pictures')
        self._drawing: Future[None] | None = None

    def __call__(self, iteration: int, group: LossGroup) -> None:
        """Observer of :class:`mmseg.models.trainable.Trainable`; draws when the 'mixed' group has come."""
        if self.interval <= 0 or iteration % self.interval:
            return
        if group.name == 'source':
            self._source = shown(group.seen)
        elif group.name == 'mixed':
            self.wait()
            self._drawing = self._thread.submit(self._draw, iteration, self._source, shown(group.seen))
            self._source = Shown({}, {}, {})

    def wait(self) -> None:
        """Wait until the pictures are written; raises what went wrong while drawing."""
        if self._drawing is not None:
            drawing, self._drawing = self._drawing, None
            drawing.result()

    def close(self) -> None:
        """Write what is left; to be called at the end of a run."""
        self.wait()
        self._thread.shutdown()

    def _draw(self, iteration: int, source: Shown, mixed: Shown) -> None:
        scales = {'Source': source.scales, 'Target': mixed.target_scales, 'Mix': mixed.scales}
        for j in range(len(mixed.arrays['img'])):
            name = f'{iteration + 1:06d}_{j}'
            rows = picture_rows(source.arrays, mixed.arrays, j, self.palette, self.normalisation)
            self._write(name, draw_panels(rows, columns=5))
            if source.scales:
                rows = scale_rows(scales, j, self.palette, self.normalisation)
                self._write(f'{name}_s', draw_panels(rows, len(source.scales)))

    def _write(self, name: str, figure: Image.Image) -> None:
        with atomic_write(self.folder / f'{name}.png') as path:
            figure.save(path, 'PNG')


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
        return _denormalised(values[j], normalisation)

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


def scale_rows(
    rows: Mapping[str, Arrays], j: int, palette: Palette, normalisation: tuple[np.ndarray, np.ndarray]
) -> list[list[Panel]]:
    """A row of panels of image j for each entry of ``rows``: images, class maps as colours, attention in grey.

    Args:
        rows: what :func:`scale_pictures` returned, by the row's name.
        j: position in the batch.
        palette: RGB colours of the classes.
        normalisation: mean and standard deviation (3,).
    """

    def picture(values: np.ndarray) -> np.ndarray:
        if values.ndim == 3:
            return _denormalised(values, normalisation)
        return values if values.dtype == np.float32 else colourise(values, palette)

    return [
        [Panel(f'{name} {title}', picture(values[j])) for title, values in arrays.items()]
        for name, arrays in rows.items()
    ]


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


def _denormalised(image: np.ndarray, normalisation: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Normalised (3, H, W) -> uint8 RGB (H, W, 3)."""
    mean, std = normalisation
    return (image.transpose(1, 2, 0) * std + mean).clip(0, 255).round().astype(np.uint8)


def _to_host(seen: Mapping[str, Any]) -> Arrays:
    return {name: value.detach().cpu().numpy() for name, value in seen.items() if isinstance(value, Tensor)}
