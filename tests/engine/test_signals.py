"""What Ctrl-C does, in this process and in a forked one."""

import os
import signal
import time
from typing import Any

import pytest

from mmseg.engine.signals import StopRequest


def test_first_asks_second_aborts(capfd: Any) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with StopRequest() as stop:
        assert not stop.requested
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.requested
        assert 'Ctrl-C again' in capfd.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is before


def test_launcher_repeats_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('LOCAL_WORLD_SIZE', '2')
    with StopRequest() as stop:
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
            os.kill(os.getpid(), number)
        assert stop.requested


def test_forked_process_ignores_ctrl_c_and_obeys_sigterm() -> None:
    with StopRequest():
        child = os.fork()
        if child == 0:
            time.sleep(30)
            os._exit(0)
        os.kill(child, signal.SIGINT)
        time.sleep(0.1)
        assert os.waitpid(child, os.WNOHANG) == (0, 0)
        os.kill(child, signal.SIGTERM)
        status = os.waitpid(child, 0)[1]
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGTERM
