"""The plain segmentor: losses, inference modes, flips, augmentation, precision."""

import numpy as np
import pytest
import torch
from torch import nn

from mmseg.errors import ConfigError
from mmseg.models import EncoderDecoder, build_segmentor
from tests.gpu import needs_gpu
from tests.models.tiny import CLASSES, daformer_head, segmentor

META = {'ori_shape': (40, 56, 3), 'flip': False, 'flip_direction': 'horizontal'}


@pytest.fixture(scope='module')
def network() -> EncoderDecoder:
    torch.manual_seed(0)
    network = build_segmentor(segmentor())
    network.init_weights()
    nn.init.normal_(network.decode_head.conv_seg.weight)  # spread-out logits, so that classes differ
    return network.eval()


@pytest.fixture
def image() -> torch.Tensor:
    return torch.randn(2, 3, 32, 48, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def label() -> torch.Tensor:
    return torch.randint(0, CLASSES, (2, 1, 32, 48), generator=torch.Generator().manual_seed(2))


def test_training_pass_has_losses_views_and_embedding(network, image, label) -> None:
    output = network.forward_train(image, label)
    assert output.order == ['decode.loss_seg', 'decode.acc_seg']
    assert all(value.shape == () for value in output.losses.values())
    assert output.logits.shape == (2, CLASSES, 8, 12)
    assert output.embedding.shape == (2, 8, 8, 12)
    torch.testing.assert_close(output.logits, network.decode_head.classify(output.embedding))


def test_all_parameters_get_gradients(label, image) -> None:
    network = build_segmentor(segmentor())
    network.init_weights()
    sum(network.forward_train(image, label).losses.values()).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


def test_zero_weight_pixels_have_no_influence(network, image, label) -> None:
    weight = torch.zeros(2, 32, 48)
    weight[:, :8] = 1
    changed = label.clone()
    changed[:, :, 8:] = (changed[:, :, 8:] + 1) % CLASSES
    first = network.forward_train(image, label, weight).losses['decode.loss_seg']
    second = network.forward_train(image, changed, weight).losses['decode.loss_seg']
    torch.testing.assert_close(first, second)


def test_logits_have_the_size_of_the_image(network, image) -> None:
    odd = image[:, :, :31, :45]
    assert network.encode_decode(odd).shape == (2, CLASSES, 31, 45)
    assert torch.equal(network(odd), network.generate_pseudo_label(odd))


def test_inference_gives_probabilities_at_the_original_size(network, image) -> None:
    prob = network.inference(image, [META] * 2)
    assert prob.shape == (2, CLASSES, 40, 56)
    torch.testing.assert_close(prob.sum(dim=1), torch.ones(2, 40, 56))
    assert network.inference(image, [META] * 2, rescale=False).shape == (2, CLASSES, 32, 48)


@pytest.mark.parametrize('direction, axis', [('horizontal', 3), ('vertical', 2)])
def test_flip_is_undone(network, image, direction, axis) -> None:
    flipped = {**META, 'flip': True, 'flip_direction': direction}
    assert torch.equal(
        network.inference(image, [flipped] * 2), network.inference(image, [META] * 2).flip(axis)
    )


def test_simple_test_returns_class_maps(network, image) -> None:
    maps = network.simple_test(image, [META] * 2)
    assert [m.shape for m in maps] == [(40, 56)] * 2
    assert all(m.dtype == np.int64 for m in maps)
    expected = network.inference(image, [META] * 2).argmax(1).numpy()
    assert np.array_equal(np.stack(maps), expected)


def test_aug_test_is_the_mean_of_probabilities(network, image) -> None:
    larger = image.repeat_interleave(2, dim=2)
    mean = network.inference(image, [META] * 2) + network.inference(larger, [META] * 2)
    maps = network.aug_test([image, larger], [[META] * 2, [META] * 2])
    assert np.array_equal(np.stack(maps), mean.argmax(1).numpy())


def test_one_window_equals_whole(network, image) -> None:
    slide = build_segmentor(segmentor(test_cfg={'mode': 'slide', 'crop_size': (32, 48), 'stride': (32, 48)}))
    slide.load_state_dict(network.state_dict())
    torch.testing.assert_close(slide.eval().predict_logits(image), network.encode_decode(image))


def test_batched_windows_equal_single_ones(network, image) -> None:
    test_cfg = {'mode': 'slide', 'crop_size': (32, 32), 'stride': (16, 24)}
    results = []
    for batched in (False, True):
        slide = build_segmentor(segmentor(test_cfg={**test_cfg, 'batched_slide': batched}))
        slide.load_state_dict(network.state_dict())
        results.append(slide.eval().predict_logits(image.repeat(1, 1, 2, 1)))
    torch.testing.assert_close(results[0], results[1], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    'test_cfg, word', [({'mode': 'sliding'}, 'sliding'), ({'mode': 'slide', 'stride': (8, 8)}, 'crop_size')]
)
def test_wrong_test_cfg_is_named(test_cfg, word) -> None:
    with pytest.raises(ConfigError, match=word):
        build_segmentor(segmentor(test_cfg=test_cfg))


def test_two_pretrained_are_an_error() -> None:
    backbone = {'type': 'mit_b0', 'pretrained': 'a.pth'}
    with pytest.raises(ConfigError, match=r'b\.pth.*a\.pth'):
        build_segmentor(segmentor(backbone=backbone, pretrained='b.pth'))


def test_auxiliary_heads_add_losses(image, label) -> None:
    weight = torch.zeros(2, 32, 48)
    single = build_segmentor(segmentor(auxiliary_head=daformer_head()))
    single.init_weights()
    output = single.forward_train(image, label, weight)
    assert output.order == ['decode.loss_seg', 'decode.acc_seg', 'aux.loss_seg', 'aux.acc_seg']
    losses = output.losses
    assert losses['decode.loss_seg'] == 0
    assert losses['aux.loss_seg'] > 0  # quirk: a single auxiliary head does not receive the weights
    several = build_segmentor(segmentor(auxiliary_head=[daformer_head(), daformer_head()]))
    output = several.forward_train(image, label, weight)
    assert output.order[2:] == ['aux_0.loss_seg', 'aux_0.acc_seg', 'aux_1.loss_seg', 'aux_1.acc_seg']
    losses = output.losses
    assert losses['aux_1.loss_seg'] == 0


def test_bf16_differs_only_in_rounding(network, image, label) -> None:
    reference = network.forward_train(image, label)
    network.precision = 'bf16'
    try:
        output = network.forward_train(image, label)
        logits = network.encode_decode(image)
    finally:
        network.precision = 'fp32'
    assert output.logits.dtype == torch.bfloat16
    assert output.losses['decode.loss_seg'].dtype == logits.dtype == torch.float32
    torch.testing.assert_close(
        output.losses['decode.loss_seg'], reference.losses['decode.loss_seg'], rtol=0.05, atol=0
    )


@needs_gpu
def test_training_pass_does_not_synchronise(image, label) -> None:
    network = build_segmentor(
        segmentor(decode_head=daformer_head(sampler={'type': 'OHEMPixelSampler', 'thresh': 0.5}))
    )
    network.cuda().train()
    image, label, weight = image.cuda(), label.cuda(), torch.ones(2, 32, 48).cuda()
    network.forward_train(image, label, weight)
    torch.cuda.set_sync_debug_mode('error')
    try:
        losses = network.forward_train(image, label, weight).losses
        losses['decode.loss_seg'].backward()
    finally:
        torch.cuda.set_sync_debug_mode('default')
    assert losses['decode.loss_seg'].isfinite()
