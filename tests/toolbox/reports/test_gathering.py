"""What is predicted for a report; predictions themselves: tests/integration/test_hrda.py."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from mmseg.errors import DataError
from mmseg.toolbox.reports.gathering import (
    PREDICTED,
    as_far_as_there,
    best_network,
    chosen_networks,
    find_banks,
    scored_legend,
)
from mmseg.toolbox.reports.results import RunResult
from mmseg.toolbox.reports.run_folders import RunFolder


def network(title: str, iou: float, tested: bool = True) -> tuple[RunFolder, RunResult]:
    result = RunResult(title, {'road': iou})
    return RunFolder(Path(title), title, results=(result,) if tested else ()), result


def test_untested_networks_are_not_predicted() -> None:
    networks = [network('a', 1.0), network('b', 2.0, tested=False)]
    assert chosen_networks(networks) == networks[:1]


def test_of_many_networks_the_first_and_the_best_in_the_given_order() -> None:
    networks = [network(str(i), float(iou)) for i, iou in enumerate([1, 9, 2, 8, 3, 7, 4, 6, float('nan')])]
    chosen = chosen_networks(networks)
    assert [result.title for _, result in chosen] == ['0', '1', '3', '5', '6', '7']
    assert len(chosen) == PREDICTED
    assert best_network(networks) == networks[1]
    assert best_network([]) is None


def test_what_is_not_there_is_told_and_defects_are_not_hidden() -> None:
    problems: list[str] = []

    def missing() -> None:
        raise DataError('no data.')

    assert as_far_as_there('banks', missing, problems) is None
    assert problems == ['Not shown: banks. no data.']
    assert as_far_as_there('banks', lambda: 3, problems) == 3
    with pytest.raises(ZeroDivisionError):
        as_far_as_there('banks', lambda: 1 // 0, problems)


def test_merged_classes_have_one_name() -> None:
    merge = SimpleNamespace(classes=[0, 2], names=['road', 'sky and more'])
    dataset = SimpleNamespace(CLASSES=('road', 'wall', 'sky'), PALETTE=[(0, 0, 0)] * 3, class_merge=merge)
    assert scored_legend(dataset)['class_names'] == ['road', '', 'sky and more']
    dataset.class_merge = None
    assert scored_legend(dataset)['class_names'] == ('road', 'wall', 'sky')


def test_runs_without_banks(tmp_path: Path) -> None:
    assert find_banks([RunFolder(tmp_path, 'a')], []) == {}
