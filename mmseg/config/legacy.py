"""Names of earlier releases, as they stand in the configurations saved with published checkpoints.

Source: docs/methods/tools.md#test-program, behaviour 1.
"""

from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

HEADS = {'UniHead': 'DAFormerHead', 'MultiResAttentionWrapper': 'HRDAHead'}
SEGMENTORS = {'MultiResEncoderDecoder': 'HRDAEncoderDecoder'}


def modernise(cfg: Config) -> None:
    """Apply the legacy fixes in place.

    Heads and segmentors get today's names, ``fusion_cfg.fusion`` and ``backbone.ema_drop_path_rate`` go, and
    an ``img_scale`` that JSON turned into a list becomes a tuple again (a list of scales: a list of tuples).
    """
    model = cfg.get('model')
    if isinstance(model, dict):
        _modernise_model(model)
    for step in _dicts(cfg.get('data')):
        if 'img_scale' in step:
            step['img_scale'] = _scale(step['img_scale'])


def _modernise_model(model: dict[str, Any]) -> None:
    model['type'] = _renamed(model.get('type'), SEGMENTORS)
    backbone, head = model.get('backbone'), model.get('decode_head')
    if isinstance(backbone, dict):
        backbone.pop('ema_drop_path_rate', None)
    if not isinstance(head, dict):
        return
    for key in ('type', 'single_scale_head'):
        if key in head:
            head[key] = _renamed(head[key], HEADS)
    options = head.get('decoder_params')
    fusion = options.get('fusion_cfg') if isinstance(options, dict) else None
    if isinstance(fusion, dict):
        fusion.pop('fusion', None)


def _renamed(name: Any, names: dict[str, str]) -> Any:
    return names.get(name, name) if isinstance(name, str) else name


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _dicts(item)


def _scale(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        return value
    if all(isinstance(item, list | tuple) for item in value):
        return [tuple(item) for item in value]
    return tuple(value)
