"""Fixtures that several parts of the test suite share."""

import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import settings

from mmseg.toolbox.preparation.conversion import convert
from mmseg.toolbox.preparation.label_formats import CITYSCAPES, GTA, SYNTHIA
from mmseg.toolbox.scenes import write_layouts
from tests.isolation import isolated

# No time limit per example: the machines that run the tests are shared.
settings.register_profile('suite', deadline=None, max_examples=50)
settings.load_profile('suite')

if hasattr(signal, 'SIGHUP'):
    # Under nohup it is ignored, which programs respect; what tests expect is a terminal's.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _isolated() -> Iterator[None]:
    """Every test finds the state of the process as the first one did."""
    torch.manual_seed(0)
    with isolated():
        yield


class SharedFixtures:
    """The same for fixtures that several tests share: they give values, not state.

    A plugin of its own: pytest asks the session, not this file, about fixtures of the whole session.
    """

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
        """Put back what the fixture changed."""
        if fixturedef.scope == 'function':
            return (yield)
        with isolated():
            return (yield)


def pytest_configure(config: pytest.Config) -> None:
    """Guard all fixtures; without ``-m gpu`` everything runs on the processor, on whatever machine."""
    config.pluginmanager.register(SharedFixtures())
    if config.option.markexpr != 'gpu':
        os.environ['CUDA_VISIBLE_DEVICES'] = ''


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say how to repeat the order of the tests."""
    seed = config.getoption('randomly_seed', None)
    if seed is not None:
        terminalreporter.write_line(f'order of the tests: --randomly-seed={seed}')


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Every message of the project's logger, once, whatever else listens to it."""
    messages: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    collector = Collector()
    logger = logging.getLogger('mmseg')
    logger.addHandler(collector)
    yield messages
    logger.removeHandler(collector)


@pytest.fixture(scope='session')
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Converted gta/, synthia/ and cityscapes/ in a folder: three scenes of 128x64 pixels (per split)."""
    root = tmp_path_factory.mktemp('tiny_data')
    write_layouts(root, 3, (128, 64))
    for name, label_format in (('gta', GTA), ('synthia', SYNTHIA), ('cityscapes', CITYSCAPES)):
        convert(os.path.join(root, name), label_format, nproc=1, progress=False)
    return root
