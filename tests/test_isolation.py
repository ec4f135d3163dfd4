"""State of the process: a test finds it as the one before it found it."""

import logging
import os
import signal
import sys
import threading
import types
from pathlib import Path

import cv2
import pytest
import torch

from mmseg.datasets import presets
from mmseg.registry import MODELS
from tests.isolation import FACTS, isolated


class Stranger:
    """Something to register."""


def change_everything(folder: Path) -> None:
    """Every fact gets another value."""
    (folder / 'stranger.py').write_text('')
    os.chdir(folder)
    os.environ['STRANGER'] = '1'
    sys.path.insert(0, str(folder))
    __import__('stranger')
    sys.argv = ['stranger']
    sys.excepthook = print
    presets.PRESETS = {}
    for name in ('', 'mmseg', 'mmseg.stranger'):
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL)
        logger.addHandler(logging.FileHandler(folder / 'log.txt'))
        logger.propagate = False
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    MODELS.register_module(module=Stranger)
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(torch.get_num_threads() + 1)
    cv2.setNumThreads(cv2.getNumThreads() + 1)
    torch.set_grad_enabled(False)
    torch.set_float32_matmul_precision('medium')
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = not torch.backends.cudnn.benchmark


def test_every_fact_is_put_back(tmp_path: Path) -> None:
    before = {name: read() for name, (read, _) in FACTS.items()}
    with isolated():
        change_everything(tmp_path)
        assert [name for name, (read, _) in FACTS.items() if read() == before[name]] == []
    assert 'stranger' not in sys.modules
    after = {name: read() for name, (read, _) in FACTS.items()}
    fresh = (logging.NOTSET, True, False, (), ())
    assert after['loggers'] == {name: before['loggers'].get(name, fresh) for name in after['loggers']}
    assert [name for name in FACTS if after[name] != before[name] and name != 'loggers'] == []


@pytest.mark.parametrize('turn', [1, 2])
def test_the_fixture_guards_every_test(turn: int, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whichever turn comes second finds the state clean."""
    assert 'STRANGER' not in os.environ
    assert MODELS.get('Stranger') is None
    assert torch.get_default_dtype() == torch.float32
    logging.getLogger('mmseg').warning('heard')
    assert 'heard' in caplog.text
    change_everything(tmp_path)


@pytest.fixture(scope='session')
def shared() -> None:
    """A fixture of the whole session that leaves something behind."""
    os.environ['SHARED_STRANGER'] = '1'


def test_shared_fixtures_are_guarded(shared: None) -> None:
    assert 'SHARED_STRANGER' not in os.environ


@pytest.mark.parametrize('turn', [1, 2])
def test_random_weights_are_those_of_every_run(turn: int) -> None:
    drawn = torch.rand(3)
    torch.manual_seed(0)
    assert torch.equal(drawn, torch.rand(3))


def test_a_thread_that_stays_is_told() -> None:
    go_on = threading.Event()
    with pytest.raises(AssertionError, match='leaves behind: .*stranger'), isolated():
        threading.Thread(target=go_on.wait, name='stranger').start()
    go_on.set()


def test_a_replaced_module_is_told_and_put_back() -> None:
    with pytest.raises(AssertionError, match=r'leaves behind: mmseg\.errors'), isolated():
        sys.modules['mmseg.errors'] = types.ModuleType('mmseg.errors')
    assert hasattr(sys.modules['mmseg.errors'], 'UserError')
