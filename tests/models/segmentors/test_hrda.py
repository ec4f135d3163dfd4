"""The multi-resolution network: composition, memory bounds, errors. Numbers are checked by the parity cases."""

import pytest
import torch

from mmseg.errors import ConfigError
from mmseg.models import build_segmentor
from mmseg.models.heads.hrda_head import HRDAHead
from mmseg.models.segmentors.hrda import HRDAEncoderDecoder
from mmseg.models.segmentors.outputs import SegmentorOutput
from mmseg.registry import MODELS
from mmseg.streams import Streams

LINEAR = {'type': 'mlp', 'act_cfg': None, 'norm_cfg': None}


def config(**changes):
    head = {
        'type': 'HRDAHead',
        'single_scale_head': 'DAFormerHead',
        'in_channels': [32, 64, 160, 256],
        'in_index': [0, 1, 2, 3],
        'channels': 8,
        'num_classes': 3,
        'norm_cfg': {'type': 'BN', 'requires_grad': True},
        'decoder_params': {
            'embed_dims': 8,
            'embed_cfg': LINEAR,
            'embed_neck_cfg': LINEAR,
            'fusion_cfg': {'type': 'conv', 'kernel_size': 1, 'norm_cfg': {'type': 'BN'}},
        },
        'hr_loss_weight': 0.1,
        'attention_embed_dim': 8,
        **changes.pop('head', {}),
    }
    return {
        'type': 'HRDAEncoderDecoder',
        'backbone': {'type': 'mit_b0'},
        'decode_head': head,
        'scales': [1, 0.5],
        'hr_crop_size': [32, 32],
        'feature_scale': 0.5,
        'crop_coord_divisible': 8,
        **changes,
    }


def build(**changes) -> HRDAEncoderDecoder:
    torch.manual_seed(0)
    return build_segmentor(config(**changes))


def batch(size=64):
    return torch.randn(2, 3, size, size), torch.randint(0, 3, (2, 1, size, size))


def test_training_pass_reaches_encoder_decoder_and_attention():
    network = build()
    output = network.forward_train(*batch(), draws=Streams(0))
    assert isinstance(output, SegmentorOutput)
    assert output.order == [
        'decode.loss_seg',
        'decode.acc_seg',
        'decode.hr.loss_seg',
        'decode.hr.acc_seg',
    ]
    (output.losses['decode.loss_seg'] + output.losses['decode.hr.loss_seg']).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


def test_two_networks_share_no_state():
    first, second = build(feature_scale='all'), build(feature_scale='all')
    images, labels = batch()
    views = first.forward_train(images, labels, draws=Streams(3)).views
    again = second.extract_views(images, [view.box for view in views])
    assert [len(levels) for levels in again] == [4, 4]
    assert again[1][0].shape == views[1].features[0].shape


def test_the_crop_depends_on_the_step():
    network = build(feature_scale='all')
    boxes = {network.forward_train(*batch(), draws=Streams(0, step)).views[1].box for step in range(8)}
    assert len(boxes) > 1


@pytest.mark.parametrize('size', [(64, 96), (70, 101), (64, 64)])
@pytest.mark.parametrize('slide', [True, False])
def test_any_picture_size_can_be_tested(size, slide):
    network = build(hr_slide_inference=slide).eval()
    with torch.inference_mode():
        assert network.encode_decode(torch.randn(1, 3, *size)).shape == (1, 3, *size)


@pytest.mark.parametrize('at_once', [1, 4, 100])
def test_number_of_windows_in_a_batch_does_not_change_the_result(at_once):
    images = torch.randn(2, 3, 64, 96)
    with torch.inference_mode():
        want = build(hr_slide_batch=16).eval().encode_decode(images)
        got = build(hr_slide_batch=at_once).eval().encode_decode(images)
    torch.testing.assert_close(got, want, atol=1e-5, rtol=1e-5)


def test_fixed_attention_of_zero_and_one_select_a_scale():
    with torch.inference_mode():
        images = torch.randn(1, 3, 64, 64)
        context_only = build(head={'fixed_attention': 0.0}).eval().predict_scales(images)
        detail_only = build(head={'fixed_attention': 1.0}).eval().predict_scales(images)
    torch.testing.assert_close(detail_only.fused, detail_only.detail)
    assert not torch.equal(context_only.fused, detail_only.fused)
    assert not detail_only.context.any()


def test_attention_map_lies_between_zero_and_one():
    network = build(head={'debug_output_attention': True}).eval()
    with torch.inference_mode():
        found = network.encode_decode(torch.randn(1, 3, 64, 64))
    assert found.shape == (1, 1, 64, 64)
    assert found.min() >= 0
    assert found.max() <= 1


def test_training_crop_that_the_output_stride_does_not_divide_is_an_error():
    network = build(hr_crop_size=[30, 30], crop_coord_divisible=1)
    with pytest.raises(ConfigError, match='divisible by the output stride'):
        network.forward_train(*batch(), draws=Streams(0))


TIMM = {'type': 'TimmBackbone', 'model_name': 'mobilenetv3_small_050', 'out_indices': (1, 2, 3, 4)}
RESNET = {
    'type': 'ResNetV1c',
    'depth': 50,
    'base_channels': 4,
    'stem_channels': 8,
    'strides': (1, 2, 1, 1),
    'dilations': (1, 1, 2, 4),
}


def on_timm(**changes):
    channels = MODELS.build(TIMM).channels
    return config(backbone=TIMM, head={'in_channels': channels}, **changes)


def on_resnet(**changes):
    settings = config(backbone=RESNET, **changes)
    head = settings['decode_head'] | {'single_scale_head': 'DLV2Head', 'in_channels': 128, 'in_index': 3}
    unused = ('channels', 'decoder_params', 'norm_cfg')
    settings['decode_head'] = {
        **{key: value for key, value in head.items() if key not in unused},
        'dilations': (6, 12),
    }
    return settings


@pytest.mark.parametrize('make', [config, on_timm, on_resnet])
def test_any_encoder(make):
    torch.manual_seed(0)
    network = build_segmentor(make())
    losses = network.forward_train(*batch(), draws=Streams(0)).losses
    (losses['decode.loss_seg'] + losses['decode.hr.loss_seg']).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.decode_head.parameters())
    with torch.inference_mode():
        assert network.eval().encode_decode(torch.randn(1, 3, 64, 72)).shape == (1, 3, 64, 72)


@pytest.mark.parametrize(
    ('make', 'size', 'changes'),
    [
        (config, (65, 97), {'hr_crop_size': [32, 40]}),
        (config, (71, 64), {'hr_crop_size': [36, 36], 'crop_coord_divisible': 1}),
        (config, (64, 80), {'hr_crop_size': [64, 96], 'crop_coord_divisible': 1}),
        (config, (90, 94), {'scales': [1, 0.75], 'feature_scale': 0.75}),
        (on_timm, (65, 97), {}),
        (on_resnet, (71, 75), {'hr_crop_size': [40, 32]}),
    ],
)
def test_odd_training_sizes(make, size, changes):
    network = build_segmentor(make(**changes))
    label = torch.randint(0, 3, (2, 1, *size))
    losses = network.forward_train(torch.randn(2, 3, *size), label, draws=Streams(0)).losses
    assert all(value.isfinite() for value in losses.values())


@pytest.mark.parametrize(
    ('size', 'changes', 'message'),
    [
        (
            (70, 70),
            {'hr_crop_size': [80, 80], 'crop_coord_divisible': 1},
            '70x70 .* divisible by the output stride',
        ),
        ((68, 68), {'hr_crop_size': [64, 64]}, 'image at least 7 pixels larger than the crop'),
        (
            (68, 68),
            {'scales': [1, 0.6], 'feature_scale': 0.6, 'hr_crop_size': [68, 68]},
            'sides, times 0.6, are whole multiples of 4',
        ),
    ],
)
def test_sizes_that_do_not_work_say_which_would(size, changes, message):
    with pytest.raises(ConfigError, match=message):
        build(**changes).forward_train(
            torch.randn(2, 3, *size), torch.zeros(2, 1, *size).long(), draws=Streams(0)
        )


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'scales': [1]}, 'two scales'),
        ({'feature_scale': 0.3}, 'feature_scale is 0.3'),
        ({'hr_crop_size': None}, 'without model.hr_crop_size'),
        ({'head': {'single_scale_head': 'SegFormerHead'}}, "expected 'DAFormerHead' or 'DLV2Head'"),
    ],
)
def test_wrong_options_are_named(changes, message):
    with pytest.raises(ConfigError, match=message):
        build(**changes)


def test_head_losses_share_one():
    head = build(head={'lr_loss_weight': 0.2, 'hr_loss_weight': 0.3}).decode_head
    assert isinstance(head, HRDAHead)
    logits = torch.randn(1, 3, 8, 8)
    scales = head.fuse(torch.randn(1, 3, 4, 4), logits, torch.full((1, 3, 4, 4), 0.5))
    label = torch.randint(0, 3, (1, 1, 32, 32))
    losses = head.losses(scales, label).losses
    alone = head.head.losses(scales.fused, label).losses['loss_seg']
    assert losses['loss_seg'].item() == pytest.approx(0.5 * alone.item(), rel=1e-6)
    assert {'lr.loss_seg', 'hr.loss_seg'} <= set(losses)


def test_predictions_without_labels_are_those_of_the_training_pass_at_half_the_size():
    network = build().eval()
    image, label = batch()
    logits = network.forward_logits(image, Streams(3))[0]['main']
    assert torch.equal(logits, network.forward_train(image, label, draws=Streams(3)).logits)
    assert network.domain_logits(logits, image.shape[2:]).shape == (2, 3, 32, 32)


def test_predictions_of_domains_are_compared_at_half_the_size_only():
    network = build(feature_scale='all')
    with pytest.raises(ConfigError, match=r"feature_scale is 'all'.*0.5"):
        network.domain_logits(torch.zeros(1, 3, 8, 8), (64, 64))
