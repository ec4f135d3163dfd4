"""Costs as table and picture."""

from mmseg.toolbox.cost import Cost
from mmseg.toolbox.reports.cost import cost_figure, cost_summary, cost_table

COST = Cost(
    (100, 200),
    4,
    {'backbone': 2_000_000, 'attention': 500_000},
    {'context': {'backbone': 3 * 10**9, 'attention': 10**9}, 'detail': {'backbone': 6 * 10**9}},
)


def test_table_and_summary_show_totals():
    rows = [[cell.strip() for cell in line.split('|')[1:-1]] for line in cost_table(COST).splitlines()]
    assert ['backbone', '2.000', '3.00', '6.00', '90.0'] in rows
    assert ['attention', '0.500', '1.00', '', '10.0'] in rows
    assert ['total', '2.500', '4.00', '6.00', '100.0'] in rows
    assert cost_summary(COST) == '100 x 200 pixels in 4 windows: 10.00 GFLOPs, 500.0 kFLOPs a pixel'


def test_bars_are_stacked_by_pass():
    parameters, operations = cost_figure([COST], 'x').axes
    assert [bar.get_width() for bar in parameters.patches] == [0.5, 2.0]
    assert [bar.get_width() for bar in operations.patches] == [1.0, 3.0, 0.0, 6.0]
