"""What mkdocs asks while it makes the site (``hooks`` in mkdocs.yml).

The pages are written for a code host: links are relative to the file, to source files too, and some pages lie outside
``docs``. Here these pages are added, and a link to what is no page of the site goes to the repository
(``REPO_URL``), or becomes plain text where no repository is told.
"""

import posixpath
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

from docs.making import api, notebooks

ROOT = Path(__file__).resolve().parents[2]

ELSEWHERE = {
    'README.md': 'index.md',
    'CONTRIBUTING.md': 'contributing.md',
    'data/README.md': 'data.md',
    'pretrained/README.md': 'weights.md',
    'tests/parity/cases/README.md': 'reference-cases.md',
}
"""Pages that lie outside of ``docs`` -> their places in the site."""

MADE: dict[str, str] = {}
"""Place -> Markdown of the pages that are made while the site is."""

NO_TAG = re.compile(r'<(?!/?[A-Za-z][\w-]*[\s/>]|!--)')
"""A scalar product such as <e_w(p), f_k>, which a code host shows and the library takes for a tag."""


def rewritten(target: str, source: str, page: str, repository: str) -> str | None:
    """A link as the site has it; None: plain text.

    Args:
        target: as it is written, relative to the file it stands in.
        source: that file, relative to the root of the repository.
        page: its place in the site, relative to ``docs``.
        repository: its address, '' if none is told.

    Raises:
        PluginError: the repository has no such file.
    """
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or not parts.path:
        return target
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), parts.path))
    page_of_site = path.removeprefix('docs/').replace('.ipynb', '.md')
    if page_of_site not in MADE and (path.startswith('..') or not (ROOT / path).exists()):
        raise PluginError(f'{source}: found a link to {target}, which is not there. Repair the link.')
    inside = ELSEWHERE.get(path) or (page_of_site if page_of_site in MADE or _is_in_site(path) else None)
    if inside is not None:
        place = posixpath.relpath(inside, posixpath.dirname(page) or '.')
        return place + (f'#{parts.fragment}' if parts.fragment else '')
    kind = 'tree' if (ROOT / path).is_dir() else 'blob'
    return f'{repository.rstrip("/")}/{kind}/HEAD/{path}' if repository else None


def _is_in_site(path: str) -> bool:
    return path.startswith('docs/') and (ROOT / path).is_file() and not path.startswith('docs/making/')


class Links(Treeprocessor):
    """Puts the links of one page right; works on the parsed page, so code stays as it is.

    Attributes:
        place: file and page that are being made, and the address of the repository.
    """

    place = ('', '', '')

    def run(self, root: Element) -> None:
        """Change links and pictures in place."""
        for element in root.iter():
            attribute = {'a': 'href', 'img': 'src'}.get(element.tag)
            target = element.get(attribute) if attribute else None
            if attribute is None or target is None:
                continue
            new = rewritten(target, *self.place)
            if new is not None:
                element.set(attribute, new)
            else:
                element.tag = 'span'
                del element.attrib[attribute]


class LinksExtension(Extension):
    """Runs :class:`Links` after links are parsed and before mkdocs checks them (its own has priority 0)."""

    def __init__(self) -> None:
        super().__init__()
        self.links = Links()

    def extendMarkdown(self, md: Markdown) -> None:
        """Called once a page."""
        md.treeprocessors.register(self.links, 'links', 1)


EXTENSION = LinksExtension()


def on_config(config: Any) -> Any:
    """Add the extension, and the pages of the API below their entry of the contents."""
    config.markdown_extensions.append(EXTENSION)
    made = api.pages()
    for entry in config.nav:
        if 'API' in entry:
            entry['API'] = list(made)
    MADE.clear()
    MADE.update(made, **notebooks.pages())
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that lie elsewhere, and those that are made; notebooks themselves are not copied."""
    for source, page in ELSEWHERE.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    for page, content in MADE.items():
        files.append(File.generated(config, page, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Tell the extension which page comes next; mkdocs makes one after the other."""
    place = page.file.src_uri
    sources = {target: source for source, target in ELSEWHERE.items()}
    EXTENSION.links.place = (sources.get(place, f'docs/{place}'), place, config.repo_url or '')
    return markdown


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """Show what is no tag."""
    return NO_TAG.sub('&lt;', html)
