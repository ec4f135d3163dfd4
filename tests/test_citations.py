"""Every page that code, tests and texts cite exists, and so does the heading (``docs/methods/hrda.md#fusion``)."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.test_style import ROOT, report, tracked

CITATION = re.compile(
    r'(?<![\w/.:-])(?P<page>(?:[\w.-]+/)*[\w.-]+\.md)\b(?P<anchors>(?:#[\w-]+(?:(?:,| and| to)\s+#[\w-]+)*)?)'
)
"""A page and headings of it: ``a/page.md``, ``a/page.md#one``, ``a/page.md#one, #two and #three``."""

LINK = re.compile(r'\]\((?P<page>[^()\s#:]*)(?P<anchors>(?:#[\w-]+)?)\)')
"""A link of Markdown within the repository; the page may be empty (this one), or a file that is no page."""

UNFOLLOWED = re.compile(r'\.md,? (?:section )?\d|\b(?:spec|golden)/[\w-]+\.md')
"""A heading cited by a number, or a page outside the repository."""

CITING = {'.py', '.md', '.sh', '.toml', '.yaml', ''}

Citation = tuple[int, str, list[str]]
"""Line, page and anchors."""


@cache
def headings(page: Path) -> frozenset[str]:
    """Anchors of the headings of a page, as GitHub makes them."""
    text = re.sub(r'(?ms)^ *```.*?^ *```$', '', page.read_text(encoding='utf-8'))
    titles = [
        re.sub(r'\[([^]]*)\]\([^)]*\)', r'\1', title) for title in re.findall(r'(?m)^#+ +(.+?) *$', text)
    ]
    seen: Counter[str] = Counter()
    found = set()
    for title in titles:
        slug = re.sub(r'[^\w\- ]', '', title.lower()).replace(' ', '-')
        found.add(f'{slug}-{seen[slug]}' if seen[slug] else slug)
        seen[slug] += 1
    return frozenset(found)


def citations(pattern: re.Pattern[str], text: str) -> Iterator[Citation]:
    """What ``pattern`` finds in a text."""
    for found in pattern.finditer(text):
        yield (
            text.count('\n', 0, found.start()) + 1,
            found['page'],
            re.findall(r'#([\w-]+)', found['anchors']),
        )


def problems(root: Path, name: Path) -> list[str]:
    """What a file cites in vain, one sentence each. Links start beside the file, other citations at the root, too."""
    text, beside = (root / name).read_text(encoding='utf-8', errors='replace'), (root / name).parent
    found = [
        f'{name}:{number}: cites a section by number or a page outside the repository: {line.strip()}'
        for number, line in enumerate(text.splitlines(), 1)
        if UNFOLLOWED.search(line)
    ]
    if name.suffix == '.md':
        for citation in citations(LINK, text):
            found += unmet(citation, name, [beside / citation[1] if citation[1] else root / name])
        text = LINK.sub(lambda link: re.sub(r'[^\n]', ' ', link[0]), text)
    for citation in citations(CITATION, text):
        if (
            name.suffix == '.md' or '/' in citation[1]
        ):  # elsewhere a bare name is one of files that are written
            found += unmet(citation, name, [root / citation[1], beside / citation[1]])
    return found


def unmet(citation: Citation, name: Path, places: list[Path]) -> list[str]:
    """What is wrong with a citation whose page may lie in any of ``places``."""
    line, page, anchors = citation
    target = next((place for place in places if place.exists()), None)
    if target is None:
        return [f'{name}:{line}: there is no {page}']
    known = headings(target) if target.suffix == '.md' else frozenset(anchors)
    return [
        f'{name}:{line}: {page or name} has no heading #{anchor}' for anchor in anchors if anchor not in known
    ]


def test_citations_lead_to_headings() -> None:
    citing = [name for name in tracked() if name.suffix in CITING and name.name != Path(__file__).name]
    report([problem for name in citing for problem in problems(ROOT, name)])


@pytest.mark.parametrize(
    ('text', 'complaint'),
    [
        ('See docs/page.md#a-heading, #with-code-and-a-link and #a-heading-1.', ''),
        (
            'See docs/page.md and docs/page.md#a-heading; [here](docs/page.md#a-heading), [above](#own).\n# Own',
            '',
        ),
        ('See docs/pages.md.', 'cites.md:1: there is no docs/pages.md'),
        ('\nSee docs/page.md#no-heading.', 'cites.md:2: docs/page.md has no heading #no-heading'),
        ('See docs/page.md#a-heading,\n    #other.', 'cites.md:1: docs/page.md has no heading #other'),
        ('See [here](docs/page.md#in-a-block).', 'cites.md:1: docs/page.md has no heading #in-a-block'),
        ('See [above](#own).', 'cites.md:1: cites.md has no heading #own'),
        ('![picture](docs/none.png)', 'cites.md:1: there is no docs/none.png'),
        ('See docs/page.md 2.3.', 'cites.md:1: cites a section by number'),
        ('See docs/page.md, section 3.', 'cites.md:1: cites a section by number'),
    ],
)
def test_what_is_cited_in_vain_is_told(text: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / 'docs').mkdir()
    page = '# A heading\n```\n# In a block\n```\n## With `code` and a [link](x.md)\n### A heading\n'
    (tmp_path / 'docs/page.md').write_text(page)
    (tmp_path / 'cites.md').write_text(text)
    found = problems(tmp_path, Path('cites.md'))
    assert (found == []) if not complaint else (len(found) == 1 and found[0].startswith(complaint)), found
