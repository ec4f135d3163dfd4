"""Tables of pictures, charts of a run, and the one-page HTML report."""

from mmseg.toolbox.reports.charts import confusion_chart
from mmseg.toolbox.reports.grid import PictureRow, picture_grid
from mmseg.toolbox.reports.report import write_report
from mmseg.toolbox.reports.results import RunResult, load_result, save_result

__all__ = [
    'PictureRow',
    'RunResult',
    'confusion_chart',
    'load_result',
    'picture_grid',
    'save_result',
    'write_report',
]
