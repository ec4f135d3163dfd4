"""Masked image consistency: masks against their definition, and the masked pass of every method."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmseg.errors import ConfigError
from mmseg.uda.adversarial import AdvSeg
from mmseg.uda.masking import MODES, MaskedConsistency, block_grid, block_mask, token_mask
from mmseg.uda.min_entropy import MinEnt
from tests.dropout import zero_dropout
from tests.uda.networks import DISTANCE, MODEL, TWO_SCALES, observed, small_batch, small_method, train

MASKED = {
    'mask_mode': 'separatetrg',
    'mask_lambda': 1,
    'mask_generator': {'type': 'block', 'mask_ratio': 0.5, 'mask_block_size': 8},
}


@given(st.integers(8, 60), st.integers(8, 60), st.integers(1, 8), st.floats(0, 1))
def test_each_pixel_follows_the_block_it_lies_in(height, width, block, ratio):
    rows, columns = block_grid((height, width), block)
    scores = torch.rand(2, 1, rows, columns, generator=torch.Generator().manual_seed(0))
    mask = block_mask(scores, ratio, (height, width))
    assert mask.shape == (2, 1, height, width)
    kept = scores > ratio
    for y in range(height):
        for x in range(0, width, 7):
            # The block of a pixel is the one that its upper left corner lies in, of equally high and wide blocks.
            row = max(r for r in range(rows) if r * height <= y * rows)
            column = max(c for c in range(columns) if c * width <= x * columns)
            assert bool(mask[1, 0, y, x]) == bool(kept[1, 0, row, column])


def test_a_mask_of_given_scores():
    scores = torch.tensor([[[[0.1, 0.9], [0.7, 0.3]]]])
    assert block_mask(scores, 0.5, (4, 5))[0, 0].int().tolist() == [
        [0, 0, 0, 1, 1],
        [0, 0, 0, 1, 1],
        [1, 1, 1, 0, 0],
        [1, 1, 1, 0, 0],
    ]
    assert block_mask(scores, 0.7, (2, 2))[0, 0].int().tolist() == [[0, 1], [0, 0]]


def test_halves_round_to_even_and_a_block_larger_than_the_crop_is_an_error():
    assert block_grid((40, 56), 16) == (2, 4)
    with pytest.raises(ConfigError, match=r'mask_block_size is 100.*32 x 40'):
        block_grid((32, 40), 100)


@pytest.mark.parametrize('mode', MODES)
def test_what_the_student_was_shown_by_mode(mode):
    method = small_method(**{**MASKED, 'mask_mode': mode}, color_jitter_probability=0.0)
    groups, batch = observed(method), small_batch()
    (logged,) = train(method, [batch])
    seen, mixed = groups['masked'].seen, groups['mixed'].seen
    guess, truth = mixed['pseudo_label'].unsqueeze(1), batch['gt_semantic_seg']
    domain = mode.removeprefix('separate').removesuffix('aug')
    images, label = {
        'trg': (batch['target_img'], guess),
        'src': (batch['img'], truth),
        '': (
            torch.stack([batch['img'][0], batch['target_img'][0]]),
            torch.stack([truth[0], guess[0]]),
        ),
    }[domain]
    assert torch.equal(seen['label'], label)
    assert set(seen['mask'].unique().tolist()) == {0.0, 1.0}
    same = torch.equal(seen['img'], images * seen['mask'])
    assert same != mode.endswith('aug')
    assert not seen['img'][(seen['mask'] == 0).expand_as(images)].any()
    confident = logged['mix.pseudo_weight']
    if domain == 'src':
        assert 'weight' not in seen
    else:
        torch.testing.assert_close(seen['weight'][1], confident.expand(32, 40))
        assert domain == 'trg' or (seen['weight'][0] == 1).all()


def test_the_masked_pass_is_logged_last_and_adds_gradients():
    logs, gradients = [], []
    for options in ({}, MASKED):
        method = small_method(**options)
        zero_dropout(method)
        logs += train(method, [small_batch()])
        gradients.append(next(method.student.backbone.parameters()).grad.clone())
    assert list(logs[1]) == [*logs[0], 'masked.decode.loss_seg', 'masked.decode.acc_seg']
    assert not torch.equal(*gradients)
    assert torch.equal(logs[0]['mix.decode.loss_seg'], logs[1]['mix.decode.loss_seg'])


def test_the_weight_scales_the_logged_loss():
    logs = []
    for weight in (1, 0.25):
        method = small_method(**{**MASKED, 'mask_lambda': weight})
        zero_dropout(method)
        logs += train(method, [small_batch()])
    torch.testing.assert_close(logs[1]['masked.decode.loss_seg'], 0.25 * logs[0]['masked.decode.loss_seg'])


def test_single_scale_losses_are_scaled_on_demand_only():
    for everywhere, want in ((False, 2.0), (True, 1.0)):
        mic = small_method(**{**MASKED, 'mask_lambda': 0.5, 'mask_lambda_all': everywhere}).part(
            MaskedConsistency
        )
        two = torch.tensor(2.0)
        assert mic._weighted('decode.loss_seg', two) == 1.0
        assert mic._weighted('decode.hr.loss_seg', two) == want


@pytest.mark.parametrize('own', [{'mask_alpha': 0.5}, {'mask_pseudo_threshold': None}])
def test_a_teacher_of_its_own_where_it_differs_from_the_host(own):
    method = small_method(**MASKED, **own, **DISTANCE)
    prefixes = dict.fromkeys(key.split('.')[0] for key in method.state_dict())
    assert list(prefixes) == ['model', 'ema_model', 'mic', 'imnet_model']
    assert all('mic.teacher.ema_model.' in key for key in method.state_dict() if key.startswith('mic'))
    groups = observed(method)
    train(method, [small_batch()])
    if 'mask_pseudo_threshold' in own:
        assert (groups['masked'].seen['weight'] == 1).all()
    teacher = method.part(MaskedConsistency).teacher.ema_model
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert teacher.backbone.first[1].num_batches_tracked == 1


def test_without_average_the_teacher_is_the_current_student():
    method = small_method(**MASKED, mask_alpha=0)
    train(method, [small_batch(seed=i) for i in range(3)])
    before = [parameter.detach().clone() for parameter in method.student.parameters()]
    train(method, [small_batch(seed=3)])
    for mine, theirs in zip(
        method.part(MaskedConsistency).teacher.ema_model.parameters(), before, strict=True
    ):
        assert torch.equal(mine, theirs)


def test_source_only_needs_no_target_and_no_teacher():
    method = small_method(source_only=True, **{**MASKED, 'mask_mode': 'separatetrgaug'})
    assert {key.split('.')[0] for key in method.state_dict()} == {'model'}
    batch = {key: value for key, value in small_batch().items() if 'target' not in key}
    groups = observed(method)
    (logged,) = train(method, [batch])
    assert list(groups) == ['source', 'masked']
    assert torch.equal(groups['masked'].seen['label'], batch['gt_semantic_seg'])
    assert all(value.isfinite() for value in logged.values())


def test_both_domains_need_an_even_batch():
    method = small_method(**{**MASKED, 'mask_mode': 'separate'})
    train(method, [small_batch(4)])
    with pytest.raises(ConfigError, match=r'has 3 images.*even'):
        train(method, [small_batch(3)])


@pytest.mark.parametrize(
    'options, message',
    [
        ({'mask_mode': 'mixed'}, r"mask_mode: found 'mixed', expected 'separatetrg' or"),
        (
            {'mask_alpha': 'other', 'mask_lambda': -1},
            r'mask_alpha: found .other.*same.*mask_lambda: found -1',
        ),
        ({'mask_generator': None}, r"mask_generator: found None, expected dict\(type='block'"),
        (
            {'mask_generator': {'type': 'dots', 'mask_ratio': 1, 'mask_block_size': 8}},
            'mask_generator: found',
        ),
        (
            {'mask_generator': {'type': 'block', 'mask_ratio': 2, 'mask_block_size': 8}},
            'mask_generator: found',
        ),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ConfigError, match=message):
        small_method(**{**MASKED, **options})


@pytest.mark.parametrize('kind, weights', [(MinEnt, 'lambda_ent'), (AdvSeg, 'lambda_adv_target')])
def test_methods_without_pseudo_labels_get_a_teacher(kind, weights):
    torch.manual_seed(0)
    method = kind(MODEL, max_iters=10, **{weights: {'main': 0.1}}, **MASKED)
    batch = small_batch(size=(64, 64))
    batch['valid_pseudo_mask'] = torch.zeros(2, 1, 64, 64, dtype=torch.uint8)
    groups = observed(method)
    (logged,) = train(method, [batch])
    assert 'masked.decode.loss_seg' in logged
    assert not groups['masked'].seen['weight'].any()
    assert any(key.startswith('mic.teacher.ema_model.') for key in method.state_dict())


def test_steps_repeat_after_a_restart():
    batches = [small_batch(seed=i) for i in range(4)]
    options = {**MASKED, 'mask_mode': 'separatetrgaug', 'mask_alpha': 0.9}
    straight, first = small_method(**options), small_method(**options)
    for method in (straight, first):
        zero_dropout(method)
    train(straight, batches)
    train(first, batches[:2])
    second = small_method(**options)
    zero_dropout(second)
    second.load_state_dict(first.state_dict())
    second.load_training_state(first.training_state())
    train(second, batches[2:])
    for name, value in straight.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


@pytest.mark.parametrize(
    ('model', 'side', 'size'), [(MODEL, 8, (32, 40)), (MODEL, 8, (35, 45)), (TWO_SCALES, 16, (64, 72))]
)
def test_tokens_are_hidden_as_a_whole(model, side, size):
    generator = {'type': 'token', 'mask_ratio': 0.7}
    method = small_method(model, **{**MASKED, 'mask_generator': generator})
    assert method.student.token_size == side
    groups = observed(method)
    train(method, [small_batch(size=size)])
    mask = groups['masked'].seen['mask']
    assert mask.shape == (2, 1, *size)
    for rows in mask.split(side, dim=2):
        for token in rows.split(side, dim=3):
            assert torch.equal(token, token[:, :, :1, :1].expand_as(token))
    assert 0 < mask.mean() < 0.6


def test_the_share_of_hidden_tokens():
    scores = torch.rand(4, 1, 50, 50)
    for ratio in (0.0, 0.7, 1.0):
        assert token_mask(scores, ratio, 4, (200, 198)).mean().item() == pytest.approx(1 - ratio, abs=0.03)
    assert token_mask(torch.zeros(1, 1, 1, 1), 0.0, 4, (3, 3)).all()
