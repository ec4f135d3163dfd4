"""Model cards and metafiles: what is recorded is told, what is not is not made up."""

from typing import Any

import yaml

from mmseg.toolbox.model_card import LIMITS, NO_LICENCE, NOT_RUN, UNKNOWN, Published, card, metafile

CONFIG = """
uda = dict(type='DACS')
model = dict(pretrained='pretrained/mit_b5.pth')
data = dict(
    samples_per_gpu=2,
    train=dict(source=dict(type='GTADataset', data_root='data/gta'),
               target=dict(type='CityscapesDataset', data_root='data/cityscapes')),
    test=dict(type='CityscapesDataset', data_root='data/cityscapes'))
"""


def published(facts: dict[str, Any], **others: Any) -> Published:
    return Published(
        'x-01234567.pth', '0123' * 16, 2_000_000, 'mit_b5 with DAFormerHead', 500_000, facts, **others
    )


FULL = published(
    {
        'config': CONFIG, 'iter': 40000, 'seed': 1, 'mmseg_version': '0.1.0+abcdef0', 'network': 'teacher',
        'CLASSES': ['road', 'a|b'], 'scores': {'mIoU': 68.3, 'class_iou': {'road': 95.0, 'a|b': 41.6}},
    },
    config='x-01234567.json', licence='CC BY-NC 4.0',
)  # fmt: skip


def test_a_card_tells_everything_that_is_recorded() -> None:
    text = card(FULL)
    for part in (
        '0123' * 16, 'DACS', 'GTADataset data/gta -> CityscapesDataset data/cityscapes', 'pretrained/mit_b5.pth',
        'python tools/train.py x-01234567.json', '40000 iterations, batch 2, seed 1', 'commit abcdef0', 'teacher',
        '| mIoU | 68.3 |', '| road | 95.0 |', '| a\\|b | 41.6 |', 'CC BY-NC 4.0', LIMITS, '[x-01234567.yml]',
    ):  # fmt: skip
        assert part in text, part
    assert UNKNOWN not in text
    assert NOT_RUN not in text


def test_a_metafile_tells_the_same() -> None:
    (entry,) = yaml.safe_load(metafile(FULL))['Models']
    assert entry['Weights'] == 'x-01234567.pth'
    assert entry['Config'] == 'x-01234567.json'
    assert entry['Metadata']['Training Data'] == 'GTADataset data/gta -> CityscapesDataset data/cityscapes'
    assert entry['Metadata']['Started From'] == 'pretrained/mit_b5.pth'
    assert entry['Results'][0]['Dataset'] == 'CityscapesDataset data/cityscapes'
    assert entry['Results'][0]['Metrics']['mIoU'] == 68.3
    assert entry['Licence'] == 'CC BY-NC 4.0'


def test_nothing_is_made_up() -> None:
    """Of a file that says nothing of itself."""
    bare = published({})
    text, (entry,) = card(bare), yaml.safe_load(metafile(bare))['Models']
    assert text.count(UNKNOWN) > 8
    assert NOT_RUN in text
    assert NO_LICENCE in text
    assert entry['Results'][0] == {'Task': 'Semantic Segmentation', 'Dataset': UNKNOWN, 'Metrics': NOT_RUN}
    assert entry['Licence'] == NO_LICENCE
    assert entry['Config'] == 'inside the weight file'


def test_values_of_strange_types_do_no_harm() -> None:
    strange = published(
        {'config': 'data = 3\nuda = []\nmodel = None', 'scores': {'mIoU': 1.0, 'class_iou': 7}}
    )
    assert '| mIoU | 1.0 |' in card(strange)
    assert 'supervised' in metafile(strange)
