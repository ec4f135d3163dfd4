"""Checks of single values: each accepts something and refuses strangers."""

import pytest

from mmseg.config.schema import SECTIONS, VALUES
from mmseg.evaluation.metrics import METRICS


@pytest.mark.parametrize('place', VALUES)
def test_every_check_can_fail_and_says_what_it_expects(place: str) -> None:
    valid, expected = VALUES[place]
    assert expected
    for stranger in (object(), float('nan'), [object()], {'a': object()}):
        assert not valid(stranger)


def test_metrics_one_by_one_or_several() -> None:
    valid, _ = VALUES['evaluation.metric']
    assert valid('mIoU')
    assert valid(list(METRICS))
    assert not valid('mIou')
    assert not valid(['mIoU', 'IoU'])
    assert not valid([])
    assert not valid('cityscapes'), 'the official evaluation reads files, which training does not write'


def test_sections_of_checked_values_exist() -> None:
    for place in VALUES:
        section, _, key = place.rpartition('.')
        assert section not in SECTIONS or key in SECTIONS[section], place
