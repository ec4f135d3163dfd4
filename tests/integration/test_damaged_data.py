"""Damaged, unreadable and strange files among the training data: stop and save, or replace and count."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mmseg.config import load_config
from mmseg.engine.checkpoint import read_checkpoint
from mmseg.engine.train import train
from mmseg.errors import DataError
from tests.integration.test_training import assert_equal
from tests.integration.tiny import tiny_config

pytestmark = pytest.mark.slow


@pytest.fixture
def data(tiny_data: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_data, tmp_path / 'data'))


def config(data: Path, workers: int = 0, **options: Any) -> Any:
    """Eight steps of one sample of three pictures: each is seen at least twice."""
    values = tiny_config(data, 'source_only')
    values['runner']['max_iters'] = 8
    values['data'].update({'samples_per_gpu': 1, 'workers_per_gpu': workers, **options})
    values['checkpoint_config']['interval'] = 4
    return load_config(values)


def victim(data: Path) -> Path:
    return sorted((data / 'gta' / 'images').glob('*.png'))[1]


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


@pytest.mark.parametrize('workers', [0, 2])
@pytest.mark.parametrize(('spoil', 'says'), [(pipe, 'a pipe'), (truncate, 'cut off')])
def test_stop(spoil: Callable[[Path], None], says: str, workers: int, data: Path, tmp_path: Path) -> None:
    spoil(victim(data))
    with pytest.raises(DataError, match=says) as caught:
        train(
            config(data, workers),
            work_dir=tmp_path / 'run',
            validate=False,
            resume_command='GO ON',
        )
    text = str(caught.value)
    assert victim(data).name in text
    assert 'Original Traceback' not in text
    found = re.search(r'after iteration (\d), everything is saved. To go on:\nGO ON', text)
    if found:
        assert (tmp_path / 'run' / f'iter_{found[1]}.pth').is_file()
    else:
        assert 'nothing to save' in text


def test_skip(data: Path, tmp_path: Path) -> None:
    """The same replacements with any number of workers and after a resume; each file is named once, all are counted."""
    truncate(victim(data))
    for name, workers in (('none', 0), ('two', 2), ('again', 0)):
        if name == 'again':
            (tmp_path / name).mkdir()
            shutil.copy(tmp_path / 'none' / 'iter_4.pth', tmp_path / name)
        train(
            config(data, workers, on_error='skip'),
            work_dir=tmp_path / name,
            validate=False,
            resume=name == 'again',
        )
    reference = read_checkpoint(tmp_path / 'none' / 'iter_8.pth')
    for name in ('two', 'again'):
        other = read_checkpoint(tmp_path / name / 'iter_8.pth')
        for part in ('state_dict', 'optimizer', 'training_state'):
            assert_equal(reference[part], other[part], f'{name}.{part}')
    log = next((tmp_path / 'two').glob('*.log')).read_text()
    count = int(re.search(r'(\d+) of 8 samples were damaged and replaced; files: 1', log)[1])
    assert count == reference['training_state']['memory']['damaged']['samples'] >= 2
    assert log.count(str(victim(data))) == 1


def test_skip_changes_nothing_where_all_is_sound(data: Path, tmp_path: Path) -> None:
    for policy in ('stop', 'skip'):
        train(config(data, on_error=policy), work_dir=tmp_path / policy, validate=False)
    stop, skip = (read_checkpoint(tmp_path / policy / 'iter_8.pth') for policy in ('stop', 'skip'))
    assert_equal(stop['state_dict'], skip['state_dict'])


def test_skip_has_its_limits(data: Path, tmp_path: Path) -> None:
    truncate(victim(data))
    with pytest.raises(DataError, match=r'max_error_share = 0\.01 allows.*everything is saved') as caught:
        train(
            config(data, on_error='skip', max_error_share=0.01),
            work_dir=tmp_path / 'share',
            validate=False,
        )
    assert victim(data).name in str(caught.value)
    for path in (data / 'gta' / 'images').glob('*.png'):
        path.write_bytes(b'')
    with pytest.raises(DataError, match='10 replacements in a row.*nothing to save'):
        train(config(data, on_error='skip'), work_dir=tmp_path / 'all', validate=False)
