"""The report in a browser: no error, no sideways scrolling, both themes, and everything that can be operated."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docs.making.browser import Tab
from tests.browser import BROWSER_MARKS
from tests.toolbox.reports.pages import LONG, full_page

Found = Callable[..., Any]

pytestmark = BROWSER_MARKS

THEMES = """
  const button = document.getElementById('theme');
  const seen = {};
  for (let i = 0; i < 3; i++) {
    await fitting();
    const style = getComputedStyle(document.body);
    const card = getComputedStyle(document.querySelector('section'));
    seen[button.textContent.split(' ')[1]] = [style.backgroundColor, style.color, card.backgroundColor];
    button.click();
  }
"""
WIDTHS = """
  document.querySelectorAll('details').forEach((one) => { one.open = true; });
  await pause(200); await fitting();
  const root = document.documentElement;
  const out = [...document.querySelectorAll('main *')].filter((node) => {
    if (node.closest('.frames, .wide, pre') !== null || node.closest('svg') !== null && node.tagName !== 'svg') return false;
    const box = node.getBoundingClientRect();
    return box.width > 0 && (box.right > root.clientWidth + 0.5 || box.left < -0.5);
  });
"""  # noqa: E501


@pytest.fixture(scope='module')
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return full_page(tmp_path_factory.mktemp('report'))


@pytest.fixture
def found(tab: Tab, page: Path) -> Found:
    """What a script returns in the page, which complains of nothing."""

    def ask(script: str, other: Path = page, **size: Any) -> Any:
        tab.open(other.as_uri(), **size)
        tab.run('try { localStorage.clear(); } catch {}')
        result = tab.run(script)
        assert tab.complaints == []
        return result

    return ask


def brightness(colour: str) -> float:
    """'rgb(255, 255, 255)' -> 255."""
    return sum(int(value) for value in colour[4:-1].split(',')) / 3


@pytest.mark.parametrize('width', [320, 390, 768, 1280])
@pytest.mark.parametrize('dark', [False, True])
def test_no_sideways_scrolling_and_no_error(found: Found, width: int, dark: bool) -> None:
    """With everything unfolded."""
    script = f'{WIDTHS} return [root.scrollWidth, root.clientWidth, out.map((node) => node.outerHTML.slice(0, 200))];'
    scrolled, inner, outside = found(script, width=width, dark=dark)
    assert inner == width
    assert scrolled == width, outside
    assert outside == []


def test_both_themes_and_what_the_system_wants(found: Found) -> None:
    light = found(f'{THEMES} return seen;')
    dark = found(f'{THEMES} return seen;', dark=True)
    assert light['automatic'] == light['light'] == dark['light']
    assert dark['automatic'] == dark['dark'] == light['dark']
    back, ink, card = light['light']
    assert brightness(back) > 230
    assert brightness(ink) < 60
    assert brightness(card) > 230
    back, ink, card = light['dark']
    assert brightness(back) < 50
    assert brightness(card) < 60
    assert brightness(ink) > 200


def test_the_line_between_two_layers_is_moved_by_keys_and_pointer(found: Found) -> None:
    script = """
      const figure = document.querySelector('#pictures .compare');
      const [left, right] = figure.querySelectorAll('select');
      const range = figure.querySelector('input[type=range]');
      const stage = figure.querySelector('.layers');
      const cut = () => getComputedStyle(stage.querySelector('.right')).clipPath;
      const shown = () => [...stage.children].filter((node) => getComputedStyle(node).display !== 'none').map((node) => node.dataset.name);
      const first = [shown(), cut(), range.getAttribute('aria-valuetext')];
      range.value = 20; range.dispatchEvent(new Event('input'));
      const second = cut();
      const box = stage.getBoundingClientRect();
      const at = { clientX: box.left + box.width * 0.75, clientY: box.top + 5, buttons: 1, pointerType: 'touch', bubbles: true };
      stage.dispatchEvent(new PointerEvent('pointerdown', at));
      const third = [cut(), range.value];
      left.value = 0; left.dispatchEvent(new Event('change'));
      const strength = document.querySelector('.strength');
      strength.value = 10; strength.dispatchEvent(new Event('input'));
      const paint = getComputedStyle(document.querySelector('#worst .layer img')).opacity;
      return { first, second, third, fourth: shown(), names: [...left.options].map((o) => o.textContent), paint, height: box.height };
    """  # noqa: E501
    seen = found(script)
    assert seen['names'] == ['image', LONG, 'source', 'truth']
    assert seen['first'] == [['source', 'truth'], 'inset(0px 0px 0px 50%)', '50 % source, the rest truth']
    assert seen['second'] == 'inset(0px 0px 0px 20%)'
    assert seen['third'] == ['inset(0px 0px 0px 75%)', '75']
    assert seen['fourth'] == ['image', 'truth']
    assert seen['paint'] == '0.1'
    assert seen['height'] > 100


def test_layers_of_two_resolutions(found: Found) -> None:
    script = """
      const select = document.querySelector('#scales select');
      select.value = 4; select.dispatchEvent(new Event('change'));
      const shade = getComputedStyle(document.querySelector('#scales .layer.left img'));
      return [[...select.options].map((o) => o.textContent), shade.opacity];
    """
    assert found(script) == [['image', 'truth', 'LR', 'HR', 'attention', 'fused'], '1']


def test_curves_answer_to_pointer_keys_and_legend(found: Found) -> None:
    script = """
      const chart = document.querySelector('#curves .chart');
      const svg = chart.querySelector('svg');
      const tip = chart.querySelector('.tip');
      const press = (key) => svg.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
      const ticks = () => [...svg.querySelectorAll('text')].map((node) => node.textContent).join(' ');
      const lines = () => svg.querySelectorAll('path.line').length;
      const seen = { hidden: tip.hidden, lines: lines(), ticks: ticks() };
      svg.focus(); press('End');
      seen.tip = tip.textContent;
      seen.crosses = document.querySelectorAll('.chart .cross').length;
      seen.charts = [...document.querySelectorAll('.chart')].filter((one) => one.querySelector('path')).length;
      press('ArrowLeft'); seen.earlier = tip.textContent;
      press('+'); await fitting(); seen.near = ticks();
      press('0'); await fitting(); seen.whole = ticks();
      const box = svg.getBoundingClientRect();
      const event = (kind, share) => svg.dispatchEvent(new PointerEvent(kind, { clientX: box.left + box.width * share, clientY: box.top + 50, pointerType: 'touch', bubbles: true }));
      event('pointermove', 0.9); seen.hover = tip.hidden;
      event('pointerdown', 0.3); event('pointermove', 0.5); seen.selected = svg.querySelectorAll('.sel').length;
      event('pointerup', 0.5); await fitting(); seen.dragged = ticks();
      svg.dispatchEvent(new MouseEvent('dblclick')); await fitting(); seen.again = ticks();
      document.querySelector('#runs button').click(); await fitting();
      seen.fewer = lines();
      seen.pressed = document.querySelector('#runs button').getAttribute('aria-pressed');
      const losses = [...document.querySelectorAll('#charts h3')].find((node) => node.textContent === 'Losses').parentElement;
      const ranges = () => [...losses.querySelectorAll('svg')].map((one) => [...one.querySelectorAll('text[text-anchor=end]')].map((node) => node.textContent).join(' '));
      seen.equal = ranges();
      document.getElementById('equal').click(); await fitting();
      seen.own = ranges();
      const loss = losses.querySelector('svg');
      seen.raw = loss.querySelectorAll('.raw').length;
      const smoothing = document.getElementById('smoothing');
      smoothing.value = 90; smoothing.dispatchEvent(new Event('input')); await fitting();
      seen.smooth = loss.querySelectorAll('.raw').length;
      return seen;
    """  # noqa: E501
    seen = found(script)
    assert (seen['hidden'], seen['lines'], seen['hover'], seen['selected']) == (True, 3, False, 1)
    assert 'iteration 2000' in seen['tip']
    assert LONG in seen['tip']
    assert 'iteration 1500' in seen['earlier']
    assert seen['crosses'] == seen['charts'] > 20
    assert seen['near'] != seen['ticks'] == seen['whole'] == seen['again'] != seen['dragged']
    assert (seen['fewer'], seen['pressed']) == (2, 'false')
    assert len({*seen['equal']}) == 1 < len({*seen['own']})
    assert (seen['raw'], seen['smooth']) == (0, 2)


def test_tables_sort_numbers_as_numbers_and_keep_the_mean_on_top(found: Found) -> None:
    script = """
      const table = document.querySelector('#classes table');
      const column = (i) => [...table.tBodies[0].rows].slice(1).map((row) => row.cells[i].dataset.value ?? row.cells[i].textContent.trim());
      const [name, score] = [...table.tHead.rows[0].cells].slice(0, 2);
      const seen = {};
      score.querySelector('button').click(); seen.down = column(1); seen.sort = score.getAttribute('aria-sort');
      score.querySelector('button').click(); seen.up = column(1);
      name.querySelector('button').click(); seen.names = column(0); seen.cleared = score.getAttribute('aria-sort');
      seen.first = table.tBodies[0].rows[0].cells[0].textContent.trim();
      return seen;
    """  # noqa: E501
    seen = found(script)
    numbers = [float(value) for value in seen['down']]
    assert len(numbers) == 19
    assert numbers == sorted(numbers, reverse=True)
    assert [float(value) for value in seen['up']] == numbers[::-1]
    assert seen['names'] == sorted(seen['names'])
    assert (seen['sort'], seen['cleared'], seen['first']) == ('descending', None, 'mIoU')


@pytest.mark.parametrize('width', [390, 1280])
def test_the_matrix_fits_and_says_what_a_cell_holds(found: Found, width: int) -> None:
    script = """
      const place = document.querySelector('.matrix');
      const svg = place.querySelector('svg');
      const press = (key) => svg.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
      const said = () => place.querySelector('.said').textContent;
      press('ArrowRight'); const first = said();
      press('ArrowRight'); press('ArrowDown'); press('ArrowDown'); const second = said();
      const fonts = [...svg.querySelectorAll('text')].map((node) => parseFloat(getComputedStyle(node).fontSize));
      const cells = svg.querySelectorAll('.cell').length;
      const wide = svg.getBoundingClientRect().width;
      document.getElementById('precision').click();
      place.querySelector('svg').dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight' }));
      return { first, second, third: said(), least: Math.min(...fonts), cells, wide, room: place.clientWidth };
    """
    seen = found(script, width=width)
    assert seen['first'].startswith('road predicted right: ')
    assert seen['second'].startswith('building taken for sidewalk: ')
    assert '% of all building pixels (' in seen['second']
    assert '% of all pixels predicted as road (' in seen['third']
    assert seen['least'] >= 8
    assert seen['cells'] == 19 * 19
    assert seen['wide'] <= seen['room']


def test_pictures_over_time(found: Found) -> None:
    script = """
      const film = document.querySelector('.film');
      const shown = () => [...film.querySelectorAll('img')].filter((node) => node.offsetWidth).map((node) => node.dataset.iteration);
      const first = [shown(), film.querySelector('output').textContent];
      film.querySelector('.back').click();
      return [first, shown(), film.querySelector('input').getAttribute('aria-valuetext')];
    """  # noqa: E501
    assert found(script) == [[['1001'], 'iteration 1001'], ['1'], 'iteration 1']


def test_everything_that_can_be_operated_has_a_name_and_takes_the_focus(found: Found) -> None:
    script = """
      document.querySelectorAll('details').forEach((one) => { one.open = true; });
      await pause(100);
      const all = [...document.querySelectorAll('button, select, input, a[href], summary, svg[tabindex]')];
      const nameless = all.filter((node) => !(node.getAttribute('aria-label') || node.textContent.trim() || node.labels?.[0]?.textContent.trim()));
      const dead = all.filter((node) => { node.focus(); return document.activeElement !== node; });
      return [all.length, nameless.map((n) => n.outerHTML.slice(0, 99)), dead.map((n) => n.outerHTML.slice(0, 99))];
    """  # noqa: E501
    count, nameless, dead = found(script)
    assert count > 60
    assert (nameless, dead) == ([], [])


def test_without_scripts_tables_and_pictures_are_there(found: Found, page: Path, tmp_path: Path) -> None:
    """What a mail program shows: the same page without its scripts, asked by one that belongs to the test."""
    text = page.read_text()
    bare = tmp_path / 'bare.html'
    head, _, rest = text.partition('<script type="application/json"')
    bare.write_text(
        head.replace('<script>document.documentElement.classList.add("js")</script>', '') + '</body>'
    )
    assert rest
    script = """
      const shown = (names) => [...document.querySelectorAll(names)].filter((node) => node.offsetWidth).length;
      return [shown('.compare .layer'), shown('.film img'), shown('.scripted'), shown('#classes tr'), document.documentElement.scrollWidth];
    """  # noqa: E501
    layers, frames, idle, rows, width = found(script, bare, width=390)
    assert (layers, frames, idle, rows, width) == (16, 6, 0, 21, 390)
