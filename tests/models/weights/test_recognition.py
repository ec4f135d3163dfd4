"""Naming networks by their keys."""

import json

import pytest
import torch

from mmseg.models import build_segmentor
from mmseg.models.weights import describe
from mmseg.models.weights.recognition import recognise_encoder
from tests.models.tiny import daformer_head, dlv2_head, head_on_last, segformer_head, segmentor
from tests.shared import reference_path

STORED = {
    'segmentor_daformer_sepaspp_mitb5': 'mit_b5 with DAFormerHead, 19 classes',
    'segmentor_hrda1-512-0.1_daformer_sepaspp_mitb5': 'mit_b5 with HRDAHead around DAFormerHead, 19 classes',
    'segmentor_hrda1-512-0.1_dlv2red_r101v1c': 'ResNetV1c of depth 101 with HRDAHead around DLV2Head, 19 classes',
    'segmentor_segformer_mitb3': 'mit_b3 with SegFormerHead, 19 classes',
    'segmentor_upernet_mitb5': 'mit_b5 with UPerHead, 19 classes',
    'segmentor_da_nodbn_r101v1c': 'ResNetV1c of depth 101 with DAHead, 19 classes',
    'segmentor_isa_nodbn_r101v1c': 'ResNetV1c of depth 101 with ISAHead, 19 classes',
    'segmentor_dlv3p_nodbn_r101v1c': 'ResNetV1c of depth 101 with DepthwiseSeparableASPPHead, 19 classes',
    'segmentor_dlv2red_s200': 'ResNeSt of depth 200 with DLV2Head, 19 classes',
    'segmentor_dlv2red_x50-32': 'ResNeXt of depth 50 with DLV2Head, 19 classes',
    'backbone_mit_b2': 'mit_b2 without a decode head',
}


@pytest.mark.parametrize('name', STORED)
def test_published_networks(name) -> None:
    keys = json.loads(reference_path(f'keys/{name}.json').read_text())
    assert describe({key: torch.empty(shape, device='meta') for key, shape in keys}) == STORED[name]


@pytest.mark.parametrize(
    'head',
    [
        daformer_head(),
        segformer_head(),
        dlv2_head(),
        head_on_last('ASPPHead', dilations=[1, 6]),
        head_on_last('PSPHead'),
        head_on_last('FCNHead'),
    ],
    ids=lambda head: head['type'],
)
def test_heads(head) -> None:
    with torch.device('meta'):
        network = build_segmentor(segmentor(decode_head=head))
    assert describe(network.state_dict()) == f'mit_b0 with {head["type"]}, 5 classes'


def test_unknown_networks() -> None:
    assert describe(torch.nn.Linear(2, 2).state_dict()) is None
    assert recognise_encoder({}) is None


def test_later_head_of_mmsegmentation() -> None:
    values = {
        'decode_head.convs.0.conv.weight': torch.zeros(1),
        'decode_head.fusion_conv.conv.weight': torch.zeros(1),
    }
    assert 'SegformerHead of mmsegmentation 0.17' in str(describe(values))
