"""House rules that ruff and mypy cannot check: sizes, nesting, inheritance, constructors, leftovers."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULE_LINES, FUNCTION_LINES, NESTING, INHERITANCE = 300, 50, 3, 2
TEXT_ENDINGS = {'.py', '.md', '.sh', '.toml', '.json', '.yaml', '.txt', '.lock', '.cff', '.ipynb'}
MACHINE_PATH = re.compile(r'(?<![\w.}/*-])/(?:home|root|work|tmp|mnt|media|srv|Users|scratch|cluster)/')
LEFTOVER = re.compile(
    'NotImplemented' + r'Error|\bTO' + r'DO\b|\bFIX' + r'ME\b|\bX' + r'XX\b|\bpdb\b|breakpoint\(\)'
)
BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match, ast.AsyncFor, ast.AsyncWith)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

SMALL = 25
"""Modules with fewer statements need no test of their own."""


@cache
def tracked() -> tuple[Path, ...]:
    """Files of the project, relative to its root: those that git knows or would add."""
    command = ['git', '-C', str(ROOT), 'ls-files', '--cached', '--others', '--exclude-standard']
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip('not a git checkout: the list of project files is unknown')
    names = (Path(line) for line in listed.stdout.splitlines())
    return tuple(sorted({name for name in names if (ROOT / name).is_file()}))


def trees(top: str = '') -> dict[Path, ast.Module]:
    """Syntax trees of the Python files below ``top``."""
    return {path: tree(path) for path in tracked() if path.suffix == '.py' and str(path).startswith(top)}


@cache
def tree(path: Path) -> ast.Module:
    """Parsed once for all tests."""
    return ast.parse((ROOT / path).read_text(), str(path))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All functions and methods, nested ones included."""
    return (node for node in ast.walk(tree) if isinstance(node, FUNCTIONS))


def depth(node: ast.AST) -> int:
    """Nested blocks below a node; ``elif`` counts like its ``if``, inner functions start anew."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*FUNCTIONS, ast.ClassDef)):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deepest = max(deepest, depth(child) + (isinstance(child, BLOCKS) and not is_elif))
    return deepest


def own_levels(name: str, bases: dict[str, list[str]]) -> int:
    """Steps from a class of the package to its farthest ancestor inside the package."""
    return max((1 + own_levels(base, bases) for base in bases[name] if base in bases), default=0)


def is_registered(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a decorator puts the class or function into a registry."""
    return any('register_module' in ast.unparse(decorator) for decorator in node.decorator_list)


def report(problems: list[str]) -> None:
    """Fail with one problem a line."""
    assert not problems, '\n' + '\n'.join(problems)


def test_modules_are_short() -> None:
    lines = {path: len((ROOT / path).read_text().splitlines()) for path in tracked() if path.suffix == '.py'}
    report(
        [
            f'{path}: {count} lines, up to {MODULE_LINES}'
            for path, count in lines.items()
            if count > MODULE_LINES
        ]
    )


def test_functions_are_short() -> None:
    problems = []
    for path, tree in trees().items():
        for node in functions(tree):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                problems.append(f'{path}:{node.lineno} {node.name}: {length} lines, up to {FUNCTION_LINES}')
    report(problems)


def test_nesting_is_shallow() -> None:
    found = [(path, node, depth(node)) for path, tree in trees().items() for node in functions(tree)]
    report([f'{path}:{node.lineno} {node.name}: nested {n} deep' for path, node, n in found if n > NESTING])


def test_inheritance_is_shallow() -> None:
    classes = [
        node for tree in trees('mmseg/').values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
    ]
    bases = {
        node.name: [ast.unparse(base).split('.')[-1].split('[')[0] for base in node.bases] for node in classes
    }
    report(
        [
            f'{name}: more than {INHERITANCE} own levels'
            for name in bases
            if own_levels(name, bases) > INHERITANCE
        ]
    )


def test_registered_constructors_name_their_options() -> None:
    problems = []
    for path, tree in trees('mmseg/').items():
        for node in ast.walk(tree):
            if not isinstance(node, (ast.ClassDef, *FUNCTIONS)) or not is_registered(node):
                continue
            if isinstance(node, ast.ClassDef) and any(f.name == 'declared' for f in functions(node)):
                continue  # a dataclass names them
            makers = (
                [f for f in functions(node) if f.name == '__init__']
                if isinstance(node, ast.ClassDef)
                else [node]
            )
            problems += [
                f'{path}:{f.lineno} {node.name}: swallows **{f.args.kwarg.arg}'
                for f in makers
                if f.args.kwarg
            ]
    report(problems)


def test_public_names_have_docstrings() -> None:
    problems = []
    for path, tree in trees('mmseg/').items():
        public = [
            n for n in tree.body if isinstance(n, (ast.ClassDef, *FUNCTIONS)) and not n.name.startswith('_')
        ]
        problems += [f'{path}:{n.lineno} {n.name}: no docstring' for n in public if not ast.get_docstring(n)]
        if tree.body and not ast.get_docstring(tree):
            problems.append(f'{path}: no module docstring')
    report(problems)


def test_package_does_not_print() -> None:
    problems = []
    for path, tree in trees('mmseg/').items():
        calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
        problems += [f'{path}:{call.lineno} print' for call in calls if ast.unparse(call.func) == 'print']
    report(problems)


@pytest.mark.parametrize(
    ('pattern', 'what'),
    [(MACHINE_PATH, 'path of one machine'), (LEFTOVER, 'leftover')],
    ids=['paths', 'leftovers'],
)
def test_nothing_is_left_behind(pattern: re.Pattern[str], what: str) -> None:
    problems = []
    for path in tracked():
        if path.suffix not in TEXT_ENDINGS or path.name == Path(__file__).name:
            continue
        lines = (ROOT / path).read_text(errors='replace').splitlines()
        hits = [(number, match[0]) for number, line in enumerate(lines, 1) if (match := pattern.search(line))]
        problems += [f'{path}:{number} {what}: {text}' for number, text in hits]
    report(problems)


def test_tests_mirror_the_package() -> None:
    """A module is tested by the file of its name or imported by another test of its part."""
    texts = {path: (ROOT / path).read_text() for path in tracked() if path.name.startswith('test_')}
    problems = []
    for path, tree in trees('mmseg/').items():
        statements = sum(isinstance(node, ast.stmt) for node in ast.walk(tree))
        if path.name == '__init__.py' or statements < SMALL:
            continue
        own, part = (
            Path('tests', *path.parent.parts[1:], f'test_{path.stem}.py'),
            Path('tests', *path.parent.parts[1 : 3 if 'toolbox' in path.parts else 2]),
        )
        parent, module = '.'.join(path.parent.parts), path.stem
        wanted = re.compile(rf'from {parent} import [^\n]*\b{module}\b|{parent}\.{module}\b')
        near = (text for test, text in texts.items() if len(path.parts) == 2 or part in test.parents)
        if own not in texts and not any(wanted.search(text) for text in near):
            problems.append(f'{path}: no {own}, and no test in {part} imports it')
    report(problems)


def test_depth_counts_blocks_and_not_elif() -> None:
    code = 'def f():\n for a in b:\n  if a:\n   pass\n  elif b:\n   pass\n  else:\n   with c:\n    pass\n'
    assert depth(ast.parse(code).body[0]) == 3
    assert own_levels('C', {'A': ['Module'], 'B': ['A'], 'C': ['B']}) == 2
