"""Layer types, wrong options, widths by level, initialisation."""

import pytest
import torch

from mmseg.errors import ConfigError
from mmseg.models.heads.daformer_head import LAYERS, DAFormerHead, build_layer
from mmseg.registry import MODELS
from tests.models.tiny import CLASSES, NORM, daformer_head

ASPP = {'sep': True, 'dilations': (1, 6), 'pool': True, 'norm_cfg': NORM, 'act_cfg': {'type': 'ReLU'}}
LAYER_OPTIONS = {
    'id': {},
    'mlp': {'act_cfg': None, 'norm_cfg': None},
    'conv': {'kernel_size': 3, 'norm_cfg': NORM},
    'sep_conv': {'kernel_size': 3, 'norm_cfg': NORM},
    'aspp': {**ASPP, 'context_cfg': {'type': 'conv', 'kernel_size': 1}},
    'rawconv_and_aspp': {'kernel_size': 1, **ASPP},
    'isa': {'isa_channels': 4, 'down_factor': (2, 2), 'key_query_num_convs': 2},
}


@pytest.mark.parametrize('kind', LAYERS)
def test_layer_types(kind) -> None:
    layer = build_layer(6, 6, {'type': kind, **LAYER_OPTIONS[kind]})
    assert layer(torch.randn(2, 6, 5, 7)).shape == (2, 6, 5, 7)


@pytest.mark.parametrize(
    'cfg, words',
    [
        ({'type': 'asp'}, "'asp'; did you mean 'aspp'"),
        ({'type': 'conv', 'kernel': 1}, "'kernel'; did you mean 'kernel_size'"),
        ({'type': 'conv'}, 'kernel_size'),
    ],
)
def test_wrong_layers_are_named(cfg, words) -> None:
    with pytest.raises(ConfigError, match=words):
        build_layer(6, 6, cfg)


def test_wrong_decoder_params_are_named() -> None:
    params = daformer_head()['decoder_params']
    with pytest.raises(ConfigError, match="'embed_dim'; did you mean 'embed_dims'"):
        MODELS.build(daformer_head(decoder_params={**params, 'embed_dim': 3}))
    with pytest.raises(ConfigError, match='lacks embed_dims, embed_cfg, embed_neck_cfg'):
        MODELS.build(daformer_head(decoder_params={'fusion_cfg': {'type': 'id'}}))
    with pytest.raises(ConfigError, match='2 entries; expected 4'):
        MODELS.build(daformer_head(decoder_params={**params, 'embed_dims': [8, 8]}))
    with pytest.raises(ConfigError, match='align_corners'):
        MODELS.build(daformer_head(align_corners=True))


def test_embed_dims_may_differ_by_level(features) -> None:
    params = {**daformer_head()['decoder_params'], 'embed_dims': [2, 3, 4, 5]}
    head: DAFormerHead = MODELS.build(daformer_head(decoder_params=params))
    assert [layer.proj.out_features for layer in head.embed_layers.values()] == [2, 3, 4, 5]
    assert head(features).shape == (2, CLASSES, 8, 8)


def test_initialisation_of_classifiers() -> None:
    head = MODELS.build(daformer_head(channels=256))
    before = head.fuse_layer.bottleneck.conv.weight.clone()
    head.init_weights()
    assert head.conv_seg.weight.std().item() == pytest.approx(0.01, rel=0.1)
    assert (head.conv_seg.bias == 0).all()
    assert torch.equal(head.fuse_layer.bottleneck.conv.weight, before)
