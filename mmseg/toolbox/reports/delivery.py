"""What training is fed: panels of samples, class frequencies as table and chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from prettytable import PrettyTable

from mmseg.toolbox.preparation.class_use import ClassUse, label_of
from mmseg.toolbox.reports.charts import new_figure, run_colour, tidy
from mmseg.visualization.palette import Palette, colourise, denormalised, overlay

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OPACITY = 0.6
NAME_LENGTH = 30


def picture_of(image: np.ndarray, meta: Mapping[str, Any]) -> np.ndarray:
    """A normalised picture (3, H, W) as uint8 RGB (H, W, 3), by the ``img_norm_cfg`` of its meta."""
    norm = meta['img_norm_cfg']
    picture = denormalised(image, norm['mean'], norm['std'])
    return picture if norm['to_rgb'] else picture[..., ::-1]


def sample_panels(sample: Mapping[str, Any], palette: Palette, number: int) -> list[tuple[str, np.ndarray]]:
    """One line of a grid: source picture, its label over it, and the target picture if there is one.

    Where a target's pseudo-labels do not count (``valid_pseudo_mask``) it is darkened.

    Args:
        sample: as a training data set delivers it.
        palette: RGB colours by class.
        number: of the sample in the run.
    """
    meta = sample['img_metas']
    source = picture_of(sample['img'].numpy(), meta)
    panels = [
        (f'{number}: {_short(meta)}', source),
        ('label', overlay(source, colourise(label_of(dict(sample)), palette), OPACITY)),
    ]
    if 'target_img' in sample:
        meta = sample['target_img_metas']
        target = picture_of(sample['target_img'].numpy(), meta)
        if 'valid_pseudo_mask' in sample:
            valid = sample['valid_pseudo_mask'][0].numpy()[..., None] > 0
            target = np.where(valid, target, target // 3)
        panels.append((_short(meta), target))
    return panels


def use_table(uses: Sequence[ClassUse], names: Sequence[str]) -> str:
    """Share of the pixels and of the label maps with each class; by what the last multiplies the share of the first."""
    heads = [head for use in uses for head in (f'{use.title} (%)', f'{use.title}, has it (%)')]
    table = PrettyTable(['class', *heads, 'times'])
    table.align = 'r'
    table.align['class'] = 'l'
    shares = [use.shares(len(names)) for use in uses]
    presence = [use.presence(len(names)) for use in uses]
    for i, name in enumerate(names):
        if not any(share[i] for share in shares):
            continue
        cells = [
            cell
            for share, found in zip(shares, presence, strict=True)
            for cell in (f'{share[i]:.3f}', f'{found[i]:.1f}')
        ]
        times = f'{shares[-1][i] / shares[0][i]:.2f}' if shares[0][i] else ''
        table.add_row([name, *cells, times])
    return str(table.get_string())


def use_figure(uses: Sequence[ClassUse], names: Sequence[str]) -> Figure:
    """Share of the pixels by class, rare classes at the left, logarithmic; one bar for each of ``uses``."""
    shares = [use.shares(len(names)) for use in uses]
    shown = [i for i in np.argsort(shares[0], kind='stable') if any(share[i] for share in shares)]
    figure = new_figure((max(7.0, 0.5 * len(shown) + 1.5), 3.4))
    axis = figure.subplots()
    width = 0.8 / len(uses)
    for number, (use, share) in enumerate(zip(uses, shares, strict=True)):
        places = np.arange(len(shown)) + (number - (len(uses) - 1) / 2) * width
        axis.bar(places, share[shown], width, label=use.title, color=run_colour(number))
    axis.set_yscale('log')
    axis.set_xticks(range(len(shown)), [names[i] for i in shown], rotation=35, ha='right', fontsize=9)
    axis.set_ylabel('pixels (%)')
    tidy(axis)
    axis.legend(frameon=False, fontsize=9)
    return figure


def _short(meta: Mapping[str, Any]) -> str:
    """The end of a file's name."""
    name = str(meta['ori_filename']).split('/')[-1]
    return name if len(name) <= NAME_LENGTH else '...' + name[-NAME_LENGTH:]
