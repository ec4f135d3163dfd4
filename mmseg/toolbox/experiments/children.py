"""Trainings in processes of their own: how they are started, told to stop, and never left behind."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmseg.config.imports import OPTION
from mmseg.places import ROOT
from mmseg.processes import KILL, children_of, die_with_parent

CONSOLE = 'console.txt'
"""What a training in the background prints, in its work folder."""


@dataclass(frozen=True)
class Place:
    """Where a run computes.

    Attributes:
        name: what tables call it, such as 'GPU 0' or 'cores 0-1'.
        processes: of the run; several are started by torchrun.
        environment: variables that differ from this process's.
        cores: the only ones that it may use; empty leaves all.
    """

    name: str = ''
    processes: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)
    cores: tuple[int, ...] = ()


def train_command(
    config: Path, work_dir: Path, processes: int, modules: Iterable[str], resume: bool, started: bool = False
) -> list[str]:
    """The command line that trains a configuration.

    Args:
        config: file, of which a JSON one may need ``modules``.
        work_dir: its folder.
        processes: of the run, which torchrun starts if there are several.
        modules: to be imported first.
        resume: go on from the newest checkpoint of the folder.
        started: something else starts the command in each of the processes.
    """
    torchrun = ['-m', 'torch.distributed.run', '--standalone', f'--nproc_per_node={processes}']
    words = [sys.executable, *(torchrun if processes > 1 and not started else [])]
    words += [str(ROOT / 'tools' / 'train.py'), str(config), f'--work-dir={work_dir}']
    words += ['--launcher', 'pytorch'] if processes > 1 else []
    words += ['--resume'] if resume else []
    needed = list(dict.fromkeys(modules))
    return words + ([OPTION, *needed] if needed else [])


class Child:
    """A program that trains, torchrun or not, in a session of its own.

    So a signal to this process group (Ctrl-C in a terminal) reaches it once, through :meth:`tell`. It ends when this
    process is killed: it gets SIGTERM then, and saves.

    Args:
        command: what to run.
        console: file to which everything is appended that it prints; None leaves it this process's.
        place: where it computes.
    """

    def __init__(self, command: Sequence[str], console: Path | None = None, place: Place = Place()) -> None:
        self._launcher = 'torch.distributed.run' in command
        self._told: set[int] = set()

        def prepare() -> None:
            die_with_parent(signal.SIGTERM)
            if place.cores:
                os.sched_setaffinity(0, place.cores)

        with contextlib.ExitStack() as files:
            output = None if console is None else files.enter_context(console.open('ab'))
            self._process = subprocess.Popen(
                command,
                start_new_session=True,
                preexec_fn=prepare if os.name == 'posix' else None,
                env={**os.environ, **place.environment},
                stdin=None if console is None else subprocess.DEVNULL,
                stdout=output,
                stderr=None if output is None else subprocess.STDOUT,
            )
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Exit code, or None while it runs."""
        return self._process.poll()

    def tell(self, number: int) -> None:
        """Hand a signal on to the processes that train, to each of them once; may be called until they have ended.

        torchrun is told itself only while it has no processes yet: it would give them 30 seconds, which may be too
        short to save.
        """
        below = set(children_of(self.pid)) if self._launcher else set()
        self._send((below or {self.pid}) - self._told, number)
        self._told |= below or {self.pid}

    def await_end(self) -> None:
        """Wait until it has ended; its exit code can still be read. For signal handlers, which must not take locks."""
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)

    def end(self) -> None:
        """Kill what is left of it, loader processes included."""
        if self.poll() is not None:
            return
        for process in {*children_of(self.pid), self.pid}:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                (os.killpg if os.name == 'posix' and os.getpgid(process) == process else os.kill)(
                    process, KILL
                )
        self._process.wait()

    @staticmethod
    def _send(processes: set[int], number: int) -> None:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)


def last_words(console: Path, lines: int = 3) -> str:
    """The last lines of what a child has printed; empty if it has printed nothing."""
    try:
        text = console.read_text(encoding='utf-8', errors='replace')
    except OSError:
        return ''
    return '\n'.join([line for line in text.splitlines() if line.strip()][-lines:])
