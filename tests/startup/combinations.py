"""Every distinct (network, method) combination of the published tables, every row of some of them, and what is known
about its start-up.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath

from mmseg.fileio import atomic_write
from mmseg.toolbox.experiments import TABLE
from mmseg.toolbox.experiments.generate import compose
from mmseg.toolbox.experiments.rows import FileRow, Row

OURS = ('Demo', 'Real pictures')
"""Papers of the table that are not published ones."""
ROW_BY_ROW = ('HRDA',)
"""Papers of which also those rows start that differ from another row in pictures or sizes only."""


@dataclass(frozen=True)
class Combination:
    """A network and a method, and the first run of the tables that joins them.

    Attributes:
        network: ``name_architecture`` of the run: decoder, HRDA's token, inference, backbone.
        method: ``name_uda`` of the run: method, sampling, crops, masking, and the bank, which DIDA's names leave out;
            for a further run of the same two followed by '@' and ``name_dataset``.
        exp: id of the experiment.
        run: name of the run.
    """

    network: str
    method: str
    exp: str
    run: str

    @property
    def name(self) -> str:
        """Both names, for people and files."""
        return f'{self.network}+{self.method}'


@dataclass(frozen=True)
class Outcome:
    """How two iterations of a combination went; ``error`` is empty if they ran. Times in seconds."""

    name: str
    error: str
    seconds: float
    cpu_seconds: float


def combinations() -> list[Combination]:
    """All combinations, one run each. Those with a network or method that none before has come first, further rows
    of :data:`ROW_BY_ROW` last.
    """
    found: dict[str, Combination] = {}
    further: list[Combination] = []
    for experiment in TABLE.values():
        for row in experiment.rows if experiment.paper not in OURS else ():
            cfg = compose(row, row.seeds[0], experiment.exp)
            if isinstance(row, FileRow):
                network, method = PurePosixPath(row.config).stem, 'as-in-its-file'
            else:
                network, method = cfg['name_architecture'], cfg['name_uda'] + _unnamed_bank(row)
            new = Combination(network, method, experiment.id, cfg['name'])
            first = found.setdefault(new.name, new)
            if experiment.paper in ROW_BY_ROW and first.run != new.run:
                further.append(replace(new, method=f'{method}@{cfg["name_dataset"]}'))
    return _new_parts_first(list(found.values())) + further


def _unnamed_bank(row: Row) -> str:
    if row.bank is None or row.bank.named:
        return ''
    classes = '' if row.bank.classes is None else f'-{len(row.bank.classes)}classes'
    return replace(row.bank, named=True).name() + classes


def _new_parts_first(items: list[Combination]) -> list[Combination]:
    networks: set[str] = set()
    methods: set[str] = set()
    first: list[Combination] = []
    rest: list[Combination] = []
    for item in items:
        known = item.network in networks and item.method in methods
        (rest if known else first).append(item)
        networks.add(item.network)
        methods.add(item.method)
    return first + rest


def results_folder() -> Path:
    """Where outcomes are kept, so that a stopped series goes on (environment variable ``STARTUP_RESULTS``)."""
    return Path(os.environ.get('STARTUP_RESULTS', 'work_dirs/startup-test')).absolute()


def write_outcome(folder: Path, outcome: Outcome) -> None:
    """Keep an outcome; one file each, so that several processes may write."""
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(folder / f'{outcome.name}.json') as temporary:
        temporary.write_text(json.dumps(asdict(outcome)))


def read_outcome(folder: Path, name: str) -> Outcome | None:
    """The outcome of an earlier test, or None."""
    file = folder / f'{name}.json'
    return Outcome(**json.loads(file.read_text())) if file.is_file() else None


def summary(folder: Path) -> Iterator[str]:
    """Lines of a Markdown table over all combinations, and of a total."""
    yield '| network | method | id | two iterations | seconds (CPU) |'
    yield '|---|---|---|---|---|'
    ran = failed = 0
    total = 0.0
    for item in combinations():
        outcome = read_outcome(folder, item.name)
        state = 'not run' if outcome is None else f'failed: {outcome.error}' if outcome.error else 'ran'
        time = f'{outcome.cpu_seconds:.0f}' if outcome else '-'
        ran, failed = ran + (state == 'ran'), failed + state.startswith('failed')
        total += outcome.cpu_seconds if outcome else 0
        yield f'| {item.network} | {item.method} | {item.exp} | {state} | {time} |'
    yield ''
    count = len(combinations())
    yield f'{ran} of {count} ran, {failed} failed, {count - ran - failed} not run; {total / 60:.0f} min CPU time.'
