"""The published keys of parts: ``uda.imnet_feature_dist_*``, ``uda.mask_*`` and ``uda.instance_bank``.

Published configurations mix the options of parts with those of the method. Here, and nowhere else, they become entries
of ``uda.parts``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmseg.registry import PARTS
from mmseg.uda.part import Entry

WHOLE = '*'
"""Stands for all options of a part, as one dict."""


@dataclass(frozen=True)
class Keys:
    """Published keys of a part.

    Attributes:
        options: published key -> option.
        switch: the option that turns the part on, unless it has one of the values ``off``.
        off: see ``switch``.
    """

    options: Mapping[str, str]
    switch: str
    off: tuple[Any, ...]


KEYS = {
    'InstanceConsistency': Keys({'instance_bank': WHOLE}, WHOLE, (None,)),
    'MaskedConsistency': Keys(
        {
            'mask_mode': 'mode',
            'mask_alpha': 'alpha',
            'mask_pseudo_threshold': 'pseudo_threshold',
            'mask_lambda': 'weight',
            'mask_generator': 'generator',
            'mask_lambda_all': 'weight_all',
        },
        'mode',
        (None,),
    ),
    'FeatureDistance': Keys(
        {
            'imnet_feature_dist_lambda': 'weight',
            'imnet_feature_dist_classes': 'classes',
            'imnet_feature_dist_scale_min_ratio': 'min_ratio',
        },
        'weight',
        (0, None),
    ),
}
"""By type of the part, in the order in which a method asks its parts."""


def split_published(options: Mapping[str, Any], kinds: Sequence[str]) -> tuple[dict[str, Any], list[Entry]]:
    """Options of a method without the published keys of parts, and the parts that these ask for.

    Args:
        options: below ``uda``.
        kinds: types of parts whose keys the method takes.
    """
    own, entries = dict(options), []
    for kind in (kind for kind in KEYS if kind in kinds):
        keys = KEYS[kind]
        given = {option: own.pop(key) for key, option in keys.options.items() if key in own}
        if given.get(keys.switch) not in keys.off:
            entries.append(Entry(kind, given.get(WHOLE, given), _place_of(keys)))
    return own, entries


def doubled(published: Sequence[Entry], listed: Sequence[Entry]) -> list[str]:
    """One sentence for each part of ``uda.parts`` that published keys have switched on already."""
    return [
        f'{entry.place("type")}: {entry.type} is there already: '
        f'{old.place(KEYS[str(old.type)].switch).removesuffix(f".{WHOLE}")} switches it on. Keep one of the two.'
        for entry in listed
        for old in published
        if PARTS.get(entry.type) is PARTS.get(old.type)
    ]


def _place_of(keys: Keys) -> Callable[[str], str]:
    names = {option: key for key, option in keys.options.items()}
    if WHOLE in names:
        return f'uda.{names[WHOLE]}.{{}}'.format
    return lambda option: f'uda.{names.get(option, option)}'


def published_keys(kinds: Sequence[str]) -> dict[str, tuple[Any, bool]]:
    """Annotation of each published key, and whether it is needed (never), for the check of configurations."""
    found: dict[str, tuple[Any, bool]] = {}
    for kind in kinds:
        declared = PARTS.component(kind).declared()
        for key, option in KEYS[kind].options.items():
            found[key] = (Mapping[str, Any] | None if option == WHOLE else declared[option][0], False)
    return found
