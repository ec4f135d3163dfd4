"""Reading a configuration: merge, command-line options, legacy fixes, presets, checks."""

import json
import os
import tempfile
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg.config import imports
from mmseg.config.check import check_config
from mmseg.config.command_line import parse_options
from mmseg.config.consistency import settle
from mmseg.config.files import base_file, configs_folder, scan
from mmseg.config.legacy import modernise
from mmseg.config.literals import BASE_KEY
from mmseg.config.schema import TOP_LEVEL, UNUSED_SUFFIXES, UNUSED_TOP_LEVEL
from mmseg.config.shipped import find_config
from mmseg.datasets.presets import expanded
from mmseg.errors import ConfigError

Source = str | Path | Mapping[str, Any]
Options = Mapping[str, Any] | Iterable[str]


def load_config(
    source: Source,
    cfg_options: Options | None = None,
    *,
    expand: bool = True,
    check: bool = True,
) -> Config:
    """A merged and checked configuration in the published dialect.

    Args:
        source: a .py or .json file, the name of a shipped one, or a dict. A dict may have ``_base_`` entries, relative
            to the folder configs/ (as the experiment table writes them) or absolute.
        cfg_options: values to override, as a dict with dotted keys or as KEY=VALUE texts; list elements are
            addressed by their index (``data.test.pipeline.1.flip=True``).
        expand: replace pipeline presets by their steps (``mmseg.datasets.presets``).
        check: refuse unknown keys and wrong values.

    Returns:
        mmengine Config without helper variables that only its files use; ``filename`` is the file that was read.

    Raises:
        ConfigError: a file is missing or damaged (file and line), keys or values are wrong (all of them), or data (a
            JSON file, a dict) ask for code: see :mod:`mmseg.config.files` and :mod:`mmseg.config.imports`.
    """
    if isinstance(source, str | os.PathLike):
        source = find_config(source)
    values, helpers, is_data = _read(source)
    filename = None if isinstance(source, Mapping) else str(source)
    options = dict(cfg_options) if isinstance(cfg_options, Mapping) else parse_options(cfg_options or ())
    indexed = {key: value for key, value in options.items() if any(p.isdigit() for p in key.split('.'))}
    direct = {key: value for key, value in options.items() if key not in indexed}
    _refuse_helpers(options, helpers)
    cfg = _override(Config(values, filename=filename), direct)
    imports.honour(cfg, is_data)
    if expand or indexed:
        cfg = Config(expanded(cfg.to_dict()), filename=filename)
    cfg = _override(cfg, indexed)
    modernise(cfg)
    settle(cfg)
    if check:
        check_config(cfg, helpers)
    for name in helpers - TOP_LEVEL - UNUSED_TOP_LEVEL:
        if not name.endswith(UNUSED_SUFFIXES):
            cfg.pop(name, None)
    return cfg


def resolved(cfg: Config | Mapping[str, Any]) -> dict[str, Any]:
    """A configuration as plain dicts, lists and numbers, presets expanded, ready for ``json.dumps``."""
    plain: dict[str, Any] = _plain(expanded(cfg.to_dict() if isinstance(cfg, Config) else cfg))
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _read(source: Source) -> tuple[dict[str, Any], set[str], bool]:
    """Merged values, the names of helper variables, and whether ``custom_imports`` comes from data."""
    if isinstance(source, str | os.PathLike):
        return _read_file(Path(source))
    if not isinstance(source, Mapping):
        raise ConfigError(
            f'Found {source!r} as a configuration; expected the path of a .py or .json file, or a dict.'
        )
    if BASE_KEY not in source:
        return _without_delete_marks(source), set(), True
    names = [source[BASE_KEY]] if isinstance(source[BASE_KEY], str) else source[BASE_KEY]
    bases = [str((configs_folder() / name).resolve()) for name in names]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'config.json'
        path.write_text(json.dumps({**source, BASE_KEY: bases}), encoding='utf-8')
        return _read_file(path)


def _read_file(path: Path) -> tuple[dict[str, Any], set[str], bool]:
    files = scan(path)
    try:
        with _bases_as_scanned():
            values = Config.fromfile(
                str(path), import_custom_modules=False, use_environment_variables=False
            ).to_dict()
    except Exception as error:
        raise ConfigError(_explain(path, error)) from error
    public = {key: value for key, value in values.items() if not key.startswith('_')}
    return _without_delete_marks(public), files.helpers(), imports.KEY in files.keys_of_data()


@contextmanager
def _bases_as_scanned() -> Iterator[None]:
    """mmengine takes the base files that :func:`mmseg.config.files.scan` has looked at."""
    find = Config._get_cfg_path

    def find_base(name: str, filename: str) -> tuple[str, str | None]:
        return str(base_file(Path(filename).parent, name)), None

    Config._get_cfg_path = staticmethod(find_base)
    try:
        yield
    finally:
        Config._get_cfg_path = staticmethod(find)


def _without_delete_marks(value: Any) -> Any:
    """A copy without the ``_delete_`` that had nothing to delete."""
    if isinstance(value, Mapping):
        return {key: _without_delete_marks(item) for key, item in value.items() if key != '_delete_'}
    return [_without_delete_marks(item) for item in value] if isinstance(value, list) else value


def _explain(path: Path, error: Exception) -> str:
    """What went wrong while a Python file was executed or files were merged."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.endswith('.py')]
    inside = [f for f in frames if not _is_library(f.filename)]
    place = f'{inside[-1].filename}:{inside[-1].lineno}' if inside else str(path)
    return f'{place}: {type(error).__name__} while the configuration was read: {error}'


def _is_library(filename: str) -> bool:
    return 'site-packages' in filename or Path(filename).resolve() == Path(__file__).resolve()


def _refuse_helpers(options: Iterable[str], helpers: set[str]) -> None:
    """A helper variable has done its work when the file was executed: another value would change nothing.

    Raises:
        ConfigError: an option names one.
    """
    used = helpers - TOP_LEVEL - UNUSED_TOP_LEVEL
    if wrong := sorted({name for key in options if (name := key.partition('.')[0]) in used}):
        raise ConfigError(
            f'--cfg-options: {", ".join(wrong)}: a helper variable of the file, whose value is copied when the file is '
            'read, so that another one would have no effect. Override the places where it is used (such as '
            'data.val.classes), or change the file.'
        )


def _override(cfg: Config, options: dict[str, Any]) -> Config:
    for key, value in options.items():
        try:
            cfg.merge_from_dict({key: value})
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ConfigError(
                f'Option {key}={value!r} does not fit the configuration: {error}. Every part of the key but '
                'the last must name a dict, or an element of a list by its index.'
            ) from error
    return cfg
