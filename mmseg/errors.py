"""Errors a user can act on.

Each message says what was found, what was expected and how to fix it, in one paragraph. Command-line programs
print the message without a traceback and leave with ``exit_code``; ``--debug`` shows the traceback.
"""

import contextlib
import difflib
from collections.abc import Iterable, Iterator


class UserError(Exception):
    """Something the user can repair; base of all expected errors."""

    exit_code = 1


class UsageError(UserError):
    """The command line or its arguments are wrong."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration is wrong; the message lists every problem that was found."""


class DataError(UserError):
    """A data set, picture, label map or statistics file is missing or damaged."""


class CheckpointError(UserError):
    """A weight file is missing, damaged or belongs to another network."""


class TrainingError(UserError):
    """Training cannot go on, for instance because a loss is not finite."""


class ResourceError(UserError):
    """The machine gave out: memory of GPU or host, shared memory, a loader process."""


class ExportError(UserError):
    """A network cannot be written in another format, or the file would predict something else."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """``; the nearest valid name is 'x'`` or the list of valid names where there are few."""
    names = sorted(valid)
    lowered = {candidate.lower(): candidate for candidate in names}
    close = difflib.get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.6)
    if close:
        return f'; the nearest valid name is {lowered[close[0]]!r}'
    return f'; valid: {", ".join(names)}' if 0 < len(names) <= 12 else ''


def told(error: BaseException) -> str:
    """Kind and text of an error, and the line of the file where it happened."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = '' if place is None else f' ({place.tb_frame.f_code.co_filename}:{place.tb_lineno})'
    return f'{type(error).__name__}: {error}{where}'.replace('\n', ' ')


@contextlib.contextmanager
def building(part: str) -> Iterator[None]:
    """Tell what a constructor makes of values that fit its types but not one another.

    Args:
        part: key of the configuration that is built.

    Raises:
        ConfigError: in place of any error that is not a :class:`UserError` already.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise ConfigError(
            f'{part} cannot be built from the configuration: {told(error)}. Expected are values that '
            'fit one another (channels of encoder and head, sizes above 0, ...); --debug shows the way there.'
        ) from error
