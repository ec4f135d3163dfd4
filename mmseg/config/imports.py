"""Components of one's own: the modules that ``custom_imports`` names.

A Python configuration is a program, so what it names is imported. A JSON file or a dict is data: nothing is imported
because of it, it can only say which modules must have been imported before (docs/security.md).
"""

import argparse
import importlib
import logging
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mmseg.errors import ConfigError, UserError, told

KEY = 'custom_imports'
OPTION = '--custom-imports'

logger = logging.getLogger('mmseg')


def honour(values: Any, is_data: bool) -> None:
    """Make sure that the modules of ``custom_imports`` are imported, which registers the components in them.

    Args:
        values: a whole configuration, dict or Config. Modules that failed and were allowed to are taken out of it.
        is_data: the names come from a JSON file or a dict.

    Raises:
        ConfigError: the entry is no list of modules, a module cannot be imported, or data name one that is not there.
    """
    modules, may_fail = _entry(values.get(KEY))
    absent = [name for name in modules if name not in sys.modules]
    if is_data and absent:
        names = ' '.join(absent)
        raise ConfigError(
            f'{KEY} names {", ".join(absent)}, which is code, and the configuration is data (JSON), which runs no code '
            f'by itself: add "{OPTION} {names}" to the command if you trust '
            f'{"this module" if len(absent) == 1 else "these modules"}, or import '
            f'{"it" if len(absent) == 1 else "them"} first in a program of your own.'
        )
    failed = set()
    for name in absent:
        try:
            import_module(name)
        except ConfigError as error:
            if not may_fail:
                raise
            logger.warning('%s', error)
            failed.add(name)
    if failed:
        values[KEY] = {'imports': [name for name in modules if name not in failed]}


def modules_of(values: Mapping[str, Any]) -> list[str]:
    """Names of the modules in ``custom_imports`` of a configuration."""
    return _entry(values.get(KEY))[0]


def import_module(name: str) -> None:
    """Import a module from Python's search path or the current folder.

    The current folder comes last, so that a file in it takes the place of nothing that is installed, and stays on the
    path, where the processes that load data find it, too.

    Raises:
        ConfigError: there is no such module, or it fails.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        importlib.import_module(name)
    except UserError as error:
        raise ConfigError(f'{KEY}: {name} cannot be used: {error}') from error
    except ModuleNotFoundError as error:
        if error.name is None or not f'{name}.'.startswith(f'{error.name}.'):
            raise ConfigError(f'{KEY}: {name} needs a module that is not there: {error}.') from error
        raise ConfigError(
            f'{KEY}: there is no module {name}, neither in the current folder {here} nor among the installed ones or '
            'in PYTHONPATH. Write it as for an import statement (folder.file, without .py), and run the command in the '
            'folder it starts from or set PYTHONPATH to that folder.'
        ) from error
    except (Exception, SystemExit) as error:
        raise ConfigError(f'{KEY}: {name} fails when it is imported: {told(error)}') from error


class ImportAction(argparse.Action):
    """argparse action: imports the modules that are named."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        for name in values:
            import_module(name)
        setattr(namespace, self.dest, [*(getattr(namespace, self.dest, None) or ()), *values])


def _entry(entry: Any) -> tuple[list[str], bool]:
    """Names of the modules, and whether they may fail."""
    options = dict(entry) if isinstance(entry, Mapping) else {'imports': entry}
    names, may_fail = options.pop('imports', None), options.pop('allow_failed_imports', False)
    modules = [] if names is None else [names] if isinstance(names, str) else names
    if options or not _are_texts(modules) or not isinstance(may_fail, bool):
        raise ConfigError(
            f"{KEY}: found {entry!r}; expected dict(imports=['MODULE', ...], allow_failed_imports=False) or a list of "
            'modules, written as for an import statement (folder.file, without .py).'
        )
    return list(modules), may_fail


def _are_texts(value: Any) -> bool:
    return isinstance(value, Iterable) and all(isinstance(item, str) and item.strip('.') for item in value)
