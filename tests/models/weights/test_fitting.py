"""Putting weights into a network, and what is said when they do not fit."""

import logging

import pytest
import torch
from torch import nn

from mmseg.errors import CheckpointError, ConfigError
from mmseg.models import build_segmentor
from mmseg.models.weights import load_into, load_pretrained, pretrained_path
from mmseg.registry import MODELS
from tests.models.tiny import segformer_head, segmentor


def test_other_networks_are_refused_and_change_nothing() -> None:
    module = nn.Linear(3, 2)
    before = module.weight.clone()
    with pytest.raises(CheckpointError, match=r'x\.pth belongs to another network.*weight \(file \(2, 4\)'):
        load_into(module, {'weight': torch.zeros(2, 4), 'bias': torch.zeros(2)}, 'x.pth')
    with pytest.raises(CheckpointError, match=r'Missing in the file: bias.*Not in the network: head\.w'):
        load_into(module, {'weight': torch.zeros(2, 3), 'head.w': torch.zeros(1)}, 'x.pth')
    with pytest.raises(CheckpointError, match='Not in the network: conv'):
        load_into(module, {'conv': torch.zeros(1)}, 'x.pth', allow_missing=True)
    assert torch.equal(module.weight, before)


def test_report_names_what_did_not_fit(caplog) -> None:
    caplog.set_level(logging.WARNING, 'mmseg')
    values = {'weight': torch.ones(2, 3), 'fc.bias': torch.zeros(1), 'head.weight': torch.zeros(1)}
    module = nn.Linear(3, 2)
    report = load_into(module, values, 'x.pth', allow_missing=True, ignored=('head.',))
    assert (report.missing, report.unexpected) == (('bias',), ('fc.bias',))
    assert 'missing keys: bias; unexpected keys: fc.bias' in caplog.text
    assert (module.weight == 1).all()


def test_counters_of_old_batch_norms_may_be_absent() -> None:
    values = {key: v for key, v in nn.BatchNorm2d(2).state_dict().items() if key != 'num_batches_tracked'}
    assert load_into(nn.BatchNorm2d(2), values).missing == ()


def test_pretrained_by_either_key() -> None:
    init_cfg = {'type': 'Pretrained', 'checkpoint': 'a.pth'}
    assert pretrained_path(None, init_cfg) == pretrained_path('a.pth', None) == 'a.pth'
    assert pretrained_path(None, None) is None
    with pytest.raises(ConfigError, match='not both'):
        pretrained_path('b.pth', init_cfg)
    with pytest.raises(ConfigError, match='Kaiming'):
        pretrained_path(None, {'type': 'Kaiming'})


def test_report_counts_what_matched(caplog) -> None:
    caplog.set_level(logging.DEBUG, 'mmseg')
    report = load_into(nn.Linear(3, 2), nn.Linear(3, 2).state_dict(), 'x.pth')
    assert report.matched == ('weight', 'bias')
    assert report.text() == '2 of 2 keys of the network matched'
    assert 'x.pth: 2 of 2 keys' in caplog.text


def test_wrong_network_is_named() -> None:
    with torch.device('meta'):
        found = build_segmentor(
            segmentor(
                backbone={'type': 'mit_b1'}, decode_head=segformer_head(num_classes=7, in_channels=None)
            )
        )
        wanted = build_segmentor(segmentor())
    with pytest.raises(
        CheckpointError,
        match=r'x\.pth looks like mit_b1 with SegFormerHead, 7 classes; the configuration has mit_b0 with '
        r'DAFormerHead, 5 classes\. Shapes differ: backbone',
    ):
        load_into(wanted, found.state_dict(), 'x.pth')


def test_other_number_of_classes_is_named() -> None:
    with torch.device('meta'):
        found, wanted = (
            build_segmentor(segmentor(decode_head=segformer_head(num_classes=n))) for n in (7, 19)
        )
    with pytest.raises(
        CheckpointError, match=r'SegFormerHead, 7 classes; the configuration has .*, 19 classes'
    ):
        load_into(wanted, found.state_dict(), 'x.pth')


def test_encoder_file_is_no_segmentor() -> None:
    with torch.device('meta'):
        encoder, network = MODELS.build({'type': 'mit_b0'}), build_segmentor(segmentor())
    with pytest.raises(CheckpointError, match='looks like mit_b0 without a decode head'):
        load_into(network, encoder.state_dict(), 'x.pth')


def test_unused_classifier_of_segformer_may_be_absent() -> None:
    network = build_segmentor(segmentor(decode_head=segformer_head()))
    values = {key: value for key, value in network.state_dict().items() if '.conv_seg.' not in key}
    assert load_into(network, values).missing == ()
    other = build_segmentor(segmentor())
    values = {key: value for key, value in other.state_dict().items() if '.conv_seg.' not in key}
    with pytest.raises(CheckpointError, match='Missing in the file: decode_head.conv_seg.weight'):
        load_into(other, values)


def test_backbone_of_a_segmentor_as_pretrained_weights(tmp_path) -> None:
    network = build_segmentor(segmentor())
    torch.save(
        {'state_dict': {f'module.{key}': value for key, value in network.state_dict().items()}},
        tmp_path / 'x.pth',
    )
    encoder = MODELS.build({'type': 'mit_b0'})
    report = load_pretrained(encoder, tmp_path / 'x.pth')
    assert (report.missing, report.unexpected) == ((), ())
    assert torch.equal(encoder.patch_embed1.proj.weight, network.backbone.patch_embed1.proj.weight)
