"""The browser of the tests sees what goes wrong, and a served page follows its runs."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from docs.making.browser import Tab
from mmseg.toolbox.reports.live import HOST, LivePage, open_server
from tests.browser import BROWSER_MARKS
from tests.toolbox.reports.pages import full_page, trained

pytestmark = BROWSER_MARKS


@pytest.fixture(scope='module')
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return full_page(tmp_path_factory.mktemp('report'))


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[LivePage, str]]:
    trained(tmp_path / 'mine')
    page = LivePage([tmp_path])
    with open_server(page, 0) as server:
        thread = Thread(target=server.serve_forever, kwargs={'poll_interval': 0.01})
        thread.start()
        yield page, f'http://{HOST}:{server.server_address[1]}/'
        server.shutdown()
        thread.join()


def test_a_served_page_loads_again_when_there_is_news(
    tab: Tab, live: tuple[LivePage, str], tmp_path: Path
) -> None:
    page, address = live
    tab.open(address)
    before = tab.run('window.mark = 1; return document.body.dataset.version')
    assert before == page.version()
    log = next((tmp_path / 'mine').glob('*.log.json'))
    log.write_text(log.read_text() + '{"mode": "train", "iter": 2050, "loss": 1.0}\n')
    tab.wait('document.readyState === "complete" && window.mark === undefined')
    assert tab.run('return document.body.dataset.version') == page.version() != before
    assert '2050 of 2000' in tab.run('return document.querySelector("#overview").textContent')
    assert tab.complaints == []


def test_a_page_may_load_again_while_it_is_waited_for(tab: Tab, tmp_path: Path) -> None:
    """A script that is under way when its page is left has no answer: the next page is asked."""
    restless = tmp_path / 'restless.html'
    restless.write_text("""<!doctype html><body><script>
      const loads = Number(sessionStorage.loads ?? 0) + 1;
      sessionStorage.loads = loads;
      if (loads < 60) setTimeout(() => location.reload(), 10); else window.calm = true;
    </script></body>""")
    tab.open(restless.as_uri())
    tab.wait('window.calm')
    with pytest.raises(
        RuntimeError, match=r'after 0.2 s it is not true that window\.missing; at last: false'
    ):
        tab.wait('window.missing', seconds=0.2)


def test_what_the_console_says_is_seen(tab: Tab, tmp_path: Path) -> None:
    """The tests above would be worth nothing otherwise."""
    bad = tmp_path / 'bad.html'
    for script, word in {'nothing.there()': 'nothing is not defined', 'console.error("oh")': '"oh"'}.items():
        bad.write_text(f'<!doctype html><body><script>{script}</script></body>')
        tab.open(bad.as_uri())
        assert any(word in line for line in tab.complaints)
    with pytest.raises(RuntimeError, match='wrong is not defined'):
        tab.run('return wrong')


def test_a_page_loads_nothing_even_if_it_wants_to(tab: Tab, page: Path, tmp_path: Path) -> None:
    bad = tmp_path / 'bad.html'
    bad.write_text(page.read_text().replace('</main>', '<img src="http://127.0.0.1:9/x.png" alt=""></main>'))
    tab.open(bad.as_uri())
    assert any('Content Security Policy' in line for line in tab.complaints)


def test_the_picture_of_a_window(tab: Tab, page: Path) -> None:
    tab.open(page.as_uri(), 390, 844)
    light = tab.picture()
    tab.open(page.as_uri(), 390, 844, dark=True)
    assert light.size == tab.picture().size == (390, 844)
    assert light.getpixel((2, 2)) > (200, 200, 200) > tab.picture().getpixel((2, 2))
