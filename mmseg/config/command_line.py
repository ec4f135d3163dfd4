"""Values given on the command line: ``--cfg-options data.samples_per_gpu=4 uda.blur=False``."""

import argparse
import ast
from collections.abc import Iterable
from typing import Any

from mmseg.config import imports
from mmseg.config.literals import literal_value
from mmseg.errors import UsageError


def parse_options(pairs: Iterable[str]) -> dict[str, Any]:
    """``key=value`` texts as a dict with dotted keys and typed values.

    Integers, floats (``inf`` too), ``True``/``False``, ``None``, lists ``[1,2]`` or ``1,2`` and tuples
    ``(1,2)`` are recognised, and dicts, alone or in lists: ``[dict(type='A',weight=1)]``, ``{'type':'A'}``, whose texts
    have quotes; everything else is a string.

    Raises:
        UsageError: an entry has no ``=`` or its brackets do not match.
    """
    from mmengine.config import DictAction  # late: it takes a fifth of a second

    namespace = argparse.Namespace(options=None)
    action = DictAction(option_strings=['--cfg-options'], dest='options')
    for pair in pairs:
        key, equals, _ = pair.partition('=')
        if not equals or not key.strip():
            raise UsageError(
                f'--cfg-options: found {pair!r}, expected KEY=VALUE without blanks, for instance '
                'data.samples_per_gpu=1 or "model.test_cfg.crop_size=(512,512)".'
            )
        if any(pair.count(opening) != pair.count(closing) for opening, closing in ('()', '[]')):
            raise UsageError(f'--cfg-options {pair}: brackets do not match.')
        value = _literal(pair.partition('=')[2])
        if value is not None:
            namespace.options = {**(namespace.options or {}), key: value}
            continue
        try:
            action(argparse.ArgumentParser(), namespace, [pair])
        except (
            RecursionError,
            AssertionError,
            ValueError,
        ):  # of a text with brackets and commas, such as f(a,b)
            namespace.options = {**(namespace.options or {}), key: pair.partition('=')[2]}
    return dict(namespace.options or {})


def _literal(text: str) -> Any:
    """What a text with dicts says, as a Python configuration would: literals alone, no names; None if it is none."""
    if 'dict(' not in text and '{' not in text:
        return None
    try:
        return literal_value(ast.parse(text.strip(), mode='eval').body)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None


def add_config_options(parser: Any, example: str) -> None:
    """Add the options of every program that reads a configuration.

    Args:
        parser: argparse parser, or a group of its options.
        example: a KEY=VALUE for the help.
    """
    parser.add_argument('--cfg-options', '--options', nargs='+', action=OptionsAction, default={}, metavar='KEY=VALUE',
                        help=f'values to override, e.g. {example}')  # fmt: skip
    add_import_option(parser)


def add_import_option(parser: Any) -> None:
    """Add ``--custom-imports``, for programs that read a configuration without overriding values."""
    parser.add_argument(imports.OPTION, nargs='+', action=imports.ImportAction, default=[], metavar='MODULE',
                        help='import modules with components of your own, from the current folder or PYTHONPATH; '
                        'needed for JSON configurations that name them')  # fmt: skip


class OptionsAction(argparse.Action):
    """argparse action: ``nargs='+'`` values KEY=VALUE collected in one dict; may be repeated.

    What was typed is kept as a list under the name with ``_typed`` added, to be shown again.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        known = dict(getattr(namespace, self.dest, None) or {})
        try:
            known.update(parse_options(values))
        except UsageError as error:
            parser.error(str(error))
        setattr(namespace, self.dest, known)
        typed = f'{self.dest}_typed'
        setattr(namespace, typed, [*getattr(namespace, typed, []), *values])
