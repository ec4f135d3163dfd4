"""The documentation site: built strictly from the pages, complete, and without anything from elsewhere."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

INLINE = {
    'a',
    'abbr',
    'b',
    'br',
    'code',
    'em',
    'i',
    'img',
    'kbd',
    'p',
    'small',
    'span',
    'strong',
    'sub',
    'sup',
}
BLOCK = {
    'blockquote', 'dd', 'div', 'dl', 'dt', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'hr', 'li', 'ol', 'pre', 'table',
    'tbody', 'td', 'th', 'thead', 'tr', 'ul',
}  # fmt: skip
FRAME = {
    'article', 'aside', 'body', 'button', 'details', 'footer', 'form', 'head', 'header', 'html', 'input', 'label',
    'link', 'main', 'meta', 'nav', 'option', 'path', 'script', 'select', 'style', 'svg', 'title', 'circle', 'rect',
    'summary', 'polygon', 'g', 'noscript',
}  # fmt: skip
"""Of the theme."""

LOADS = {'script': 'src', 'link': 'href', 'img': 'src', 'iframe': 'src'}
ADDRESS = re.compile(r'(https?:)?//')


class Page(HTMLParser):
    """What a page of the site loads, links to, and shows."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.classes: set[str] = set()
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(path.read_text(encoding='utf-8'))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        self.classes.update((given.get('class') or '').split())
        if tag in LOADS and given.get(LOADS[tag]) and given.get('rel') != 'canonical':
            self.loads.append(str(given[LOADS[tag]]))
        if tag == 'a' and given.get('href'):
            self.links.append(str(given['href']))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            del self.open[len(self.open) - 1 - self.open[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        if not {'code', 'pre', 'script', 'style'} & set(self.open):
            self.texts.append(data)


def build(folder: Path, repository: str) -> dict[str, Page]:
    """The pages of a fresh site by their names."""
    done = subprocess.run(
        [sys.executable, '-m', 'mkdocs', 'build', '--strict', '--quiet', '--site-dir', folder], cwd=ROOT, text=True,
        env={**os.environ, 'REPO_URL': repository, 'NO_MKDOCS_2_WARNING': '1'}, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return {
        path.relative_to(folder).as_posix(): Page(path)
        for path in sorted(folder.rglob('*.html'))
        if path.name != '404.html'
    }


@pytest.fixture(scope='module')
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    """Without an address of the repository."""
    return build(tmp_path_factory.mktemp('site'), '')


def find(pages: dict[str, Page], kind: str) -> set[str]:
    """``page: text`` of everything of a kind."""
    return {f'{name}: {text}' for name, page in pages.items() for text in getattr(page, kind)}


@pytest.mark.slow
def test_every_page_is_in_the_site_and_its_contents(site: dict[str, Page]) -> None:
    pages = {path.relative_to(ROOT / 'docs').as_posix() for path in (ROOT / 'docs').rglob('*.md')}
    expected = {name.replace('README.md', 'index.md').removesuffix('.md') + '.html' for name in pages}
    assert expected < set(site)
    reached = {link.split('#')[0] for link in site['index.html'].links}
    assert not [name for name in site if name not in reached and name != 'index.html']


@pytest.mark.slow
def test_nothing_is_loaded_from_elsewhere(site: dict[str, Page]) -> None:
    """Fonts and programs neither: the theme fetches the one that draws diagrams where a page has the class."""
    assert not [text for text in find(site, 'loads') if ADDRESS.search(text)]
    assert not [name for name, page in site.items() if 'mermaid' in page.classes]
    assert len(find(site, 'loads')) > len(site)


@pytest.mark.slow
def test_pages_read_as_on_a_code_host(site: dict[str, Page]) -> None:
    """Lists are lists, fences are fences, and scalar products are no tags."""
    assert not {tag for page in site.values() for tag in page.tags} - INLINE - BLOCK - FRAME
    raw = re.compile(r'\n(- |\d+\. |\* )|```|\]\(|\|\s*-{3}')
    assert not [text for text in find(site, 'texts') if raw.search(text)]


@pytest.mark.slow
def test_links_to_files_lead_to_the_repository(site: dict[str, Page], tmp_path: Path) -> None:
    host = 'https://code.invalid/project'
    hosted = build(tmp_path, host)
    links = {link for page in hosted.values() for link in page.links if link.startswith(f'{host}/')}
    files = {link.split('/HEAD/')[1].split('#')[0] for link in links if '/HEAD/' in link}
    assert {'mmseg/uda/trainable.py', 'configs/_base_/uda'} < files
    assert not [name for name in files if not (ROOT / name).exists()]
    assert f'{host}/tree/HEAD/configs/_base_/uda' in links
    assert not [link for page in site.values() for link in page.links if link.endswith('.py')]


def test_a_link_to_what_is_not_there_is_an_error() -> None:
    from docs.making import site as hooks

    assert hooks.rewritten('../README.md#results', 'docs/tools.md', 'tools.md', '') == 'index.md#results'
    below, page = 'docs/methods/README.md', 'dida.md'
    assert hooks.rewritten(f'../{page}', below, 'methods/index', '') == f'../{page}'
    assert hooks.rewritten('docs/tools.md', 'README.md', 'index', 'https://code.invalid') == 'tools.md'
    assert hooks.rewritten('../mmseg/ranks.py', 'docs/tools.md', 'tools.md', '') is None
    with pytest.raises(hooks.PluginError, match='found a link to ../mmseg/rank.py'):
        hooks.rewritten('../mmseg/rank.py', 'docs/tools.md', 'tools.md', '')
