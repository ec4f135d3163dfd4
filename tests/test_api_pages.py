"""Pages of the API: made from docstrings alone, complete, and strict."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from mkdocs.exceptions import PluginError

from docs.making import api
from docs.making.docstrings import Names, rendered

CITED = 'hrda' + '.md#fusion'
ROOT = Path(__file__).resolve().parents[1]
NAMES = Names(
    {name: f'mmseg.md#{name}' for name in ('mmseg.a', 'mmseg.a.Net', 'mmseg.a.Net.run')},
    {'mmseg.b.Net': 'mmseg.a.Net'},
)  # fmt: skip
PACKAGE = {
    '__init__.py': '"""Everything."""\nfrom mmseg.a import Net\n__all__ = ["Net"]\n',
    'a.py': '''"""Networks."""
LIMIT = 3
"""How many."""

class Net(Base):
    """A network, see :meth:`run`.

    Args:
        depth: levels, fewer
            than :data:`LIMIT`.
    """

    size: int

    def __init__(self, depth: int = 2) -> None: ...

    def run(self, x: float) -> float:
        """Twice :attr:`~mmseg.a.Net.size`."""

    def repeated(self): ...

    def _hidden(self): ...

def _helper(): ...
''',
}


def package(folder: Path, **files: str) -> Path:
    for name, text in {**PACKAGE, **files}.items():
        path = folder / 'mmseg' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding='utf-8')
    return folder


def test_sections_become_lists_and_references_links() -> None:
    text = (
        f'Does it with :class:`~mmseg.a.Net`, ``x`` and :func:`len` (docs/{CITED}).\n\nArgs:\n    x, y: first\n'
        '        and second.\n    **others: rest.\n\n'
        'Returns:\n    Float32 (B, C),\n    or None.\n\nRaises:\n    OSError: no.\n'
    )
    assert rendered(text, 'mmseg.b', NAMES).split('\n\n') == [
        f'Does it with [`Net`](mmseg.md#mmseg.a.Net), `x` and `len` ([hrda](../{CITED})).',
        '**Args**', '- `x, y`: first and second.\n- `**others`: rest.',
        '**Returns** Float32 (B, C), or None.', '**Raises**', '- `OSError`: no.',
    ]  # fmt: skip


@pytest.mark.parametrize(
    ('name', 'scope', 'found'),
    [
        ('Net', 'mmseg.a', 'Net'), ('run', 'mmseg.a.Net.run', 'Net.run'), ('mmseg.b.Net.run', 'mmseg', 'Net.run'),
        ('run', 'mmseg.a', None), ('torch.Tensor', 'mmseg.a', None),
    ],
)  # fmt: skip
def test_names_are_looked_up_from_the_inside_out(name: str, scope: str, found: str | None) -> None:
    assert NAMES.find(name, scope) == (found and f'mmseg.md#mmseg.a.{found}')


def test_a_reference_to_nothing_stops_the_build() -> None:
    with pytest.raises(PluginError, match=r'mmseg\.a: its docstring refers to mmseg\.a\.Gone'):
        rendered('See :class:`mmseg.a.Gone`.', 'mmseg.a', NAMES)


def test_a_page_of_a_package(tmp_path: Path) -> None:
    pages = api.pages(package(tmp_path))
    assert list(pages) == [f'{api.FOLDER}/index.md', f'{api.FOLDER}/mmseg.md']
    page = pages[f'{api.FOLDER}/mmseg.md']
    for part in (
        'From here: [`Net`](mmseg.md#mmseg.a.Net).', '## mmseg.a {#mmseg.a}', '### `LIMIT` {#mmseg.a.LIMIT}',
        'How many.',
        '```python\nclass Net(Base)\nNet(depth: int=2)\n```', '[`run`](mmseg.md#mmseg.a.Net.run)',
        '- `depth`: levels, fewer than [`LIMIT`](mmseg.md#mmseg.a.LIMIT).',
        '```python\nrun(self, x: float) -> float\n```',
        'Twice [`size`](mmseg.md#mmseg.a.Net).', '[mmseg/a.py](../../mmseg/a.py)',
    ):  # fmt: skip
        assert part in page, part
    assert 'hidden' not in page
    assert 'helper' not in page
    assert 'repeated' not in page


@pytest.mark.parametrize(
    'text', ['x = 1\n', '"""Module."""\ndef f(): ...\n', '"""Module."""\nclass C: ...\n']
)
def test_without_a_docstring_there_is_no_page(text: str, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r'mmseg\.c.*found no docstring'):
        api.pages(package(tmp_path, **{'c.py': text}))


def test_every_module_of_the_package_is_there() -> None:
    text = '\n'.join(api.pages().values())
    files = [path.relative_to(ROOT) for path in (ROOT / 'mmseg').rglob('*.py') if path.name != '__main__.py']
    assert len(files) > 200
    names = ['.'.join(path.with_suffix('').parts).removesuffix('.__init__') for path in files]
    assert not [name for name in names if f'{{#{name}}}' not in text]


def test_drawings_stand_alone() -> None:
    """They load nothing and run nothing."""
    drawings = list((ROOT / 'docs').rglob('*.svg'))
    assert drawings
    for path in drawings:
        root = ElementTree.parse(path).getroot()
        assert root.get('viewBox')
        for element in root.iter():
            assert element.tag.rpartition('}')[2] not in ('script', 'image', 'use', 'foreignObject')
            assert not [name for name in element.attrib if name.rpartition('}')[2] == 'href']
        assert '@import' not in path.read_text(encoding='utf-8')
