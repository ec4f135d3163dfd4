"""Pictures of labels, charts of a run, and the one-page HTML report."""

from mmseg.visualization.charts import class_bars, confusion_chart, learning_curves
from mmseg.visualization.grid import PictureRow, picture_grid
from mmseg.visualization.palette import colourise, overlay
from mmseg.visualization.report import write_report
from mmseg.visualization.results import RunResult, load_result, save_result

__all__ = [
    'PictureRow',
    'RunResult',
    'class_bars',
    'colourise',
    'confusion_chart',
    'learning_curves',
    'load_result',
    'overlay',
    'picture_grid',
    'save_result',
    'write_report',
]
