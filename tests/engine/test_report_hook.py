"""Writing the page of a run must not disturb the run."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mmseg.engine import report_hook
from mmseg.engine.report_hook import ReportHook
from mmseg.processes import Stopped


class Log:
    """Keeps warnings."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def warning(self, line: str) -> None:
        self.lines.append(line)


def run_of(folder: Path, iteration: int) -> Any:
    return SimpleNamespace(work_dir=folder, iteration=iteration, aside=0.0, logger=Log())


@pytest.mark.parametrize(('interval', 'written'), [(2, [2, 4, 6]), (0, [])])
def test_after_each_evaluation_and_aside(tmp_path: Path, interval: int, written: list[int]) -> None:
    calls: list[int] = []
    for iteration in range(1, 7):
        run = run_of(tmp_path, iteration)

        def write(folder: Path, at: int = iteration) -> None:
            assert folder == tmp_path
            calls.append(at)

        ReportHook(write, interval).after_iteration(run)
        assert (run.aside > 0) == (iteration in written)
    assert calls == written


@pytest.mark.parametrize(
    'reason', [OSError(28, 'No space left'), ValueError('odd'), MemoryError(), ImportError('jinja2')]
)
def test_what_fails_is_a_warning(tmp_path: Path, reason: Exception) -> None:
    def write(folder: Path) -> None:
        raise reason

    run = run_of(tmp_path, 2)
    ReportHook(write, 2).after_iteration(run)
    assert type(reason).__name__ in run.logger.lines[0]
    assert 'training goes on' in run.logger.lines[0]
    assert 'evaluation.report=False' in run.logger.lines[0]


def test_ctrl_c_is_no_failure(tmp_path: Path) -> None:
    def write(folder: Path) -> None:
        raise Stopped(2)

    with pytest.raises(Stopped):
        ReportHook(write, 2).after_iteration(run_of(tmp_path, 2))


def test_only_the_first_process_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_hook, 'is_main', lambda: False)
    calls: list[Path] = []
    ReportHook(calls.append, 1).after_iteration(run_of(tmp_path, 1))
    assert calls == []
