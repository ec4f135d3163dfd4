"""Learning rates and weight decays of parameters: custom keys, layer decay, flat parameters, the size of the batch."""

from collections import OrderedDict

import pytest
import torch
from torch import nn

from mmseg.engine.optimizer import build_optimizer
from mmseg.engine.parameter_options import parameter_options, scaled_to_batch
from mmseg.errors import ConfigError
from mmseg.models import build_segmentor
from tests.engine.fakes import OPTIMIZER, Toy
from tests.models.tiny import segformer_head

VIT = {'type': 'TimmBackbone', 'model_name': 'test_vit', 'pyramid_channels': 8}
RESNET = {'type': 'ResNetV1c', 'depth': 50, 'base_channels': 4, 'stem_channels': 8}


def test_longest_key_wins() -> None:
    options = {name: (lr, decay) for name, lr, decay in parameter_options(Toy(), OPTIMIZER)}
    assert options['model.body.weight'] == (0.01, 0.1)
    assert options['model.norm.bias'] == (0.01, 0.0)
    assert options['model.head.weight'] == (pytest.approx(0.1), 0.1)
    both = nn.ModuleDict(OrderedDict(head_norm=nn.LayerNorm(2)))
    keys = {'head': {'lr_mult': 2.0}, 'norm': {'lr_mult': 3.0}, 'head_norm': {'lr_mult': 5.0}}
    cfg = {'type': 'SGD', 'lr': 1.0, 'paramwise_cfg': {'custom_keys': keys}}
    assert {lr for _, lr, _ in parameter_options(both, cfg)} == {5.0}
    del keys['head_norm']
    assert {lr for _, lr, _ in parameter_options(both, cfg)} == {2.0}


def rates(backbone, decay=0.5, **paramwise):
    """Learning rates of a segmentor's parameters at a base rate of 1."""
    network = build_segmentor(
        {'type': 'EncoderDecoder', 'backbone': backbone, 'decode_head': segformer_head(in_channels=None)}
    )
    cfg = {
        'type': 'AdamW',
        'lr': 1.0,
        'weight_decay': 1.0,
        'paramwise_cfg': {'layer_decay': decay, **paramwise},
    }
    return network, {name: (lr, wd) for name, lr, wd in parameter_options(network, cfg)}


def rate(found, part):
    """The one rate of all parameters with this in their names."""
    (value,) = {lr for name, (lr, _) in found.items() if part in name}
    return value


def test_rates_of_a_plain_transformer_fall_from_block_to_block():
    _, found = rates(VIT)
    assert [rate(found, f'.blocks.{i}.') for i in range(6)] == [0.5 ** (5 - i) for i in range(6)]
    assert rate(found, 'patch_embed') == rate(found, 'pos_embed') == rate(found, 'cls_token') == 0.5**6
    assert rate(found, 'encoder.model.norm') == 1
    assert rate(found, 'pyramid') == rate(found, 'decode_head') == 1


def test_blocks_that_are_left_out_do_not_count():
    _, found = rates({**VIT, 'out_indices': (3,)})
    assert [rate(found, f'.blocks.{i}.') for i in range(4)] == [0.125, 0.25, 0.5, 1]


@pytest.mark.parametrize(
    ('backbone', 'expected'),
    [
        ({'type': 'mit_b0'}, {'norm4': 1, 'block4.1.': 1, 'block4.0.': 0.5, 'patch_embed4': 0.25, 'norm3': 0.125}),
        ({'type': 'mit_b0'}, {'patch_embed1': 0.5**11}),
        (RESNET, {'layer4.2.': 1, 'layer4.0.': 0.25, 'layer3.5.': 0.125, 'stem': 0.5**16}),
        ({'type': 'TimmBackbone', 'model_name': 'convnext_atto', 'model_args': {'depths': [1, 1, 1, 1]}},
         {'encoder.stages_3': 1, 'encoder.stages_2': 0.5, 'encoder.stem': 0.5**4}),
        ({**VIT, 'low_rank': {'rank': 2}}, {'blocks.5.attn.qkv.parametrizations.weight.0.up': 1,
         'blocks.2.attn.qkv.parametrizations.weight.0.down': 0.125}),
    ],
)  # fmt: skip
def test_every_encoder_tells_the_order_of_its_layers(backbone, expected):
    _, found = rates(backbone)
    assert {part: rate(found, part) for part in expected} == expected


def test_factors_are_multiplied():
    keys = {'backbone.encoder': {'lr_mult': 0.1}}
    network, found = rates(VIT, flat_decay_mult=0.0, custom_keys=keys)
    assert rate(found, '.blocks.4.') == pytest.approx(0.1 * 0.5)
    assert rate(found, 'pyramid') == 1
    axes = {name: parameter.ndim for name, parameter in network.named_parameters()}
    assert {(axes[name] <= 1, decay) for name, (_, decay) in found.items()} == {(True, 0.0), (False, 1.0)}
    groups = build_optimizer(
        network, {'type': 'AdamW', 'lr': 1.0, 'paramwise_cfg': {'layer_decay': 0.5, 'custom_keys': keys}}
    ).optimizer.param_groups
    assert sorted(group['initial_lr'] for group in groups) == pytest.approx(
        [0.1 * 0.5**i for i in range(6, -1, -1)] + [1]
    )


def test_an_encoder_without_an_order_is_an_error():
    with pytest.raises(ConfigError, match='layer_decay is 0.9, but no encoder here tells the order'):
        parameter_options(Toy(), {**OPTIMIZER, 'paramwise_cfg': {'layer_decay': 0.9}})


@pytest.mark.parametrize(
    ('scaling', 'factor'),
    [
        (None, 1),
        ({'base_batch_size': 1, 'rule': 'sqrt'}, 4),
        ({'base_batch_size': 4, 'rule': 'sqrt'}, 2),
        ({'base_batch_size': 8}, 2),
    ],
)
def test_the_rate_grows_with_the_batch(scaling, factor):
    cfg = {'type': 'AdamW', 'lr': 0.01}
    assert scaled_to_batch(cfg, scaling, 16)['lr'] == pytest.approx(0.01 * factor)
    assert cfg['lr'] == 0.01


def test_nothing_is_drawn_to_find_the_order():
    network, _ = rates(VIT)
    state = torch.get_rng_state()
    parameter_options(network, {'lr': 1.0, 'paramwise_cfg': {'layer_decay': 0.5}})
    assert torch.equal(torch.get_rng_state(), state)
