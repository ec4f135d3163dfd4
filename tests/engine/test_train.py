"""Work folders, descriptions and the command to resume."""

import json
import math
import shlex
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg.config import load_config
from mmseg.engine.train import default_resume_command
from mmseg.engine.work_folder import choose_work_dir, save_config


def config_file(folder: Path, content: dict[str, Any], name: str = 'x.json') -> Config:
    path = folder / name
    path.write_text(json.dumps(content))
    return Config.fromfile(str(path))


def test_work_dir(tmp_path: Path) -> None:
    named = config_file(tmp_path, {'work_dir': 'a/b'})
    assert choose_work_dir(named, 'c') == Path('c')
    assert choose_work_dir(named) == Path('a/b')
    assert choose_work_dir(config_file(tmp_path, {})) == Path('work_dirs/x')


def test_saved_configuration_keeps_its_format(tmp_path: Path) -> None:
    cfg = Config({'a': {'b': [1, 2]}, 'c': None})
    save_config(cfg, tmp_path / 'x.json')
    save_config(cfg, tmp_path / 'x.py')
    assert json.loads((tmp_path / 'x.json').read_text()) == {'a': {'b': [1, 2]}, 'c': None}
    assert Config.fromfile(str(tmp_path / 'x.py')).to_dict() == cfg.to_dict()


def test_resume_command(tmp_path: Path) -> None:
    cfg = config_file(tmp_path, {}, 'a b.json')
    command = default_resume_command(cfg, Path('work_dirs/x'))
    words = shlex.split(command)
    assert words[2:] == [f'{tmp_path}/a b.json', '--work-dir=work_dirs/x', '--resume']
    assert all(Path(word).is_file() for word in words[:2])


def test_numbers_that_are_no_literals_are_saved(tmp_path: Path) -> None:
    """Infinity is a temperature of rare class sampling."""
    cfg = Config({'a': {'temperature': math.inf, 'text': 'inf'}, 'b': -math.inf})
    save_config(cfg, tmp_path / 'x.py')
    again = load_config(tmp_path / 'x.py', check=False)
    assert again.to_dict() == cfg.to_dict()
    save_config(Config({'word': 'inf'}), tmp_path / 'y.py')
    assert (tmp_path / 'y.py').read_text() == "word = 'inf'\n"
