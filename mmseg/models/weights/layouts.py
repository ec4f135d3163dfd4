"""Layouts in which other programs keep Mix Transformers and SegFormer networks, and renaming between them and ours.

Ours (docs/methods/encoders.md#mit-keys, docs/methods/heads.md#segformerhead) are the names of the official ImageNet
files, below ``backbone.`` in a segmentor. The others hold the same numbers: names differ, keys and values stand apart
or together with the queries, linear layers are 1x1 convolutions, and SegFormer's fusion takes its levels coarse to
fine where ours takes them fine to coarse.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from mmseg.errors import CheckpointError
from mmseg.models.weights.state import State

Pairs = tuple[tuple[str, str], ...]

_OURS = (
    'patch_embed{i}.proj', 'patch_embed{i}.norm', 'norm{i}', 'block{i}.{j}.norm1', 'block{i}.{j}.norm2',
    'block{i}.{j}.attn.proj', 'block{i}.{j}.attn.sr', 'block{i}.{j}.attn.norm', 'block{i}.{j}.mlp.fc1',
    'block{i}.{j}.mlp.dwconv.dwconv', 'block{i}.{j}.mlp.fc2',
)  # fmt: skip
_SEPARATE = ('block{i}.{j}.attn.q', 'block{i}.{j}.attn.k', 'block{i}.{j}.attn.v')
_TOGETHER = ('block{i}.{j}.attn.qkv',)
_HEAD = ('linear_c.{s}.proj', 'linear_fuse.conv', 'linear_fuse.bn', 'linear_pred')


def _pairs(ours: Sequence[str], theirs: Sequence[str], prefix: str = '') -> Pairs:
    """``{s}`` is a stage from 0, ``{i}`` from 1, ``{r}`` from 3 downwards; ``{j}`` a block of it."""
    return tuple((a, prefix + b) for a, b in zip(ours, theirs, strict=True))


@dataclass(frozen=True)
class KeyLayout:
    """How a program names the tensors.

    Attributes:
        title: for messages.
        marker: pattern of a key that only this layout has.
        prefix: pattern of what stands in front of the encoder's keys.
        encoder: (our name, their name) of the encoder's layers.
        head: the same of SegFormer's decoder.
        export_prefix: written in front of the encoder's keys; None if this layout is only read.
        reversed_fusion: whether the decoder's fusion takes the coarsest level first.
    """

    title: str
    marker: str
    prefix: str
    encoder: Pairs
    head: Pairs
    export_prefix: str | None = None
    reversed_fusion: bool = True


_HUGGING_FACE = tuple(
    name.replace('B.', 'block.{s}.{j}.')
    for name in (
        'patch_embeddings.{s}.proj', 'patch_embeddings.{s}.layer_norm', 'layer_norm.{s}', 'B.layer_norm_1',
        'B.layer_norm_2', 'B.attention.output.dense', 'B.attention.self.sr', 'B.attention.self.layer_norm',
        'B.mlp.dense1', 'B.mlp.dwconv.dwconv', 'B.mlp.dense2', 'B.attention.self.query', 'B.attention.self.key',
        'B.attention.self.value',
    )
)  # fmt: skip
_HUGGING_FACE_5 = tuple(
    'stages.{s}.' + name.replace('B.', 'blocks.{j}.')
    for name in (
        'patch_embeddings.proj', 'patch_embeddings.layer_norm', 'layer_norm', 'B.layernorm_before',
        'B.layernorm_after', 'B.attention.o_proj', 'B.attention.sequence_reduction.sequence_reduction',
        'B.attention.sequence_reduction.layer_norm', 'B.mlp.fc1', 'B.mlp.dwconv.dwconv', 'B.mlp.fc2',
        'B.attention.q_proj', 'B.attention.k_proj', 'B.attention.v_proj',
    )
)  # fmt: skip
_LATER_MMSEG = tuple(
    'layers.{s}.' + name.replace('B.', '1.{j}.')
    for name in (
        '0.projection', '0.norm', '2', 'B.norm1', 'B.norm2', 'B.attn.attn.out_proj', 'B.attn.sr', 'B.attn.norm',
        'B.ffn.layers.0', 'B.ffn.layers.1', 'B.ffn.layers.4', 'B.attn.attn.in_proj',
    )
)  # fmt: skip

LAYOUTS: dict[str, KeyLayout] = {
    'huggingface': KeyLayout(
        'Hugging Face SegFormer', r'(segformer\.)?(encoder\.)?patch_embeddings\.\d\.proj\.',
        r'(segformer\.)?(encoder\.)?', _pairs(_OURS + _SEPARATE, _HUGGING_FACE),
        _pairs(_HEAD, ('linear_c.{s}.proj', 'linear_fuse', 'batch_norm', 'classifier'), 'decode_head.'),
        'segformer.encoder.',
    ),
    'huggingface5': KeyLayout(
        'Hugging Face SegFormer (modules of transformers 5)', r'(segformer\.)?stages\.\d\.patch_embeddings\.proj\.',
        r'(segformer\.)?', _pairs(_OURS + _SEPARATE, _HUGGING_FACE_5),
        _pairs(_HEAD, ('linear_projections.{s}.proj', 'linear_fuse', 'batch_norm', 'classifier'), 'decode_head.'),
    ),
    'smp': KeyLayout(
        'segmentation_models.pytorch', r'encoder\.patch_embed1\.proj\.', r'encoder\.', (),
        _pairs(_HEAD, ('decoder.mlp_stage.{r}.linear', 'decoder.fuse_stage.0', 'decoder.fuse_stage.1',
                       'segmentation_head.0')),
        'encoder.',
    ),
    'mmseg1': KeyLayout(
        'mmsegmentation 0.17 and later', r'(backbone\.)?layers\.\d\.0\.projection\.', r'(backbone\.)?',
        _pairs(_OURS + _TOGETHER, _LATER_MMSEG), (), None, False,
    ),
    'segformer': KeyLayout(
        'official SegFormer', r'decode_head\.linear_c4\.proj\.', r'backbone\.', (),
        _pairs(_HEAD, ('linear_c{i}.proj', *_HEAD[1:]), 'decode_head.'),
    ),
}  # fmt: skip
"""Layouts that are renamed on loading; official ImageNet files and our segmentors need no renaming."""

_FUSION = 'decode_head.linear_fuse.conv.weight'


def layout_of(state: State) -> str | None:
    """Name of the layout in :data:`LAYOUTS`; None for ours, official ImageNet files and other networks."""
    for name, layout in LAYOUTS.items():
        if any(re.match(layout.marker, key) for key in state):
            return name
    return None


def canonical(state: State, path: str | Path = 'checkpoint') -> State:
    """Tensors with our names; what is in none of :data:`LAYOUTS` is returned as it is.

    Args:
        state: tensors by key, without prefixes of wrappers.
        path: name of the file, for messages.

    Returns:
        The encoder's tensors below ``backbone.``, SegFormer's decoder below ``decode_head.``; other entries keep
        their names.

    Raises:
        CheckpointError: two tensors of one layer do not belong together.
    """
    name = layout_of(state)
    if name is None:
        return state
    layout = LAYOUTS[name]
    renamed: State = {}
    for key, value in state.items():
        inner = re.sub(f'^{layout.prefix}', '', key).replace('in_proj_', 'in_proj.')
        if encoder := _rename(inner, layout.encoder, backward=True):
            renamed[f'backbone.{encoder}'] = value
        elif not layout.encoder and inner != key:
            renamed[f'backbone.{inner}'] = value
        else:
            head = _rename(key, layout.head, backward=True)
            renamed[f'decode_head.{head}' if head else key] = value
    try:
        return _join(_in_our_order(renamed, layout))
    except RuntimeError as error:
        raise CheckpointError(
            f'{path} has the layout of {layout.title}, but its tensors do not fit together ({error}). Download or copy '
            'it again.'
        ) from error


def relayout(state: State, name: str) -> State:
    """Tensors with the names of another program; the inverse of :func:`canonical`.

    Args:
        state: a segmentor's tensors, or an encoder's without ``backbone.``.
        name: 'huggingface' or 'smp'.

    Returns:
        What that layout can hold: the encoder and SegFormer's decoder, without its unused ``conv_seg``.
    """
    layout = LAYOUTS[name]
    found: State = {}
    ours = _in_our_order(encoder_below_backbone(state), layout)
    for key, value in (_split(ours) if layout.encoder else ours).items():
        part, _, inner = key.partition('.')
        encoder = (_rename(inner, layout.encoder) or '') if layout.encoder else inner
        if part == 'backbone' and encoder:
            found[f'{layout.export_prefix}{encoder}'] = value
        elif part == 'decode_head' and (head := _rename(inner, layout.head)):
            found[head] = value
    return found


def encoder_below_backbone(state: State) -> State:
    """An encoder's tensors as those of a segmentor; a segmentor's as they are."""
    if any(key.startswith('backbone.') for key in state):
        return state
    return {f'backbone.{key}': value for key, value in state.items()}


def encoder_weights(state: State) -> State:
    """An encoder's tensors without ``backbone.``, of an encoder's file or a segmentor's, in our names."""
    prefix = 'backbone.'
    inner = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    return inner or state


def _in_our_order(state: State, layout: KeyLayout) -> State:
    """The same with the decoder's fusion turned round where the layout has it the other way; its own inverse."""
    weight = state.get(_FUSION)
    if weight is None or not layout.reversed_fusion:
        return state
    width = weight.shape[0]
    return {**state, _FUSION: weight.unflatten(1, (-1, width)).flip(1).flatten(1, 2)}


def _join(state: State) -> State:
    """Queries, keys and values as ``q`` and ``kv``; linear layers without the axes of a 1x1 convolution."""
    joined: State = {}
    for key, value in state.items():
        stem, _, leaf = key.rpartition('.')
        if stem.endswith('.attn.k'):
            joined[f'{stem}v.{leaf}'] = torch.cat([value, state.get(f'{stem[:-1]}v.{leaf}', value[:0])])
        elif stem.endswith('.attn.qkv'):
            count = len(value) // 3
            joined[f'{stem[:-2]}.{leaf}'], joined[f'{stem[:-3]}kv.{leaf}'] = value[:count], value[count:]
        elif stem.endswith(('.mlp.fc1', '.mlp.fc2')) and value.dim() == 4:
            joined[key] = value.flatten(1)
        elif not stem.endswith('.attn.v'):
            joined[key] = value
    return joined


def _split(state: State) -> State:
    """The same with ``k`` and ``v`` beside ``kv``; a layout takes what it has names for."""
    parts: State = {}
    for key, value in state.items():
        parts[key] = value
        stem, _, leaf = key.rpartition('.')
        if stem.endswith('.attn.kv'):
            parts[f'{stem[:-1]}.{leaf}'], parts[f'{stem[:-2]}v.{leaf}'] = value.chunk(2)
    return parts


def _rename(key: str, pairs: Pairs, backward: bool = False) -> str | None:
    """The other name of a key; None if no pair has it."""
    stem, _, leaf = key.rpartition('.')
    for pattern, target in _compiled(pairs, backward):
        if found := pattern.fullmatch(stem):
            groups = found.groupdict()
            stage = _stage(groups)
            return f'{target(stage, groups.get("j", ""))}.{leaf}'
    return None


def _stage(groups: dict[str, str]) -> int:
    """From 0; the letter says how it was counted."""
    if 'i' in groups:
        return int(groups['i']) - 1
    return 3 - int(groups['r']) if 'r' in groups else int(groups.get('s', 0))


@cache
def _compiled(pairs: Pairs, backward: bool) -> list[tuple[re.Pattern[str], Callable[[int, str], str]]]:
    """Pattern of the known name, and what makes the wanted name of stage and block."""
    rules = []
    for ours, theirs in pairs:
        known, wanted = (theirs, ours) if backward else (ours, theirs)
        pattern = re.sub(r'\\\{(\w)\\\}', r'(?P<\1>\\d+)', re.escape(known))
        rules.append((re.compile(pattern), _maker(wanted)))
    return rules


def _maker(template: str) -> Callable[[int, str], str]:
    return lambda stage, block: template.format(s=stage, i=stage + 1, r=3 - stage, j=block)
