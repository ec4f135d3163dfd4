"""Configurations: reading, checking and translating the published dialect (docs/methods/configs.md)."""

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
