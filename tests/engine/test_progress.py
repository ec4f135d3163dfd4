"""The live line: on a terminal, above it the log; nothing elsewhere."""

import io
import json
import logging
import sys
from pathlib import Path

import pytest

from mmseg.engine.log import LogWriter
from mmseg.engine.loop import Hook, Run, run_loop
from mmseg.engine.progress import told
from mmseg.errors import ConfigError
from tests.engine.fakes import make_run


class Terminal(io.StringIO):
    """Looks like one."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def log() -> logging.Logger:
    return logging.getLogger('mmseg')


def test_a_terminal_has_a_bar_below_the_lines_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: logging.Logger
) -> None:
    out, err = io.StringIO(), Terminal()
    monkeypatch.setattr(sys, 'stdout', out)
    monkeypatch.setattr(sys, 'stderr', err)
    handler = logging.StreamHandler(out)
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        run_loop(make_run(tmp_path, log_interval=2))
        assert log.handlers == [handler], 'the log goes where it went before'
    finally:
        log.removeHandler(handler)
    shown = err.getvalue()
    assert 'train:   0%|' in shown
    assert '0/6' in shown
    assert 'Iter [2/6]' in out.getvalue() + shown


def test_what_fails_before_the_loop_leaves_the_log_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: logging.Logger
) -> None:
    class Failing(Hook):
        def before_run(self, run: Run) -> None:
            raise ConfigError('no')

    err = Terminal()
    monkeypatch.setattr(sys, 'stderr', err)
    handler = logging.StreamHandler(sys.stdout)
    log.addHandler(handler)
    try:
        with pytest.raises(ConfigError):
            run_loop(make_run(tmp_path, extra=[Failing()]))
        assert log.handlers == [handler]
    finally:
        log.removeHandler(handler)
    assert 'train' not in err.getvalue()


def test_elsewhere_there_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_loop(make_run(tmp_path))
    assert 'it/s' not in capsys.readouterr().err


def test_what_it_says() -> None:
    times = {'time': 0.5, 'data_time': 0.02}
    values = {
        'decode.loss_seg': 0.8791,
        'decode.acc_seg': 81.0,
        'mix.decode.loss_seg': 2.0,
        'mix.pseudo_weight': 0.551,
    }
    assert told(2.9e-4, times, values) == 'loss 0.879, pseudo 0.55, lr 2.9e-04, data 4 %'
    assert told(0.0, {'time': 0.0, 'data_time': 0.0}, {}) == 'lr 0.0e+00, data 0 %'


def test_small_rates_are_not_rounded_away(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path / 'log.json')
    writer.training(1, 2, 4.0123456e-8, 1.0, {'time': 1.0, 'data_time': 0.1}, {'loss': 0.123456789})
    entry = json.loads((tmp_path / 'log.json').read_text(encoding='utf-8'))
    assert (entry['lr'], entry['loss']) == (4.0123e-8, 0.12346)
