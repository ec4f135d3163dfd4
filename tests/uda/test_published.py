"""Published keys of parts mean the same as entries of ``uda.parts``."""

import torch

from mmseg.registry import PARTS
from mmseg.uda.adversarial import AdvSeg
from mmseg.uda.min_entropy import MinEnt
from mmseg.uda.published import KEYS, WHOLE, published_keys, split_published
from mmseg.uda.self_training import DACS
from tests.uda.networks import DISTANCE, MODEL, small_batch, small_method, train

GENERATOR = {'type': 'block', 'mask_ratio': 0.5, 'mask_block_size': 8}
MASKED = {'mask_mode': 'separatetrgaug', 'mask_lambda': 1, 'mask_generator': GENERATOR, 'mask_alpha': 0.5}
BANK = {'mode': 'clean', 'bank_size': 8, 'min_fill': 0.0}
LISTED = [
    {'type': 'InstanceConsistency', **BANK},
    {
        'type': 'MaskedConsistency',
        'mode': 'separatetrgaug',
        'weight': 1,
        'generator': GENERATOR,
        'alpha': 0.5,
    },
    {'type': 'FeatureDistance', 'weight': 0.1, 'classes': [1, 2], 'min_ratio': 0.5},
]


def test_bits_are_those_of_the_list() -> None:
    published = small_method(**DISTANCE, **MASKED, instance_bank=BANK)
    listed = small_method(parts=LISTED)
    batches = [small_batch(seed=i) for i in range(2)]
    logs = []
    for method in (published, listed):
        torch.manual_seed(1)
        logs.append(train(method, batches))
    for one, other in zip(*logs, strict=True):
        assert list(one) == list(other)
        assert all(torch.equal(value, other[name]) for name, value in one.items())
    assert list(published.state_dict()) == list(listed.state_dict())
    for name, value in published.state_dict().items():
        assert torch.equal(value, listed.state_dict()[name]), name


def test_every_published_key_is_an_option_of_its_part() -> None:
    for kind, keys in KEYS.items():
        declared = PARTS.component(kind).declared()
        assert {option for option in keys.options.values() if option != WHOLE} <= set(declared)
        assert keys.switch in {*declared, WHOLE}


def test_a_part_is_off_without_its_switch() -> None:
    own, entries = split_published(
        {'alpha': 0.9, 'mask_alpha': 0.5, 'imnet_feature_dist_lambda': 0}, list(KEYS)
    )
    assert own == {'alpha': 0.9}
    assert entries == []


def test_methods_take_the_keys_that_they_were_published_with() -> None:
    masking = set(KEYS['MaskedConsistency'].options)
    for method in (MinEnt, AdvSeg):
        assert set(published_keys(method.PUBLISHED)) == masking
    assert set(published_keys(DACS.PUBLISHED)) > masking | {'instance_bank', 'imnet_feature_dist_lambda'}


def test_other_methods_take_further_parts() -> None:
    torch.manual_seed(0)
    method = MinEnt(MODEL, 10, lambda_ent={'main': 0.1}, parts=[LISTED[2]])
    (logged,) = train(method, [small_batch()])
    assert logged['src.loss_imnet_feat_dist'] >= 0
    assert 'ent.loss.main' in logged
