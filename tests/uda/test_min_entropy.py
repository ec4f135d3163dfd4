"""Entropy minimisation: the loss against its definition, one step, what it does not accept."""

import math

import pytest
import torch

from mmseg.errors import ConfigError
from mmseg.uda.min_entropy import MinEnt, entropy
from tests.uda.networks import MODEL, WITH_AUXILIARY, observed, small_batch, train


def small_min_ent(**options):
    torch.manual_seed(0)
    return MinEnt(MODEL, max_iters=10, **{'lambda_ent': {'main': 0.5, 'aux': 0.1}, **options})


def test_entropy_is_one_for_uniform_and_zero_for_certain_predictions():
    assert entropy(torch.zeros(2, 5, 3, 4)) == pytest.approx(1.0)
    certain = torch.zeros(2, 5, 3, 4)
    certain[:, 1] = 200
    assert entropy(certain) == pytest.approx(0.0, abs=1e-6)
    half = torch.full((1, 4, 1, 1), -200.0)
    half[:, :2] = 0
    assert entropy(half) == pytest.approx(math.log(2) / math.log(4))


def test_one_step():
    method, batch = small_min_ent(), small_batch()
    groups = observed(method)
    (logged,) = train(method, [batch])
    assert list(logged) == ['decode.loss_seg', 'decode.acc_seg', 'ent.loss.main']
    logits = groups['entropy'].seen['logits']
    assert logits.shape == (2, 4, 32, 40)
    assert logged['ent.loss.main'] == pytest.approx(0.5 * entropy(logits))
    assert {key.split('.')[0] for key in method.state_dict()} == {'model'}


def test_the_target_sharpens_predictions():
    method = small_min_ent(lambda_ent={'main': 10.0})
    logs = train(method, [small_batch()] * 6, lr=0.05)
    assert logs[-1]['ent.loss.main'] < logs[0]['ent.loss.main']


def test_auxiliary_heads_are_sharpened_too():
    torch.manual_seed(0)
    (logged,) = train(MinEnt(WITH_AUXILIARY, 10, lambda_ent={'main': 0.5, 'aux': 0.1}), [small_batch()])
    assert list(logged)[-2:] == ['ent.loss.main', 'ent.loss.aux']
    assert 0 < logged['ent.loss.aux'] < 0.1
    with pytest.raises(ConfigError, match='uda.lambda_ent .*Add aux=weight'):
        MinEnt(WITH_AUXILIARY, 10, lambda_ent={'main': 0.5})


@pytest.mark.parametrize('weights', [{'aux': 1}, {'main': -1}, 0.5, {'main': 1, 'other': 1}])
def test_wrong_weights_are_named(weights):
    with pytest.raises(
        ConfigError, match=r'uda.lambda_ent: found .*expected (dict\(main=weight\)|a dict of numbers)'
    ):
        small_min_ent(lambda_ent=weights)


def test_a_mask_of_pseudo_labels_is_an_error_without_masking():
    batch = small_batch()
    batch['valid_pseudo_mask'] = torch.ones(2, 1, 32, 40, dtype=torch.uint8)
    with pytest.raises(ConfigError, match='crop_pseudo_margins'):
        train(small_min_ent(), [batch])
