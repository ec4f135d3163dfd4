"""Which network a state dict looks like, told by its keys and shapes."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import torch
from torch import Tensor

from mmseg.registry import MODELS

Shapes = dict[str, tuple[int, ...]]

ENCODERS: dict[str, dict[str, Any]] = {
    **{f'mit_b{i}': {'type': f'mit_b{i}'} for i in range(6)},
    **{f'{kind} of depth {depth}': {'type': kind, 'depth': depth}
       for kind, depths in (('ResNet', (50, 101)), ('ResNetV1c', (50, 101)), ('ResNetV1d', (50, 101)),
                            ('ResNeXt', (50, 101)))
       for depth in depths},
    'ResNeSt of depth 50': {'type': 'ResNeSt', 'depth': 50, 'stem_channels': 64},
    'ResNeSt of depth 101': {'type': 'ResNeSt', 'depth': 101, 'stem_channels': 128},
    'ResNeSt of depth 200': {'type': 'ResNeSt', 'depth': 200, 'stem_channels': 128},
}  # fmt: skip
"""Registered encoders with the sizes that the published experiments use."""

HEADS = {
    'HRDAHead': 'head.',
    'DAFormerHead': 'embed_layers.',
    'SegFormerHead': 'linear_pred.',
    'DAHead': 'pam.',
    'ISAHead': 'global_relation.',
    'UPerHead': 'fpn_convs.',
    'DepthwiseSeparableASPPHead': 'sep_bottleneck.',
    'ASPPHead': 'image_pool.',
    'PSPHead': 'psp_modules.',
    'DLV2Head': 'aspp_modules.',
    'SegformerHead of mmsegmentation 0.17 and later, which is not the published SegFormerHead,': 'fusion_conv.',
    'FCNHead': 'convs.',
}
"""Decode head -> start of a key that it has and none of the heads before it; in order of search."""

_CLASSIFIERS = ('linear_pred.weight', 'conv_seg.weight', 'aspp_modules.0.conv.weight', 'head.conv_seg.weight',
                'head.aspp_modules.0.conv.weight')  # fmt: skip
_ALIKE, _RELATED = 0.95, 0.5


def describe(state: Mapping[str, Tensor]) -> str | None:
    """Encoder, decode head and number of classes, such as 'mit_b5 with DAFormerHead, 19 classes'.

    Args:
        state: tensors by our keys: of a segmentor or of an encoder alone.

    Returns:
        None if neither encoder nor head is known.
    """
    shapes = {key: tuple(value.shape) for key, value in state.items()}
    encoder = recognise_encoder(_below(shapes, 'backbone.') or shapes)
    head_keys = _below(shapes, 'decode_head.')
    head = recognise_head(head_keys)
    if encoder is None and head is None:
        return None
    if not head_keys:
        return f'{encoder} without a decode head'
    classes = next((head_keys[key][0] for key in _CLASSIFIERS if key in head_keys), None)
    count = '' if classes is None else f', {classes} classes'
    return f'{encoder or "an unknown encoder"} with {head or "an unknown head"}{count}'


def recognise_encoder(shapes: Shapes) -> str | None:
    """Name of the registered encoder with most entries of equal name and shape.

    Returns:
        The name; 'something like NAME' if a good part differs; None below half.
    """
    family = 'mit' if 'patch_embed1.proj.weight' in shapes else 'Res'
    related = (name for name in ENCODERS if name.startswith(family))  # building the others would take seconds
    score, name = max((_likeness(shapes, _encoder_shapes(name)), name) for name in related)
    if score < _RELATED:
        return None
    return name if score >= _ALIKE else f'something like {name}'


def recognise_head(keys: Iterable[str]) -> str | None:
    """Type of the decode head that has these keys; None if it is unknown."""
    keys = tuple(keys)
    found = (name for name, marker in HEADS.items() if any(key.startswith(marker) for key in keys))
    name = next(found, None)
    if name != 'HRDAHead':
        return name
    return f'HRDAHead around {recognise_head(key.removeprefix("head.") for key in keys if key.startswith("head."))}'


def encoder_keys(name: str) -> list[str]:
    """Keys of an encoder of :data:`ENCODERS` in the order of its state dict."""
    return list(_encoder_shapes(name))


@cache
def _encoder_shapes(name: str) -> Shapes:
    with torch.device('meta'):
        encoder = MODELS.build(dict(ENCODERS[name]))
    return {key: tuple(value.shape) for key, value in encoder.state_dict().items()}


def _likeness(a: Shapes, b: Shapes) -> float:
    """Shared entries of all entries, 0 to 1; counters of batches, which old files lack, do not count."""
    first, second = (
        {item for item in x.items() if not item[0].endswith('num_batches_tracked')} for x in (a, b)
    )
    return len(first & second) / max(len(first | second), 1)


def _below(shapes: Shapes, prefix: str) -> Shapes:
    return {re.sub(f'^{prefix}', '', key): shape for key, shape in shapes.items() if key.startswith(prefix)}
