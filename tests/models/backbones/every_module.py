"""How networks of every module of timm would be used: python -m tests.models.backbones.every_module [FIRST [LAST]].

A few of each module, small ones where names tell; nothing is trained, and no memory is needed for most.
"""

import re
import sys
from collections.abc import Iterator

import timm

from mmseg.errors import UserError
from mmseg.models.backbones.timm_networks import Request
from mmseg.models.backbones.timm_survey import survey

SMALL = re.compile(r'tiny|small|nano|femto|pico|atto|xx?s|_b0|18|s0|_t|mini')


def chosen(first: str, last: str) -> Iterator[str]:
    """Up to three networks of each module between two names."""
    for module in timm.list_modules():
        if first <= module <= last:
            names = timm.list_models(module=module)
            small = [name for name in names if SMALL.search(name)] or names
            yield from sorted({small[0], small[len(small) // 2], small[-1]})


def main(first: str = '', last: str = '~') -> None:
    """Print a line for each network, then how many there are of each kind."""
    counts: dict[str, int] = {}
    for name in chosen(first, last):
        try:
            found = survey(Request(name))
            size = 'one size' if found.fixed_size else 'any size'
            kind = f'{"plain" if found.plain else "hierarchical"}, {size}'
            print(
                f'{name}: {kind}; {found.levels.at(sorted({0, len(found.levels.strides) - 1}))}', flush=True
            )
        except UserError as error:
            kind = 'refused'
            print(f'{name}: {str(error)[:300]}', flush=True)
        counts[kind] = counts.get(kind, 0) + 1
    print(', '.join(f'{count} {kind}' for kind, count in counts.items()))


if __name__ == '__main__':
    main(*sys.argv[1:])
