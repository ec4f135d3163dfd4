"""The bank of a run on its page."""

from pathlib import Path

import numpy as np
import torch

from mmseg.toolbox.bank.building import random_bank
from mmseg.toolbox.reports.bank_view import bank_view, find_bank
from mmseg.toolbox.reports.run_folders import RunFolder


def saved(folder: Path, filled: list[bool]) -> RunFolder:
    bank = {
        'features': torch.arange(8.0).reshape(4, 2),
        'labels': torch.tensor([0, 0, 2, 2]),
        'filled': torch.tensor(filled),
    }
    state = {'training_state': {'method': {'instances': bank}}, 'state_dict': {}, 'optimizer': {}, 'meta': {}}
    torch.save(state, folder / 'iter_5.pth')
    return RunFolder(folder, 'a', meta={'config': 'uda = dict(instance_bank=dict(bank_size=4))'})


def test_only_filled_rows_of_the_newest_checkpoint(tmp_path: Path) -> None:
    features, labels = find_bank(saved(tmp_path, [True, False, True, True])) or ((), ())
    assert np.asarray(features).tolist() == [[0, 1], [4, 5], [6, 7]]
    assert np.asarray(labels).tolist() == [0, 2, 2]
    assert find_bank(saved(tmp_path, [False] * 4)) is None


def test_a_run_without_a_bank_is_not_asked_for_its_checkpoint(tmp_path: Path) -> None:
    assert find_bank(RunFolder(tmp_path, 'a', meta={'config': 'uda = dict()'})) is None


def test_numbers_of_the_whole_of_each_class_and_places() -> None:
    features, labels = random_bank(9, 5, 3, seed=0)
    view = bank_view(features, labels, ['road', 'sky'])
    assert ('rows', '9') in view.facts
    assert [(name, count) for name, count, _ in view.classes] == [('road', 3), ('sky', 3), ('2', 3)]
    xs, ys, ids = zip(*view.points, strict=True)
    assert (min(xs), max(xs), min(ys), max(ys)) == (0, 100, 0, 100)
    assert list(ids) == labels.tolist()
    assert bank_view(features[:1], labels[:1], []).points == []
