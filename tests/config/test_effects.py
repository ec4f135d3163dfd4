"""Keys that wait for others are named."""

from typing import Any

import pytest

from mmseg.config.check import inspect_config
from mmseg.config.effects import idle_keys
from mmseg.engine.announce import announce_report

CASES: list[tuple[dict[str, Any], str]] = [
    ({'evaluation': {'save_best': 'mIoU', 'interval': 0}}, 'evaluation.save_best'),
    ({'evaluation': {'save_best': 'mIoU'}}, 'evaluation.save_best'),
    ({'evaluation': {'interval': 5}, 'runner': {'max_iters': 4}}, 'evaluation.interval'),
    ({'evaluation': {'rule': 'less'}}, 'evaluation.rule'),
    ({'evaluation': {'report': True}}, 'evaluation.report'),
    ({'load_from': 'a.pth', 'resume_from': 'b.pth'}, 'load_from'),
    ({'new_classifier': True}, 'new_classifier'),
    ({'lr_config': {'warmup_iters': 5}}, 'lr_config.warmup_iters'),
    ({'nan_limit': 5}, 'nan_limit'),
    ({'data': {'max_error_share': 0.5}}, 'data.max_error_share'),
    (
        {'uda': {'imnet_feature_dist_classes': [1], 'imnet_feature_dist_lambda': 0}},
        'uda.imnet_feature_dist_classes',
    ),
    ({'uda': {'mask_mode': 'separatetrg'}}, 'uda.mask_mode'),
    (
        {
            'log_config': {
                'hooks': [
                    {'type': 'TextLoggerHook', 'by_epoch': False},
                    {'type': 'WandbLoggerHook', 'init_kwargs': {}},
                ]
            }
        },
        'log_config.hooks.1.init_kwargs',
    ),
]


@pytest.mark.parametrize(('values', 'key'), CASES, ids=str)
def test_what_waits_for_another_key(values: dict[str, Any], key: str) -> None:
    assert [note.partition(' (')[0] for note in idle_keys(values)] == [key]


def test_what_has_an_effect() -> None:
    values = {
        'evaluation': {'save_best': 'mIoU', 'interval': 2, 'rule': 'less', 'report': True}, 'runner': {'max_iters': 4},
        'load_from': 'a.pth', 'new_classifier': True, 'nan_policy': 'skip', 'nan_limit': 3,
        'lr_config': {'warmup': 'linear', 'warmup_iters': 5}, 'uda': {'mask_mode': 'separatetrg', 'mask_lambda': 1},
    }  # fmt: skip
    assert idle_keys(values) == []


def test_they_are_named_with_the_reason_at_the_start(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level('INFO', 'mmseg'):
        announce_report(inspect_config({'new_classifier': True, 'n_gpus': 1}))
    assert caplog.messages == ['Without effect here: n_gpus, new_classifier (load_from is not set)']


@pytest.mark.parametrize('kind', [None, 5, ['WandbLoggerHook'], {'a': 1}], ids=repr)
def test_what_is_no_name_of_a_tracker_is_told_by_the_check_of_values(kind: Any) -> None:
    assert idle_keys({'log_config': {'hooks': [{'type': kind, 'log_dir': 'x'}, kind]}}) == []
