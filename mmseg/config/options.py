"""Values given on the command line: ``--cfg-options data.samples_per_gpu=4 uda.blur=False``."""

import argparse
from collections.abc import Iterable
from typing import Any

from mmengine.config import DictAction

from mmseg.errors import UsageError


def parse_options(pairs: Iterable[str]) -> dict[str, Any]:
    """``key=value`` texts as a dict with dotted keys and typed values.

    Integers, floats (``inf`` too), ``True``/``False``, ``None``, lists ``[1,2]`` or ``1,2`` and tuples
    ``(1,2)`` are recognised; everything else is a string.

    Raises:
        UsageError: an entry has no ``=`` or its brackets do not match.
    """
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
        action(argparse.ArgumentParser(), namespace, [pair])
    return dict(namespace.options or {})


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
