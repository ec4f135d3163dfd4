"""Notebooks as pages of the site: text as it is, code as code. Nothing is run; a test runs every cell."""

import json
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / 'notebooks'


def pages() -> dict[str, str]:
    """Place in the site -> Markdown, for each notebook."""
    return {f'notebooks/{path.stem}.md': as_markdown(path) for path in sorted(FOLDER.glob('*.ipynb'))}


def as_markdown(path: Path) -> str:
    """The cells of a notebook below one another, and where the notebook is."""
    cells = json.loads(path.read_text(encoding='utf-8'))['cells']
    texts = [_block(cell['cell_type'], ''.join(cell['source'])) for cell in cells]
    head, *rest = texts
    place = f'The notebook: `docs/notebooks/{path.name}` (outputs are left out; open it with Jupyter or an editor).'
    return '\n\n'.join([head, place, *rest]) + '\n'


def _block(kind: str, source: str) -> str:
    return f'```python\n{source}\n```' if kind == 'code' else source
