"""The networks have what loop and methods ask for."""

import pytest

from mmseg.models import build_segmentor
from mmseg.models.student import Student
from tests.models.segmentors.test_hrda import config as hrda
from tests.models.tiny import segmentor
from tests.protocols import lacking


@pytest.mark.parametrize('cfg', [segmentor(), hrda()], ids=['single', 'multi-resolution'])
def test_networks_are_students(cfg: dict[str, object]) -> None:
    assert lacking(build_segmentor(cfg), Student) == []


def test_what_is_missing_is_told() -> None:
    assert 'forward_train' in lacking(object(), Student)
    assert 'backbone' in lacking(object(), Student)
