"""The method as a whole, on small networks: order, gradients, modes, logs, edge cases."""

import copy

import pytest
import torch
from torch import nn

from mmseg.engine.optimizer import build_optimizer
from mmseg.errors import ConfigError
from mmseg.uda.feature_distance import FeatureDistance
from tests.dropout import zero_dropout
from tests.gpu import needs_gpu
from tests.uda.networks import DISTANCE, TWO_SCALES, observed, small_batch, small_method, train

PUBLISHED_LOG = [
    'decode.loss_seg',
    'decode.acc_seg',
    'src.loss_imnet_feat_dist',
    'mix.decode.loss_seg',
    'mix.decode.acc_seg',
    'mix.pseudo_weight',
]


def test_keys_are_those_of_three_networks_in_order():
    prefixes = [key.split('.')[0] for key in small_method(**DISTANCE).state_dict()]
    assert list(dict.fromkeys(prefixes)) == ['model', 'ema_model', 'imnet_model']
    assert len(set(map(prefixes.count, prefixes))) == 1
    assert {key.split('.')[0] for key in small_method().state_dict()} == {'model', 'ema_model'}


def test_published_entries_are_logged_in_published_order():
    (logged,) = train(small_method(**DISTANCE), [small_batch()])
    assert list(logged) == PUBLISHED_LOG
    assert all(not value.requires_grad and value.ndim == 0 for value in logged.values())


def test_only_the_student_gets_gradients_and_moves():
    method = small_method(**DISTANCE)
    before = copy.deepcopy(method.state_dict())
    train(method, [small_batch()])
    assert all(parameter.grad is not None for parameter in method.student.backbone.parameters())
    for network in (method.teacher, method.part(FeatureDistance).frozen):
        assert all(parameter.grad is None for parameter in network.parameters())
    for key, value in method.part(FeatureDistance).frozen.state_dict().items():
        assert torch.equal(value, before[f'imnet_model.{key}'])


def test_what_is_frozen_is_not_copied_before_each_step():
    """A frozen foundation encoder would be copied, as its teacher is, for nothing."""
    method = small_method(**DISTANCE)
    method.student.backbone.requires_grad_(False)
    changing = {id(tensor) for tensor in method._changing()}
    assert changing == {id(tensor) for tensor in [*method.buffers(), *method.teacher.parameters()]}


def test_the_teacher_starts_as_the_student_of_before_the_step():
    method = small_method()
    before = [parameter.detach().clone() for parameter in method.student.parameters()]
    train(method, [small_batch()])
    for mine, theirs in zip(method.teacher.parameters(), before, strict=True):
        assert torch.equal(mine, theirs)


def test_modes_in_training():
    method = small_method(**DISTANCE)
    train(method, [small_batch()])
    assert not any(m.training for m in method.teacher.modules() if isinstance(m, nn.Dropout2d))
    assert any(m.training for m in method.student.modules() if isinstance(m, nn.Dropout2d))
    assert method.teacher.backbone.first[1].num_batches_tracked == 1
    assert method.student.backbone.first[1].num_batches_tracked == 2
    assert method.part(FeatureDistance).frozen.backbone.first[1].num_batches_tracked == 0


def test_the_gradient_is_the_sum_of_source_distance_and_mixed_whatever_is_logged_about_it():
    gradients, logs = [], []
    for print_grad_magnitude in (False, True):
        method = small_method(**DISTANCE, print_grad_magnitude=print_grad_magnitude)
        zero_dropout(method)
        logs += train(method, [small_batch()])
        gradients.append([p.grad.clone() for p in method.student.parameters() if p.grad is not None])
    assert all(torch.equal(*pair) for pair in zip(*gradients, strict=True))
    extra = [name for name in logs[1] if name not in logs[0]]
    assert extra == ['Seg. Grad.', 'Fdist Grad.', 'Mix. Grad.']
    assert all(logs[1][name] > 0 for name in extra)


def test_gradient_size_is_logged_without_a_distance_too():
    (logged,) = train(small_method(print_grad_magnitude=True), [small_batch()])
    assert 'Seg. Grad.' in logged
    assert 'Fdist Grad.' not in logged


def test_what_the_student_was_shown():
    method = small_method(blur=False, color_jitter_probability=1.0)
    groups, batch = observed(method), small_batch()
    (logged,) = train(method, [batch])
    seen = groups['mixed'].seen
    mask = seen['mask']
    assert 0 < mask.float().mean() < 1
    assert torch.equal(seen['img'], torch.where(mask, batch['img'], batch['target_img']))
    pseudo = seen['pseudo_label'].unsqueeze(1)
    assert torch.equal(seen['label'], torch.where(mask, batch['gt_semantic_seg'], pseudo))
    weight = torch.where(mask[:, 0], 1.0, logged['mix.pseudo_weight'])
    torch.testing.assert_close(seen['weight'], weight)


def test_strong_augmentation_changes_images_only():
    plain = small_method(blur=False, color_jitter_probability=1.0)
    strong = small_method(color_jitter_probability=0.0)
    groups = [observed(method) for method in (plain, strong)]
    for method in (plain, strong):
        train(method, [small_batch()])
    first, second = (group['mixed'].seen for group in groups)
    assert not torch.allclose(first['img'], second['img'])
    assert torch.equal(first['label'], second['label'])
    assert torch.equal(first['weight'], second['weight'])


@pytest.mark.parametrize('batch', [1, 3])
@pytest.mark.parametrize('size', [(32, 40), (40, 24)])
def test_any_batch_and_size(batch, size):
    (logged,) = train(small_method(**DISTANCE), [small_batch(batch, size)])
    assert logged['mix.decode.loss_seg'].isfinite()


@pytest.mark.parametrize('options', [DISTANCE, {'imnet_feature_dist_lambda': 0.1}])
def test_odd_sizes(options):
    method = small_method(**options)
    (logged,) = train(method, [small_batch(2, (35, 45))])
    assert all(value.isfinite() for value in logged.values())


def test_source_labels_that_are_all_ignored_train_on_without_a_distance():
    batch = small_batch()
    batch['gt_semantic_seg'].fill_(255)
    method = small_method(**DISTANCE)
    first, second = train(method, [batch, small_batch(seed=1)])
    assert first['decode.loss_seg'] == 0
    assert first['mix.decode.loss_seg'] == 0
    assert first['src.loss_imnet_feat_dist'] == 0
    assert all(value.isfinite() for value in second.values())
    assert all(parameter.isfinite().all() for parameter in method.student.parameters())


def test_rows_and_valid_mask_reach_the_weights():
    method = small_method(pseudo_threshold=0.0, pseudo_weight_ignore_top=3)
    groups = observed(method)
    train(method, [small_batch()])
    seen = groups['mixed'].seen
    top = seen['weight'][:, :3]
    assert torch.equal(top, seen['mask'][:, 0, :3].float())
    batch = small_batch()
    batch['valid_pseudo_mask'] = torch.zeros(2, 1, 32, 40, dtype=torch.uint8)
    method = small_method(pseudo_threshold=0.0)
    groups = observed(method)
    train(method, [batch])
    assert torch.equal(groups['mixed'].seen['weight'], groups['mixed'].seen['mask'][:, 0].float())


def test_the_logged_weight_is_that_of_the_pseudo_labels_in_the_loss():
    method = small_method(pseudo_threshold=0.0)
    groups = observed(method)
    batch = small_batch()
    batch['valid_pseudo_mask'] = torch.randint(0, 2, (2, 1, 32, 40), dtype=torch.uint8)
    (logged,) = train(method, [batch])
    seen = groups['mixed'].seen
    from_target = seen['weight'][~seen['mask'].squeeze(1)]
    assert 0.3 < logged['mix.pseudo_weight'] < 0.7
    torch.testing.assert_close(logged['mix.pseudo_weight'], from_target.mean())


def test_a_mix_without_a_target_pixel_logs_no_weight():
    batch = small_batch()
    batch['gt_semantic_seg'].fill_(2)  # the only class is always pasted
    (logged,) = train(small_method(pseudo_threshold=0.0), [batch])
    assert logged['mix.pseudo_weight'] == 0


def test_six_steps_equal_three_a_restart_and_three_more():
    batches = [small_batch(seed=i) for i in range(6)]
    straight = small_method(**DISTANCE)
    zero_dropout(straight)
    train(straight, batches)

    first = small_method(**DISTANCE)
    zero_dropout(first)
    train(first, batches[:3])
    second = small_method(**DISTANCE)
    zero_dropout(second)
    second.load_state_dict(first.state_dict())
    second.load_training_state(first.training_state())
    train(second, batches[3:])
    for name, value in straight.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


def test_the_given_configuration_is_not_changed():
    from tests.uda.networks import MODEL

    before = copy.deepcopy(MODEL)
    small_method(**DISTANCE)
    assert before == MODEL


@pytest.mark.parametrize(
    'options, message',
    [
        ({'mix': 'cow'}, "uda.mix: found 'cow', expected 'class'"),
        ({'alpha': 1.5, 'pseudo_threshold': -1}, 'uda.alpha: found 1.5.*uda.pseudo_threshold: found -1'),
        (
            {**DISTANCE, 'imnet_feature_dist_scale_min_ratio': None},
            'imnet_feature_dist_scale_min_ratio: missing',
        ),
        ({'pseudo_weight_ignore_top': -2}, 'pseudo_weight_ignore_top'),
    ],
)
def test_wrong_options_are_all_named(options, message):
    with pytest.raises(ConfigError, match=message):
        small_method(**options)


def test_source_and_target_of_different_size_are_an_error_that_says_so():
    batch = small_batch()
    batch['target_img'] = torch.randn(2, 3, 32, 32)
    with pytest.raises(ConfigError, match=r'32 x 40.*32 x 32.*crop'):
        train(small_method(), [batch])


def test_sixteen_bit_networks_and_channels_last_change_only_rounding():
    logs = []
    for precision, layout in (('fp32', torch.contiguous_format), ('bf16', torch.channels_last)):
        method = small_method(**DISTANCE, color_jitter_probability=0.0)
        zero_dropout(method)
        method.to(memory_format=layout)
        for network in (method.student, method.teacher, method.part(FeatureDistance).frozen):
            network.precision = precision
        logs += train(method, [small_batch()])
    for name in ('decode.loss_seg', 'src.loss_imnet_feat_dist'):
        assert logs[1][name].dtype == torch.float32
        torch.testing.assert_close(logs[1][name], logs[0][name], rtol=0.05, atol=0)


@needs_gpu
def test_a_step_never_waits_for_the_device():
    method = small_method(**DISTANCE, color_jitter_probability=0.0).cuda()
    batches = [small_batch(seed=i) for i in range(12)]
    on_device = [
        {key: value.cuda() if isinstance(value, torch.Tensor) else value for key, value in batch.items()}
        for batch in batches
    ]
    wrapper = build_optimizer(method, {'type': 'AdamW', 'lr': 0.01})
    method.train()
    method.train_step(on_device[0], wrapper)
    torch.cuda.set_sync_debug_mode('error')
    try:
        for batch in on_device[1:]:
            method.train_step(batch, wrapper)
    finally:
        torch.cuda.set_sync_debug_mode('default')


@pytest.mark.slow
def test_bf16_follows_the_curve_of_fp32() -> None:
    """Means of 20 iterations within 1 % over 200 of them; other draws differ by up to 8 %."""
    masks = {'mask_generator': {'type': 'block', 'mask_ratio': 0.5, 'mask_block_size': 8}}
    curves = []
    for precision in ('fp32', 'bf16'):
        method = small_method(TWO_SCALES, **DISTANCE, mask_mode='separatetrgaug', mask_lambda=1, **masks)
        for network in method.networks().values():
            network.precision = precision
        torch.manual_seed(0)
        logs = train(method, [small_batch(size=(64, 64), seed=i % 8) for i in range(200)], lr=0.02)
        names = [name for name in logs[0] if 'loss' in name]
        assert len(names) == 7
        curves.append(torch.stack([torch.stack([log[name] for log in logs]) for name in names]))
    wanted, found = (curve.detach().view(7, 10, 20).mean(dim=2) for curve in curves)
    assert not torch.equal(found, wanted)
    torch.testing.assert_close(found, wanted, rtol=0.01, atol=0)
