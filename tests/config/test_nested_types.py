"""A configuration from a stranger: code in the place of any ``type``."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mmseg.config import load_config, resolved
from mmseg.config.nested_types import part_problems
from mmseg.errors import ConfigError
from tests.integration.tiny import tiny_config

Place = tuple[str | int, ...]


def whole() -> dict[str, Any]:
    """A configuration in which every kind of part is named."""
    values = resolved(tiny_config(Path('data')))
    head = values['model']['decode_head']
    head['sampler'] = {'type': 'OHEMPixelSampler'}
    head['init_cfg'] = {
        'type': 'Normal',
        'std': 0.01,
        'override': {'type': 'Constant', 'val': 1, 'name': 'conv_seg'},
    }
    values['log_config'] = {'interval': 1, 'hooks': [{'type': 'TextLoggerHook'}]}
    return values


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Where a ``type`` stands."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if key == 'type':
            yield place
        yield from places(item, (*place, key))


def at(values: Any, place: Place) -> Any:
    for key in place:
        values = values[key]
    return values


UNREAD = {'optimizer_config'}
PLACES = [place for place in places(whole()) if place[0] not in UNREAD]


def test_the_configuration_is_valid_and_full() -> None:
    load_config(whole())
    known = {str(place[-1]) for place in PLACES}
    assert known >= {
        'model', 'backbone', 'decode_head', 'loss_decode', 'sampler', 'init_cfg', 'norm_cfg', 'act_cfg', 'fusion_cfg',
        'embed_cfg', 'uda', 'optimizer', 'runner', 'train', 'source', 'target',
    }  # fmt: skip


@pytest.mark.parametrize(
    'kind',
    ['os.system', *(pytest.param(k, marks=pytest.mark.slow) for k in ('torch.nn.ReLU', 'mmengine.Config'))],
)
@pytest.mark.parametrize('place', PLACES, ids=lambda place: '.'.join(map(str, place)))
def test_code_in_the_place_of_a_type_is_refused_by_place(place: Place, kind: str, tmp_path: Path) -> None:
    values = copy.deepcopy(whole())
    at(values, place).update(type=kind, command=f'touch {tmp_path / "mark"}')
    path = tmp_path / 'config.json'
    path.write_text(json.dumps(values))
    with pytest.raises(ConfigError) as raised:
        load_config(path)
    assert '.'.join(map(str, place)) + '.type: ' in str(raised.value)
    assert repr(kind) in str(raised.value)
    assert not (tmp_path / 'mark').exists()


@pytest.mark.parametrize('kind', [None, 3, ['os.system'], {'type': 'os.system'}])
def test_types_that_are_no_text(kind: object) -> None:
    for key in ('norm_cfg', 'act_cfg', 'init_cfg', 'fusion_cfg'):
        assert part_problems({'model': {key: {'type': kind}}})[0].startswith(
            f'model.{key}.type: found {kind!r}'
        )
    assert part_problems({'log_config': {'hooks': ['TextLoggerHook', {'type': kind}]}}) == [
        "log_config.hooks.0: expected a dict with a type, found 'TextLoggerHook'.",
        f'log_config.hooks.1.type: found {kind!r}; valid: MlflowLoggerHook, PrecisionLoggerHook, '
        'TensorboardLoggerHook, TextLoggerHook, WandbLoggerHook.',
    ]


def test_nearest_name_of_a_part() -> None:
    (problem,) = part_problems({'model': {'decode_head': {'act_cfg': {'type': 'Relu'}}}})
    assert problem == "model.decode_head.act_cfg.type: found 'Relu'; the nearest valid name is 'ReLU'."


@pytest.mark.parametrize(
    ('place', 'value', 'message'),
    [
        ('norm_cfg.requires_grad', {'type': 'os.system'}, 'expected True or False'),
        ('norm_cfg.eps', 'small', 'expected a number'),
        ('decoder_params.fusion_cfg.act_cfg.inplace', [1], 'expected True or False'),
        ('decoder_params.fusion_cfg.sep', {'type': 'os.system'}, 'expected True or False'),
        (
            'decoder_params.fusion_cfg.dilations',
            [{'type': 'os.system'}, 6],
            'expected a list of whole numbers',
        ),
    ],
)
def test_options_of_parts_have_types(place: str, value: Any, message: str) -> None:
    """They reached the networks, which took them for true or failed in the first step."""
    values = whole()
    *way, key = place.split('.')
    at(values, ('model', 'decode_head', *way))[key] = value
    with pytest.raises(ConfigError, match=rf'model\.decode_head\.{place}: found .*{message}'):
        load_config(values)
