"""What data sets refuse about their options without reading anything (see also tests/config/test_values.py)."""

from typing import Any

import pytest

from mmseg.datasets import GTADataset, UDADataset
from mmseg.datasets.option_values import pair_problems, single_problems
from mmseg.errors import ConfigError

OPTIONS = {'img_dir': 'not there', 'ann_dir': 'neither', 'pipeline': []}


def test_a_data_set_that_is_not_there_yet_has_right_options() -> None:
    assert single_problems(GTADataset, OPTIONS) == []
    assert pair_problems({'source': OPTIONS, 'target': [OPTIONS]}) == []


def test_all_problems_of_a_data_set_at_once() -> None:
    found = single_problems(
        GTADataset, {**OPTIONS, 'ignore_index': 300, 'palette': [[0, 0, 0]], 'class_merge': {'classes': [99]}}
    )
    assert [text.partition(':')[0] for text in found] == ['ignore_index', 'palette', 'class_merge']


@pytest.mark.parametrize('value', ['text', None, [1]])
def test_types_are_the_business_of_others(value: Any) -> None:
    sampling = {'min_pixels': value, 'class_temp': value, 'min_crop_ratio': value}
    assert pair_problems({'source': OPTIONS, 'target': OPTIONS, 'rare_class_sampling': sampling}) == []


def test_the_constructor_refuses_the_same() -> None:
    with pytest.raises(ConfigError, match='palette: found 1 colours'):
        GTADataset(**OPTIONS, palette=[[0, 0, 0]])
    assert UDADataset.problems({'source': [], 'target': OPTIONS})
