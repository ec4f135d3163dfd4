"""The last frame around every command-line program: errors become one paragraph and an exit code."""

import argparse
import errno
import math
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from typing import NoReturn

from mmseg.arguments import COMMAND, as_called
from mmseg.faults import described
from mmseg.processes import answering, stop_at_once
from mmseg.terminal import READER_GONE, TERMINAL_GONE, outliving, reader_has_left

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
NO_ACCESS = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.ENAMETOOLONG,
)


def run_cli(main: Callable[[], None]) -> Callable[[], NoReturn]:
    """Decorate a program: run it, then leave with its exit code.

    0: it worked. 1, 2: the error of a user (:class:`mmseg.errors.UserError`), shown as one paragraph. 128 + number:
    stopped by that signal, see :data:`mmseg.processes.SIGNALS`. A full disk, a place that cannot be written and
    memory that ran out are reported like errors of a user. ``--debug`` on the command line adds the traceback. Other
    exceptions are defects and keep theirs. A closed terminal changes none of that.
    """

    @wraps(main)
    def program() -> NoReturn:
        with outliving(TERMINAL_GONE):
            _run(main)

    return program


def run_lasting(main: Callable[[], None]) -> Callable[[], NoReturn]:
    """Like :func:`run_cli`, for programs that work for days: they go on when the reader of their output has left."""

    @wraps(main)
    def program() -> NoReturn:
        with outliving(READER_GONE):
            _run(main)

    return program


def _run(main: Callable[[], None]) -> NoReturn:
    try:
        with answering(stop_at_once):
            main()
    except KeyboardInterrupt as stop:
        _leave(str(stop) or 'Stopped by Ctrl-C.', 128 + getattr(stop, 'number', signal.SIGINT))
    except Exception as error:
        if not (isinstance(error, BrokenPipeError) and reader_has_left()):
            _leave(*_shown(error))
        _stop_writing()
    sys.exit(0)


def _shown(error: Exception) -> tuple[str, int]:
    """Message and exit code of an error of the user; raises defects again."""
    known = described(error)
    if known is not None:
        return str(known), known.exit_code
    message = in_file_system(error) if isinstance(error, OSError) else None
    if message is None:
        raise error
    return message, 1


def default_launcher() -> str:
    """What ``--launcher`` is if it is not given: torchrun tells its processes that it has started them."""
    return 'pytorch' if 'TORCHELASTIC_RUN_ID' in os.environ else 'none'


def started_as(script: str) -> list[str]:
    """The words that started this Python program, without its options: interpreter, then script or module.

    Args:
        script: its path, or ``mmseg-uda NAME``, as ``sys.argv[0]`` has it.
    """
    named = script.split()[1:] if script.startswith(f'{COMMAND} ') else []
    interpreter = sys.orig_argv[0] if sys.orig_argv else sys.executable
    processes = os.environ.get('LOCAL_WORLD_SIZE')
    if processes:
        return [
            sys.executable,
            '-m',
            'torch.distributed.run',
            *_nodes(),
            f'--nproc_per_node={processes}',
            *(['-m', 'mmseg', *named] if named else [script]),
        ]
    if named:
        return [COMMAND, *named]
    module = getattr(sys.modules['__main__'], '__spec__', None)
    return [interpreter, *(['-m', module.name] if module else [script])]


def _nodes() -> list[str]:
    """How torchrun finds the other machines, as far as its environment tells."""
    nodes = os.environ.get('GROUP_WORLD_SIZE', '1')
    if nodes == '1':
        return ['--standalone']
    names = {'node_rank': 'GROUP_RANK', 'master_addr': 'MASTER_ADDR', 'master_port': 'MASTER_PORT'}
    return [f'--nnodes={nodes}', *(f'--{option}={os.environ[name]}' for option, name in names.items())]


def positional(path: object) -> str:
    """A path as a word of a command line that is not taken for an option."""
    return f'./{path}' if str(path).startswith('-') else str(path)


def whole_number(least: int) -> Callable[[str], int]:
    """An argparse type: a whole number from ``least``."""

    def parse(text: str) -> int:
        if not re.fullmatch(r'-?\d+', text) or int(text) < least:
            raise argparse.ArgumentTypeError(f'{text} is not a whole number from {least}')
        return int(text)

    return parse


def pair(text: str) -> str:
    """An argparse type: NAME=VALUE."""
    name, equals, _ = text.partition('=')
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f'found {text!r}, expected NAME=VALUE without blanks')
    return text


def slurm_minutes(text: str) -> int:
    """An argparse type: a time as Slurm writes it (M, M:SS, H:MM:SS, D-H, D-H:MM, D-H:MM:SS) in whole minutes."""
    found = re.fullmatch(r'(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?', text)
    if not found:
        raise argparse.ArgumentTypeError(f'{text} is no time such as 90, 12:00:00 or 2-00 (days-hours)')
    days, first, second, third = (int(number or 0) for number in found.groups())
    in_hours = found[1] is not None or found[4] is not None
    seconds = 3600 * first + 60 * second + third if in_hours else 60 * first + second
    minutes = 1440 * days + math.ceil(seconds / 60)
    if minutes < 1:
        raise argparse.ArgumentTypeError(f'{text} is no time at all')
    return minutes


def opacity(text: str) -> float:
    """An argparse type: a number in (0, 1]."""
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f'{text} is not in (0, 1]')
    return value


def in_file_system(error: OSError) -> str | None:
    """What a user can do about an error of the file system; None if it is something else."""
    if error.errno in DISK_FULL:
        name = error.filename or 'a file'
        return (
            f'{name}: the disk is full. Nothing was left half-written; make room and run the command again.'
        )
    if error.errno in NO_ACCESS and error.filename:
        return (
            f'{error.filename}: cannot be used ({error.strerror}). Expected a place that can be read and written; '
            'correct the path or its permissions, or choose another folder.'
        )
    return None


def _leave(message: str, code: int) -> NoReturn:
    if '--debug' in sys.argv:
        traceback.print_exc()
    if message:
        sys.stderr.write(as_called(message) + '\n')
    sys.stderr.flush()
    sys.exit(code)


def _stop_writing() -> None:
    """The reader of a pipe (``| head``) has left: neither an error nor worth a message."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
