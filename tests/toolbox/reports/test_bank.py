"""The picture of a bank."""

from mmseg.toolbox.bank.building import random_bank
from mmseg.toolbox.reports.bank import bank_figure


def test_four_panels_and_a_colour_bar(tmp_path):
    features, labels = random_bank(8, 5, 3, seed=0)
    figure = bank_figure(features, labels, ['a', 'b', 'c'], [(0, 0, 0), (255, 0, 0), (0, 0, 255)])
    assert len(figure.axes) == 5
    figure.savefig(tmp_path / 'bank.png', dpi=40)
    assert (tmp_path / 'bank.png').stat().st_size > 5000
