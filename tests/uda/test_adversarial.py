"""Adversarial adaptation: who gets gradients from what, both optimisers, resuming."""

import pytest
import torch
import torch.nn.functional as F

from mmseg.engine.optimizer import build_optimizer
from mmseg.errors import ConfigError
from mmseg.uda.adversarial import AdvSeg, FCDiscriminator
from tests.dropout import zero_dropout
from tests.uda.networks import MODEL, WITH_AUXILIARY, observed, small_batch, train

SIZE = (64, 64)


def small_adv_seg(**options):
    torch.manual_seed(0)
    return AdvSeg(MODEL, max_iters=10, **{'lambda_adv_target': {'main': 0.1}, **options})


def batches(count):
    return [small_batch(size=SIZE, seed=i) for i in range(count)]


def test_the_discriminator_halves_five_times():
    assert FCDiscriminator(4)(torch.randn(1, 4, 64, 96)).shape == (1, 1, 2, 3)


def test_one_step():
    method = small_adv_seg()
    (logged,) = train(method, batches(1))
    adversarial = ['G_trg.loss.main', 'D_src.loss.main', 'D_trg.loss.main']
    assert list(logged) == ['decode.loss_seg', 'decode.acc_seg', *adversarial]
    prefixes = dict.fromkeys('.'.join(key.split('.')[:2]) for key in method.state_dict())
    assert list(prefixes) == ['model.backbone', 'model.decode_head', 'model_D.main']
    assert all(parameter.grad is not None for parameter in method.judges.networks.parameters())


def test_the_discriminator_learns_from_its_own_losses_only():
    method = small_adv_seg(lambda_adv_target={'main': 1.0})
    zero_dropout(method)
    groups = {}
    method.watch(lambda iteration, group: groups.setdefault(group.name, []).append(group))
    before = FCDiscriminator(4)
    before.load_state_dict(method.judges.networks['main'].state_dict())
    train(method, batches(1))
    target = groups['adversarial'][0].seen['logits'].softmax(dim=1)
    answer = before(target)
    wanted = F.mse_loss(answer, torch.ones_like(answer)) / 2
    torch.testing.assert_close(groups['discriminator_target'][0].losses['D_trg.loss.main'], wanted)
    fooled = F.mse_loss(answer, torch.zeros_like(answer))
    torch.testing.assert_close(groups['adversarial'][0].losses['G_trg.loss.main'], fooled)


def test_auxiliary_heads_have_a_discriminator_of_their_own():
    torch.manual_seed(0)
    method = AdvSeg(WITH_AUXILIARY, max_iters=10, lambda_adv_target={'main': 0.1, 'aux': 0.05})
    (logged,) = train(method, batches(1))
    kinds = ('G_trg', 'D_src', 'D_trg')
    assert list(logged)[-6:] == [f'{kind}.loss.{head}' for kind in kinds for head in ('main', 'aux')]
    assert method.state_dict()['model_D.aux.conv1.weight'].shape == (64, 4, 4, 4)
    assert all(parameter.grad.any() for parameter in method.judges.networks.parameters())
    assert method.student.auxiliary_head.linear_pred.weight.grad.any()


def test_cross_entropy_instead_of_least_squares():
    method = small_adv_seg(discriminator_type='Vanilla')
    groups = observed(method)
    (logged,) = train(method, batches(1))
    assert logged['G_trg.loss.main'] > 0
    assert 'logits' in groups['adversarial'].seen


def test_the_rate_of_the_discriminator_decays():
    method = small_adv_seg(lr_D=0.1, lr_D_power=2.0, lr_D_min=0.02)
    train(method, batches(3))
    assert method.judges.adam.param_groups[0]['lr'] == pytest.approx(0.08 * (1 - 2 / 10) ** 2 + 0.02)


def test_both_optimisers_step_the_discriminator_unless_told_otherwise():
    moved = []
    for custom_keys, rate in (({}, 0.0), ({'model_D': {'lr_mult': 0, 'decay_mult': 0}}, 0.0), ({}, 1e-3)):
        method = small_adv_seg(lr_D=rate)
        paramwise = {'custom_keys': custom_keys}
        config = {'type': 'SGD', 'lr': 0.1, 'weight_decay': 0.1, 'paramwise_cfg': paramwise}
        wrapper = build_optimizer(method, config)
        before = method.judges.networks['main'].conv1.weight.clone()
        method.train()
        method.train_step(batches(1)[0], wrapper)
        moved.append(method.judges.networks['main'].conv1.weight - before)
    assert moved[0].any()
    assert not moved[1].any()
    assert not torch.equal(moved[0], moved[2])


def test_loss_scaling_never_reaches_the_discriminators_optimiser():
    found = {}
    for precision, overflows in (('fp32', False), ('fp16', False), ('fp16', True)):
        method = small_adv_seg()
        zero_dropout(method)
        wrapper = build_optimizer(method, {'type': 'AdamW', 'lr': 0.01}, precision)
        method.train()
        first, second = batches(2)
        method.train_step(first, wrapper)
        before = [value.clone() for value in method.judges.networks.parameters()]
        before += [state['exp_avg'].clone() for state in method.judges.adam.state.values()]
        if overflows:
            method.student.backbone.first[0].weight.register_hook(lambda value: value * torch.inf)
        method.train_step(second, wrapper)
        after = [
            *method.judges.networks.parameters(),
            *(state['exp_avg'] for state in method.judges.adam.state.values()),
        ]
        found[precision, overflows] = before, after
    for one, other in zip(found['fp32', False][1], found['fp16', False][1], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)
    for one, other in zip(*found['fp16', True], strict=True):
        assert torch.equal(one, other)


def test_an_overflow_in_the_first_step_leaves_no_moments():
    method = small_adv_seg()
    method.student.backbone.first[0].weight.register_hook(lambda value: value * torch.nan)
    method.train()
    before = method.judges.networks.main.conv1.weight.clone()
    method.train_step(batches(1)[0], build_optimizer(method, {'type': 'AdamW', 'lr': 0.01}))
    assert torch.equal(before, method.judges.networks.main.conv1.weight)
    assert not any(state['exp_avg'].any() for state in method.judges.adam.state.values())


def test_a_restart_goes_on_with_the_discriminators_optimiser():
    straight, first, second = (small_adv_seg() for _ in range(3))
    for method in (straight, first, second):
        zero_dropout(method)
    train(straight, batches(4))
    train(first, batches(2))
    second.load_state_dict(first.state_dict())
    second.load_training_state(first.training_state())
    train(second, batches(4)[2:])
    for name, value in straight.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


def test_wrong_options_are_all_named():
    with pytest.raises(ConfigError, match=r'discriminator_type: found .GAN.*lr_D: found -1'):
        small_adv_seg(lr_D=-1, discriminator_type='GAN')
    with pytest.raises(ConfigError, match=r'lambda_adv_target: found \{\}'):
        small_adv_seg(lambda_adv_target={})
