"""Losses and metrics of passes, and their order in the log."""

import torch

from mmseg.models.terms import Terms

ONE, TWO, THREE = torch.tensor(1.0), torch.tensor(2.0), torch.tensor(3.0)


def test_joined_terms_keep_the_order_of_the_passes() -> None:
    first = Terms({'loss': ONE}, {'acc': TWO})
    joined = first.joined(first.prefixed('hr.'), Terms({'further': THREE}))
    assert list(joined.values()) == ['loss', 'acc', 'hr.loss', 'hr.acc', 'further']
    assert list(joined.losses) == ['loss', 'hr.loss', 'further']
    assert list(first.values()) == ['loss', 'acc'], 'the first is left alone'


def test_what_was_added_behind_the_order_comes_last() -> None:
    terms = Terms({'loss': ONE}, {'acc': TWO}, ['acc', 'loss'])
    terms.metrics['more'] = THREE
    assert list(terms.values()) == ['acc', 'loss', 'more']
    assert terms.values()['more'] is THREE
