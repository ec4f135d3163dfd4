"""Pictures and tables of what training is fed."""

import numpy as np
import torch

from mmseg.toolbox.preparation.class_use import count_use
from mmseg.toolbox.reports.delivery import picture_of, sample_panels, use_figure, use_table

NORM = {'mean': [1, 2, 3], 'std': [2, 2, 2], 'to_rgb': True}
META = {'img_norm_cfg': NORM, 'ori_filename': 'city/' + 'x' * 40 + '.png'}


def use(title, *pixels):
    counts = np.zeros(256, np.int64)
    counts[: len(pixels)] = pixels
    return count_use(title, [counts])


def test_pictures_get_their_shades_back():
    image = np.full((3, 1, 2), 5.0)
    assert picture_of(image, META)[0, 0].tolist() == [11, 12, 13]
    assert picture_of(image, {'img_norm_cfg': {**NORM, 'to_rgb': False}})[0, 0].tolist() == [13, 12, 11]


def test_a_line_shows_source_label_and_target_darkened_where_it_does_not_count():
    sample = {
        'img': torch.full((3, 1, 2), 20.0),
        'gt_semantic_seg': torch.tensor([[[0, 255]]]),
        'img_metas': META,
        'target_img': torch.full((3, 1, 2), 29.0),
        'target_img_metas': META,
        'valid_pseudo_mask': torch.tensor([[[1, 0]]], dtype=torch.uint8),
    }
    source, label, target = sample_panels(sample, [(255, 255, 255)], 7)
    assert source[0].startswith('7: ...xxx')
    assert label[1][0, 0, 0] > source[1][0, 0, 0] > label[1][0, 1, 0]
    assert target[1][0, :, 1].tolist() == [60, 20]
    assert (
        len(
            sample_panels(
                {key: sample[key] for key in ('img', 'gt_semantic_seg', 'img_metas')}, [(0, 0, 0)], 0
            )
        )
        == 2
    )


def test_tables_compare_with_the_first_and_leave_out_absent_classes():
    lines = use_table(
        [use('data set', 90, 10), use('delivered', 50, 50)], ['road', 'sky', 'car']
    ).splitlines()
    rows = [[cell.strip() for cell in line.split('|')[1:-1]] for line in lines[3:5]]
    assert rows == [
        ['road', '90.000', '100.0', '50.000', '100.0', '0.56'],
        ['sky', '10.000', '100.0', '50.000', '100.0', '5.00'],
    ]


def test_bars_are_sorted_from_rare_to_frequent():
    axis = use_figure([use('data set', 90, 10), use('delivered', 50, 50)], ['road', 'sky', 'car']).axes[0]
    assert [label.get_text() for label in axis.get_xticklabels()] == ['sky', 'road']
    assert [bar.get_height() for bar in axis.patches] == [10, 90, 50, 50]
