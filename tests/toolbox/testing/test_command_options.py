"""Options of a test run that change the configuration."""

import pytest
from mmengine.config import Config

from mmseg.errors import UsageError
from mmseg.toolbox.testing import command_options as module


def config() -> Config:
    data = {
        'train': {},
        'test': {
            'img_dir': 'leftImg8bit/val',
            'number': 3,
            'pipeline': [{'type': 'Load'}, {'type': 'MultiScaleFlipAug', 'flip': False}],
        },
    }
    return Config({'data': data, 'model': {'test_cfg': {'mode': 'whole'}}})


def test_multi_scale_and_split() -> None:
    cfg = config()
    module.set_multi_scale(cfg)
    module.set_test_split(cfg)
    assert cfg.data.test.pipeline[1].flip is True
    assert cfg.data.test.pipeline[1].img_ratios == [0.5, 0.75, 1.0, 1.25, 1.5, 1.75]
    assert cfg.data.test.img_dir == 'leftImg8bit/test'
    assert cfg.data.test.number == 3


def test_multi_scale_needs_its_step() -> None:
    cfg = config()
    cfg.data.test.pipeline = [{'type': 'Load'}]
    with pytest.raises(UsageError, match='--aug-test: .*MultiScaleFlipAug'):
        module.set_multi_scale(cfg)
    with pytest.raises(UsageError, match='--scale: .*MultiScaleFlipAug'):
        module.set_scale(cfg, (64, 32))


def test_picture_sizes() -> None:
    cfg = config()
    assert module.chosen_sizes(cfg, [[50, 90], [1, 2]]) == [(50, 90), (1, 2)]
    with pytest.raises(UsageError, match='--shape: expected two positive'):
        module.chosen_sizes(cfg, [[0, 90]])
    for scale in (None, [(96, 64), (48, 32)]):
        cfg.data.test.pipeline[1].img_scale = scale
        with pytest.raises(UsageError, match='add --shape'):
            module.chosen_sizes(cfg, None)
    module.set_scale(cfg, (96, 64))
    assert module.chosen_sizes(cfg, None) == [(64, 96)]


def test_inference_mode() -> None:
    cfg = config()
    with pytest.raises(UsageError, match='crop_size'):
        module.set_inference_mode(cfg, 'slide')
    cfg.crop_size = (64, 96)
    module.set_inference_mode(cfg, 'slide')
    assert cfg.model.test_cfg == {
        'mode': 'slide',
        'crop_size': [64, 96],
        'stride': [32, 48],
        'batched_slide': True,
    }
    module.set_inference_mode(cfg, 'whole')
    assert cfg.model.test_cfg == {'mode': 'whole'}


def test_every_data_set_of_a_list_is_changed() -> None:
    def single(folder: str) -> dict[str, object]:
        return {'type': 'A', 'img_dir': f'{folder}/val', 'pipeline': [{'type': 'MultiScaleFlipAug'}]}

    cfg = Config({'data': {'test': [single('a'), {'type': 'RepeatDataset', 'dataset': single('b')}]}})
    module.set_multi_scale(cfg)
    module.set_test_split(cfg)
    tests = [cfg.data.test[0], cfg.data.test[1].dataset]
    assert [one.img_dir for one in tests] == ['a/test', 'b/test']
    assert all(one.pipeline[0].flip for one in tests)


def test_the_word_val_is_replaced_in_paths_only() -> None:
    cfg = config()
    cfg.data.test = {
        'type': 'ValleyDataset', 'data_root': 'data/interval/val', 'img_dir': ['val/a', 'b_val'], 'ann_dir': None,
        'split': 'val.txt', 'seg_map_suffix': '_val.png',
    }  # fmt: skip
    module.set_test_split(cfg)
    assert cfg.data.test.to_dict() == {
        'type': 'ValleyDataset', 'data_root': 'data/interval/test', 'img_dir': ['test/a', 'b_test'], 'ann_dir': None,
        'split': 'test.txt', 'seg_map_suffix': '_val.png',
    }  # fmt: skip
