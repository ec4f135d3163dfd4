"""Configurations: reading, checking and translating the published dialect (docs/methods/configs.md).

Reading one takes torch and all networks, seconds of processor time, so a name is imported when it is first used: a
command line can have the options of :mod:`mmseg.config.command_line` without that.
"""

from typing import TYPE_CHECKING

from mmseg.late import late

if TYPE_CHECKING:
    from mmseg.config.command_line import OptionsAction, add_config_options, add_import_option, parse_options
    from mmseg.config.load import load_config, resolved
    from mmseg.config.sections import require_sections
    from mmseg.config.translate import LrSchedule, TrainSettings, train_settings

__all__ = [
    'LrSchedule',
    'OptionsAction',
    'TrainSettings',
    'add_config_options',
    'add_import_option',
    'load_config',
    'parse_options',
    'require_sections',
    'resolved',
    'train_settings',
]

__getattr__ = late(
    __name__,
    {
        'load': ['load_config', 'resolved'],
        'command_line': ['OptionsAction', 'add_config_options', 'add_import_option', 'parse_options'],
        'sections': ['require_sections'],
        'translate': ['LrSchedule', 'TrainSettings', 'train_settings'],
    },
)
