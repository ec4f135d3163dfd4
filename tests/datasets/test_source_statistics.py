"""Statistics are matched with files by their paths, not their base names."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from mmseg.datasets import build_dataset
from mmseg.datasets.source_statistics import counts_by_picture, source_statistics
from mmseg.errors import ConfigError, DataError
from tests.datasets.conftest import source_cfg


def in_sequences(folders: Path) -> None:
    """The source's files in two folders with the same names, and statistics for both."""
    source = folders / 'source'
    for kind in ('images', 'labels'):
        shutil.move(source / kind, folders / kind)
        for sequence in ('seq01', 'seq02'):
            shutil.copytree(folders / kind, source / kind / sequence)
    for name in ('sample_class_stats.json', 'samples_with_class.json'):
        content = json.loads((source / name).read_text())
        (source / name).write_text(json.dumps(doubled(content)))


def doubled(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: doubled(value) for key, value in content.items()}
    moved = []
    for sequence in ('seq01', 'seq02'):
        moved += json.loads(json.dumps(content).replace('labels/', f'labels/{sequence}/'))
    return moved


def test_equal_names_in_several_folders(folders: Path) -> None:
    in_sequences(folders)
    dataset = build_dataset(source_cfg(folders))
    _, files = source_statistics(dataset.parts())
    names = [dataset.img_infos[i]['filename'] for i, _ in files[4]]
    assert names == ['seq01/00003.png', 'seq02/00003.png']


def test_statistics_of_a_folder_that_is_not_there(folders: Path) -> None:
    in_sequences(folders)
    shutil.rmtree(folders / 'source/images/seq02')
    with pytest.raises(DataError, match='4 label maps without a picture.*seq02'):
        source_statistics(build_dataset(source_cfg(folders)).parts())


@pytest.mark.parametrize(
    ('ids', 'text'), [(['7', '9'], 'count ids'), (['255', '255'], 'no pixel of any class')]
)
def test_foreign_ids_name_the_program(folders: Path, ids: list[str], text: str) -> None:
    cfg = source_cfg(folders, type='CustomDataset', classes=['a', 'b'], img_suffix='.png')
    cfg['seg_map_suffix'] = '_labelTrainIds.png'
    name = 'source/labels/00000_labelTrainIds.png'
    stats = [{ids[0]: 5, ids[1]: 6, 'file': name}]
    (folders / 'source/sample_class_stats.json').write_text(json.dumps(stats))
    (folders / 'source/samples_with_class.json').write_text(json.dumps({i: [[name, 5]] for i in ids}))
    with pytest.raises(DataError, match=rf'{text}.*tools/class_statistics\.py'):
        source_statistics(build_dataset(cfg).parts())


def test_one_folder_with_two_tables(folders: Path) -> None:
    parts = [build_dataset(source_cfg(folders)), build_dataset(source_cfg(folders, ignore_index=3))]
    with pytest.raises(ConfigError, match='different tables'):
        source_statistics(parts)


def test_a_split_uses_its_part_of_the_statistics(folders: Path) -> None:
    """Converters and class_statistics.py count all label maps of a folder."""
    (folders / 'source/half.txt').write_text('00000\n00003\n')
    cfg = source_cfg(
        folders, type='CustomDataset', classes=list('abcde'), img_suffix='.png', split='half.txt'
    )
    cfg['seg_map_suffix'] = '_labelTrainIds.png'
    stats, files = source_statistics(build_dataset(cfg).parts())
    assert len(stats) == 2
    assert {class_id: [number for number, _ in some] for class_id, some in files.items()} == {
        0: [0, 1],
        1: [0],
        4: [1],
    }


def test_label_maps_that_were_not_counted_are_named(folders: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ('sample_class_stats.json', 'samples_with_class.json'):
        path = folders / 'source' / name
        content = json.loads(path.read_text())
        left = (
            [entry for entry in content if '00003' not in entry['file']]
            if isinstance(content, list)
            else {k: [e for e in v if '00003' not in e[0]] for k, v in content.items() if k != '4'}
        )
        path.write_text(json.dumps(left))
    with caplog.at_level('WARNING', 'mmseg'):
        source_statistics(build_dataset(source_cfg(folders)).parts())
    assert 'the statistics lack 1 of 4 label maps' in caplog.text
    assert '00003_labelTrainIds.png' in caplog.text


def test_counts_by_picture_go_through_the_table(folders: Path) -> None:
    counts = counts_by_picture(build_dataset(source_cfg(folders, ignore_index=0)))
    assert counts['00002.png'] == {3: 480}
