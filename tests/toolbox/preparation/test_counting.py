"""Statistics of label maps as they are: what is written is what rare class sampling and the check read."""

import json
from pathlib import Path

import numpy as np
import pytest

from mmseg.datasets import build_dataset
from mmseg.datasets.source_statistics import source_statistics
from mmseg.errors import DataError
from mmseg.fileio import write_label_png
from mmseg.toolbox.preparation.counting import count_folder, count_source
from tests.datasets.conftest import HEIGHT, WIDTH, source_cfg

FILES = ['sample_class_stats.json', 'sample_class_stats_dict.json', 'samples_with_class.json']


def test_a_folder_with_subfolders(tmp_path: Path) -> None:
    label = np.array([[0, 2, 255], [2, 2, 2]], np.uint8)
    for name in ('a/0.png', 'b/0.png'):
        write_label_png(tmp_path / 'labels' / name, label)
    written = count_folder(str(tmp_path / 'labels'), '.png')
    assert [Path(path).relative_to(tmp_path).as_posix() for path in written] == FILES
    stats = json.loads(Path(written[0]).read_text(encoding='utf-8'))
    assert [Path(entry.pop('file')).parent.name for entry in stats] == ['a', 'b']
    assert stats == [{'0': 1, '2': 4}] * 2, '255 is no class'
    with pytest.raises(DataError, match='0 of them end in _x.png'):
        count_folder(str(tmp_path / 'labels'), '_x.png')


def test_the_counts_of_a_conversion_come_out(folders: Path) -> None:
    dataset = build_dataset(source_cfg(folders))
    before = source_statistics(dataset.parts())
    for name in FILES[::2]:
        (folders / 'source' / name).unlink()
    count_source(dataset.parts())
    after = source_statistics(dataset.parts())
    assert after[1] == before[1]
    assert [{k: v for k, v in entry.items() if k != 'file'} for entry in after[0]] == [
        {k: v for k, v in entry.items() if k != 'file'} for entry in before[0]
    ]


@pytest.mark.parametrize(
    'options', [{'reduce_zero_label': True}, {'ignore_index': 0}, {'classes': ['wall', 'road']}]
)
def test_ids_go_through_the_table_once(folders: Path, options: dict[str, object]) -> None:
    dataset = build_dataset(source_cfg(folders, **options))
    count_source(dataset.parts())
    _, files = source_statistics(dataset.parts())
    for class_id, entries in files.items():
        for index, pixels in entries:
            assert (dataset.get_gt_seg_map(index) == class_id).sum() == pixels


def test_ids_that_are_no_class_are_refused(folders: Path) -> None:
    write_label_png(folders / 'source/labels/00002_labelTrainIds.png', np.full((HEIGHT, WIDTH), 33, np.uint8))
    dataset = build_dataset(source_cfg(folders))
    with pytest.raises(DataError, match=r'00002_labelTrainIds\.png: found label ids \[33\]'):
        count_source(dataset.parts(), str(folders / 'out'))


def test_labels_without_a_class_are_refused(folders: Path) -> None:
    for path in (folders / 'source/labels').iterdir():
        write_label_png(path, np.full((HEIGHT, WIDTH), 255, np.uint8))
    with pytest.raises(DataError, match='no pixel of any class in 4 label maps'):
        count_folder(str(folders / 'source/labels'), '.png')
    with pytest.raises(DataError, match='no pixel of any class in 4 label maps'):
        count_source(build_dataset(source_cfg(folders)).parts())


@pytest.mark.parametrize('options', [{'reduce_zero_label': True}, {'ignore_index': 0}, {'classes': ['wall']}])
def test_labels_of_which_the_table_leaves_nothing_are_refused(
    folders: Path, options: dict[str, object]
) -> None:
    for path in (folders / 'source/labels').iterdir():
        write_label_png(path, np.zeros((HEIGHT, WIDTH), np.uint8))
    with pytest.raises(DataError, match='no pixel of any class in 4 label maps'):
        count_source(build_dataset(source_cfg(folders, **options)).parts())
