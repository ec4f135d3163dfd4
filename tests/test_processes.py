"""Signals in this process and in its children."""

import ctypes
import os
import platform
import signal
import subprocess
import sys
import time

import pytest

from mmseg.processes import (
    SIGNALS,
    Stopped,
    answering,
    blocking,
    children_of,
    die_with_parent,
    keep_tensor_memory,
    stop_at_once,
)


@pytest.mark.parametrize('number', SIGNALS)
def test_stop_at_once(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    name = 'Ctrl-C' if number == signal.SIGINT else number.name
    with pytest.raises(Stopped, match=f'Stopped by {name}') as caught, answering(stop_at_once):
        os.kill(os.getpid(), number)
    assert caught.value.number == number
    assert signal.getsignal(number) is before


def test_leaves_from_within_an_import() -> None:
    program = (
        'import os, signal, sys\n'
        'from mmseg.processes import answering, stop_at_once\n'
        'sys.meta_path.insert(0, type("", (), {"find_spec": lambda *_: os.kill(os.getpid(), signal.SIGHUP)})())\n'
        'with answering(stop_at_once):\n'
        '    try:\n'
        '        import nothing\n'
        '    except BaseException:\n'
        '        pass\n'
    )
    done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (129, 'Stopped by SIGHUP; there was nothing to save.\n')


def test_nohup_is_respected() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with answering(stop_at_once):
            os.kill(os.getpid(), signal.SIGHUP)
            with pytest.raises(Stopped):
                os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_children_started_while_blocking_never_get_them() -> None:
    program = [sys.executable, '-c', 'import time; print("ready", flush=True); time.sleep(60)']
    with blocking():
        child = subprocess.Popen(program, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    assert child.pid in children_of(os.getpid())
    for number in SIGNALS:
        child.send_signal(number)
    time.sleep(0.1)
    assert child.poll() is None
    child.kill()
    assert child.wait() == -signal.SIGKILL
    child.stdout.close()


SPAWNED = """
import multiprocessing, time
from multiprocessing import resource_tracker
from pathlib import Path
from mmseg.processes import blocking
multiprocessing.set_start_method({method!r})
with blocking():
    children = [multiprocessing.Process(target=time.sleep, args=(60,), daemon=True) for _ in range(2)]
    for child in children:
        child.start()
for process in (*(child.pid for child in children), resource_tracker._resource_tracker._pid):
    lines = (line.split() for line in Path(f'/proc/{{process}}/status').read_text().splitlines())
    print(*(int(line[1], 16) for line in lines if line[0] in ('SigBlk:', 'SigIgn:')))
for child in children:
    child.kill()
"""


@pytest.mark.skipif(sys.platform != 'linux', reason='reads /proc')
@pytest.mark.parametrize('method', ['spawn', 'forkserver'])
def test_children_of_every_start_method_and_what_keeps_their_books(method: str) -> None:
    """multiprocessing's own helper, too: without it the names of shared memory are lost, with tracebacks."""
    command = [sys.executable, '-c', SPAWNED.format(method=method)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    masks = [[int(word) for word in line.split()] for line in done.stdout.splitlines()]
    assert len(masks) == 3
    for blocked, ignored in masks:
        assert {number for number in SIGNALS if not (blocked | ignored) >> (number - 1) & 1} == set()


@pytest.mark.skipif(sys.platform != 'linux', reason='only Linux tells a process that its parent is gone')
def test_die_with_parent() -> None:
    reading, writing = os.pipe()
    parent = os.fork()
    if parent == 0:
        if os.fork() == 0:
            die_with_parent()
            os.write(writing, b'.')
            time.sleep(60)
            os._exit(0)
        os.read(reading, 1)
        os._exit(0)
    os.close(writing)
    started = time.monotonic()
    os.waitpid(parent, 0)
    assert os.read(reading, 1) == b''  # the end of the file: nobody is left who could write
    os.close(reading)
    assert time.monotonic() - started < 30


def test_no_such_process_has_no_children() -> None:
    assert children_of(2**22 + 1) == []


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='the memory of other libraries is theirs')
@pytest.mark.parametrize(
    'function, megabytes', [('keep_freed_memory', 12), ('keep_tensor_memory', 12), ('keep_tensor_memory', 60)]
)
@pytest.mark.parametrize('kept', [False, True])
def test_freed_arrays_are_used_again(function: str, megabytes: int, kept: bool) -> None:
    """Pages that the kernel gives while arrays come and go: 256 a MB for each, or those of the first."""
    program = (
        'import resource, sys\n'
        'import numpy as np\n'
        'from mmseg import processes\n'
        'if sys.argv[3] == "True":\n'
        '    getattr(processes, sys.argv[1])()\n'
        'def faults():\n'
        '    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n'
        'for number in range(6):\n'
        '    if number == 1:\n'
        '        before = faults()\n'
        '    arrays = [np.ones(int(sys.argv[2]) << 20, np.uint8) for _ in range(3)]\n'
        '    del arrays\n'
        'print(faults() - before)\n'
    )
    # Without the variables a user may have set: with them nothing is changed.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(('MALLOC_', 'GLIBC_'))
    }
    done = subprocess.run(
        [sys.executable, '-c', program, function, str(megabytes), str(kept)],
        stdout=subprocess.PIPE, check=True, text=True, env=environment,
    )  # fmt: skip
    assert (int(done.stdout) < 1000) == kept


def test_what_the_user_says_of_memory_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, 'CDLL', lambda name: pytest.fail('the C library was asked'))
    monkeypatch.setenv('THP_MEM_ALLOC_ENABLE', '0')
    for name in ('MALLOC_ARENA_MAX', 'GLIBC_TUNABLES'):
        with monkeypatch.context() as patched:
            patched.setenv(name, '1')
            keep_tensor_memory()
    assert os.environ['THP_MEM_ALLOC_ENABLE'] == '0'
