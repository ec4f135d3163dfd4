"""Checks of method options."""

import pytest

from mmseg.errors import ConfigError
from mmseg.options import parse, problems
from mmseg.uda.feature_distance import DistanceOptions
from mmseg.uda.options import AdaptationOptions, weight_problems


def test_numbers_at_the_ends_of_their_ranges_are_valid() -> None:
    assert problems(AdaptationOptions, {'alpha': 0, 'pseudo_threshold': 1.0}) == []
    assert len(problems(AdaptationOptions, {'alpha': 1.01, 'pseudo_threshold': -0.1})) == 2


def test_options_name_what_is_wrong_and_where() -> None:
    given = {'pseudo_threshold': 2.0, 'pseudo_weight_ignore_bottom': -1, 'alpa': 0.9, 'blur': 'yes'}
    assert problems(AdaptationOptions, given, 'uda.{}'.format) == [
        "uda.alpa: unknown key; the nearest valid name is 'alpha'.",
        'uda.pseudo_threshold: found 2.0, expected a number from 0 to 1.',
        'uda.pseudo_weight_ignore_bottom: found -1, expected a whole number of at least 0.',
        "uda.blur: found 'yes', expected True or False.",
    ]
    with pytest.raises(ConfigError, match=r'alpa.*pseudo_threshold.*blur'):
        parse(AdaptationOptions, given)


def test_options_that_contradict_each_other_are_named_by_their_place() -> None:
    assert problems(DistanceOptions, {'weight': 0.1, 'classes': [1], 'min_ratio': 0.75}) == []
    assert problems(DistanceOptions, {'weight': 0}) == []
    (sentence,) = problems(DistanceOptions, {'classes': [1]}, 'uda.parts.0.{}'.format)
    assert sentence.startswith('uda.parts.0.min_ratio: missing')
    (sentence,) = problems(AdaptationOptions, {'color_jitter_strength': {'hue': 1}})
    assert sentence.startswith('color_jitter_strength: found')


def test_weights_need_a_main_entry() -> None:
    assert weight_problems('lambda_ent', {'main': 0, 'aux': 1}) == []
    assert 'lambda_ent' in weight_problems('lambda_ent', {'aux': 1})[0]
