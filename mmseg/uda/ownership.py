"""Which networks a part owns, asked when it is built: what it keeps to itself would neither be trained nor saved."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from torch import nn

from mmseg.errors import ConfigError
from mmseg.uda.asking import asking, kind_of, mistake
from mmseg.uda.part import Part


def take_over(part: Part, host: nn.Module) -> None:
    """Register the networks of a part with its method.

    Raises:
        ConfigError: a name cannot be used, another part uses it, or the part has networks that it does not name.
    """
    with asking(part, 'modules'):
        found = part.modules()
    if not isinstance(found, Mapping):
        raise mistake(part, 'modules', kind_of(found), 'a dict of networks by the prefix of their keys')
    for prefix, module in found.items():
        _check(part, host, prefix, module)
        host.add_module(prefix, module)
    known = {id(owned) for owned in chain(host.modules(), host.parameters())}
    for name, value in vars(part).items():
        if any(id(kept) not in known for kept in _kept(value)):
            expected = f"it among them, such as {{'{name.strip('_').lower() or 'net'}': self.{name}}}"
            raise mistake(
                part,
                'modules',
                f'nothing of what self.{name} holds, so that it would be neither trained nor saved nor moved to a GPU',
                f'{expected}; what never changes is named in constants, too',
            )


def _check(part: Part, host: nn.Module, prefix: Any, module: Any) -> None:
    if not isinstance(prefix, str) or not prefix or '.' in prefix:
        raise mistake(part, 'modules', f'the prefix {prefix!r}', 'a name without a dot')
    if not isinstance(module, nn.Module):
        raise mistake(part, 'modules', f'{kind_of(module)} under {prefix!r}', 'a torch.nn.Module')
    if prefix in host._modules and prefix != 'model':
        raise ConfigError(
            f'uda: {type(part).__name__} keeps its networks under {prefix!r} in a checkpoint, as another part does. '
            'List it once; one that is to be listed twice takes its prefix, and the names of its terms, from an option.'
        )
    if hasattr(host, prefix):
        expected = f'a name that {type(host).__name__} itself has no use for'
        raise mistake(part, 'modules', f'the prefix {prefix!r}', expected)


def _kept(value: Any) -> Iterator[nn.Module | nn.Parameter]:
    """Networks with something to save, and parameters, in an attribute, or in a list or dict there."""
    if isinstance(value, nn.Parameter) or (
        isinstance(value, nn.Module) and any(True for _ in chain(value.parameters(), value.buffers()))
    ):
        yield value
    elif isinstance(value, list | tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _kept(item)
