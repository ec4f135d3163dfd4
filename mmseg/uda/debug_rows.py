"""Panels of debug pictures by method: pure functions of what a step has shown.

Source: docs/methods/self-training.md#debug-pictures, docs/methods/minent.md, docs/methods/advseg.md.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mmseg.visualization.palette import Palette, colourise, denormalised
from mmseg.visualization.panels import Panel

Arrays = dict[str, np.ndarray]
Rows = list[list[Panel]]


@dataclass(frozen=True)
class Paint:
    """How tensors become pictures.

    Attributes:
        palette: RGB colours of the classes.
        mean, std: normalisation of the images in grey levels 0..255.
    """

    palette: Palette
    mean: Sequence[float]
    std: Sequence[float]

    def image(self, values: np.ndarray) -> np.ndarray:
        """Normalised (3, H, W) -> uint8 RGB (H, W, 3)."""
        return denormalised(values, self.mean, self.std)

    def label(self, values: np.ndarray) -> np.ndarray:
        """Class ids (H, W) or (1, H, W) -> uint8 RGB (H, W, 3)."""
        return colourise(values.reshape(values.shape[-2:]), self.palette)

    def prediction(self, logits: np.ndarray) -> np.ndarray:
        """Logits (C, H, W) -> uint8 RGB (H, W, 3) of the likeliest classes."""
        return self.label(logits.argmax(axis=0))


def mixing_rows(groups: Mapping[str, Arrays], j: int, paint: Paint) -> Rows:
    """The two rows of image j in self-training.

    Args:
        groups: what was seen by name of the loss group. 'source': ``img`` (B, 3, H, W), ``label`` (B, 1, H, W) and,
            with the feature distance on classes, ``distance_mask`` and ``distance_label`` (B, 1, h, w). 'mixed':
            ``img``, ``target_img``, ``label``, ``pseudo_label`` (B, H, W), ``weight`` (B, H, W), ``mask``
            (B, 1, H, W).
        j: position in the batch.
        paint: colours.
    """
    source, mixed = groups['source'], groups['mixed']
    upper = [
        Panel('Source Image', paint.image(source['img'][j])),
        Panel('Source Seg GT', paint.label(source['label'][j])),
        Panel('Mixed Image', paint.image(mixed['img'][j])),
        Panel('Pseudo W.', mixed['weight'][j]),
    ]
    lower = [
        Panel('Target Image', paint.image(mixed['target_img'][j])),
        Panel('Target Seg (Pseudo) GT', paint.label(mixed['pseudo_label'][j])),
        Panel('Domain Mask', mixed['mask'][j, 0].astype(np.float32)),
        Panel('Seg Targ', paint.label(mixed['label'][j])),
    ]
    if 'distance_mask' in source:
        upper.append(Panel('FDist Mask', source['distance_mask'][j, 0].astype(np.float32)))
        lower.append(Panel('Scaled GT', paint.label(source['distance_label'][j])))
    return [upper, lower]


def entropy_rows(groups: Mapping[str, Arrays], j: int, paint: Paint) -> Rows:
    """The two rows of image j under MinEnt.

    Args:
        groups: 'source': ``img`` (B, 3, H, W). 'entropy': ``img`` and ``logits`` (B, C, h, w) of the target.
        j, paint: see :func:`mixing_rows`.
    """
    target = groups['entropy']
    logits = target['logits'][j].astype(np.float64)
    probability = np.exp(logits - logits.max(axis=0))
    probability /= probability.sum(axis=0)
    entropy = -(probability * np.log2(probability + 1e-30)).sum(axis=0) / math.log2(len(logits))
    return [
        [Panel('Source Image', paint.image(groups['source']['img'][j]))],
        [
            Panel('Target Image', paint.image(target['img'][j])),
            Panel('Target Seg', paint.prediction(logits)),
            _stretched('Target Ent', entropy),
        ],
    ]


def discriminator_rows(groups: Mapping[str, Arrays], j: int, paint: Paint) -> Rows:
    """The two rows of image j under AdvSeg: image, prediction, the discriminator's answer to it.

    Args:
        groups: 'source' and 'adversarial': ``img`` (B, 3, H, W) of source and target. 'discriminator_source' and
            'discriminator_target': ``logits`` (B, C, h, w) and ``answer`` (B, 1, h', w'), higher: rather target.
        j, paint: see :func:`mixing_rows`.
    """
    return [
        [
            Panel(f'{domain} Image', paint.image(groups[shown]['img'][j])),
            Panel(f'{domain} Seg', paint.prediction(groups[judged]['logits'][j])),
            _stretched(f'{domain} Discr', groups[judged]['answer'][j, 0]),
        ]
        for domain, shown, judged in (
            ('Source', 'source', 'discriminator_source'),
            ('Target', 'adversarial', 'discriminator_target'),
        )
    ]


def scale_rows(rows: Mapping[str, Arrays], j: int, paint: Paint) -> Rows:
    """A row of panels of image j for each entry of ``rows``: images, class maps as colours, attention in grey.

    Args:
        rows: what :func:`mmseg.uda.debug.scale_pictures` returned, by the row's name.
        j, paint: see :func:`mixing_rows`.
    """

    def picture(values: np.ndarray) -> np.ndarray:
        if values.ndim == 3:
            return paint.image(values)
        return values if values.dtype == np.float32 else paint.label(values)

    return [
        [Panel(f'{name} {title}', picture(values[j])) for title, values in arrays.items()]
        for name, arrays in rows.items()
    ]


def _stretched(title: str, values: np.ndarray) -> Panel:
    """A grey panel from the lowest to the highest of the values (H, W), which the title tells."""
    low, high = float(values.min()), float(values.max())
    return Panel(f'{title} [{low:.2f}, {high:.2f}]', (values - low) / ((high - low) or 1.0))
