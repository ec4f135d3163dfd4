"""The configurations that come with the package, by name."""

import ast
from pathlib import Path

from mmseg.config.files import SHIPPED
from mmseg.config.literals import BASE_KEY
from mmseg.errors import UsageError, nearest


def shipped_configs() -> dict[str, Path]:
    """Name such as 'demo/builtin_daformer' -> file, of everything that can be trained."""
    return {
        path.relative_to(SHIPPED).with_suffix('').as_posix(): path
        for path in sorted(SHIPPED.rglob('*.py'))
        if not path.name.startswith('_') and path.relative_to(SHIPPED).parts[0] not in (BASE_KEY, 'generated')
    }


def find_config(name: str | Path) -> Path:
    """The file that a name means: a file of the user, else a shipped one, else what was given.

    Args:
        name: path, or a shipped name with or without ``configs/``, folder and ending.
    """
    path = Path(name)
    if path.exists():
        return path
    wanted = path.with_suffix('') if path.suffix == '.py' else path
    key = wanted.as_posix().removeprefix('configs/')
    known = shipped_configs()
    same = [file for other, file in known.items() if key in (other, Path(other).name)]
    return same[0] if len(same) == 1 else path


def portable_copy(name: str) -> str:
    """The text of a shipped configuration with bases that are found from any folder of this machine.

    Raises:
        UsageError: there is none of this name.
    """
    path = find_config(name)
    if not path.resolve().is_relative_to(SHIPPED):
        raise UsageError(
            f'{name}: found no shipped configuration of this name{nearest(name, shipped_configs())}. '
            '`mmseg-uda list configs` shows all.'
        )
    text = path.read_text(encoding='utf-8')
    for base in _bases(text):
        text = text.replace(repr(base), repr((path.parent / base).resolve().as_posix()), 1)
    return text


def _bases(text: str) -> list[str]:
    """What a Python configuration inherits, as written."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', '') == BASE_KEY:
            constants = (item.value for item in ast.walk(node.value) if isinstance(item, ast.Constant))
            return [name for name in constants if isinstance(name, str)]
    return []
