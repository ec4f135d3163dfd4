"""Presets and checks of ``uda.instance_bank``."""

import pytest

from mmseg.errors import ConfigError
from mmseg.uda.instance_bank.options import BankOptions


def test_modes_are_presets_that_keys_replace():
    published, clean = BankOptions.parse({}), BankOptions.parse({'mode': 'clean'})
    assert (published.gather, published.similarity, published.update_interval) == ('mix_logits', 'sum', 50)
    assert (clean.gather, clean.similarity, clean.pixel_mask) == ('teacher_prob', 'softmax', 'valid')
    assert BankOptions.parse({'mode': 'clean', 'update': 'ema'}).update == 'ema'
    trusted = BankOptions.parse({'mode': 'trusted'})
    assert (clean.pixel_weight, trusted.pixel_weight, trusted.gather) == (
        'equal',
        'agreement',
        'teacher_prob',
    )


@pytest.mark.parametrize(
    'given, message',
    [
        ({'mode': 'new'}, "mode: found 'new', expected 'published' or 'clean' or 'trusted'"),
        ({'banksize': 3}, 'banksize: unknown key'),
        ({'bank_size': 0, 'alpha': 2}, r'(?s)bank_size: found 0.*alpha: found 2'),
        ({'update': 'fifo'}, "update: found 'fifo', expected 'ema' or 'ring' or 'none'"),
        ({'similarity': 'softmax'}, "gather: 'mix_logits' are signed"),
        ({'temp_weak': 0}, 'temp_weak: found 0, expected a number above 0'),
    ],
)
def test_mistakes_are_all_named(given, message):
    with pytest.raises(ConfigError, match=message):
        BankOptions.parse(given)
