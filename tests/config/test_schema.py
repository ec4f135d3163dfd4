"""Checks of single values: each accepts something and refuses strangers."""

import pytest

from mmseg.config.schema import METRIC_NAMES, SECTIONS, VALUES


@pytest.mark.parametrize('place', VALUES)
def test_every_check_can_fail_and_says_what_it_expects(place: str) -> None:
    valid, expected = VALUES[place]
    assert expected
    for stranger in (object(), float('nan'), [object()], {'a': object()}):
        assert not valid(stranger)


def test_metrics_one_by_one_or_several() -> None:
    valid, _ = VALUES['evaluation.metric']
    assert valid('mIoU')
    assert valid(list(METRIC_NAMES))
    assert not valid('mIou')
    assert not valid(['mIoU', 'IoU'])


def test_sections_of_checked_values_exist() -> None:
    for place in VALUES:
        section, _, key = place.rpartition('.')
        assert section not in SECTIONS or key in SECTIONS[section], place
