"""Scanning the files of a configuration: bases, helper variables, mistakes with file and line."""

from pathlib import Path

import pytest

from mmseg.config.files import scan
from mmseg.errors import ConfigError


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_tree_with_bases_keys_and_helpers(tmp_path: Path) -> None:
    write(tmp_path, 'one.py', 'size = 3\nmodel = dict(crop=size)\n')
    write(tmp_path, 'two.json', '{"seed": 1, "limit": Infinity}')
    child = write(
        tmp_path, 'child.py', "_base_ = ['one.py', 'two.json']\nlr = 1.0\noptimizer = dict(lr=lr)\n"
    )
    found = scan(child)
    assert [base.path.name for base in found.bases] == ['one.py', 'two.json']
    assert found.all_keys() == {'size', 'model', 'seed', 'limit', 'lr', 'optimizer'}
    assert found.helpers() == {'size', 'lr'}


@pytest.mark.parametrize(
    ('name', 'text', 'told'),
    [
        ('bad.py', 'a = 1\nb = (\n', r'bad\.py:2: not valid Python'),
        ('bad.json', '{"a": 1,\n "b": }', r'bad\.json:2: not valid JSON'),
        ('bad.json', '[1, 2]', 'expected a JSON object'),
        ('bad.py', "_base_ = 'none.py'\n", r'none\.py, which .*bad\.py:1 names as _base_ does not exist'),
        ('bad.py', "_base_ = ['bad.py']\n", 'inherits from itself'),
        ('bad.py', "_base_ = [name + '.py']\n", r'bad\.py:1: _base_ must be'),
        ('bad.py', '_base_ = 3\n', 'must be a file name'),
        ('bad.txt', 'a = 1', r'must be a \.py or \.json'),
    ],
)
def test_mistakes_name_file_and_line(tmp_path: Path, name: str, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        scan(write(tmp_path, name, text))


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    for name in ('a.py', 'a.json'):
        (tmp_path / name).write_bytes(b'\xff\xfe\x00')
        with pytest.raises(ConfigError, match=name):
            scan(tmp_path / name)


def test_bases_must_not_share_keys(tmp_path: Path) -> None:
    write(tmp_path, 'one.py', 'seed = 1\n')
    write(tmp_path, 'two.py', 'seed = 2\n')
    child = write(tmp_path, 'child.py', "\n_base_ = ['one.py', 'two.py']\n")
    with pytest.raises(ConfigError, match=r"child\.py:2: the bases .*one\.py and .*two\.py both set 'seed'"):
        scan(child)
