"""What a report shows besides scores, curves and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mmseg.toolbox.preparation.class_use import ClassUse
from mmseg.toolbox.reports.bank_view import BankView
from mmseg.toolbox.reports.grid import PictureRow
from mmseg.toolbox.reports.run_folders import RunFolder


@dataclass(frozen=True)
class Delivered:
    """How often classes come: on the disk, and in what training is given.

    Attributes:
        stored, delivered: counts over label maps.
        names: of the classes, by id.
        note: what was counted.
    """

    stored: ClassUse
    delivered: ClassUse
    names: Sequence[str]
    note: str


@dataclass(frozen=True)
class Details:
    """What a page shows besides scores, curves and pictures.

    Attributes:
        folders: the runs; without any they are those whose logs the results name.
        worst: the worst pictures of classes, and the title of the network that they are the worst of.
        use: class frequencies.
        banks: instance banks by run title.
        problems: what could not be shown, for the reader.
        live: version of the page in a program that serves it; '' for a file.
    """

    folders: Sequence[RunFolder] = ()
    worst: Sequence[PictureRow] = ()
    worst_of: str = ''
    use: Delivered | None = None
    banks: Mapping[str, BankView] = field(default_factory=dict)
    problems: Sequence[str] = ()
    live: str = ''
