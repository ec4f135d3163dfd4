"""Shipped configurations by name, and copies of them."""

from pathlib import Path

import pytest

from mmseg.config import load_config, resolved
from mmseg.config.files import SHIPPED
from mmseg.config.shipped import find_config, portable_copy, shipped_configs
from mmseg.errors import UsageError

HRDA = 'hrda/gtaHR2csHR_hrda'


@pytest.mark.parametrize('name', [HRDA, f'configs/{HRDA}.py', 'gtaHR2csHR_hrda', f'{HRDA}.py'])
def test_names(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_config(name) == SHIPPED / f'{HRDA}.py'


def test_files_of_the_user_come_first_and_unknown_names_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'gtaHR2csHR_hrda.py').touch()
    assert find_config('gtaHR2csHR_hrda.py') == Path('gtaHR2csHR_hrda.py')
    assert find_config('other.json') == Path('other.json')


def test_helpers_are_no_configurations() -> None:
    names = set(shipped_configs())
    assert {HRDA, 'demo/builtin_daformer'} <= names
    assert not [name for name in names if '_base_' in name or name.split('/')[-1].startswith('_')]


@pytest.mark.slow
@pytest.mark.parametrize('name', sorted(shipped_configs()))
def test_a_copy_means_the_same_in_any_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path('copy.py').write_text(portable_copy(name))
    assert resolved(load_config('copy.py', check=False)) == resolved(load_config(name, check=False))


def test_only_shipped_ones_are_copied(tmp_path: Path) -> None:
    (tmp_path / 'own.py').touch()
    for name in (str(tmp_path / 'own.py'), 'hrda/gtaHR2csHR_hrdx'):
        with pytest.raises(UsageError, match='no shipped configuration'):
            portable_copy(name)
