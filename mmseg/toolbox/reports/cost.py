"""What a network costs, as table and picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from prettytable import PrettyTable

from mmseg.toolbox.cost import Cost
from mmseg.toolbox.reports.charts import COLOURS, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GIGA, MILLION = 1e9, 1e6


def cost_table(cost: Cost) -> str:
    """Parameters and operations by part for one picture size, with totals."""
    passes = list(cost.flops)
    table = PrettyTable(['part', 'parameters (M)', *(f'{name} (GFLOPs)' for name in passes), 'share (%)'])
    table.align = 'r'
    table.align['part'] = 'l'
    parts = list(cost.parameters)
    for part in parts:
        counts = [cost.flops[name].get(part, 0) for name in passes]
        cells = [f'{count / GIGA:.2f}' if count else '' for count in counts]
        share = f'{100 * sum(counts) / cost.total:.1f}'
        table.add_row(
            [part, f'{cost.parameters[part] / MILLION:.3f}', *cells, share], divider=part == parts[-1]
        )
    totals = [f'{sum(cost.flops[name].values()) / GIGA:.2f}' for name in passes]
    table.add_row(['total', f'{sum(cost.parameters.values()) / MILLION:.3f}', *totals, '100.0'])
    return str(table.get_string())


def cost_summary(cost: Cost) -> str:
    """One line: size, operations, operations a pixel."""
    height, width = cost.size
    windows = f' in {cost.windows} windows' if cost.windows > 1 else ''
    return (
        f'{height} x {width} pixels{windows}: {cost.total / GIGA:.2f} GFLOPs, '
        f'{cost.total / (height * width) / 1e3:.1f} kFLOPs a pixel'
    )


def cost_figure(costs: Sequence[Cost], title: str = '') -> Figure:
    """Parameters at the left, operations of each picture size at the right, parts as horizontal bars.

    The bars of operations are stacked by pass (context, detail).
    """
    parts = list(costs[0].parameters)[::-1]
    figure = new_figure((3.2 * (1 + len(costs)) + 1.2, 0.3 * len(parts) + 1.4))
    first, *others = figure.subplots(1, 1 + len(costs), sharey=True)
    first.barh(parts, [costs[0].parameters[part] / MILLION for part in parts], color=COLOURS[0])
    first.set_xlabel('parameters (M)')
    for axis, cost in zip(others, costs, strict=True):
        left = [0.0] * len(parts)
        for (name, counts), colour in zip(cost.flops.items(), COLOURS[1:], strict=False):
            values = [counts.get(part, 0) / GIGA for part in parts]
            axis.barh(parts, values, left=left, color=colour, label=name)
            left = [before + value for before, value in zip(left, values, strict=True)]
        axis.set_xlabel('GFLOPs')
        axis.set_title(f'{cost.size[0]} x {cost.size[1]}: {cost.total / GIGA:.1f}', fontsize=10)
    for axis in (first, *others):
        tidy(axis, grid='x')
    if len(costs[0].flops) > 1:
        others[-1].legend(frameon=False, fontsize=9)
    figure.suptitle(title, fontsize=11)
    return figure
