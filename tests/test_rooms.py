"""Which folder of the package may import from which: data, networks and methods know nothing of what is around them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

ALLOWED = {
    'evaluation': set(),
    'models': set(),
    'datasets': {'evaluation'},
    'uda': {'models'},
    'visualization': {'models', 'uda'},
    'config': {'datasets', 'evaluation', 'models', 'uda'},
    'engine': {'config', 'datasets', 'evaluation', 'models', 'uda', 'visualization'},
    'apis': {'toolbox'},
}
"""Room -> rooms it may import from, besides the modules beside the rooms; the toolbox may use everything."""


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and room of every import of the package, those inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.ImportFrom) and (node.module or '').split('.')[0] == 'mmseg':
            names = [f'{node.module}.{alias.name}' for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.startswith('mmseg.')]
        else:
            continue
        rooms = {name.split('.')[1] for name in names}
        yield from ((node.lineno, room) for room in rooms if (ROOT / 'mmseg' / room).is_dir())


def test_every_room_is_in_the_table() -> None:
    rooms = {path.parent.name for path in (ROOT / 'mmseg').glob('*/__init__.py')}
    assert rooms - {'toolbox'} == ALLOWED.keys()


@pytest.mark.parametrize('room', [*ALLOWED, '.'])
def test_rooms_import_only_what_they_may(room: str) -> None:
    """Modules beside the rooms import from none."""
    paths = (ROOT / 'mmseg').glob('*.py') if room == '.' else (ROOT / 'mmseg' / room).rglob('*.py')
    allowed = ALLOWED.get(room, set()) | {room}
    found = [
        f'{path.relative_to(ROOT)}:{line} imports from mmseg/{other}'
        for path in paths
        for line, other in imported(path)
        if other not in allowed
    ]
    assert not found, '\n' + '\n'.join(found)
