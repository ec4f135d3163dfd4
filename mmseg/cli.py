"""The last frame around every command-line program: errors become one paragraph and an exit code."""

import argparse
import errno
import os
import re
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from typing import NoReturn

from mmseg.errors import UserError

INTERRUPTED = 130
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
RAISED = re.compile(r'^[\w.]*(?:Error|Exception): ', re.MULTILINE)
"""Start of the last line of a traceback."""


def run_cli(main: Callable[[], None]) -> Callable[[], NoReturn]:
    """Decorate a program: run it, then leave with its exit code.

    0: it worked. 1, 2: the error of a user (:class:`mmseg.errors.UserError`), shown as one paragraph. 130: Ctrl-C.
    A full disk and a place that cannot be written are reported in the same way. ``--debug`` on the command line
    adds the traceback. Other exceptions are defects and keep theirs.
    """

    @wraps(main)
    def program() -> NoReturn:
        try:
            main()
        except UserError as error:
            _leave(str(error), error.exit_code)
        except KeyboardInterrupt:
            _leave('Stopped by Ctrl-C.', INTERRUPTED)
        except BrokenPipeError:
            _stop_writing()
        except OSError as error:
            message = in_file_system(error)
            if message is None:
                raise
            _leave(message, 1)
        sys.exit(0)

    return program


def whole_number(least: int) -> Callable[[str], int]:
    """An argparse type: a whole number from ``least``."""

    def parse(text: str) -> int:
        if not re.fullmatch(r'-?\d+', text) or int(text) < least:
            raise argparse.ArgumentTypeError(f'{text} is not a whole number from {least}')
        return int(text)

    return parse


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
        sys.stderr.write(own_words(message) + '\n')
    sys.stderr.flush()
    sys.exit(code)


def own_words(message: str) -> str:
    """What an error said before a loader process wrapped it in its own traceback."""
    if 'Original Traceback' not in message:
        return message
    return RAISED.split(message)[-1].strip()


def _stop_writing() -> None:
    """The reader of a pipe (``| head``) has left: neither an error nor worth a message."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
