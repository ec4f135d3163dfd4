"""The page of a run, written while it trains."""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from mmseg.engine.hooks import due
from mmseg.engine.loop import Hook, Run
from mmseg.ranks import is_main

WriteReport = Callable[[Path], object]
"""Writes the page of a work folder, from what lies there. See :func:`mmseg.toolbox.reports.live.write_run_report`."""


class ReportHook(Hook):
    """Lets the first process write the page of the run after each evaluation.

    Whatever goes wrong there is a warning: a page can be made again, a training costs days.

    Args:
        write: what writes it.
        interval: iterations between evaluations; 0: never.
    """

    def __init__(self, write: WriteReport, interval: int) -> None:
        self.write = write
        self.interval = interval

    def after_iteration(self, run: Run) -> None:
        if not (is_main() and due(run, self.interval)):
            return
        started = perf_counter()
        try:
            self.write(run.work_dir)
        except Exception as reason:
            kind = type(reason).__name__
            run.logger.warning(
                f'The report was not written ({kind}: {reason}); training goes on. Without reports: '
                '--cfg-options evaluation.report=False'
            )
        run.aside += perf_counter() - started
