"""How a run was made: its seed, code, machine, configuration, and the commands that repeat it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from mmseg.arguments import as_called
from mmseg.config.literals import written_values
from mmseg.config.sections import value_at
from mmseg.errors import DataError
from mmseg.toolbox.prediction.runs import configs_in
from mmseg.toolbox.reports.run_folders import RunFolder


@dataclass(frozen=True)
class RunFacts:
    """What a reader needs to repeat a run; texts are '' where nothing is known.

    Attributes:
        title: of the run.
        folder: where it lies.
        seed, commit: as its log says them; the commit with the version before it.
        length: iterations of the whole run.
        environment: versions and devices as (name, value).
        config: the resolved configuration.
        commands: command lines, the training first.
    """

    title: str
    folder: str
    seed: str
    commit: str
    length: str
    environment: list[tuple[str, str]]
    config: str
    commands: list[str]


def run_facts(run: RunFolder) -> RunFacts:
    """What log, results and folder of a run tell about it."""
    config = str(run.meta.get('config') or '')
    lines = str(run.meta.get('env_info') or '').splitlines()
    return RunFacts(
        run.title,
        str(run.folder),
        str(run.meta.get('seed', '')),
        str(run.meta.get('mmseg_version', '')),
        str(value_at(written_values(config)[0], 'runner.max_iters') or ''),
        [(name, value.strip()) for name, colon, value in (line.partition(':') for line in lines) if colon],
        config,
        _commands(run),
    )


def find_config(folder: Path) -> Path:
    """The configuration that a run has left in its folder.

    Raises:
        DataError: there is none, or several.
    """
    found = configs_in(folder)
    if len(found) != 1:
        names = ', '.join(file.name for file in found) or 'none'
        raise DataError(
            f'{folder} should hold the configuration of its run, but {len(found)} files could be it ({names}).'
        )
    return found[0]


def _commands(run: RunFolder) -> list[str]:
    """Training and tests of a run; the configuration in its folder holds every option but the seed of old ones."""
    try:
        config = find_config(run.folder)
    except DataError:
        return []
    seed = [f'--seed={run.meta["seed"]}'] if isinstance(run.meta.get('seed'), int) else []
    train = ['python', 'tools/train.py', str(config), '--work-dir=NEW_FOLDER', *seed]
    tests = [
        [
            'python', 'tools/test.py', str(config), str(run.folder / 'latest.pth'), '--eval', 'mIoU',
            *([] if result.network == 'student' else ['--network', result.network]),
        ]
        for result in run.results
    ]  # fmt: skip
    return [as_called(shlex.join(command)) for command in (train, *tests)]
