"""Checks of method options."""

import pytest

from mmseg.errors import ConfigError
from mmseg.uda.augmentation import JitterStrength
from mmseg.uda.options import (
    DistanceOptions,
    SelfTrainingOptions,
    mix_problems,
    raise_problems,
    range_problems,
    weight_problems,
)


def test_numbers_at_the_ends_of_their_ranges_are_valid():
    assert range_problems(alpha=0, pseudo_threshold=1.0, mask_lambda=7.5, mask_alpha=None) == []
    assert len(range_problems(alpha=1.01, pseudo_threshold=-0.1)) == 2


def test_groups_of_options_name_what_is_wrong():
    wrong = SelfTrainingOptions(0.9, 2.0, (0, -1), JitterStrength(), 0.2)
    assert [problem.split()[0] for problem in wrong.problems()] == [
        'uda.pseudo_threshold',
        'uda.pseudo_weight_ignore_bottom',
    ]
    assert DistanceOptions(0.1, [1], 0.75).problems() == DistanceOptions(0, None, None).problems() == []
    assert 'min_ratio is missing' in DistanceOptions(0.1, [1], None).problems()[0]
    assert mix_problems('class') == []


def test_weights_need_a_main_entry():
    assert weight_problems('lambda_ent', {'main': 0, 'aux': 1}) == []
    assert 'lambda_ent' in weight_problems('lambda_ent', {'aux': 1})[0]


def test_all_problems_are_one_error():
    raise_problems([])
    with pytest.raises(ConfigError, match=r'^first\. second\.$'):
        raise_problems(['first', 'second'])
