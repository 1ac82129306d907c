"""The report of a real run, opened from a file by a browser without a network, tells all that it should."""

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
import yaml
from helpers.checkout import Checkout
from helpers.chromium import Browser

from sgd_valleys.claims import tables

PAGE = "document.querySelector('.claims')"
MENU = "[...document.querySelectorAll('#app nav ul li a')]"
CONTENT = (
    "[...document.querySelectorAll('#app .grow.h-screen :is(.prose, canvas, svg)')].some(e => e.clientHeight > 50)"
)


@pytest.fixture(scope="module")
def run(complete: Checkout, copy_of: Callable[[Checkout], Checkout]) -> Checkout:
    """A finished run with its report."""
    checkout = copy_of(complete)
    checkout.run("--report", "results/report.html")
    return checkout


@pytest.fixture(scope="module")
def opened(run: Checkout, chromium: Browser) -> Browser:
    """The report, opened once: with all its figures in it that takes a while."""
    chromium.open(run.root / "results/report.html")
    return chromium


@pytest.fixture
def page(opened: Browser) -> Browser:
    """The report on its first page."""
    opened.wait("typeof app !== 'undefined'", "the page")
    window(opened, 1280)
    opened.run("app.setView({content: 'rulegraph', navbarMode: 'menu'})")
    opened.wait(PAGE, "the claims")
    return opened


def text_of(browser: Browser, selector: str) -> str:
    return browser.run("return document.querySelector(arguments[0]).textContent", selector)


def window(browser: Browser, width: int) -> None:
    """Give the window a width."""
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.wait(f"window.innerWidth === {width}", "the window's width")


def click(browser: Browser, path: str) -> None:
    """Follow the first page's link to a file."""
    browser.run("document.querySelector(`a[data-path='${arguments[0]}']`).click()", path)


def test_the_first_thing_on_the_first_page_is_every_claim(run: Checkout, page: Browser) -> None:
    claims = json.loads((run.root / "results/claims.json").read_text(encoding="utf-8"))["claims"]
    rows = page.run(
        "return Object.fromEntries([...document.querySelectorAll('.claims tr[id]')].map(row => "
        "[row.id, [row.textContent, row.getBoundingClientRect().width]]))"
    )
    assert sorted(rows) == sorted(claim["key"] for claim in claims)
    for claim in claims:
        text, width = rows[claim["key"]]
        statement = unescape(re.sub("<[^>]*>", "", tables.symbols(claim["statement"])))
        assert statement in text and claim["verdict"] in text and width, claim
    inside = page.run("return [...document.querySelectorAll('table')].map(table => !!table.closest('.claims'))")
    assert inside[0]
    top = page.run("return document.querySelector('.prose h1').getBoundingClientRect().top")
    assert 0 <= top < 100


@pytest.mark.parametrize("width", [400, 1280])
def test_the_claims_fit_in_the_window(page: Browser, width: int) -> None:
    window(page, width)
    edges = page.run(
        "return [...document.querySelectorAll('.claims, .claims table')].map(each => each.getBoundingClientRect())"
        ".map(box => [box.left, box.right])"
    )
    assert len(edges) > 5
    for left, right in edges:
        assert 0 <= left <= right <= width


def test_every_figure_is_shown_beside_its_caption(run: Checkout, page: Browser) -> None:
    figures = sorted(path.name for path in run.root.glob("results/figures/*.png"))
    linked = page.run("return [...document.querySelectorAll('a[data-path$=\".png\"]')].map(link => link.dataset.path)")
    assert sorted(Path(path).name for path in linked) == figures
    for path in linked:
        page.run("app.setView({content: 'rulegraph', navbarMode: 'menu'})")
        page.wait(PAGE, "the first page again")
        click(page, path)
        page.wait("document.querySelector('#app .grow.h-screen img')?.naturalWidth", f"the picture {path}")
        shown, wanted = page.run(
            "return [document.querySelector('#app .grow.h-screen img').src, results[arguments[0]].data_uri]", path
        )
        assert shown == wanted
        assert "**" not in text_of(page, "nav li.prose") and len(text_of(page, "nav li.prose").split()) > 60
        assert not page.run("return document.querySelector('.system-message')")


def test_a_figure_on_a_phone_is_above_its_caption_and_large_enough(page: Browser) -> None:
    window(page, 400)
    click(page, "results/figures/fig4.png")
    page.wait("document.querySelector('#app .grow.h-screen img')?.naturalWidth", "the picture")
    page.wait("document.documentElement.scrollWidth <= 400", "a layout in which the figure alone moves sideways")
    left, width, below = page.run(
        "const of = name => document.querySelector(name).getBoundingClientRect();"
        "const picture = of('#app .grow.h-screen img'), caption = of('nav li.prose');"
        "return [picture.left, picture.width, caption.top - picture.bottom]"
    )
    assert left >= 0 and width >= 800 and below >= 0
    assert not page.run(
        "return [...document.querySelectorAll('nav li')].some(e => e.clientHeight && /settings=/.test(e.innerText))"
    )


def test_versions_fit_a_phone_with_a_commit_among_them(page: Browser) -> None:
    window(page, 400)
    right = page.run(
        "const cell = document.querySelector('.versions tr:nth-child(2) td:last-child'), text = cell.textContent;"
        "cell.textContent = 'f'.repeat(64);"
        "const right = document.querySelector('.versions').getBoundingClientRect().right;"
        "cell.textContent = text;"
        "return right"
    )
    assert right <= 400


def test_settings_and_versions_are_on_the_first_page_and_run_times_in_the_menu(run: Checkout, page: Browser) -> None:
    results = run.root / "results"
    settings = page.run("return document.querySelector('pre.literal-block').textContent")
    assert yaml.safe_load(settings) == yaml.safe_load((results / "config.yaml").read_text(encoding="utf-8"))
    versions = yaml.safe_load((results / "versions.yaml").read_text(encoding="utf-8"))
    assert all(f"{name}{version}" in text_of(page, ".versions") for name, version in versions.items())
    assert "experiments.mnist.sweep.eta" in text_of(page, ".changes")
    page.run("app.setView({content: 'stats'})")
    page.wait("document.querySelector('#runtimes canvas, #runtimes svg')", "the picture of the run times")


def test_every_entry_of_the_menu_leads_to_a_page_without_errors(page: Browser) -> None:
    entries = page.run(f"return {MENU}.map(link => link.textContent)")
    assert {"Workflow", "Statistics", "About", "Explore", "Figures", "Settings and versions"} <= set(entries)
    for k, entry in enumerate(entries):
        page.run("app.setView({content: 'rulegraph', navbarMode: 'menu'})")
        page.wait(f"{MENU}.length === {len(entries)}", "the menu")
        page.messages()
        page.run(f"{MENU}[arguments[0]].click()", k)
        page.wait("document.querySelector('#app nav')?.innerText.trim() && " + CONTENT, f"the page of {entry}")
        assert [message for message in page.messages() if message.startswith("SEVERE")] == [], entry
    assert page.run("return [...document.querySelectorAll('nav tbody tr')].length") == 2  # of settings and versions


@pytest.mark.parametrize("way", ["the first page", "the menu"])
def test_the_explorer_opens_inside_it(page: Browser, way: str) -> None:
    if way == "the first page":
        click(page, "results/explorer.html")
    else:
        page.run(f"{MENU}.find(link => link.textContent === 'Explore').click()")
        page.wait("document.querySelector('nav tbody a')", "the entry")
        page.run("document.querySelector('nav tbody a').click()")
    page.wait("document.querySelector('#app iframe')", "the frame")
    page.driver.switch_to.frame(page.driver.find_element("css selector", "#app iframe"))
    try:
        page.wait("document.body?.dataset.drawn === 'all'", "the explorer drawn")
    finally:
        page.driver.switch_to.default_content()


def test_the_house_leads_back_to_the_claims_and_to_the_graph_of_the_rules(page: Browser) -> None:
    page.wait("document.querySelector('div#rulegraph')?.clientHeight > 100", "the graph")
    click(page, "results/figures/fig1.png")
    page.wait("document.querySelector('#app .grow.h-screen img')", "the picture")
    page.run("document.querySelector('nav nav a').click()")
    page.wait(PAGE, "the claims")
    page.wait("document.querySelector('div#rulegraph')?.clientHeight > 100", "the graph again")
    whole, content = page.run("return [window.innerWidth, document.querySelector('.claims').clientWidth]")
    assert content > 0.6 * whole


def test_it_logs_no_error_and_asks_for_nothing_from_outside(run: Checkout, page: Browser) -> None:
    click(page, "results/figures/fig1.png")
    page.wait("document.querySelector('#app .grow.h-screen img')?.naturalWidth", "the picture")
    page.run("app.setView({content: 'stats', navbarMode: 'menu'})")
    page.wait("document.querySelector('#runtimes canvas, #runtimes svg')", "the picture of the run times")
    assert [message for message in page.messages() if message.startswith("SEVERE")] == []
    assert {address.partition(":")[0] for address in page.requests()} <= {"file", "data", "blob"}
    asked = "[...document.querySelectorAll('[src], link[href]')].map(element => element.src || element.href)"
    assert [address for address in page.run(f"return {asked}") if address.startswith("http")] == []
    html = (run.root / "results/report.html").read_text(encoding="utf-8")
    assert not re.search(r"<(?:script|img|link|iframe)\b[^>]*\b(?:src|href)=[\"']?https?:", html.partition("<body>")[0])
