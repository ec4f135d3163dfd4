"""docs/add-a-method.md as it stands: a method from outside the package, configured, trained, drawn."""

import importlib
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from mmseg.config import load_config
from mmseg.errors import ConfigError
from mmseg.fileio import read_image
from mmseg.registry import MODELS
from tests.integration.programs import ROOT
from tests.uda.networks import MODEL, small_batch, train
from tests.visualization.test_debug_pictures import watched

PAGE = (ROOT / 'docs/add-a-method.md').read_text(encoding='utf-8')
CODE = re.findall(r'```python\n(.*?)```', PAGE, re.DOTALL)
FILES = ('flip.py', 'flip_daformer.py')


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    for name, code in zip(FILES, CODE, strict=True):
        (tmp_path / name).write_text(code, encoding='utf-8')
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, 'flip', raising=False)
    return tmp_path


def test_its_configuration_is_checked(folder: Path) -> None:
    assert load_config(folder / 'flip_daformer.py').uda.lambda_flip == 0.5
    wrong = (folder / 'flip_daformer.py').read_text().replace('lambda_flip=', 'lambda_flop=')
    (folder / 'wrong.py').write_text(wrong)
    with pytest.raises(
        ConfigError, match="uda.lambda_flop: unknown key; the nearest valid name is 'lambda_flip'"
    ):
        load_config(folder / 'wrong.py')


def test_it_trains_and_draws(folder: Path) -> None:
    importlib.import_module('flip')
    method: Any = MODELS.build({'type': 'FlipConsistency', 'model': MODEL, 'max_iters': 10})
    observer = watched(method, folder, 1)
    logged = train(method, [small_batch(seed=i) for i in range(2)])
    observer.close()
    assert all(values['flip.loss'] > 0 for values in logged)
    assert read_image(folder / 'debug/000002_1.png').shape == (300, 900, 3)
