"""What the files of a configuration look like before they are merged.

``mmengine`` merges configurations but reports mistakes without file and line. :func:`scan` reads every file
of the inheritance tree first, without executing anything, and stops at the first that cannot be used.

A Python file is a program, a JSON file is data and may come from a stranger (docs/security.md). So a JSON file inherits
from JSON files and from the Python files that are shipped in ``configs/``, but makes no other Python file run.
"""

import ast
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmseg.config.literals import BASE_KEY
from mmseg.errors import ConfigError
from mmseg.places import ROOT

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

SHIPPED = ROOT / 'configs'
"""The configurations of this package."""


@dataclass
class ConfigFile:
    """One file of an inheritance tree.

    Attributes:
        path: where it lies.
        bases: files it names as ``_base_``, in order.
        keys: top-level keys it sets, with their line (0 if unknown).
        read: top-level names that the file itself reads: helper variables of a Python file.
        aside: names that a Python file sets besides, see :func:`_set_aside`: helpers, too.
    """

    path: Path
    bases: list['ConfigFile'] = field(default_factory=list)
    keys: dict[str, int] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    aside: set[str] = field(default_factory=set)

    def all_keys(self) -> set[str]:
        """Top-level keys of this file and of everything it inherits."""
        return set(self.keys).union(*(base.all_keys() for base in self.bases))

    def keys_of_data(self) -> set[str]:
        """Top-level keys that JSON files of this tree set."""
        own = set(self.keys) if self.path.suffix == '.json' else set()
        return own.union(*(base.keys_of_data() for base in self.bases))

    def helpers(self) -> set[str]:
        """Helper variables of this file and of everything it inherits."""
        own = self.read & set(self.keys) | self.aside
        return own.union(*(base.helpers() for base in self.bases))


def configs_folder() -> Path:
    """The folder configs/ of the current folder, or that of this package."""
    here = Path('configs')
    return here if (here / '_base_').is_dir() else SHIPPED


def scan(path: Path, named_by: str = '', above: tuple[Path, ...] = (), by_data: bool = False) -> ConfigFile:
    """Read a configuration file and, recursively, its bases.

    Args:
        path: Python or JSON file.
        named_by: 'file:line' of the ``_base_`` entry that led here.
        above: files on the way from the root, to find circles.
        by_data: there is a JSON file on that way, so that only shipped Python files may run.

    Raises:
        ConfigError: a file is missing, cannot be parsed, inherits from itself, two bases set the same key, or a JSON
            file inherits from a Python file that is not shipped.
    """
    path = Path(path)
    origin = f', which {named_by} names as {BASE_KEY}' if named_by else ''
    if not path.is_file():
        state = 'is a folder, not a file' if path.is_dir() else 'does not exist'
        advice = (
            'Paths of base files are relative to the file that names them; those that begin with configs/ may also be '
            'shipped ones.'
            if named_by
            else 'Name a file, or one of those that `python tools/list_names.py configs` lists.'
        )
        raise ConfigError(f'Configuration {path}{origin} {state} (current folder: {Path.cwd()}). {advice}')
    if path.resolve() in above:
        raise ConfigError(f'Configuration {path}{origin} inherits from itself. Remove the circle.')
    if path.suffix not in ('.py', '.json'):
        raise ConfigError(f'Configuration {path}{origin} must be a .py or .json file.')
    if by_data and path.suffix == '.py' and not is_shipped(path):
        raise ConfigError(
            f'Configuration {path}{origin}, is a Python file, which is code, and a JSON file is data, which runs no '
            f'code but the files shipped in configs/. If you trust {path}, name it on the command line, give the JSON '
            'file merged with its bases (tools/print_config.py --resolved --json), or write the base as JSON.'
        )
    by_data = by_data or path.suffix == '.json'
    found = _scan_json(path) if path.suffix == '.json' else _scan_python(path)
    names, line = found.keys.pop(BASE_KEY, None), found.keys.pop('_base_line_', 0)
    place = f'{path}:{line}' if line else str(path)
    for name in _base_names(names, place):
        found.bases.append(scan(base_file(path.parent, name), place, (*above, path.resolve()), by_data))
    _check_disjoint(found.bases, place)
    return found


def base_file(folder: Path, name: str) -> Path:
    """The file that a configuration in ``folder`` inherits from.

    Args:
        folder: where the configuration lies.
        name: as ``_base_`` writes it: relative to the folder; where there is no such file, ``configs/...`` is the
            shipped one, so that a configuration is read without a checkout, too.
    """
    path, shipped = folder / name, ROOT / name
    named = Path(name).parts[:1] == (SHIPPED.name,) and shipped.resolve().is_relative_to(SHIPPED.resolve())
    return shipped if named and shipped.is_file() and not path.exists() else path


def is_shipped(path: Path) -> bool:
    """Whether a file lies in configs/ of this package or is a copy of one there."""
    if path.resolve().is_relative_to(SHIPPED):
        return True
    content = path.read_bytes()
    return any(other.read_bytes() == content for other in SHIPPED.rglob(path.name))


def _text_of(path: Path) -> str:
    """The content of a configuration file; raises ConfigError unless it is UTF-8 as Python and JSON have it."""
    try:
        text = path.read_text(encoding='utf-8')
    except UnicodeDecodeError as error:
        raise ConfigError(
            f'{path}: not a text in UTF-8 ({error.reason} at byte {error.start}). Save it as UTF-8.'
        ) from error
    if text.startswith('\ufeff'):
        raise ConfigError(
            f'{path}:1: begins with a byte order mark, as some editors on Windows write it. Save it as UTF-8 without '
            'one ("UTF-8", not "UTF-8 with BOM").'
        )
    return text


def _scan_json(path: Path) -> ConfigFile:
    text = _text_of(path)
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f'{path}:{error.lineno}: not valid JSON: {error.msg}.') from error
    except RecursionError as error:
        raise ConfigError(f'{path}: not a configuration, its values are nested too deeply.') from error
    except ValueError as error:
        raise ConfigError(f'{path}: not a configuration, a number in it is too long.') from error
    if '{{' in text:
        raise ConfigError(
            f'{path}: found a template {{{{ ... }}}}; expected the value itself. Only Python configurations have '
            'templates.'
        )
    if not isinstance(content, dict):
        raise ConfigError(f'{path}: expected a JSON object with keys, found {type(content).__name__}.')
    keys: dict[str, Any] = {**dict.fromkeys(content, 0), BASE_KEY: content.get(BASE_KEY)}
    return ConfigFile(path, keys=keys)


def _scan_python(path: Path) -> ConfigFile:
    text = _text_of(path)
    try:
        tree = ast.parse(text, filename=str(path))
    except SyntaxError as error:
        raise ConfigError(f'{path}:{error.lineno}: not valid Python: {error.msg}.') from error
    except ValueError as error:
        raise ConfigError(f'{path}: not a Python text file ({error}).') from error
    found = ConfigFile(path)
    keys: dict[str, Any] = found.keys
    for name, line in _assigned(tree.body).items():
        keys[name] = line
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == BASE_KEY for target in node.targets
        ):
            keys['_base_line_'] = node.lineno
            keys[BASE_KEY] = _literal(node.value, path)
    found.read = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    found.aside = _set_aside(tree.body)
    return found


def _assigned(body: Sequence[ast.stmt]) -> dict[str, int]:
    """Names that statements set at the top level, within ``if``, ``for`` and ``try``, too, with their lines."""
    return {
        node.id: node.lineno
        for node in _top_level(body)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def _set_aside(body: Sequence[ast.stmt]) -> set[str]:
    """Names that are set besides: loop variables, parts of an unpacked value, imports, classes and functions."""
    names: set[str] = set()
    for node in _top_level(body):
        targets = [node.target] if isinstance(node, ast.For | ast.NamedExpr) else []
        targets += (
            [t for t in node.targets if isinstance(t, ast.Tuple | ast.List)]
            if isinstance(node, ast.Assign)
            else []
        )
        names |= {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).partition('.')[0] for alias in node.names}
        if isinstance(node, SCOPES):
            names.add(node.name)
    return names


def _top_level(body: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """All nodes but those inside functions, classes and comprehensions, whose names are their own."""
    for node in body:
        yield node
        if not isinstance(node, (*SCOPES, ast.Lambda, *COMPREHENSIONS)):
            yield from _top_level(list(ast.iter_child_nodes(node)))


def _literal(node: ast.expr, path: Path) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError as error:
        raise ConfigError(
            f'{path}:{node.lineno}: {BASE_KEY} must be a text or a list of texts, not an expression.'
        ) from error


def _base_names(value: Any, place: str) -> list[str]:
    if value is None:
        return []
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f'{place}: {BASE_KEY} must be a file name or a list of them, found {value!r}.')
    if foreign := next((name for name in names if '::' in name), None):
        raise ConfigError(
            f'{place}: {BASE_KEY} is {foreign!r}; expected the path of a file, not a file of another package.'
        )
    return list(names)


def _check_disjoint(bases: list[ConfigFile], place: str) -> None:
    owner: dict[str, Path] = {}
    for base in bases:
        for key in sorted(base.all_keys()):
            if key in owner:
                raise ConfigError(
                    f'{place}: the bases {owner[key]} and {base.path} both set {key!r}. Base files of one '
                    'configuration must not share a top-level key; set it in one of them, or let one inherit '
                    'from the other.'
                )
        owner.update(dict.fromkeys(base.all_keys(), base.path))
