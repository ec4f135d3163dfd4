"""Finding the configuration and checkpoint of a run's folder."""

from pathlib import Path

import pytest
import torch

from mmseg.errors import UsageError
from mmseg.toolbox.prediction.runs import find_run


def run(folder: Path, *files: str) -> Path:
    folder.mkdir()
    torch.save({'state_dict': {}}, folder / 'latest.pth')
    for name in files:
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ('name', 'files', 'config'),
    [
        ('211108_s0_7f24c', ['x_7f24c.json', 'a.json', '20211108_1.log.json'], 'x_7f24c.json'),
        (
            'our run',
            ['20261122_1.log.json', 'result_student.json', 'nonfinite_iter_5.json', 'run.json'],
            'run.json',
        ),
        ('our run', ['20261122_1.log.json', 'mine.py'], 'mine.py'),
    ],
)
def test_ours_and_published_ones(tmp_path: Path, name: str, files: list[str], config: str) -> None:
    folder = run(tmp_path / name, *files)
    assert find_run(folder) == (folder / config, folder / 'latest.pth')
    assert find_run(f'{folder}/')[0] == folder / config


@pytest.mark.parametrize(('files', 'told'), [([], 'found none'), (['a.json', 'b.py'], 'found a.json, b.py')])
def test_others_are_told(tmp_path: Path, files: list[str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        find_run(run(tmp_path / 'x', *files))
