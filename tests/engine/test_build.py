"""From a configuration to the object that is trained."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from mmseg.config.translate import train_settings
from mmseg.engine.build import (
    build_trainable,
    check_class_names,
    check_classes,
    choose_device,
    load_initial_weights,
)
from mmseg.errors import CheckpointError, ConfigError
from tests.integration.tiny import dacs, model

PLAIN: dict[str, Any] = {'model': model(), 'runner': {'max_iters': 2}, 'seed': 3}
ADAPTED = {**PLAIN, 'uda': dacs()}


def test_plain_and_adapted() -> None:
    plain, adapted = (
        build_trainable(train_settings(PLAIN)),
        build_trainable(train_settings({**ADAPTED, 'precision': 'bf16'})),
    )
    assert plain.seed == adapted.seed == 3
    assert list(plain.networks().values()) == [plain.student]
    assert list(adapted.networks()) == ['model', 'ema_model', 'imnet_model']
    assert [network.precision for network in adapted.networks().values()] == ['bf16'] * 3
    assert set(adapted.state_dict()) == {
        f'{prefix}.{key}'
        for prefix in ('model', 'ema_model', 'imnet_model')
        for key in plain.stored().state_dict()
    }


def test_configuration_is_left_alone() -> None:
    before = repr(ADAPTED)
    build_trainable(train_settings(ADAPTED))
    assert repr(ADAPTED) == before


def test_channels_last() -> None:
    plain = build_trainable(train_settings({**PLAIN, 'channels_last': True}), initialise=False)
    weight = plain.stored().get_parameter('backbone.patch_embed1.proj.weight')
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_half_precision_needs_a_gpu() -> None:
    with pytest.raises(ConfigError, match='fp16'):
        build_trainable(train_settings({**PLAIN, 'precision': 'fp16'}), 'cpu', initialise=False)


def test_unknown_device() -> None:
    with pytest.raises(ConfigError, match='cuda:77'):
        choose_device('cuda:77')
    assert choose_device('cpu') == torch.device('cpu')


def test_initial_weights_go_into_the_student(tmp_path: Path) -> None:
    plain, adapted = build_trainable(train_settings(PLAIN)), build_trainable(train_settings(ADAPTED))
    torch.save(plain.stored().state_dict(), tmp_path / 'plain.pth')
    load_initial_weights(adapted, str(tmp_path / 'plain.pth'))
    name = 'decode_head.conv_seg.weight'
    assert torch.equal(adapted.get_parameter(f'model.{name}'), plain.student.get_parameter(name))
    assert not torch.equal(adapted.teacher.get_parameter(name), plain.student.get_parameter(name))
    torch.save({'a.weight': torch.zeros(1)}, tmp_path / 'other.pth')
    with pytest.raises(CheckpointError, match=r'other\.pth'):
        load_initial_weights(adapted, str(tmp_path / 'other.pth'))


@pytest.mark.parametrize(
    ('names', 'words'), [(['a', 'b'], 'predicts 19 classes.*has 2: a, b'), (None, 'no class names')]
)
def test_classes_of_network_and_data_set_differ(names: list[str] | None, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        check_classes(SimpleNamespace(num_classes=19), SimpleNamespace(CLASSES=names))


@pytest.mark.parametrize('kind', ['DAFormerHead', 'SegFormerHead', 'DLV2Head'])
def test_a_new_classifier_for_other_classes(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def network(classes: int, seed: int) -> Any:
        values = model()
        if kind != 'DAFormerHead':
            params = {'decoder_params': {'embed_dim': 16}} if kind == 'SegFormerHead' else {}
            inputs = [32, 64, 160, 256] if kind == 'SegFormerHead' else 256
            index = [0, 1, 2, 3] if kind == 'SegFormerHead' else 3
            head = {'type': kind, 'in_channels': inputs, 'in_index': index, **params}
            values['decode_head'] = {**head, **({'channels': 16} if kind == 'SegFormerHead' else {})}
        values['decode_head']['num_classes'] = classes
        return build_trainable(train_settings({**PLAIN, 'model': values, 'seed': seed}))

    old, new = network(19, 1), network(5, 2)
    path = tmp_path / 'old.pth'
    torch.save({'meta': {'CLASSES': ['x'] * 19}, 'state_dict': old.stored().state_dict()}, path)
    with pytest.raises(CheckpointError, match=r'Shapes differ.* add --new-classifier'):
        load_initial_weights(new, str(path), ['a'] * 5)
    before = {key: value.clone() for key, value in new.stored().state_dict().items()}
    with caplog.at_level('INFO', 'mmseg'):
        load_initial_weights(new, str(path), ['a'] * 5, new_classifier=True)
    assert 'these layers begin anew: decode_head.' in caplog.text
    after, stored = new.stored().state_dict(), old.stored().state_dict()
    anew = {key for key in after if after[key].shape != stored[key].shape}
    assert all(torch.equal(after[key], before[key]) for key in anew)
    assert all(torch.equal(after[key], stored[key]) for key in after if key.startswith('backbone'))
    same = network(19, 3)
    kept = {key: value.clone() for key, value in same.stored().state_dict().items()}
    load_initial_weights(same, str(path), ['b'] * 19, new_classifier=True)
    assert all(torch.equal(same.stored().state_dict()[key], kept[key]) for key in anew), (
        'also for as many other classes'
    )


def test_class_names_of_a_checkpoint(caplog: pytest.LogCaptureFixture) -> None:
    check_class_names(None, ['a'], 'x.pth')
    check_class_names(('a', 'b'), ['a', 'b'], 'x.pth')
    assert not caplog.records
    with caplog.at_level('WARNING', 'mmseg'):
        check_class_names(['a', 'b'], ['b', 'a'], 'x.pth')
        check_class_names(['a', 'b'], ['a', 'c'], 'x.pth')
    assert 'classes a, b; the data set has b, a. The order differs' in caplog.text
    assert 'check that they mean the same' in caplog.text
    with pytest.raises(ConfigError, match='order differs'):
        check_class_names(['a', 'b'], ['b', 'a'], 'x.pth', refuse=True)


def test_a_new_classifier_is_proposed_only_where_it_helps(tmp_path: Path) -> None:
    wider = model()
    wider['backbone'] = {'type': 'mit_b1'}
    wider['decode_head']['in_channels'] = [64, 128, 320, 512]
    other = build_trainable(train_settings({**PLAIN, 'model': wider}))
    torch.save({'state_dict': other.state_dict()}, tmp_path / 'x.pth')
    with pytest.raises(CheckpointError) as error:
        load_initial_weights(build_trainable(train_settings(PLAIN)), str(tmp_path / 'x.pth'))
    assert '--new-classifier' not in str(error.value)
