"""Decode heads: inputs, layer types, embedding, initialisation, loss resolution."""

import pytest
import torch
from torch import Tensor, nn

from mmseg.errors import ConfigError
from mmseg.models.heads import BaseDecodeHead, DAFormerHead
from mmseg.models.heads.daformer_head import LAYERS, build_layer
from mmseg.models.heads.isa import ISALayer, RelationBlock
from mmseg.registry import MODELS
from tests.models.tiny import CLASSES, NORM, daformer_head

SIZES = ((32, 8), (64, 4), (160, 2), (256, 1))
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


@pytest.fixture
def features() -> list[Tensor]:
    torch.manual_seed(0)
    return [torch.randn(2, channels, size, size) for channels, size in SIZES]


def segformer(**changes):
    return {
        'type': 'SegFormerHead',
        'in_channels': [32, 64, 160, 256],
        'channels': 8,
        'num_classes': CLASSES,
        'norm_cfg': NORM,
        'decoder_params': {'embed_dim': 16},
        **changes,
    }


def dlv2(**changes):
    return {'type': 'DLV2Head', 'in_channels': 256, 'in_index': 3, 'num_classes': CLASSES, **changes}


@pytest.mark.parametrize('cfg', [daformer_head(), segformer(), dlv2()], ids=lambda cfg: cfg['type'])
def test_forward_is_classified_embedding(cfg, features) -> None:
    head: BaseDecodeHead = MODELS.build(cfg).eval()
    logits = head(features)
    assert logits.shape[:2] == (2, CLASSES)
    torch.testing.assert_close(logits, head.classify(head.embed(features)))
    label = torch.randint(0, CLASSES, (2, 1, 16, 16))
    output = head.forward_train(features, label)
    assert list(output.losses) == ['loss_seg', 'acc_seg']
    torch.testing.assert_close(output.embedding, head.embed(features))


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
    with pytest.raises(ConfigError, match='embed_dims'):
        MODELS.build(segformer(decoder_params={'embed_dims': 16}))


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
    deeplab = MODELS.build(dlv2())
    deeplab.init_weights()
    for branch in deeplab.aspp_modules:
        assert branch.conv.weight.std().item() == pytest.approx(0.01, rel=0.1)
        assert (branch.conv.bias == 0).all()


def test_direct_conv_modules_are_drawn_again() -> None:
    head = MODELS.build(segformer())
    before = head.linear_fuse.conv.weight.clone()
    head.init_weights()
    assert not torch.equal(head.linear_fuse.conv.weight, before)


def test_loss_is_taken_at_the_size_of_the_label(features) -> None:
    head = MODELS.build(dlv2(ignore_index=7)).eval()
    logits = torch.randn(1, CLASSES, 2, 2)
    label = torch.full((1, 1, 6, 8), 7)
    assert head.losses(logits, label)['loss_seg'] == 0
    up = nn.functional.interpolate(logits, (6, 8), mode='bilinear', align_corners=False)
    label = torch.randint(0, CLASSES, (1, 1, 6, 8))
    expected = nn.functional.cross_entropy(up, label[:, 0])
    torch.testing.assert_close(head.losses(logits.bfloat16(), label)['loss_seg'], expected, rtol=0.02, atol=0)
    torch.testing.assert_close(head.losses(logits, label)['loss_seg'], expected)


def test_sampler_replaces_weights(features) -> None:
    sampler = {'type': 'OHEMPixelSampler', 'thresh': 1.0, 'min_kept': 1}
    head = MODELS.build(dlv2(sampler=sampler)).eval()
    label = torch.randint(0, CLASSES, (2, 1, 4, 4))
    logits = head(features)
    assert head.losses(logits, label, torch.zeros(2, 4, 4))['loss_seg'] > 0


class Concatenating(BaseDecodeHead):
    def embed(self, features):
        return self.select_inputs(features)


def test_resize_concat(features) -> None:
    head = Concatenating([32, 64], 96, CLASSES, in_index=[0, 1], input_transform='resize_concat')
    assert head.embed(features).shape == (2, 96, 8, 8)
    with pytest.raises(ValueError, match='concat'):
        Concatenating([32, 64], 96, CLASSES, input_transform='concat')


def test_relation_block_is_scaled_attention() -> None:
    block = RelationBlock(3, 4, 1, None, {'type': 'ReLU'}).eval()
    x = torch.randn(2, 3, 2, 5)
    query, key, value = (
        project(x).flatten(2) for project in (block.query_project, block.key_project, block.value_project)
    )
    attention = (query.transpose(1, 2) @ key * 4**-0.5).softmax(dim=-1)
    context = (attention @ value.transpose(1, 2)).transpose(1, 2).view(2, 3, 2, 5)
    torch.testing.assert_close(block(x), block.output_project(context))


def test_isa_pads_any_size() -> None:
    layer = ISALayer(3, 4, isa_channels=2, down_factor=(4, 4))
    for size in ((4, 4), (5, 7), (1, 9)):
        assert layer(torch.randn(1, 3, *size)).shape == (1, 4, *size)
