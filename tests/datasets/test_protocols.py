"""Every kind of data set has what loader and engine ask for."""

from pathlib import Path
from typing import Any

import pytest

from mmseg.datasets import build_dataset
from mmseg.datasets.protocols import Classified, ScoredDataset, TrainDataset
from tests.datasets.conftest import source_cfg, target_cfg
from tests.protocols import lacking


def pair(folders: Path) -> dict[str, Any]:
    return {'type': 'UDADataset', 'source': source_cfg(folders), 'target': target_cfg(folders)}


def test_what_is_trained_on(folders: Path) -> None:
    single = source_cfg(folders)
    for cfg in (
        single,
        [single, single],
        {'type': 'RepeatDataset', 'dataset': single, 'times': 2},
        pair(folders),
    ):
        assert lacking(build_dataset(cfg), TrainDataset, Classified) == []


@pytest.mark.parametrize('copies', [1, 2])
def test_what_is_scored(folders: Path, copies: int) -> None:
    cfg = [source_cfg(folders)] * copies
    assert lacking(build_dataset(cfg, test_mode=True), ScoredDataset, Classified) == []
