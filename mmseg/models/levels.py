"""What an encoder says about its feature maps, and what heads take from that.

Every encoder declares ``channels`` and ``strides`` of the maps that it returns, every neck says what it changes
(``levels``). Heads get their input channels from there; whatever else depends on a stride (the crops of HRDA, the
cells of the feature distance) asks the segmentor, which knows them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from mmseg.errors import ConfigError
from mmseg.option_types import default, parameters
from mmseg.registry import MODELS

DERIVED = ('in_channels', 'c1_in_channels')
"""Options of heads that the encoder tells."""


@dataclass(frozen=True)
class Levels:
    """Channels and strides of feature maps, finest first.

    Attributes:
        channels: of each map.
        strides: pixels of the image per cell of each map.
    """

    channels: tuple[int, ...]
    strides: tuple[int, ...]

    def at(self, places: Iterable[int]) -> 'Levels':
        """Some of them."""
        chosen = list(places)
        return Levels(tuple(self.channels[i] for i in chosen), tuple(self.strides[i] for i in chosen))

    def __str__(self) -> str:
        pairs = zip(self.channels, self.strides, strict=True)
        return ', '.join(f'{channels} channels at stride {stride}' for channels, stride in pairs)


def levels_of(backbone: Any, neck: Any = None) -> Levels:
    """The maps that heads see.

    Args:
        backbone: an :class:`Encoder`.
        neck: a module with ``levels(levels)``, which says what it makes of those of the encoder; or None.

    Raises:
        ConfigError: one of them does not tell.
    """
    name = type(backbone).__name__
    channels, strides = getattr(backbone, 'channels', None), getattr(backbone, 'strides', None)
    if channels is None or strides is None or len(channels) != len(strides):
        raise ConfigError(
            f"The encoder {name} does not tell its maps: expected two lists of equal length, 'channels' and 'strides', "
            'as attributes, e.g. self.channels, self.strides = [32, 64, 160, 256], [4, 8, 16, 32] in its constructor '
            '(mmseg/models/levels.py).'
        )
    levels = Levels(tuple(map(int, channels)), tuple(map(int, strides)))
    if neck is None:
        return levels
    if not hasattr(neck, 'levels'):
        raise ConfigError(
            f"The neck {type(neck).__name__} does not tell its maps: expected a method 'levels', which gets the Levels "
            'of the encoder and returns its own (mmseg/models/levels.py).'
        )
    changed: Levels = neck.levels(levels)
    return changed


def check_maps(backbone: Any, maps: Sequence[Tensor], size: Sequence[int]) -> None:
    """Compare what an encoder returned with what it declares.

    Args:
        backbone: an :class:`Encoder`.
        maps: its feature maps (B, D, h, w) of an image.
        size: (H, W) of that image.

    Raises:
        ConfigError: their number or channels differ, or a size is further than a cell from (H, W) / stride.
    """
    declared = levels_of(backbone)
    found = [tuple(x.shape[1:]) for x in maps]
    fits = len(found) == len(declared.channels) and all(
        len(shape) == 3
        and shape[0] == channels
        and all(abs(cells - length / stride) <= 1 for cells, length in zip(shape[1:], size, strict=True))
        for shape, channels, stride in zip(found, declared.channels, declared.strides, strict=True)
    )
    if not fits:
        shapes = ', '.join(' x '.join(map(str, shape)) for shape in found)
        raise ConfigError(
            f'The encoder {type(backbone).__name__} declares maps of {declared}, but of an image of {size[0]} x '
            f'{size[1]} pixels it returns {shapes} (channels x height x width). Correct its attributes '
            'channels and strides, or what its forward returns.'
        )


def build_head(head: Mapping[str, Any], levels: Levels, slot: str) -> Any:
    """The head of a configuration on the maps of an encoder.

    Args:
        head: as configured.
        levels: the maps that it will get.
        slot: key of the segmentor's configuration it stands under.

    Raises:
        ConfigError: see :func:`head_config`.
    """
    return MODELS.build(head_config(head, levels, f'model.{slot}'))


def head_config(head: Mapping[str, Any], levels: Levels, place: str) -> dict[str, Any]:
    """The configuration of a head with its input channels filled in.

    Args:
        head: as configured; what it says about channels is checked.
        levels: the maps that it will get.
        place: where it stands, for messages.

    Raises:
        ConfigError: it asks for maps that there are not, or for other channels.
    """
    component = MODELS.get(head.get('type'))
    accepted = set() if component is None else parameters(component)[0]
    if 'in_channels' not in accepted:
        return dict(head)  # a head of another kind
    found = {'in_channels': _selected(head, levels, place)}
    if 'c1_in_channels' in accepted:
        found['c1_in_channels'] = levels.channels[0]
    for key, value in found.items():
        _check_given(head, key, value, levels, place)
    return {**found, **{key: value for key, value in head.items() if value is not None or key not in found}}


def _selected(head: Mapping[str, Any], levels: Levels, place: str) -> Any:
    """Channels of the maps at ``in_index``: a number for one map, a list for several."""
    index = _in_index(head)
    try:
        return levels.channels[index] if isinstance(index, int) else [levels.channels[i] for i in index]
    except IndexError as error:
        raise ConfigError(
            f'{place}.in_index is {index}, but the encoder gives {len(levels.channels)} maps ({levels}).'
        ) from error


def _in_index(head: Mapping[str, Any]) -> Any:
    """``in_index``, or its default; of a head around another (HRDA's) that of the inner one."""
    if head.get('in_index') is not None:
        return head['in_index']
    component = MODELS.get(head.get('single_scale_head', head['type']))
    index = None if component is None else default(component, 'in_index')
    return -1 if index is None else index


def _check_given(head: Mapping[str, Any], key: str, value: Any, levels: Levels, place: str) -> None:
    given = head.get(key)
    if given is None or (key == 'c1_in_channels' and given == 0):  # 0: without that level
        return
    valid = value if isinstance(value, list) else [value]
    if (list(given) if isinstance(given, list | tuple) else [given]) in (valid, [sum(valid)]):
        return
    where = f' (in_index {_in_index(head)})' if key == 'in_channels' else ''
    raise ConfigError(
        f'{place}.{key} is {given}{where}, but the encoder gives {value}. Its maps: {levels}. Leave {key} out, which '
        'takes these numbers, or choose another backbone.'
    )
