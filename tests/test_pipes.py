"""Whatever is read from a folder of others comes to an end: a pipe in its place is told, not waited for."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from mmseg.config import load_config
from mmseg.engine.checkpoint import POINTER, find_latest, write_checkpoint
from mmseg.errors import UserError
from mmseg.models.weights import read_plain_pickle, read_weight_file
from mmseg.toolbox.replay import find_step
from mmseg.toolbox.reports.logs import read_run
from mmseg.toolbox.reports.results import load_result
from mmseg.uda.instance_bank.files import read_bank


@contextmanager
def pipe(path: Path) -> Iterator[list[Path]]:
    """A named pipe. Who opens it to read gets an end of file, so that a test fails where it would wait for ever.

    Yields a list that is filled when somebody does.
    """
    os.mkfifo(path)
    opened: list[Path] = []
    over = threading.Event()

    def answer() -> None:
        while not over.wait(0.02):
            with suppress(OSError):
                os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
                opened.append(path)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield opened
    finally:
        over.set()
        thread.join()


READERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    'configuration': ('config.json', load_config),
    'weights': ('weights.pth', read_weight_file),
    'class maps': ('results.pkl', read_plain_pickle),
    'bank': ('f_buffer_s.npz', lambda path: read_bank(path.parent)),
    'log': ('run.log.json', read_run),
    'result': ('result_student.json', load_result),
    'record of a step': ('nonfinite_iter_3.json', lambda path: find_step(path.parent)),
}


@pytest.mark.parametrize('name', READERS)
def test_a_pipe_is_told(name: str, tmp_path: Path) -> None:
    file, read = READERS[name]
    with pipe(tmp_path / file) as opened, pytest.raises(UserError, match=r'a pipe|does not exist'):
        read(tmp_path / file)
    assert not opened


def test_a_pipe_for_a_pointer_is_passed_over(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / 'iter_2.pth', {})
    with pipe(tmp_path / POINTER) as opened:
        assert find_latest(tmp_path).name == 'iter_2.pth'
    assert not opened
