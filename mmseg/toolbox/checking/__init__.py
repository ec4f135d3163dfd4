"""Is a folder the data set that it should be, complete and sound?"""

from mmseg.toolbox.checking.check import check_folder
from mmseg.toolbox.checking.configured import check_config_data
from mmseg.toolbox.checking.layouts import LAYOUTS, FolderLayout, layout_named, recognise
from mmseg.toolbox.checking.report import Finding, FolderReport, SplitReport, report_text

__all__ = [
    'LAYOUTS',
    'Finding',
    'FolderLayout',
    'FolderReport',
    'SplitReport',
    'check_config_data',
    'check_folder',
    'layout_named',
    'recognise',
    'report_text',
]
