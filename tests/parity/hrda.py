"""Cases ``models/hrda*``: multi-resolution networks."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from mmseg.models.segmentors.hrda import HRDAEncoderDecoder
from tests.parity.core import Case, Check, family
from tests.parity.models import Arrays, Entry, close_stats, entry_cases, strided
from tests.parity.networks import RTOL, STD_TOLERANCE, filled
from tests.parity.recipe import normal

Close = Callable[[str, Tensor], None]

SC075_TOLERANCE = 3e-4
"""tests/parity/cases/README.md#tolerances: resizing by 4/3 loses more digits than by 2."""


class FixedBoxes:
    """Draws whose detail crops are the recorded boxes, in order."""

    def __init__(self, boxes: Sequence[Sequence[int]], divisible: int) -> None:
        self.offsets = [int(offset) // divisible for y1, _, x1, _ in boxes for offset in (y1, x1)]

    def stream(self, name: str) -> 'FixedBoxes':
        """The draws of the network itself; it only asks for its detail crop."""
        assert name == 'detail'
        return self

    def integers(self, low: int, high: int) -> int:
        """The next recorded offset, in steps."""
        offset = self.offsets.pop(0)
        assert low <= offset < high, f'recorded offset {offset} is outside [{low}, {high})'
        return offset


@family('models/hrda.json')
def hrda_cases(file: Path, root: Path) -> Iterable[Case]:
    """Both scales and their fusion, training and test; outer windows; features for the distance."""
    return entry_cases(file, root, _compare)


def _compare(check: Check, entry: Entry, stored: Arrays, salt: str) -> None:
    network = filled(entry['model'], salt)
    assert isinstance(network, HRDAEncoderDecoder)
    tolerance = SC075_TOLERANCE if 0.75 in network.scales else STD_TOLERANCE
    compared: set[str] = set()

    def close(name: str, got: Tensor) -> None:
        compared.add(name)
        want = stored[name]
        if name.endswith('_stats'):
            close_stats(check, name, got, want)
        else:
            check.close(
                name, got, want, atol=tolerance * float(want.astype('f8').std()), rtol=max(RTOL, tolerance)
            )

    if 'order' in entry:
        _compare_features(network, entry, close)
    elif 'input_seed' in entry:
        _compare_outer_windows(check, network, entry, stored, compared)
    else:
        if 'train_input_seed' in entry:
            _compare_training(network, entry, stored, close)
        _compare_test(check, network, entry, stored, close)
        compared.add('test_boxes')
    check.equal('stored arrays that were not compared', sorted(set(stored) - compared), [])


def _boxes(network: HRDAEncoderDecoder, entry: Entry) -> FixedBoxes:
    return FixedBoxes([entry['hr_crop_box_y1y2x1x2']], network.crop_coord_divisible)


def _compare_training(network: HRDAEncoderDecoder, entry: Entry, stored: Arrays, close: Close) -> None:
    """One training pass with the recorded detail crop."""
    network.feature_scale = 'all'  # so that the features of both scales are returned
    img = normal(entry['train_input_seed'], entry['train_input_shape'])
    label = torch.zeros(img.shape[0], 1, *img.shape[2:], dtype=torch.int64)
    output = network.forward_train(img, label, draws=_boxes(network, entry))
    scales = output.seen()['scales']
    close('train_fused', scales.fused)
    close('train_lr', scales.context)
    close('train_hr', scales.detail)
    if 'train_att' in stored:
        close('train_att', scales.attention)
    for name, view in zip(('lr', 'hr'), output.views, strict=True):
        for level, feature in enumerate(view.features):
            close(f'train_feat_{name}{level}_stats', feature)


def _compare_test(
    check: Check, network: HRDAEncoderDecoder, entry: Entry, stored: Arrays, close: Close
) -> None:
    """A whole image: scales, fusion, windows and the logits at image size."""
    img = normal(entry['test_input_seed'], entry['test_input_shape'])
    scales = network.predict_scales(img)
    named = {'test_fused': scales.fused, 'test_lr': scales.context, 'test_hr': scales.detail}
    named |= {'test_att': scales.attention, 'test_attention_map': network.decode_head.output(scales)}
    for name in named.keys() & set(stored):
        close(name, named[name])
    full = network.encode_decode(img)
    close('test_full_stats', full)
    for name in (name for name in stored if name.startswith('test_full_stride')):
        close(name, full[:, :, :: strided(name), :: strided(name)])
    if 'test_boxes' in stored:
        check.equal('test_boxes', network.detail_windows(img.shape[2:]), stored['test_boxes'])


def _compare_outer_windows(
    check: Check, network: HRDAEncoderDecoder, entry: Entry, stored: Arrays, compared: set[str]
) -> None:
    """Sliding windows over the whole network."""
    img = normal(entry['input_seed'], entry['input_shape'])
    logits = network.predict_logits(img)
    compared.update(stored)
    close_stats(check, 'logits', logits, stored['logits_stats'])
    for name in (name for name in stored if name.startswith('logits_stride')):
        want = stored[name]
        got = logits[:, :, :: strided(name), :: strided(name)]
        check.close(name, got, want, atol=STD_TOLERANCE * float(stored['logits_stats'][1]), rtol=RTOL)
    top = logits.topk(2, dim=1).values
    clear = ((top[:, 0] - top[:, 1]) > 1e-3).numpy()
    check.equal('pred', logits.argmax(dim=1).numpy()[clear], stored['pred'][clear])


def _compare_features(network: HRDAEncoderDecoder, entry: Entry, close: Close) -> None:
    """Every fourth channel of the features that the feature distance compares."""
    img = normal(entry['input_seed'], entry['input_shape'])
    views = network.extract_views(img, [None, tuple(entry['hr_crop_box_y1y2x1x2'])])
    levels = [level for view in views for level in view]
    for number, level in enumerate(levels):
        close(f'f{number}', level[:, ::4])
