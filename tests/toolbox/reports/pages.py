"""A page with something of everything, and what can be said of its text without a browser."""

import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmseg.toolbox.preparation.class_use import count_use
from mmseg.toolbox.reports.bank_view import bank_view
from mmseg.toolbox.reports.details import Delivered, Details
from mmseg.toolbox.reports.grid import PictureRow
from mmseg.toolbox.reports.report import write_report
from mmseg.toolbox.reports.results import RunResult, WorstPicture, save_result
from mmseg.toolbox.reports.run_folders import find_run_folders, shown_results
from mmseg.toolbox.reports.scales import ScalePanel

NAMES = [
    'road', 'sidewalk', 'building', 'wall', 'fence', 'pole', 'traffic light', 'traffic sign', 'vegetation', 'terrain',
    'sky', 'person', 'rider', 'car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle',
]  # fmt: skip
PALETTE = [(13 * i, 255 - 13 * i, 7 * i) for i in range(len(NAMES))]
VOID = {'meta', 'link', 'input', 'img', 'br', 'wbr'}
LONG = 'gta2cs_a_rather_long_name_of_a_run_with_all_its_settings_in_it_s0'


def trained(folder: Path, name: str = 'run', steps: int = 40, seed: int = 0, scored: bool = True) -> Path:
    """A work folder as a run leaves it: log, configuration, debug pictures."""
    rng = np.random.default_rng(seed)
    head = {
        'env_info': 'Python: 3.11.7\nPyTorch: 2.11.0',
        'seed': seed,
        'exp_name': name,
        'mmseg_version': '0.1.0+1234567',
        'config': "model = dict(type='EncoderDecoder')\nrunner = dict(\n    type='IterBasedRunner', max_iters=2000)\n",
        'CLASSES': NAMES,
        'PALETTE': PALETTE,
    }
    lines: list[dict[str, Any]] = [head]
    for step in range(1, steps + 1):
        losses = {'decode.loss_seg': 3 / step + rng.random() / 9, 'mix.decode.loss_seg': 2 / step}
        lines.append(
            {'mode': 'train', 'iter': 50 * step, 'lr': 1e-4 / step, 'time': 0.5, 'data_time': 0.01, **losses}
        )
        if scored and step % 10 == 0:
            ious = {f'IoU.{label}': float(rng.random()) for label in NAMES}
            lines.append({'mode': 'val', 'iter': 50 * step, 'mIoU': float(np.mean([*ious.values()])), **ious})
    folder.mkdir(parents=True)
    (folder / '20260101_000000.log.json').write_text('\n'.join(map(json.dumps, lines)) + '\n')
    (folder / f'{name}.py').write_text(head['config'])
    (folder / 'class_mix_debug').mkdir()
    for iteration in (1, 1001):
        shown = Image.fromarray(rng.integers(0, 255, (60, 150, 3), np.uint8))
        shown.save(folder / 'class_mix_debug' / f'{iteration:06d}_0.png')
    return folder


def with_result(folder: Path, network: str = 'student', seed: int = 0) -> RunResult:
    """Puts the result of a test into a work folder."""
    rng = np.random.default_rng(seed)
    confusion = rng.integers(0, 200, (19, 19)) + 2000 * np.eye(19, dtype=np.int64)
    ious = {name: float(100 * rng.random()) for name in NAMES}
    worst = {name: (WorstPicture(i % 2, f'{i % 2}.png', 5.0 * i),) for i, name in enumerate(NAMES)}
    result = RunResult(folder.name, ious, confusion, None, network, '30 pictures', worst=worst)
    save_result(folder / f'result_{network}.json', result)
    return result


def picture(title: str, *runs: str, size: tuple[int, int] = (60, 120)) -> PictureRow:
    """A picture with predictions."""
    rng = np.random.default_rng(len(title))
    image = rng.integers(0, 255, (*size, 3), np.uint8)
    label = rng.integers(0, 19, (size[0] // 10, size[1] // 10)).repeat(10, 0).repeat(10, 1)
    return PictureRow(title, image, {run: (label + i) % 19 for i, run in enumerate(runs)}, label)


def full_page(folder: Path, live: str = '') -> Path:
    """A page of three runs, one with a long name and one that is not tested, with every section."""
    trained(folder / 'work' / LONG, LONG)
    with_result(folder / 'work' / LONG)
    with_result(folder / 'work' / LONG, 'teacher', 1)
    with_result(trained(folder / 'work' / 'source', 'source', seed=1), seed=2)
    trained(folder / 'work' / 'untested', 'untested', 12, seed=2)
    runs, problems = find_run_folders([folder / 'work'])
    results = [result for _, result in shown_results(runs)]
    row = picture('crossing', LONG, 'source')
    label = row.predictions[LONG]
    panel = ScalePanel(
        'crossing', row.image, label, label, np.linspace(0, 1, 7200).reshape(60, 120), label, row.truth
    )
    counts = [np.bincount(np.arange(19), minlength=256), np.bincount(np.arange(19) ** 2 % 19, minlength=256)]
    use = Delivered(count_use('a', counts[:1]), count_use('b', counts[1:]), NAMES, 'of a drawing')
    features = np.random.default_rng(0).random((38, 8), np.float32)
    bank = bank_view(features, np.arange(38) % 19, NAMES)
    details = Details(
        runs, [picture('road 1.0', LONG)], LONG, use, {LONG: bank}, [*problems, 'Not shown: something.'], live
    )
    return write_report(
        folder, results, [row, picture('hill', LONG)], scales={LONG: [panel]}, palette=PALETTE, class_names=NAMES,
        commands=['make demo'], details=details,
    )  # fmt: skip


class Page(HTMLParser):
    """What a page consists of; complains of tags that do not fit together, as the standard parser does not.

    Attributes:
        tags: how often each occurs.
        addresses: values of all attributes that lead somewhere.
        ids: values of ``id``.
        texts: contents of ``script`` and ``style`` elements, by tag.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.texts: dict[str, list[str]] = {'script': [], 'style': []}
        self._open: list[str] = []
        assert text.startswith('<!doctype html>')
        self.feed(text)
        self.close()
        assert not self._open, f'not closed: {self._open}'

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        values = dict(attrs)
        assert len(values) == len(attrs), f'<{tag}> has an attribute twice: {attrs}'
        self.addresses += [str(values[name]) for name in ('src', 'href', 'action', 'data') if name in values]
        self.ids += [str(values['id'])] if 'id' in values else []
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1] == tag, f'line {self.getpos()[0]}: </{tag}> closes <{self._open[-1]}>'
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in self.texts:
            self.texts[self._open[-1]].append(data)

    @property
    def drawn(self) -> Any:
        """The values that the scripts draw."""
        return json.loads(next(text for text in self.texts['script'] if text.startswith('{"runs"')))


def addresses_in(text: str) -> list[str]:
    """Everything in a style or a script that a browser would load."""
    return re.findall(r'url\(\s*["\']?([^)"\']*)|(?:import|fetch)\(?\s*["\']([^"\']*)', text)
