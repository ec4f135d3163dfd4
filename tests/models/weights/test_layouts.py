"""Layouts of other programs: written from our keys by rules of their own, and read back."""

import json
import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from mmseg.errors import CheckpointError
from mmseg.models import build_segmentor
from mmseg.models.weights import canonical, layout_of, load_pretrained, relayout, select_network
from mmseg.registry import MODELS
from tests.models.tiny import segformer_head, segmentor
from tests.parity.recipe import fill_module
from tests.shared import reference_path

State = dict[str, Tensor]
BLOCK = re.compile(r'backbone\.block(\d)\.(\d+)\.(.+)\.(\w+)')
STAGE = re.compile(r'backbone\.(patch_embed|norm)(\d)\.?(.*)\.(\w+)')
FUSION = 'decode_head.linear_fuse.conv.weight'


@pytest.fixture(scope='module')
def network() -> torch.nn.Module:
    """SegFormer on mit_b0 with the numbers of the documented recipe."""
    return fill_module(build_segmentor(segmentor(decode_head=segformer_head()))).eval()


@pytest.fixture(scope='module')
def ours(network: torch.nn.Module) -> State:
    """Its tensors without those that other programs do not have."""
    return {key: value for key, value in network.state_dict().items() if '.conv_seg.' not in key}


def turned(state: State) -> State:
    """The coarsest of four levels first in the fusion of the decoder."""
    levels = state[FUSION].chunk(4, dim=1)
    return {**state, FUSION: torch.cat(levels[::-1], dim=1)}


def replaced(key: str, table: dict[str, str]) -> str:
    for old, new in table.items():
        key = key.replace(old, new)
    return key


def hugging_face(state: State) -> State:
    """As in files of transformers: stages from 0, query, key and value apart, names of BERT."""
    layers = {
        'norm1': 'layer_norm_1', 'norm2': 'layer_norm_2', 'attn.q': 'attention.self.query',
        'attn.proj': 'attention.output.dense', 'attn.sr': 'attention.self.sr', 'attn.norm': 'attention.self.layer_norm',
        'mlp.fc1': 'mlp.dense1', 'mlp.fc2': 'mlp.dense2', 'mlp.dwconv.dwconv': 'mlp.dwconv.dwconv',
    }  # fmt: skip
    head = {
        'linear_fuse.conv': 'linear_fuse', 'linear_fuse.bn': 'batch_norm', 'linear_pred': 'classifier'
    }  # fmt: skip
    result: State = {}
    for key, value in turned(state).items():
        if block := BLOCK.fullmatch(key):
            stem = f'segformer.encoder.block.{int(block[1]) - 1}.{block[2]}'
            parts = {f'{stem}.{layers.get(block[3])}.{block[4]}': value}
            if block[3] == 'attn.kv':
                names = (f'{stem}.attention.self.{part}.{block[4]}' for part in ('key', 'value'))
                parts = dict(zip(names, value.split(len(value) // 2), strict=True))
            result.update(parts)
        elif stage := STAGE.fullmatch(key):
            number = int(stage[2]) - 1
            name = f'patch_embeddings.{number}.' if stage[3] else f'layer_norm.{number}'
            result[f'segformer.encoder.{name}{stage[3].replace("norm", "layer_norm")}.{stage[4]}'] = value
        else:
            result[replaced(key, head)] = value
    return result


def hugging_face_5(state: State) -> State:
    """As the modules of transformers 5 are called."""
    table = {
        'block.': 'stages.', 'layer_norm_1': 'layernorm_before', 'layer_norm_2': 'layernorm_after',
        'attention.self.query': 'attention.q_proj', 'attention.self.key': 'attention.k_proj',
        'attention.self.value': 'attention.v_proj', 'attention.output.dense': 'attention.o_proj',
        'attention.self.sr': 'attention.sequence_reduction.sequence_reduction',
        'attention.self.layer_norm': 'attention.sequence_reduction.layer_norm', 'mlp.dense': 'mlp.fc',
        'linear_c.': 'linear_projections.', 'segformer.encoder.': 'segformer.',
    }  # fmt: skip

    def rename(key: str) -> str:
        key = re.sub(r'encoder\.(patch_embeddings|layer_norm)\.(\d)', r'encoder.stages.\2.\1', key)
        return re.sub(r'(segformer\.stages\.\d)\.(\d+)\.', r'\1.blocks.\2.', replaced(key, table))

    return {rename(key): value for key, value in hugging_face(state).items()}


def segmentation_models(state: State) -> State:
    """As segmentation_models.pytorch keeps a SegFormer: official names below ``encoder.``, levels from the coarsest."""
    table = {
        'backbone.': 'encoder.', 'decode_head.linear_fuse.conv': 'decoder.fuse_stage.0',
        'decode_head.linear_fuse.bn': 'decoder.fuse_stage.1', 'decode_head.linear_pred': 'segmentation_head.0',
        **{f'decode_head.linear_c.{i}.proj': f'decoder.mlp_stage.{3 - i}.linear' for i in range(4)},
    }  # fmt: skip
    return {replaced(key, table): value for key, value in turned(state).items()}


def official_segformer(state: State) -> State:
    """As NVIDIA published trained SegFormers."""
    table = {f'linear_c.{i}.': f'linear_c{i + 1}.' for i in range(4)}
    return {replaced(key, table): value for key, value in turned(state).items()}


def later_mmsegmentation(state: State) -> State:
    """The encoder as mmsegmentation has it since 0.17: 1x1 convolutions, one matrix for queries, keys and values."""
    layers = {
        'attn.proj': 'attn.attn.out_proj', 'mlp.fc1': 'ffn.layers.0', 'mlp.dwconv.dwconv': 'ffn.layers.1',
        'mlp.fc2': 'ffn.layers.4',
    }  # fmt: skip
    stages = {'patch_embed': {'proj': '0.projection', 'norm': '0.norm'}, 'norm': {'': '2'}}
    result: State = {'data_preprocessor.mean': torch.zeros(3, 1, 1)}
    for key, value in state.items():
        if block := BLOCK.fullmatch(key):
            stem, layer, leaf = f'backbone.layers.{int(block[1]) - 1}.1.{block[2]}', block[3], block[4]
            if layer == 'attn.q':
                together = torch.cat([value, state[key.replace('.attn.q.', '.attn.kv.')]])
                result[f'{stem}.attn.attn.in_proj_{leaf}'] = together
            elif layer != 'attn.kv':
                is_linear = layer in ('mlp.fc1', 'mlp.fc2') and leaf == 'weight'
                result[f'{stem}.{layers.get(layer, layer)}.{leaf}'] = (
                    value[:, :, None, None] if is_linear else value
                )
        elif stage := STAGE.fullmatch(key):
            name = f'backbone.layers.{int(stage[2]) - 1}.{stages[stage[1]][stage[3]]}'
            result[f'{name}.{stage[4]}'] = value
        else:
            result[key] = value
    return result


WRITERS: dict[str, Callable[[State], State]] = {
    'huggingface': hugging_face,
    'huggingface5': hugging_face_5,
    'smp': segmentation_models,
    'segformer': official_segformer,
    'mmseg1': later_mmsegmentation,
}


@pytest.mark.parametrize('layout', WRITERS)
def test_layouts_are_read_exactly(layout: str, ours: State) -> None:
    theirs = WRITERS[layout](ours)
    assert layout_of(theirs) == layout
    read = select_network({f'module.{key}': value for key, value in theirs.items()})
    assert read.keys() == ours.keys()
    assert all(torch.equal(read[key], ours[key]) for key in ours)


@pytest.mark.parametrize('layout', ['huggingface', 'smp'])
def test_layouts_are_written_exactly(layout: str, network: torch.nn.Module, ours: State) -> None:
    written, wanted = relayout(network.state_dict(), layout), WRITERS[layout](ours)
    assert written.keys() == wanted.keys()
    assert all(torch.equal(written[key], wanted[key]) for key in wanted)


@pytest.mark.parametrize('layout', WRITERS)
@pytest.mark.parametrize('bare', [True, False])
def test_encoders_as_pretrained_weights(layout: str, bare: bool, ours: State, tmp_path) -> None:
    """Also without what stands in front of the encoder, and with the head of an image classifier."""
    theirs = {key: value for key, value in WRITERS[layout](ours).items() if not key.startswith('dec')}
    if bare and layout not in ('smp', 'segformer'):
        theirs = {re.sub(r'^(segformer|backbone)\.', '', key): value for key, value in theirs.items()}
    file = tmp_path / 'x.pth'
    torch.save({**theirs, 'classifier.weight': torch.zeros(3, 256)}, file)
    encoder = MODELS.build({'type': 'mit_b0'})
    assert load_pretrained(encoder, file).missing == ()
    assert all(torch.equal(value, ours[f'backbone.{key}']) for key, value in encoder.state_dict().items())


def test_encoders_are_written_without_backbone_too(ours: State) -> None:
    encoder = {
        key.removeprefix('backbone.'): value for key, value in ours.items() if key.startswith('backbone.')
    }
    for layout in ('huggingface', 'smp'):
        read = canonical(relayout(encoder, layout))
        assert all(torch.equal(read[f'backbone.{key}'], value) for key, value in encoder.items())


def test_other_keys_are_left_alone() -> None:
    state = {'stem.0.weight': torch.zeros(1), 'head.weight': torch.zeros(2)}
    assert layout_of(state) is None
    assert canonical(state) is state


def test_tensors_that_do_not_belong_together(ours: State) -> None:
    theirs = hugging_face(ours)
    theirs['segformer.encoder.block.0.0.attention.self.key.weight'] = torch.zeros(3, 5)
    with pytest.raises(CheckpointError, match=r'x\.bin has the layout of Hugging Face SegFormer, but'):
        canonical(theirs, 'x.bin')


@pytest.mark.parametrize('layout', WRITERS)
def test_published_keys_survive_every_layout(layout: str) -> None:
    """Names and shapes of a stored network; its numbers do not matter."""
    stored = json.loads(reference_path('keys/segmentor_segformer_mitb3.json').read_text())
    state = {key: torch.empty(shape) for key, shape in stored if '.conv_seg.' not in key}
    read = select_network(WRITERS[layout](state))
    assert {key: value.shape for key, value in read.items()} == {
        key: value.shape for key, value in state.items()
    }
