"""Correction of pseudo-labels by class priors."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg.errors import ConfigError
from mmseg.uda.class_prior import ClassPrior, build_class_prior
from mmseg.uda.labelling import Teacher
from tests.uda.networks import observed, small_batch, small_method, train

SHARES = {0: 0.7, 1: 0.3}


def probabilities(seed: int = 0, classes: int = 3) -> torch.Tensor:
    return torch.randn(2, classes, 8, 8, generator=torch.Generator().manual_seed(seed)).softmax(dim=1)


@given(st.floats(0, 2), st.integers(0, 50))
@settings(max_examples=30, deadline=None)
def test_results_are_probabilities_in_the_odds_of_the_ratios(strength: float, seed: int) -> None:
    prior = ClassPrior(SHARES, 3, strength=strength)
    given_ = probabilities(seed)
    found = prior(given_)
    torch.testing.assert_close(found.sum(dim=1), torch.ones(2, 8, 8))
    ratios = prior.ratios()
    torch.testing.assert_close(found[:, 1] / found[:, 0], given_[:, 1] / given_[:, 0] * ratios[1] / ratios[0])


def test_strength_0_changes_nothing() -> None:
    torch.testing.assert_close(ClassPrior(SHARES, 3, strength=0.0)(probabilities()), probabilities())


def test_a_class_that_the_teacher_neglects_is_raised_until_its_share_is_reached() -> None:
    prior = ClassPrior({0: 0.5, 1: 0.5}, 2, momentum=0.5)
    biased = torch.tensor([0.8, 0.2]).view(1, 2, 1, 1).expand(1, 2, 4, 4)
    for _ in range(30):
        corrected = prior(biased)
    torch.testing.assert_close(corrected.mean(dim=(0, 2, 3)), torch.tensor([0.5, 0.5]), atol=1e-4, rtol=0)


def test_ratios_are_bounded_and_unnamed_classes_stay() -> None:
    prior = ClassPrior({0: 1.0, 1: 1000.0}, 3, momentum=0.0, max_ratio=4.0)
    prior(probabilities())
    assert prior.ratios().tolist() == [0.25, pytest.approx(prior.ratios()[1].item()), 1.0]
    assert prior.ratios().max() <= 4.0


def test_shares_need_not_add_up_and_the_mean_is_saved() -> None:
    prior = ClassPrior({0: 7, 1: 3}, 3)
    torch.testing.assert_close(prior.expected, torch.tensor([0.7, 0.3, 0.0]))
    assert list(prior.state_dict()) == ['seen']


@pytest.mark.parametrize(
    'options',
    [
        {'strength': 1.0},
        {'shares': {}},
        {'shares': {9: 0.5}},
        {'shares': {0: 0.0}},
        {'shares': SHARES, 'strength': -1.0},
        {'shares': SHARES, 'momentum': 1.0},
        {'shares': SHARES, 'max_ratio': 0.5},
        {'shares': SHARES, 'power': 1.0},
    ],
)
def test_bad_options_are_user_errors(options: dict) -> None:
    with pytest.raises(ConfigError, match=r'uda\.class_prior'):
        build_class_prior(options, 4)


def test_method_corrects_its_pseudo_labels_and_resumes_the_mean() -> None:
    method = small_method(class_prior={'shares': {3: 1.0, 0: 1e-5}, 'max_ratio': 1e6})
    groups = observed(method)
    train(method, [small_batch()])
    assert (groups['mixed'].seen['pseudo_label'] != 0).all()
    again = small_method(class_prior={'shares': {3: 1.0, 0: 1e-5}})
    again.load_state_dict(method.state_dict())
    assert torch.equal(again.part(Teacher).labelling.prior.seen, method.part(Teacher).labelling.prior.seen)
    assert not torch.equal(
        method.part(Teacher).labelling.prior.seen, method.part(Teacher).labelling.prior.expected
    )


def test_off_leaves_keys_and_numbers_as_they_are() -> None:
    assert not any(key.startswith('labelling') for key in small_method().state_dict())
    plain, neutral = (
        train(small_method(**options), [small_batch()])[0]
        for options in ({}, {'class_prior': {'shares': {0: 1}, 'strength': 0.0}})
    )
    torch.testing.assert_close(plain['mix.decode.loss_seg'], neutral['mix.decode.loss_seg'])
