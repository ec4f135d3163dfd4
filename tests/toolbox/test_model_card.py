"""Model cards and metafiles: what is recorded is told, what is not is not made up."""

from typing import Any

import pytest
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
    assert entry['Config'] == UNKNOWN
    assert 'inside the weight file' not in text
    assert 'Made from the configuration' not in text


def test_what_base_files_may_say_is_not_made_up() -> None:
    """A configuration that builds on others: their method and weights are not in its text."""
    part = published({'config': "_base_ = ['base.py']\nmodel = dict(backbone=dict(type='mit_b0'))\n"})
    (entry,) = yaml.safe_load(metafile(part))['Models']
    assert entry['Metadata']['Training Techniques'] == entry['Metadata']['Started From'] == UNKNOWN
    assert entry['Config'] == 'inside the weight file'
    whole = published({'config': "model = dict(backbone=dict(type='mit_b0'))\n"})
    (entry,) = yaml.safe_load(metafile(whole))['Models']
    assert entry['Metadata']['Training Techniques'] == 'supervised'
    assert entry['Metadata']['Started From'] == 'drawn weights'


def test_an_encoder_that_its_tensors_do_not_tell_has_the_name_of_the_configuration() -> None:
    backbone = "dict(type='TimmBackbone', model_name='tf_efficientnet_lite0')"
    facts = {'config': f'model = dict(backbone={backbone})'}
    model = Published('x.pth', '01', 1, 'an unknown encoder with DAFormerHead, 19 classes', 1, facts)
    wanted = 'TimmBackbone tf_efficientnet_lite0 with DAFormerHead, 19 classes'
    assert f'| {wanted}, ' in card(model)
    assert f'Architecture: {wanted}' in metafile(model)


def test_names_of_classes_are_text() -> None:
    text = card(
        published({'CLASSES': ['<b>x</b>', 'a|b'], 'scores': {'mIoU': 1.0, 'class_iou': {'<i>': 2.0}}})
    )
    assert 'Classes: &lt;b>x&lt;/b>, a\\|b.' in text
    assert '| &lt;i> | 2.0 |' in text


def test_commands_are_those_that_were_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('sys.argv', ['mmseg-uda publish-model'])
    text = card(FULL)
    assert 'mmseg-uda train x-01234567.json' in text
    assert 'mmseg-uda demo PICTURE x-01234567.json x-01234567.pth' in text
    assert 'mmseg-uda test' in card(published({}))
    assert 'tools/' not in text + card(published({})) + metafile(FULL)


def test_values_of_strange_types_do_no_harm() -> None:
    strange = published(
        {'config': 'data = 3\nuda = []\nmodel = None', 'scores': {'mIoU': 1.0, 'class_iou': 7}}
    )
    assert '| mIoU | 1.0 |' in card(strange)
    assert 'supervised' in metafile(strange)
