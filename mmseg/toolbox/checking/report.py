"""What a check of a data set found, as values and as text."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from prettytable import PrettyTable

from mmseg.datasets.classes import CLASSES

EXAMPLES = 3


@dataclass(frozen=True)
class Finding:
    """A sentence about something noticed.

    Attributes:
        text: what was found, and how to repair it.
        wrong: whether training or evaluation would fail or be misled; else it is good to know.
    """

    text: str
    wrong: bool = True


@dataclass
class SplitReport:
    """Of one part of a data set.

    Attributes:
        name: 'train', ...
        pictures, labels: number of files.
        looked_at: number of pictures that were opened.
        sizes: number of opened pictures by (height, width).
        pixels: int64 (256,), pixels by id in the opened labels.
        occurs: int64 (256,), opened labels in which the id occurs.
        counts: pixels by id of each opened label, by its path below the root.
        findings: what was noticed.
    """

    name: str
    pictures: int = 0
    labels: int = 0
    looked_at: int = 0
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    pixels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))
    occurs: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))
    counts: dict[str, dict[int, int]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class RareClass:
    """What rare class sampling does with a class.

    Attributes:
        share: of all pixels in the statistics.
        probability: of being drawn.
        candidates: label maps with enough pixels of it.
    """

    share: float
    probability: float
    candidates: int


@dataclass
class FolderReport:
    """Of a whole data set.

    Attributes:
        name: of the data set.
        root: its folder.
        splits: its parts.
        rare_classes: by class id, rare ones first; empty without statistics.
        findings: about the data set as a whole.
        class_names: by id.
    """

    name: str
    root: str
    splits: list[SplitReport] = field(default_factory=list)
    rare_classes: dict[int, RareClass] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    class_names: tuple[str, ...] = CLASSES

    def all_findings(self) -> list[Finding]:
        """Those of the parts, with their names, and of the whole."""
        named = [
            Finding(f'{split.name}: {finding.text}', finding.wrong)
            for split in self.splits
            for finding in split.findings
        ]
        return [*named, *self.findings]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not any(finding.wrong for finding in self.all_findings())


def amount(names: Iterable[str]) -> str:
    """The number of some names, and the first few of them."""
    names = sorted(names)
    more = ', ...' if len(names) > EXAMPLES else ''
    return f'{len(names)} ({", ".join(names[:EXAMPLES])}{more})'


def report_text(report: FolderReport) -> str:
    """Tables of parts and classes, what was found, and the verdict."""
    parts = [f'{report.root}: {report.name}', _split_table(report.splits)]
    if any(split.counts for split in report.splits):
        parts.append(_class_table(report))
    parts += [
        ('WRONG: ' if finding.wrong else 'note: ') + finding.text
        for finding in sorted(report.all_findings(), key=lambda finding: not finding.wrong)
    ]
    wrong = sum(finding.wrong for finding in report.all_findings())
    parts.append(f'Verdict: {"sound" if report.sound else f"to repair: {wrong}"}')
    return '\n'.join(parts)


def _split_table(splits: Sequence[SplitReport]) -> str:
    table = PrettyTable(['part', 'pictures', 'labels', 'opened', 'sizes (height x width)'])
    table.align = 'r'
    table.align['part'] = 'l'
    for split in splits:
        usual = split.sizes.most_common(2)
        sizes = ', '.join(f'{h} x {w}' for (h, w), _ in usual)
        more = f' and {len(split.sizes) - 2} more' if len(split.sizes) > 2 else ''
        table.add_row([split.name, split.pictures, split.labels, split.looked_at, sizes + more])
    return str(table.get_string())


def _class_table(report: FolderReport) -> str:
    """Share of the pixels and labels with each class in the opened labels, and rare class sampling."""
    pixels = np.sum([split.pixels for split in report.splits], axis=0)
    occurs = np.sum([split.occurs for split in report.splits], axis=0)
    opened = max(sum(len(split.counts) for split in report.splits), 1)
    heads = ['id', 'class', 'pixels (%)', 'in labels (%)']
    table = PrettyTable([*heads, *(['drawn by RCS (%)', 'candidates'] if report.rare_classes else [])])
    table.align = 'r'
    table.align['class'] = 'l'
    names = report.class_names
    for class_id in [*range(len(names)), 255]:
        name = names[class_id] if class_id < len(names) else 'ignored'
        row = [
            class_id,
            name,
            f'{100 * pixels[class_id] / max(pixels.sum(), 1):.3f}',
            f'{100 * occurs[class_id] / opened:.1f}',
        ]
        table.add_row([*row, *_rare_cells(report.rare_classes, class_id)])
    return str(table.get_string())


def _rare_cells(rare: Mapping[int, RareClass], class_id: int) -> list[str]:
    if not rare:
        return []
    if class_id not in rare:
        return ['', '']
    return [f'{100 * rare[class_id].probability:.2f}', str(rare[class_id].candidates)]
