"""Programs in processes of their own that need not import everything anew: they are forked from one that has.

A start of Python with torch takes more than three seconds of processor time, and what most tests of processes look at
comes after. What is forked has a command line, an environment, a folder and streams of its own, ends as any program
does, and gets its own signals. What only a new interpreter shows (the order of imports, signals while they last, loader
processes that are spawned) is tested with ``subprocess``.
"""

import atexit
import contextlib
import functools
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import torch

ROOT = Path(__file__).resolve().parents[1]
LARGEST = 1 << 20
"""Bytes of a request."""


class Program:
    """A process as ``subprocess.Popen`` shows it.

    Attributes:
        pid: its id.
        returncode: None while it runs.
    """

    def __init__(self, pid: int, status: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._status = status

    def poll(self) -> int | None:
        """The exit code, negative after a signal; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait so many seconds for the end, for ever without a number; returns the exit code."""
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self.returncode = int(self._status.recv(20))
            self._status.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process is over."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL, unless the process is over."""
        self.send_signal(signal.SIGKILL)


@functools.cache
def _server() -> socket.socket:
    """The connection to the process that forks; it ends with this one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)}
    command = [sys.executable, '-m', 'tests.warm', str(theirs.fileno())]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def start(
    words: list[str], *, stdout: int, stderr: int, stdin: int | None = None, cwd: Path | None = None,
    env: Mapping[str, str] | None = None, start_new_session: bool = False,
) -> Program:  # fmt: skip
    """Start a program.

    Args:
        words: ``FILE arguments`` or ``-m MODULE arguments``, without the interpreter.
        stdout: an open file.
        stderr: an open file.
        stdin: an open file; by default there is nothing to read.
        cwd: its folder, by default this one's.
        env: its environment, by default this one's.
        start_new_session: whether it leads a session of its own.
    """
    request = {
        'words': list(map(str, words)),
        'cwd': str(cwd or Path.cwd()),
        'env': dict(os.environ if env is None else env),
        'new_session': start_new_session,
    }
    server, (ours, theirs) = _server(), socket.socketpair()
    with theirs, Path(os.devnull).open() as nothing:
        streams = [nothing.fileno() if stdin is None else stdin, stdout, stderr, theirs.fileno()]
        socket.send_fds(server, [json.dumps(request).encode()], streams)
        return Program(int(server.recv(20)), ours)


def run(
    words: list[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None,
    timeout: float | None = None, check: bool = False, merged: bool = False,
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """Run a program to its end, see :func:`start`; its streams are captured as text, or ``merged`` as one.

    Raises:
        CalledProcessError: the exit code is not 0, and ``check``.
        TimeoutExpired: it runs on; it was killed.
    """
    with tempfile.TemporaryFile('w+') as out, tempfile.TemporaryFile('w+') as err:
        errors = out if merged else err
        process = start(words, stdout=out.fileno(), stderr=errors.fileno(), cwd=cwd, env=env)
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
            process.wait()
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read())
    done = subprocess.CompletedProcess(words, code, *texts)
    if check:
        done.check_returncode()
    return done


def run_ranks(
    number: int, words: list[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """Run a program in several processes that find each other, as ``torchrun --standalone`` starts them.

    Returns:
        The exit code of the first that has another than 0; what all have written, in one text.
    """
    with socket.socket() as free:
        free.bind(('localhost', 0))
        port = free.getsockname()[1]
    shared = {
        'WORLD_SIZE': number, 'LOCAL_WORLD_SIZE': number, 'GROUP_RANK': 0, 'MASTER_ADDR': 'localhost',
        'MASTER_PORT': port, 'TORCHELASTIC_RUN_ID': f'run {port}', 'TORCHELASTIC_RESTART_COUNT': 0,
        'TORCHELASTIC_MAX_RESTARTS': 0,
    }  # fmt: skip
    with tempfile.TemporaryFile('w+') as said:
        processes = []
        for rank in range(number):
            facts = {name: str(value) for name, value in {**shared, 'RANK': rank, 'LOCAL_RANK': rank}.items()}
            environment = {**(os.environ if env is None else env), **facts}
            processes.append(
                start(words, stdout=said.fileno(), stderr=said.fileno(), cwd=cwd, env=environment)
            )
        try:
            codes = [process.wait(timeout) for process in processes]
        finally:
            for process in processes:
                process.kill()
        said.seek(0)
        return subprocess.CompletedProcess(words, next(filter(None, codes), 0), said.read(), '')


def warm_up() -> None:
    """Import what trainings and tests import at once or late; no thread is started, which a fork would lose."""
    for name in (
        'mmseg.engine.train',
        'mmseg.toolbox.testing.run',
        'mmengine.visualization',
        'mmengine.hooks',
    ):
        import_module(name)
    torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])  # imports the compiler
    gc.collect()
    gc.freeze()


def _serve(connection: socket.socket) -> tuple[Mapping[str, Any], list[int]]:
    """Fork a process for each request; only those return, with what they are to be."""
    ended, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: dict[int, socket.socket] = {}
    while True:
        ready = select.select([connection, ended], [], [])[0]
        if ended in ready:
            os.read(ended, 1000)
            _reap(running)
        if connection in ready:
            message, streams, *_ = socket.recv_fds(connection, LARGEST, 4)
            if not message:
                _leave(running)
            child = os.fork()
            if not child:
                break
            running[child] = socket.socket(fileno=streams[3])
            for stream in streams[:3]:
                os.close(stream)
            connection.send(str(child).encode())
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    return json.loads(message), streams[:3]


def _leave(running: Mapping[int, socket.socket]) -> NoReturn:
    """The tests are over, however they ended: nobody waits for what still runs."""
    for child in running:
        os.kill(child, signal.SIGTERM)
    os._exit(0)


def _reap(running: dict[int, socket.socket]) -> None:
    """Tell of those that have ended."""
    for child in list(running):
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            with running.pop(child) as told, contextlib.suppress(BrokenPipeError):
                told.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(request: Mapping[str, Any], streams: list[int]) -> None:
    """Be the program: streams, session, folder, environment, command line, then its code."""
    if request['new_session']:
        os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 1024)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]
    os.environ.clear()
    os.environ.update(request['env'])
    os.chdir(request['cwd'])
    places = filter(None, request['env'].get('PYTHONPATH', '').split(os.pathsep))
    first, *words = request['words']
    if first == '-m':
        sys.path[:1], sys.argv = [request['cwd'], *places], words
        runpy.run_module(words[0], run_name='__main__', alter_sys=True)
    else:
        sys.path[:1], sys.argv = [str(Path(first).resolve().parent), *places], [first, *words]
        runpy.run_path(first, run_name='__main__')


if __name__ == '__main__':
    warm_up()
    _become(*_serve(socket.socket(fileno=int(sys.argv[1]))))
