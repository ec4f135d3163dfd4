"""Modules of custom_imports: imported for Python configurations, never because of data."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mmseg.config import add_import_option, load_config
from mmseg.config.imports import modules_of
from mmseg.errors import ConfigError
from mmseg.registry import DATASETS

COMPONENT = """
from mmseg.datasets import CustomDataset
from mmseg.registry import DATASETS


@DATASETS.register_module()
class OwnSet(CustomDataset):
    CLASSES = ('a', 'b')
    PALETTE = ((0, 0, 0), (1, 1, 1))
"""
DATA = {'train': {'type': 'OwnSet', 'img_dir': 'x', 'pipeline': []}}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder with a module own_set; everything that an import leaves behind is taken back."""
    (tmp_path / 'own_set.py').write_text(COMPONENT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'path', list(sys.path))
    monkeypatch.setattr(DATASETS, '_module_dict', dict(DATASETS.module_dict))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def python(folder: Path, entry: object) -> Path:
    path = folder / 'config.py'
    path.write_text(f'custom_imports = {entry!r}\ndata = {DATA!r}\n')
    return path


def as_json(folder: Path, entry: object) -> Path:
    path = folder / 'config.json'
    path.write_text(json.dumps({'custom_imports': entry, 'data': DATA}))
    return path


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_import_option(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    'entry',
    [{'imports': ['own_set'], 'allow_failed_imports': False}, {'imports': 'own_set'}, ['own_set'], 'own_set'],
)
def test_python_configurations_import_before_the_check(folder: Path, entry: object) -> None:
    cfg = load_config(python(folder, entry))
    assert cfg.data.train.type == 'OwnSet'
    assert modules_of(cfg) == ['own_set']


@pytest.mark.parametrize(
    'source',
    [
        as_json,
        lambda folder, entry: {'custom_imports': entry, 'data': DATA},
        lambda folder, entry: _inheriting(folder, entry),
    ],
    ids=['file', 'dict', 'base of a Python file'],
)
def test_data_import_nothing(folder: Path, source: Callable[[Path, object], Any]) -> None:
    made = source(folder, ['own_set'])
    with pytest.raises(ConfigError, match=r'add "--custom-imports own_set" to the command') as raised:
        load_config(made)
    assert '\n' not in str(raised.value)
    assert 'own_set' not in sys.modules
    assert parse('--custom-imports', 'own_set').custom_imports == ['own_set']
    assert load_config(made).data.train.type == 'OwnSet'


def _inheriting(folder: Path, entry: object) -> Path:
    as_json(folder, entry)
    path = folder / 'child.py'
    path.write_text("_base_ = 'config.json'\nseed = 1\n")
    return path


def test_every_module_of_data_must_be_named(folder: Path) -> None:
    (folder / 'other.py').write_text('')
    parse('--custom-imports', 'own_set')
    with pytest.raises(ConfigError, match='"--custom-imports other"'):
        load_config(as_json(folder, ['own_set', 'other']))


@pytest.mark.parametrize(
    ('content', 'told'),
    [
        (None, r'there is no module broken, neither in the current folder .* nor'),
        ('import absent_module', 'broken needs a module that is not there'),
        ('1 / 0', r'broken fails when it is imported: ZeroDivisionError: .*broken\.py:1'),
        ('def', 'broken fails when it is imported: SyntaxError'),
        ('raise SystemExit(3)', 'broken fails when it is imported: SystemExit'),
    ],
)
def test_a_module_that_fails_is_one_paragraph(folder: Path, content: str | None, told: str) -> None:
    if content is not None:
        (folder / 'broken.py').write_text(content)
    with pytest.raises(ConfigError, match=told) as raised:
        load_config(python(folder, {'imports': ['broken']}))
    assert '\n' not in str(raised.value)
    with pytest.raises(ConfigError, match=told):
        parse('--custom-imports', 'broken')


def test_failures_that_are_allowed_leave_the_configuration(folder: Path) -> None:
    cfg = load_config(python(folder, {'imports': ['own_set', 'absent'], 'allow_failed_imports': True}))
    assert modules_of(cfg) == ['own_set']


@pytest.mark.parametrize(
    'entry', [3, [3], {'imports': ['own_set'], 'alow': True}, {'imports': [['own_set']]}, ['']]
)
def test_an_entry_that_names_no_modules(folder: Path, entry: object) -> None:
    with pytest.raises(ConfigError, match='custom_imports: found'):
        load_config(python(folder, entry))


def test_a_file_in_the_current_folder_replaces_nothing_installed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / 'colorsys.py').write_text('raise ValueError')
    monkeypatch.delitem(sys.modules, 'colorsys', raising=False)
    parse('--custom-imports', 'colorsys')
    assert Path(sys.modules['colorsys'].__file__ or '').parent != folder
