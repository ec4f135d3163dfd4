"""What debug pictures of a method show, as values: drawing them is :mod:`mmseg.visualization.debug_pictures`'s
business (docs/methods/self-training.md#debug-pictures, docs/methods/minent.md, docs/methods/advseg.md).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mmseg.errors import ConfigError, nearest

Arrays = dict[str, np.ndarray]
"""What a loss group has shown (``LossGroup.seen``), on the host."""


SHAPES: dict[str, tuple[str, Callable[[tuple[int, ...]], bool]]] = {
    'image': ('(3, H, W)', lambda shape: len(shape) == 3 and shape[0] == 3),
    'classes': ('(H, W) or (1, H, W)', lambda shape: len(shape) == 2 or (len(shape) == 3 and shape[0] == 1)),
    'shade': ('(H, W)', lambda shape: len(shape) == 2),
}
"""Kinds of panels, and the shapes that fit them."""


@dataclass(frozen=True)
class Panel:
    """One picture of a figure.

    Attributes:
        title: above it.
        kind: 'image': normalised (3, H, W); 'classes': ids (H, W) or (1, H, W); 'shade': (H, W) in [0, 1], grey.
        values: see ``kind``.

    Raises:
        ConfigError: the kind is unknown, or the values do not fit it.
    """

    title: str
    kind: Literal['image', 'classes', 'shade']
    values: np.ndarray

    def __post_init__(self) -> None:
        if self.kind not in SHAPES:
            raise ConfigError(
                f'The panel {self.title!r} is of the kind {self.kind!r}{nearest(str(self.kind), SHAPES)}.'
            )
        shape, fits = SHAPES[self.kind]
        found = self.values
        if not isinstance(found, np.ndarray) or found.dtype.kind not in 'biuf' or 0 in found.shape:
            what = f'{found.dtype} {found.shape}' if isinstance(found, np.ndarray) else type(found).__name__
            raise ConfigError(f'The panel {self.title!r} has values {what}, expected an array of numbers.')
        if not fits(found.shape):
            raise ConfigError(
                f'The panel {self.title!r} of the kind {self.kind!r} has the shape {found.shape}, expected {shape} of '
                'one image.'
            )


Rows = list[list[Panel]]


@dataclass(frozen=True)
class Layout:
    """The pictures of a method; drawn at the end of an iteration.

    Attributes:
        groups: names of the loss groups that its rows show; parts may look at others.
        folder: below the run's folder, as published.
        columns: panels beside each other.
        rows: (arrays by group, position in the batch) -> panels.
        scales: rows of the picture of networks with two scales: name, loss group, and whether it shows what the
            pseudo-labels come from instead of the pass itself.
    """

    groups: tuple[str, ...]
    folder: str
    columns: int
    rows: Callable[[Mapping[str, Arrays], int], Rows]
    scales: tuple[tuple[str, str, bool], ...]


def added(rows: Rows, more: Rows) -> Rows:
    """Panels added row by row; a row that is not there yet is begun."""
    count = max(len(rows), len(more))
    return [
        panels + further
        for panels, further in zip(
            rows + [[]] * (count - len(rows)), more + [[]] * (count - len(more)), strict=True
        )
    ]


def mixing_rows(groups: Mapping[str, Arrays], j: int) -> Rows:
    """The two rows of image j in self-training.

    Args:
        groups: what was seen by name of the loss group. 'source': ``img`` (B, 3, H, W), ``label`` (B, 1, H, W).
            'mixed': ``img``, ``target_img``, ``label``, ``pseudo_label`` (B, H, W), ``weight`` (B, H, W), ``mask``
            (B, 1, H, W).
        j: position in the batch.
    """
    source, mixed = groups['source'], groups['mixed']
    return [
        [
            Panel('Source Image', 'image', source['img'][j]),
            Panel('Source Seg GT', 'classes', source['label'][j]),
            Panel('Mixed Image', 'image', mixed['img'][j]),
            Panel('Pseudo W.', 'shade', mixed['weight'][j]),
        ],
        [
            Panel('Target Image', 'image', mixed['target_img'][j]),
            Panel('Target Seg (Pseudo) GT', 'classes', mixed['pseudo_label'][j]),
            Panel('Domain Mask', 'shade', mixed['mask'][j, 0].astype(np.float32)),
            Panel('Seg Targ', 'classes', mixed['label'][j]),
        ],
    ]


def entropy_rows(groups: Mapping[str, Arrays], j: int) -> Rows:
    """The two rows of image j under MinEnt.

    Args:
        groups: 'source': ``img`` (B, 3, H, W). 'entropy': ``img`` and ``logits`` (B, C, h, w) of the target.
        j: position in the batch.
    """
    target = groups['entropy']
    logits = target['logits'][j].astype(np.float64)
    probability = np.exp(logits - logits.max(axis=0))
    probability /= probability.sum(axis=0)
    entropy = -(probability * np.log2(probability + 1e-30)).sum(axis=0) / math.log2(len(logits))
    return [
        [Panel('Source Image', 'image', groups['source']['img'][j])],
        [
            Panel('Target Image', 'image', target['img'][j]),
            Panel('Target Seg', 'classes', logits.argmax(axis=0)),
            stretched('Target Ent', entropy),
        ],
    ]


def discriminator_rows(groups: Mapping[str, Arrays], j: int) -> Rows:
    """The two rows of image j under AdvSeg: image, prediction, the discriminator's answer to it.

    Args:
        groups: 'source' and 'adversarial': ``img`` (B, 3, H, W) of source and target. 'discriminator_source' and
            'discriminator_target': ``logits`` (B, C, h, w) and ``answer`` (B, 1, h', w'), higher: rather target.
        j: position in the batch.
    """
    return [
        [
            Panel(f'{domain} Image', 'image', groups[shown]['img'][j]),
            Panel(f'{domain} Seg', 'classes', groups[judged]['logits'][j].argmax(axis=0)),
            stretched(f'{domain} Discr', groups[judged]['answer'][j, 0]),
        ]
        for domain, shown, judged in (
            ('Source', 'source', 'discriminator_source'),
            ('Target', 'adversarial', 'discriminator_target'),
        )
    ]


def stretched(title: str, values: np.ndarray) -> Panel:
    """A grey panel from the lowest to the highest of the values (H, W), which the title tells."""
    low, high = float(values.min()), float(values.max())
    return Panel(f'{title} [{low:.2f}, {high:.2f}]', 'shade', (values - low) / ((high - low) or 1.0))
