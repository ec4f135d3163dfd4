"""From the configuration of a data set to the data set: single ones, lists of them, lists of folders."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mmseg.datasets.presets import expanded
from mmseg.errors import ConfigError, building
from mmseg.registry import DATASETS

FOLDERS = ('img_dir', 'ann_dir', 'split')
"""Options that may be lists: one entry for each part."""

INNER = ('source', 'labelled_target', 'target', 'datasets', 'dataset')
"""Options that hold data sets."""

Settings = Any
"""A dict with a ``type``, or a list of them, which stand one behind the other."""


def build_dataset(cfg: Settings, **options: Any) -> Any:
    """Build a data set from its configuration (``type`` and arguments).

    Args:
        cfg: a dict, or a list of them (a ConcatDataset). In a dict ``img_dir``, ``ann_dir`` and ``split`` may be
            lists of equal length.
        options: arguments that every single data set in it gets, such as ``test_mode=True``.

    Raises:
        DataError: missing files.
        ConfigError: options that do not fit together.
    """
    changed = changed_datasets(expanded(cfg), lambda single: {**single, **options})
    if isinstance(changed, list):
        changed = {'type': 'ConcatDataset', 'datasets': changed}
    parts = split_folders(changed)
    with building('The data set'):
        return DATASETS.build(changed if len(parts) == 1 else {'type': 'ConcatDataset', 'datasets': parts})


def single_datasets(cfg: Settings) -> Iterator[Any]:
    """The dicts of the single data sets in a configuration, themselves and in order; both domains of a pair, too."""
    if isinstance(cfg, list | tuple):
        for part in cfg:
            yield from single_datasets(part)
    elif isinstance(cfg, Mapping):
        inner = [cfg[key] for key in INNER if cfg.get(key) is not None]
        if inner:
            yield from single_datasets(inner)
        else:
            yield cfg


def changed_datasets(cfg: Settings, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """A copy in which every single data set (source and target of pairs stay) is replaced by what ``change`` gives."""
    if isinstance(cfg, list | tuple):
        return [changed_datasets(part, change) for part in cfg]
    for key in ('datasets', 'dataset'):
        if key in cfg:
            return {**cfg, key: changed_datasets(cfg[key], change)}
    return change(dict(cfg))


def split_folders(cfg: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One configuration for each folder that ``img_dir``, ``ann_dir`` or ``split`` list.

    Raises:
        ConfigError: lists of different lengths, or an empty one.
    """
    lists = {key: cfg[key] for key in FOLDERS if isinstance(cfg.get(key), list | tuple)}
    lengths = {key: len(value) for key, value in lists.items()}
    if len(set(lengths.values())) > 1 or 0 in lengths.values():
        raise ConfigError(
            f'{next(iter(lists))}: lists of folders with different lengths, or none ({lengths}); give one img_dir, '
            'ann_dir and split for each part, or a single one for all.'
        )
    count = next(iter(lengths.values()), 1)
    return [{**cfg, **{key: value[number] for key, value in lists.items()}} for number in range(count)]


def one_folder(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with a single folder in place of lists of them, an odd one if there is one: for checks."""
    lists = {key: cfg[key] for key in FOLDERS if isinstance(cfg.get(key), list | tuple) and cfg[key]}
    odd = {key: [item for item in value if not isinstance(item, str)] for key, value in lists.items()}
    return {**cfg, **{key: (odd[key] or value)[0] for key, value in lists.items()}}
