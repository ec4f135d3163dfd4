"""What a check finds in sound and in spoilt folders (those of tests/datasets/conftest.py)."""

import json
import shutil

import numpy as np
import pytest

from mmseg.fileio import write_label_png
from mmseg.toolbox.checking import check_folder, layout_named, report_text

GTA, CITYSCAPES = layout_named('gta'), layout_named('cityscapes')
STATS = 'sample_class_stats.json'
LABEL = 'labels/00001_labelTrainIds.png'


@pytest.fixture
def source(folders):
    return folders / 'source'


def check(folder, layout=GTA, **changes):
    return check_folder(str(folder), layout, **{'min_pixels': 100, 'temperature': 0.5, **changes})


def wrong(folder, layout=GTA, **changes):
    return ' '.join(
        finding.text for finding in check(folder, layout, **changes).all_findings() if finding.wrong
    )


def test_a_sound_source(source):
    report = check(source)
    assert report.sound, report_text(report)
    (split,) = report.splits
    assert (split.pictures, split.labels, split.looked_at, split.sizes) == (4, 4, 4, {(24, 40): 4})
    assert split.pixels[:6].tolist() == [1920, 480, 480, 480, 480, 0]
    assert split.occurs[:6].tolist() == [4, 1, 1, 1, 1, 0]
    assert list(report.rare_classes) == [1, 2, 3, 4, 0]
    assert report.rare_classes[0].candidates == 4
    assert report.rare_classes[0].share == 0.5
    assert sum(found.probability for found in report.rare_classes.values()) == pytest.approx(1)
    text = report_text(report)
    assert 'the full data set has 24966' in text
    assert text.endswith('Verdict: sound')


def test_a_source_without_its_labels(source):
    shutil.rmtree(source / 'labels')
    found = wrong(source)
    assert 'no label maps found: the folder does not exist' in found
    assert f'{STATS} names label maps that are not there: 4' in found


def test_a_target_needs_no_statistics_and_no_other_parts(folders):
    report = check(folders / 'target', CITYSCAPES)
    assert report.sound, report_text(report)
    assert 'without its part(s) val, test' in report_text(report)
    assert 'a source needs it' in report_text(report)


def test_a_sample_is_spread_and_the_rest_not_opened(source):
    (source / 'images/00001.png').write_bytes(b'no picture')
    assert check(source, sample=2).splits[0].looked_at == 2
    assert not wrong(source, sample=2)
    assert 'no picture' in wrong(source)
    (source / 'images/00001.png').write_bytes(b'')
    assert 'empty files: 1 (00001.png)' in wrong(source, sample=2)


def test_files_without_partner(source):
    (source / LABEL).unlink()
    (source / 'images/00002.png').unlink()
    found = wrong(source)
    assert 'pictures without a label map: 1 (00001.png)' in found
    assert 'label maps without a picture: 1 (00002_labelTrainIds.png)' in found
    assert f'{STATS} names label maps that are not there: 1 (source/labels/00001_labelTrainIds.png)' in found


def test_damage_ids_and_sizes(source):
    path = source / 'images/00000.png'
    path.write_bytes(path.read_bytes()[:-20])
    write_label_png(source / LABEL, np.full((24, 40), 33))
    write_label_png(source / 'labels/00002_labelTrainIds.png', np.zeros((24, 30)))
    found = wrong(source)
    assert 'cut off' in found
    assert 'ids outside 0..18 and 255 in label maps: 1 (33)' in found
    assert 'tools/convert_datasets/gta.py' in found
    assert '24 x 30 pixels, but its picture has 24 x 40' in found
    assert f'{STATS} counts other pixels than the opened label maps have, of 4 in 2 (' in found


def test_labels_that_wait_for_conversion(source):
    for path in (source / 'labels').iterdir():
        path.rename(path.with_name(path.name.replace('_labelTrainIds', '')))
    assert '(4 labels wait for conversion)' in wrong(source)


def test_statistics_that_disagree(source):
    entries = json.loads((source / STATS).read_text())
    (source / STATS).write_text(json.dumps(entries[:3]))
    (source / 'sample_class_stats_dict.json').write_text('{}')
    found = wrong(source)
    assert f'{STATS} lacks label maps: 1 (labels/00003' in found
    assert 'samples_with_class.json and sample_class_stats.json disagree about files: 1 (' in found
    assert 'sample_class_stats_dict.json and sample_class_stats.json differ' in found
    (source / STATS).unlink()
    assert 'statistics that rare class sampling needs are missing' in wrong(source)


def test_classes_without_candidates_are_noted(source):
    assert 'more than 500 pixels of sidewalk, building, wall, fence, road;' in report_text(
        check(source, min_pixels=500)
    )


def test_a_named_data_set_that_is_not_there(tmp_path):
    assert 'the folder does not exist' in wrong(tmp_path)


def test_many_damaged_files_are_counted(source):
    for n in range(4):
        (source / f'images/{n:05}.png').write_bytes(b'x')
        (source / f'labels/{n:05}_labelTrainIds.png').write_bytes(b'x')
    assert 'more files like these: 3' in wrong(source)
