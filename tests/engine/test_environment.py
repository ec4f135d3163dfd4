"""Seeds, logs and the description of the machine."""

import logging
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from mmseg.engine.environment import BANNER, describe_environment, loader_workers, open_log, seed_everything


def test_seeds_repeat() -> None:
    draws = []
    for _ in range(2):
        seed_everything(5)
        draws.append((random.random(), np.random.rand(), torch.rand(1).item()))
    assert draws[0] == draws[1]


def test_deterministic_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(torch, 'use_deterministic_algorithms', lambda on, warn_only: asked.append(on))
    seed_everything(5, deterministic=True)
    assert asked == [True]
    assert torch.backends.cudnn.deterministic
    seed_everything(5)
    assert torch.backends.cudnn.benchmark


def test_log_can_be_opened_again(tmp_path: Path) -> None:
    for name in ('one.log', 'two.log'):
        open_log(tmp_path / name).info('hello %s', name)
        logging.getLogger('mmseg.datasets').info('loaded')
    assert [len((tmp_path / name).read_text().splitlines()) for name in ('one.log', 'two.log')] == [2, 2]
    assert (tmp_path / 'two.log').read_text().splitlines()[1].endswith(' - mmseg - INFO - loaded')


def test_before_the_banner_the_terminal_shows_warnings_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def tell(level: str, banner: bool) -> tuple[list[str], list[str]]:
        log = open_log(tmp_path / 'run.log', level, banner)
        log.debug('trace')
        log.info('detail')
        logging.getLogger('mmseg.datasets').warning('doubt')
        log.info('banner', extra={BANNER: True})
        log.info('step')
        log.handlers[1].close()
        texts = capsys.readouterr().out, (tmp_path / 'run.log').read_text()
        (tmp_path / 'run.log').unlink()
        shown, written = ([line.rsplit(' - ')[-1] for line in text.splitlines()] for text in texts)
        return shown, written

    everything = ['detail', 'doubt', 'banner', 'step']
    assert tell('INFO', True) == (everything[1:], everything)
    assert tell('INFO', False) == (everything, everything)
    assert tell('DEBUG', True) == (['trace', *everything], ['trace', *everything])


def test_description_and_workers() -> None:
    assert f'PyTorch: {torch.__version__}' in describe_environment()
    assert loader_workers(0) == 0
    assert 1 <= loader_workers(1000) < 1000
