"""Operations and parameters by part."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mmseg.toolbox.cost import build_without_data, count_flops, measure, part_of
from tests.models.segmentors.test_hrda import config
from tests.models.tiny import daformer_head, segmentor


def check_sum(network, cost):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.predict_logits(torch.empty(1, 3, *cost.size, device='meta'))
    assert cost.total == counter.get_total_flops()
    assert sum(cost.parameters.values()) == sum(p.numel() for p in network.parameters())
    assert set().union(*cost.flops.values()) == set(cost.parameters)


def test_the_parts_of_all_windows_add_up_to_what_torch_counts():
    test_cfg = {'mode': 'slide', 'crop_size': [32, 32], 'stride': [32, 32], 'batched_slide': True}
    network = build_without_data(segmentor(test_cfg=test_cfg))
    cost = measure(network, (32, 80))
    assert cost.windows == 3
    check_sum(network, cost)


def test_the_scales_of_hrda_are_told_apart():
    network = build_without_data(config())
    cost = measure(network, (64, 64))
    check_sum(network, cost)
    assert list(cost.flops) == ['context', 'detail']
    assert 'scale attention' in cost.flops['context'].keys() - cost.flops['detail'].keys()
    # The context is 32 x 32, and so is each of the nine overlapping detail windows.
    assert cost.flops['detail']['backbone stage 1'] == 9 * cost.flops['context']['backbone stage 1']


def test_attention_is_counted():
    network = build_without_data(segmentor())
    attention = network.backbone.block1[0].attn
    tokens = torch.empty(1, 256, 32, device='meta')
    counts = count_flops(network, lambda: attention(tokens, 16, 16))
    linear = 2 * 256 * 32 * 32 * 2 + 2 * 4 * 32 * 64 + 2 * 4 * 32 * 32 * 64
    assert counts == {'backbone stage 1': linear + 4 * 256 * 4 * 32}


@pytest.mark.parametrize(
    ('name', 'part'),
    [
        ('backbone.patch_embed2.proj.weight', 'backbone stage 2'),
        ('backbone.layer4.0.conv1', 'backbone stage 4'),
        ('backbone.encoder.blocks.0.0.conv_dw', 'backbone stage 1'),
        ('backbone.stem.0', 'backbone, rest'),
        ('backbone.encoder.model.blocks.11.attn', 'backbone blocks'),
        ('backbone.encoder.model.patch_embed.proj', 'backbone, rest'),
        ('backbone.encoder.model.stages.1.blocks.0', 'backbone stage 2'),
        ('backbone.pyramid.made.4.1', 'backbone pyramid'),
        ('decode_head.fuse_layer.aspp_modules.0', 'head fuse_layer'),
        ('decode_head.head.conv_seg', 'head conv_seg'),
        ('decode_head.scale_attention.fuse_layer', 'scale attention'),
        ('auxiliary_head.conv_seg', 'auxiliary head'),
    ],
)
def test_parts_are_named(name, part):
    assert part_of(name) == part


@pytest.mark.parametrize('options', [{}, {'adapter': {'interactions': 2}}], ids=['pyramid', 'adapter'])
def test_parts_of_a_plain_transformer_add_up(options):
    backbone = {'type': 'TimmBackbone', 'model_name': 'test_vit', **options}
    network = build_without_data(segmentor(backbone=backbone, decode_head=daformer_head(in_channels=None)))
    cost = measure(network, (64, 96))
    check_sum(network, cost)
    assert 'backbone blocks' in cost.parameters
