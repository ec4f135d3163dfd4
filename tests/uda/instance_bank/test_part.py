"""The part inside the training step: order, gradients, filling, resume, heads, equality without it."""

import copy

import numpy as np
import pytest
import torch
from mmengine.optim import OptimWrapper

from mmseg.errors import ConfigError
from mmseg.uda.instance_bank.bank import InstanceBank
from mmseg.uda.instance_bank.files import write_bank
from mmseg.uda.instance_bank.options import MODES as MODE_VALUES
from mmseg.uda.instance_bank.options import BankOptions
from mmseg.uda.instance_bank.part import InstanceConsistency
from mmseg.uda.pseudo_label import PseudoLabel
from mmseg.uda.self_training import DACS
from tests.dropout import zero_dropout
from tests.uda.networks import CLASSES, DISTANCE, MODEL, small_batch, small_method

ROWS, CHANNELS = 12, 8
MODES = [
    {'mode': 'published'},
    {'mode': 'clean'},
    {'mode': 'clean', 'resolution': 'native', 'alpha': 0.8},
    {'mode': 'trusted'},
]


@pytest.fixture
def bank_file(tmp_path):
    features = np.random.default_rng(0).random((ROWS, CHANNELS), np.float32)
    write_bank(tmp_path, features, np.arange(ROWS) % CLASSES)
    return str(tmp_path)


def with_bank(bank_file=None, print_grad_magnitude=False, **options):
    method = small_method(
        instance_bank={'bank_size': ROWS, 'bank_file': bank_file, 'chunk': 3000, **options}, blur=False,
        print_grad_magnitude=print_grad_magnitude,
    )  # fmt: skip
    zero_dropout(method)
    return method


def train(method, steps=1, lr=0.01):
    wrapper = OptimWrapper(torch.optim.SGD(method.parameters(), lr=lr))
    method.train()
    return [method.train_step(small_batch(seed=i), wrapper) for i in range(steps)]


def test_published_keys_and_log_entries(bank_file):
    method = with_bank(bank_file)
    assert list(method.state_dict()) == list(small_method().state_dict())
    (logged,) = train(method)
    names = list(logged)
    assert names.index('instance.loss_in') == names.index('mix.decode.acc_seg') + 1
    assert names[-1] == 'mix.pseudo_weight'
    assert 0 <= logged['instance.entropy'] <= 1
    assert 0 <= logged['instance.agreement'] <= 1
    assert logged['instance.bank_fill'] == 1
    assert not any(name.startswith('instance.fill_') for name in names)
    assert 0 <= logged['instance.negative'] <= 1
    (logged,) = train(with_bank(bank_file, mode='clean'))
    assert 'instance.negative' not in logged


@pytest.mark.parametrize('options', MODES)
def test_the_loss_moves_the_embedding_but_neither_classifier_nor_teacher(bank_file, options):
    gradients = []
    for weight in (0.0, 100.0):
        method = with_bank(bank_file, loss_weight=weight, **options)
        (logged,) = train(method)
        assert all(value.isfinite() for value in logged.values())
        gradients.append({name: p.grad for name, p in method.student.named_parameters()})
        assert all(p.grad is None for p in method.teacher.parameters())
    without, strong = gradients
    torch.testing.assert_close(
        without['decode_head.linear_pred.weight'], strong['decode_head.linear_pred.weight']
    )
    moved = strong['decode_head.linear_fuse.conv.weight'] - without['decode_head.linear_fuse.conv.weight']
    assert moved.norm() > 1e-4


def test_weight_zero_is_plain_self_training_bit_for_bit(bank_file):
    plain, idle = small_method(blur=False), with_bank(bank_file, loss_weight=0.0)
    zero_dropout(plain)
    for mine, theirs in zip(train(plain, 3), train(idle, 3), strict=True):
        assert all(torch.equal(value, theirs[name]) for name, value in mine.items())
    for name, value in plain.state_dict().items():
        assert torch.equal(value, idle.state_dict()[name]), name


@pytest.mark.parametrize('options', MODES)
def test_the_size_of_its_gradient_can_be_logged_and_changes_nothing(bank_file, options):
    sizes, gradients = [], []
    for weight, asked in ((1.0, False), (1.0, True), (4.0, True)):
        method = with_bank(bank_file, asked, loss_weight=weight, **options)
        (logged,) = train(method)
        sizes.append(logged.get('Instance Grad.'))
        gradients.append(next(method.student.backbone.parameters()).grad)
    assert torch.equal(gradients[0], gradients[1])
    assert sizes[0] is None
    assert sizes[1] > 0
    torch.testing.assert_close(sizes[2], 4 * sizes[1])


def test_an_empty_bank_fills_before_the_loss_switches_on():
    method = with_bank()
    logs = train(method, 5)
    fills = [float(log['instance.bank_fill']) for log in logs]
    assert fills == sorted(fills)
    assert fills[0] < 1
    assert fills[-1] == 1
    for fill, log in zip(fills, logs, strict=True):
        assert (log['instance.loss_in'] > 0) == (fill == 1)
    assert [name for name in logs[0] if name.startswith('instance.fill_')] == [
        f'instance.fill_{c}' for c in range(CLASSES)
    ]


@pytest.mark.parametrize(
    'options',
    [
        {'update_interval': 1, 'momentum': 0.5},
        {'mode': 'clean', 'min_fill': 0.3},
        {'mode': 'trusted', 'min_fill': 0.3},
    ],
)
def test_resume_in_the_middle_equals_going_on(options):
    straight = with_bank(**options)
    train(straight, 4)
    first = with_bank(**options)
    wrapper = OptimWrapper(torch.optim.SGD(first.parameters(), lr=0.01))
    first.train()
    for i in range(2):
        first.train_step(small_batch(seed=i), wrapper)
    second = with_bank(**options)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    second.load_training_state(copy.deepcopy(first.training_state()))
    wrapper = OptimWrapper(torch.optim.SGD(second.parameters(), lr=0.01))
    second.train()
    for i in range(2, 4):
        second.train_step(small_batch(seed=i), wrapper)
    for name, value in straight.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
    assert torch.equal(
        straight.part(InstanceConsistency).bank.features, second.part(InstanceConsistency).bank.features
    )


def test_the_state_of_a_run_without_a_bank_can_be_loaded(bank_file):
    method = with_bank(bank_file)
    before = method.part(InstanceConsistency).bank.features.clone()
    method.load_training_state(small_method().training_state())
    assert torch.equal(method.part(InstanceConsistency).bank.features, before)


def test_scatter_adds_mass_as_published_or_mixes(bank_file):
    masses = {}
    for scatter in ('add', 'convex'):
        method = with_bank(bank_file, alpha=0.8, scatter=scatter)
        method.train()
        image = small_batch()['target_img']
        weak = method.teacher.predict_with_embedding(image)
        corrected = method.part(InstanceConsistency).correction(weak)(weak.logits.softmax(1))
        masses[scatter] = corrected.sum(1)
    torch.testing.assert_close(masses['add'], torch.full_like(masses['add'], 1.2))
    torch.testing.assert_close(masses['convex'], torch.ones_like(masses['convex']))
    assert with_bank(bank_file).part(InstanceConsistency).correction(weak) is None


def test_weak_augmentation_changes_what_the_teacher_sees_but_not_the_batch(bank_file):
    seen = []
    for strength in (0.0, 0.2):
        method = with_bank(bank_file, weak_strength=strength)
        predict = method.teacher.predict_with_embedding
        method.teacher.predict_with_embedding = lambda img, detail, f=predict: (
            seen.append(img) or f(img, detail)
        )
        batch = small_batch()
        target = batch['target_img'].clone()
        method.train()
        method.train_step(batch, OptimWrapper(torch.optim.SGD(method.parameters(), lr=0.01)))
        assert torch.equal(batch['target_img'], target)
    assert torch.equal(seen[0], target)
    assert not torch.allclose(seen[1], target)


def test_masks_choose_pixels(bank_file):
    pasted = torch.tensor([True, False, False, False]).view(1, 1, 2, 2)
    found = PseudoLabel(
        torch.zeros(1, 2, 2, dtype=torch.int64), torch.tensor([[[0.5, 0.5], [0.0, 0.5]]]), torch.tensor(0.5)
    )
    for mask, want in (('all', [1, 1, 1, 1]), ('target', [0, 1, 1, 1]), ('valid', [0, 1, 0, 1])):
        part = with_bank(bank_file, pixel_mask=mask).part(InstanceConsistency)
        assert part._counts(found, pasted).flatten().tolist() == want


def test_trust_is_what_the_label_weighs_times_teacher_times_bank(bank_file):
    label = torch.tensor([[[0, 0], [1, 2]]])
    pseudo = PseudoLabel(label, torch.tensor([[[0.5, 1.0], [1.0, 0.0]]]), torch.tensor(0.5))
    probability, scattered = torch.zeros(2, 1, CLASSES, 2, 2).unbind()
    probability[0, :3] = torch.tensor(
        [[[0.9, 0.4], [0.1, 0.3]], [[0.1, 0.6], [0.8, 0.1]], [[0, 0], [0.1, 0.6]]]
    )
    scattered[0, :3] = torch.tensor([[[1.0, 0.5], [0, 0]], [[0, 0], [0.25, 0]], [[0, 0.5], [0.75, 1.0]]])
    trust = (
        with_bank(bank_file, mode='trusted').part(InstanceConsistency)._trust(scattered, probability, pseudo)
    )
    torch.testing.assert_close(trust, torch.tensor([[[[0.45, 0.2], [0.2, 0.0]]]]))
    equal = (
        with_bank(bank_file, mode='clean').part(InstanceConsistency)._trust(scattered, probability, pseudo)
    )
    assert torch.equal(equal, torch.ones(1, 1, 2, 2))


def test_what_is_trusted_less_teaches_less(bank_file):
    """The mean is over the same pixels as that of 'clean', with smaller weights: with one weight, that much smaller."""
    (clean,), (trusted,) = (train(with_bank(bank_file, mode=mode)) for mode in ('clean', 'trusted'))
    assert 0 < trusted['instance.trust'] < 1
    assert 0 < trusted['instance.loss_in'] < clean['instance.loss_in']
    assert 'instance.trust' not in clean
    assert trusted['instance.agreement'] == clean['instance.agreement']


def test_a_head_without_a_fusion_layer():
    model = copy.deepcopy(MODEL)
    model['decode_head'] = {
        'type': 'DLV2Head', 'in_channels': 8, 'in_index': 1, 'num_classes': CLASSES, 'dilations': (1, 2),
    }  # fmt: skip
    method = DACS(model, max_iters=10, instance_bank={'bank_size': 4, 'mode': 'clean'})
    logs = train(method, 3)
    assert method.part(InstanceConsistency).bank.features.shape == (4, 8)
    assert all(value.isfinite() for value in logs[-1].values())


@pytest.mark.parametrize('mode', sorted(MODE_VALUES))
def test_odd_crops_with_margins_and_feature_distance(mode):
    method = small_method(
        **DISTANCE, instance_bank={'mode': mode, 'bank_size': CLASSES, 'min_fill': 0.5},
        pseudo_weight_ignore_top=3, pseudo_weight_ignore_bottom=5,
    )  # fmt: skip
    wrapper = OptimWrapper(torch.optim.SGD(method.parameters(), lr=0.01))
    method.train()
    logged = [method.train_step(small_batch(size=(35, 43), seed=i), wrapper) for i in range(2)][-1]
    assert logged['instance.loss_in'] > 0
    assert logged['instance.loss_in'].isfinite()
    assert logged['src.loss_imnet_feat_dist'].isfinite()


def test_without_target_images_there_is_no_consistency():
    with pytest.raises(ConfigError, match='uda.source_only'):
        small_method(instance_bank={}, source_only=True)


def test_unequal_classes_and_half_precision(bank_file):
    method = with_bank(bank_file, mode='clean')
    for network in (method.student, method.teacher):
        network.precision = 'bf16'
    (logged,) = train(method)
    assert logged['instance.loss_in'].isfinite()
    options = BankOptions.parse({'bank_size': 7, 'classes': [1, 3]})
    assert InstanceBank.of_options(options, 2, CLASSES).labels.tolist() == [1, 1, 1, 1, 3, 3, 3]


@pytest.mark.parametrize('detail', [False, True])
@pytest.mark.parametrize('mode', sorted(MODE_VALUES))
def test_networks_of_two_resolutions(detail, mode):
    head = {
        'type': 'HRDAHead', 'single_scale_head': 'DLV2Head', 'in_channels': 6, 'in_index': 0,
        'num_classes': CLASSES, 'dilations': (1, 2), 'hr_loss_weight': 0.1,
    }  # fmt: skip
    model = {
        **MODEL, 'type': 'HRDAEncoderDecoder', 'decode_head': head, 'scales': [1, 0.5],
        'hr_crop_size': [32, 32], 'feature_scale': 0.5, 'crop_coord_divisible': 8,
    }  # fmt: skip
    bank = {'bank_size': 4, 'mode': mode, 'detail': detail, 'min_fill': 0.5}
    method = DACS(model, max_iters=10, pseudo_threshold=0.1, instance_bank=bank)
    wrapper = OptimWrapper(torch.optim.SGD(method.parameters(), lr=0.01))
    method.train()
    for seed in range(2):
        logged = method.train_step(small_batch(2, (64, 64), seed=seed), wrapper)
    assert method.part(InstanceConsistency).bank.features.shape == (4, 6)
    assert logged['instance.loss_in'] != 0
    assert all(value.isfinite() for value in logged.values())
