"""Reading a configuration: merge, command-line options, legacy fixes, presets, checks."""

import json
import tempfile
import traceback
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg.config.check import check_config
from mmseg.config.files import BASE_KEY, scan
from mmseg.config.legacy import modernise
from mmseg.config.options import parse_options
from mmseg.datasets.presets import expand_pipeline, is_preset
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
        source: a .py or .json file, or a dict. A dict may have ``_base_`` entries, relative to the folder
            configs/ (as the experiment table writes them) or absolute.
        cfg_options: values to override, as a dict with dotted keys or as KEY=VALUE texts; list elements are
            addressed by their index (``data.test.pipeline.1.flip=True``).
        expand: replace pipeline presets by their steps (``mmseg.datasets.presets``).
        check: refuse unknown keys and wrong values.

    Returns:
        mmengine Config; ``filename`` is the file that was read.

    Raises:
        ConfigError: a file is missing or damaged (file and line), or keys or values are wrong (all of them).
    """
    cfg, helpers = _read(source)
    options = dict(cfg_options) if isinstance(cfg_options, Mapping) else parse_options(cfg_options or ())
    indexed = {key: value for key, value in options.items() if any(p.isdigit() for p in key.split('.'))}
    _override(cfg, {key: value for key, value in options.items() if key not in indexed})
    if expand or indexed:
        _expand(cfg)
    _override(cfg, indexed)
    modernise(cfg)
    if check:
        check_config(cfg, helpers)
    return cfg


def resolved(cfg: Config | Mapping[str, Any]) -> dict[str, Any]:
    """A configuration as plain dicts, lists and numbers, presets expanded, ready for ``json.dumps``."""
    plain = cfg.to_dict() if isinstance(cfg, Config) else dict(cfg)
    return {key: _plain(value) for key, value in plain.items()}


def _plain(value: Any) -> Any:
    if is_preset(value):
        return _plain(expand_pipeline(value))
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _read(source: Source) -> tuple[Config, set[str]]:
    if not isinstance(source, Mapping):
        return _read_file(Path(source))
    if BASE_KEY not in source:
        return Config(dict(source)), set()
    names = [source[BASE_KEY]] if isinstance(source[BASE_KEY], str) else source[BASE_KEY]
    bases = [str((Path('configs') / name).resolve()) for name in names]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'config.json'
        path.write_text(json.dumps({**source, BASE_KEY: bases}), encoding='utf-8')
        return _read_file(path)


def _read_file(path: Path) -> tuple[Config, set[str]]:
    helpers = scan(path).helpers()
    try:
        cfg = Config.fromfile(str(path), import_custom_modules=False)
    except Exception as error:
        raise ConfigError(_explain(path, error)) from error
    for name in [key for key in cfg if key.startswith('_')]:
        del cfg[name]
    _drop_delete_marks(cfg._cfg_dict)
    return cfg, helpers


def _drop_delete_marks(value: Any) -> None:
    """Remove ``_delete_`` where the base had nothing to delete."""
    if isinstance(value, dict):
        value.pop('_delete_', None)
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _drop_delete_marks(item)


def _explain(path: Path, error: Exception) -> str:
    """What went wrong while a Python file was executed or files were merged."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.endswith('.py')]
    inside = [f for f in frames if not _is_library(f.filename)]
    place = f'{inside[-1].filename}:{inside[-1].lineno}' if inside else str(path)
    return f'{place}: {type(error).__name__} while the configuration was read: {error}'


def _is_library(filename: str) -> bool:
    return 'site-packages' in filename or Path(filename).resolve() == Path(__file__).resolve()


def _override(cfg: Config, options: dict[str, Any]) -> None:
    for key, value in options.items():
        try:
            cfg.merge_from_dict({key: value})
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ConfigError(
                f'Option {key}={value!r} does not fit the configuration: {error}. Every part of the key but '
                'the last must name a dict, or an element of a list by its index.'
            ) from error


def _expand(cfg: Config) -> None:
    """Replace every preset by its steps, in place."""
    for holder, key in list(_presets(cfg._cfg_dict)):
        holder[key] = expand_pipeline(holder[key])


def _presets(value: Any) -> Iterator[tuple[Any, Any]]:
    items = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    for key, item in items:
        if is_preset(item):
            yield value, key
        elif isinstance(item, dict | list):
            yield from _presets(item)
