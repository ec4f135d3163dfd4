"""Pages about the package, made from its docstrings and signatures alone; nothing is imported.

One page a folder, one part a module. What a docstring refers to must be there: a name that is not documented, or a
public class or function without a docstring, is an error, so that the pages cannot drift from the code.
"""

import ast
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mkdocs.exceptions import PluginError

from docs.making.docstrings import Names, rendered

ROOT = Path(__file__).resolve().parents[2]
FOLDER = 'api'
"""Where the pages are in the site."""

Documented = ast.FunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Module:
    """A file of the package.

    Attributes:
        name: dotted.
        path: relative to the root of the repository.
        tree: its text, parsed.
    """

    name: str
    path: Path
    tree: ast.Module

    @property
    def page(self) -> str:
        """Dotted name of its folder, whose page it is on."""
        return '.'.join(self.path.parent.parts)


def modules(root: Path = ROOT) -> list[Module]:
    """All of the package, by folder; a folder's own text comes first."""
    found = []
    for path in sorted(
        (root / 'mmseg').rglob('*.py'), key=lambda p: (str(p.parent), p.name != '__init__.py', p.name)
    ):
        relative = path.relative_to(root)
        name = '.'.join(relative.with_suffix('').parts).removesuffix('.__init__')
        if path.stem != '__main__' and 'shipped' not in relative.parts:
            found.append(Module(name, relative, ast.parse(path.read_text(encoding='utf-8'))))
    return found


def pages(root: Path = ROOT) -> dict[str, str]:
    """Place in the site -> Markdown; the first one lists the others.

    Raises:
        PluginError: a public name has no docstring, or a docstring refers to what is not there.
    """
    found = modules(root)
    names = all_names(found)
    by_page: dict[str, list[Module]] = {}
    for module in found:
        by_page.setdefault(module.page, []).append(module)
    texts = {f'{FOLDER}/{page}.md': _page(page, content, names) for page, content in by_page.items()}
    rows = '\n'.join(
        f'| [{page}]({page}.md) | {_first_line(content[0])} | {len(content)} |'
        for page, content in by_page.items()
    )
    head = (
        '# API\n\nMade from the docstrings when the site is built. Programs of your own need '
        '[mmseg.apis](mmseg.apis.md), [mmseg.config](mmseg.config.md) and [mmseg.registry](mmseg.md#mmseg.registry); '
        'the rest is for those who add to the project.\n\n| package | what | modules |\n|---|---|---|\n'
    )
    return {f'{FOLDER}/index.md': f'{head}{rows}\n', **texts}


def all_names(found: list[Module]) -> Names:
    """Everything that is documented, and under which other names it can be imported."""
    places: dict[str, str] = {}
    aliases: dict[str, str] = {}
    for module in found:
        places[module.name] = f'{module.page}.md#{module.name}'
        for name in _named(module):
            places[f'{module.name}.{name}'] = f'{module.page}.md#{module.name}.{name}'
        for owner, name in _attributes(module):
            places.setdefault(f'{module.name}.{owner}.{name}', f'{module.page}.md#{module.name}.{owner}')
        aliases |= {f'{module.name}.{name}': place for name, place in _imported(module)}
    return Names(places, aliases)


def _imported(module: Module) -> Iterator[tuple[str, str]]:
    """Names of this package that a module has from others, and those that only the checker of types reads."""
    inner = [node.body for node in module.tree.body if isinstance(node, ast.If)]
    for node in itertools.chain(module.tree.body, *inner):
        if isinstance(node, ast.ImportFrom) and (node.module or '').startswith('mmseg'):
            yield from ((alias.asname or alias.name, f'{node.module}.{alias.name}') for alias in node.names)


def _named(module: Module) -> Iterator[str]:
    for node in module.tree.body:
        if isinstance(node, Documented) and _public(node.name):
            yield node.name
            yield from (f'{node.name}.{inner.name}' for inner in _methods(node))
    yield from (name for name, _ in _constants(module.tree.body))


def _attributes(module: Module) -> Iterator[tuple[str, str]]:
    """Class and name of what objects of a class have; the class's own part tells of it."""
    classes = [node for node in module.tree.body if isinstance(node, ast.ClassDef)]
    for node, inner in ((owner, inner) for owner in classes for inner in ast.walk(owner)):
        if isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name):
            yield node.name, inner.target.id
        elif isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store):
            yield node.name, inner.attr


def _public(name: str) -> bool:
    return not name.startswith('_')


def _methods(node: Documented) -> list[ast.FunctionDef]:
    """Of a class, those with a docstring: what overrides others says only what is new."""
    body = node.body if isinstance(node, ast.ClassDef) else []
    functions = [inner for inner in body if isinstance(inner, ast.FunctionDef)]
    return [inner for inner in functions if _public(inner.name) and ast.get_docstring(inner)]


def _constants(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Name and text of every assignment that a string follows."""
    for node, after in itertools.pairwise(body):
        is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, 'target', None)]
        if is_text and isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(after.value.value, str):
            for target in targets:
                parts = target.elts if isinstance(target, ast.Tuple) else [target]
                yield from (
                    (part.id, after.value.value)
                    for part in parts
                    if isinstance(part, ast.Name) and _public(part.id)
                )


def _page(page: str, content: list[Module], names: Names) -> str:
    return f'# {page}\n\n' + '\n\n'.join(_part(module, names) for module in content) + '\n'


def _part(module: Module, names: Names) -> str:
    source = f'[{module.path.as_posix()}](../../{module.path.as_posix()})'
    blocks = [f'## {module.name} {{#{module.name}}}', source]
    blocks.append(rendered(_docstring(module.tree, module.name), module.name, names))
    if offered := _offered(module, names):
        blocks.append(f'From here: {", ".join(offered)}.')
    for name, text in _constants(module.tree.body):
        blocks += [_heading(3, f'{module.name}.{name}', name), rendered(text, module.name, names)]
    for node in module.tree.body:
        if isinstance(node, Documented) and _public(node.name):
            blocks += _entry(node, module.name, names)
    return '\n\n'.join(block for block in blocks if block)


def _offered(module: Module, names: Names) -> list[str]:
    """Links to what a folder's ``__all__`` offers from its modules."""
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == '__all__':
            places = {name: names.find(name, module.name) for name in ast.literal_eval(node.value)}
            return [f'[`{name}`]({place})' if place else f'`{name}`' for name, place in places.items()]
    return []


def _entry(node: Documented, module: str, names: Names) -> list[str]:
    place = f'{module}.{node.name}'
    blocks = [
        _heading(3, place, node.name),
        _signature(node),
        rendered(_docstring(node, place), place, names),
    ]
    for inner in _methods(node):
        own = f'{place}.{inner.name}'
        blocks += [_heading(4, own, f'{node.name}.{inner.name}'), _signature(inner)]
        blocks.append(rendered(_docstring(inner, own), own, names))
    return blocks


def _heading(level: int, place: str, text: str) -> str:
    return f'{"#" * level} `{text}` {{#{place}}}'


def _signature(node: Documented) -> str:
    """As it stands in the file; of a class its bases and what makes it."""
    if isinstance(node, ast.FunctionDef):
        result = f' -> {ast.unparse(node.returns)}' if node.returns else ''
        kinds = {ast.unparse(decorator) for decorator in node.decorator_list}
        if 'property' in kinds:
            return f'```python\n{node.name}{result}\n```'
        return f'```python\n{node.name}({ast.unparse(node.args)}){result}\n```'
    bases = ', '.join(map(ast.unparse, node.bases))
    lines = [f'class {node.name}' + (f'({bases})' if bases else '')]
    lines += [
        f'{node.name}({re.sub("^self(, )?", "", ast.unparse(inner.args))})'
        for inner in node.body
        if isinstance(inner, ast.FunctionDef) and inner.name == '__init__'
    ]
    return '```python\n' + '\n'.join(lines) + '\n```'


def _docstring(node: ast.Module | Documented, place: str) -> str:
    text = ast.get_docstring(node)
    if not text:
        raise PluginError(f'{place}: found no docstring. Say what it is for in one.')
    return text


def _first_line(module: Module) -> str:
    return _docstring(module.tree, module.name).splitlines()[0].replace('|', '\\|')
