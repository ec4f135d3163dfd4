"""Class lists and merging."""

import numpy as np
import pytest

from mmseg.datasets.classes import CLASSES, PALETTE, SYNTHIA_13, SYNTHIA_16, parse_class_merge
from mmseg.errors import ConfigError


def test_subsets_of_synthia() -> None:
    assert len(CLASSES) == len(PALETTE) == 19
    assert SYNTHIA_16 == (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 15, 17, 18)
    assert SYNTHIA_13 == (0, 1, 2, 6, 7, 8, 10, 11, 12, 13, 15, 17, 18)


def test_merge_table_from_json_keys() -> None:
    merge = parse_class_merge(
        {'merge': {'3': 2}, 'classes': [0, 2], 'names': ['a', 'b(+c)'], 'note': 'x'}, CLASSES
    )
    assert merge is not None
    table = merge.table()
    assert table[3] == 2
    np.testing.assert_array_equal(np.delete(table, 3), np.delete(np.arange(256), 3))
    assert merge.classes == (0, 2)


def test_names_default_to_those_of_the_classes() -> None:
    merge = parse_class_merge({'merge': {}, 'classes': [10, 0]}, CLASSES)
    assert merge is not None
    assert merge.names == ('sky', 'road')


@pytest.mark.parametrize(
    'cfg',
    [{'merge': {'3': 19}}, {'classes': [19]}, {'classes': [0, 1], 'names': ['one']}, {'mergee': {}}],
)
def test_wrong_merge_is_refused(cfg: dict) -> None:
    with pytest.raises(ConfigError, match='class_merge'):
        parse_class_merge(cfg, CLASSES)


def test_no_merge() -> None:
    assert parse_class_merge(None, CLASSES) is None
