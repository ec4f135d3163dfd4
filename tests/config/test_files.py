"""Scanning the files of a configuration: bases, helper variables, mistakes with file and line."""

from pathlib import Path

import pytest

from mmseg.config import load_config
from mmseg.config.files import configs_folder, scan
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
        with pytest.raises(ConfigError, match=rf'{name}: not a text in UTF-8 .* Save it as UTF-8'):
            scan(tmp_path / name)
        (tmp_path / name).write_bytes(b'\xef\xbb\xbf{}')
        with pytest.raises(ConfigError, match=rf'{name}:1: begins with a byte order mark'):
            scan(tmp_path / name)


def test_bases_must_not_share_keys(tmp_path: Path) -> None:
    write(tmp_path, 'one.py', 'seed = 1\n')
    write(tmp_path, 'two.py', 'seed = 2\n')
    child = write(tmp_path, 'child.py', "\n_base_ = ['one.py', 'two.py']\n")
    with pytest.raises(ConfigError, match=r"child\.py:2: the bases .*one\.py and .*two\.py both set 'seed'"):
        scan(child)


SHIPPED_BASE = '_base_/schedules/adamw.py'


@pytest.mark.parametrize(
    'chain', [['x.json', 'evil.py'], ['x.json', 'y.json', 'evil.py'], ['x.py', 'y.json', 'evil.py']]
)
@pytest.mark.parametrize('form', ['evil.py', './a/../evil.py', 'absolute'])
def test_data_make_no_python_file_run(tmp_path: Path, chain: list[str], form: str) -> None:
    write(tmp_path, 'evil.py', f'open({str(tmp_path / "mark")!r}, "w")\nseed = 1\n')
    (tmp_path / 'a').mkdir()
    links = [*chain[1:-1], str(tmp_path / 'evil.py') if form == 'absolute' else form]
    for name, base in zip(chain, links, strict=False):
        write(
            tmp_path, name, f'{{"_base_": ["{base}"]}}' if name.endswith('json') else f'_base_ = "{base}"\n'
        )
    with pytest.raises(
        ConfigError, match=r'evil\.py, which .*json names as _base_, is a Python file, which is code'
    ):
        load_config(tmp_path / chain[0])
    assert not (tmp_path / 'mark').exists()


def test_shipped_files_copies_of_them_and_json_may_be_bases_of_data(tmp_path: Path) -> None:
    shipped = configs_folder().resolve() / SHIPPED_BASE
    copied = write(tmp_path, shipped.name, shipped.read_text())
    for base in (shipped, copied):
        write(tmp_path, 'base.json', f'{{"_base_": "{base}"}}')
        assert load_config(write(tmp_path, 'x.json', '{"_base_": "base.json"}')).optimizer.type == 'AdamW'
    copied.write_text(copied.read_text() + 'seed = 1\n')
    with pytest.raises(ConfigError, match='which is code'):
        load_config(tmp_path / 'x.json')


def test_bases_in_configs_are_the_shipped_ones_where_there_is_no_such_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What docs/own-data.md writes works without a checkout, too; a folder configs/ of the user goes first."""
    monkeypatch.chdir(tmp_path)
    for child in (
        write(tmp_path, 'x.py', f'_base_ = "configs/{SHIPPED_BASE}"\noptimizer = dict(lr=0.5)\n'),
        write(tmp_path, 'x.json', f'{{"_base_": "configs/{SHIPPED_BASE}", "optimizer": {{"lr": 0.5}}}}'),
    ):
        cfg = load_config(child)
        assert (cfg.optimizer.type, cfg.optimizer.lr) == ('AdamW', 0.5)
    own = tmp_path / 'configs' / SHIPPED_BASE
    own.parent.mkdir(parents=True)
    own.write_text('optimizer = dict(type="SGD", lr=1.0)\n')
    assert load_config(tmp_path / 'x.py').optimizer.type == 'SGD'


@pytest.mark.parametrize('name', ['configs/none.py', 'configs/../setup.py', '../configs/x.py', 'configs'])
def test_bases_that_are_not_shipped_are_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r'names as _base_ does not exist .* may also be shipped ones'):
        scan(write(tmp_path, 'x.py', f'_base_ = "{name}"\n'))


def test_a_dict_is_data(tmp_path: Path) -> None:
    write(tmp_path, 'evil.py', 'seed = 1\n')
    with pytest.raises(ConfigError, match='which is code'):
        load_config({'_base_': [str(tmp_path / 'evil.py')]})


@pytest.mark.parametrize(
    'name', ['x.json', '{{ fileBasename }}.json', 'q", "_base_": "evil.py", "r": ".json']
)
def test_templates_in_data_are_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, 'evil.py', 'seed = 1\n')
    with pytest.raises(ConfigError, match='found a template'):
        load_config(write(tmp_path, name, '{"work_dir": "{{ fileBasename }}"}'))


def test_files_of_other_packages_are_no_bases(tmp_path: Path) -> None:
    write(tmp_path, 'mmdet::x.json', '{}')
    with pytest.raises(ConfigError, match='not a file of another package'):
        scan(write(tmp_path, 'x.json', '{"_base_": "mmdet::x.json"}'))


def test_nesting_without_end_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='nested too deeply'):
        scan(write(tmp_path, 'x.json', '[' * 100_000))


HELPERS = """
from pathlib import Path
import os.path as places
class Sizes:
    short = 4
def half(number):
    inner = number // 2
    return inner
sizes = []
for i, size in enumerate((1, 2)):
    sizes.append(size)
first, second = 1, 2
if sizes:
    step = half(Sizes.short)
else:
    step = 1
try:
    count = int('3')
except ValueError as error:
    count = 0
log_config = dict(interval=(every := step))
work_dir = str(Path('a', str(count), str(first), str(every)))
"""


def test_helpers_of_every_kind(tmp_path: Path) -> None:
    path = write(tmp_path, 'helpers.py', HELPERS)
    assert {'i', 'size', 'first', 'second', 'step', 'count', 'Path', 'Sizes', 'half', 'every', 'places'} <= (
        scan(path).helpers()
    )
    assert load_config(path).to_dict() == {'log_config': {'interval': 2}, 'work_dir': 'a/3/1/2'}
    write(tmp_path, 'typo.py', HELPERS + 'evalution = dict(interval=1)\n')
    with pytest.raises(ConfigError, match='evalution: unknown key'):
        load_config(tmp_path / 'typo.py')


def test_two_bases_may_import_the_same(tmp_path: Path) -> None:
    write(tmp_path, 'one.py', 'import os\nseed = os.getpid() * 0\n')
    write(tmp_path, 'two.py', 'import os\nname = str(os.getpid() * 0)\n')
    child = write(tmp_path, 'child.py', "_base_ = ['one.py', 'two.py']\n")
    assert load_config(child).to_dict() == {'seed': 0, 'name': '0'}


def test_a_number_of_thousands_of_digits_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='a number in it is too long'):
        scan(write(tmp_path, 'x.json', '{"seed": ' + '9' * 5000 + '}'))
