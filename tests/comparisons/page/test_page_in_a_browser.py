"""`report.html` in chromium, as a reader has it: it shows, sorts, filters, folds and prints, silently."""

import base64
import json
import os
import re
import shutil
import tempfile
from io import BytesIO
from itertools import groupby

import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--force-color-profile=srgb",
    ),
)
WIDE, NARROW = 1280, 360
SOURCES = ("passed_page", "failed_page")


class Reader:
    """A browser, and what it shows of a page."""

    def __init__(self, driver, folder):
        self.driver, self.folder = driver, folder
        self.run = driver.execute_script

    def open(self, source, *, width=WIDE, theme="light", media="screen"):
        file = self.folder / "report.html"
        file.write_text(source, encoding="utf-8")
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width <= NARROW}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = [{"name": "prefers-color-scheme", "value": theme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme, "media": media})
        self.driver.get(file.as_uri())
        return self

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def drawn(self, element):
        """The colours of an element's picture, and how many pixels have each."""
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        picture = Image.open(BytesIO(base64.b64decode(element.screenshot_as_base64))).convert("RGB")
        return {colour: count for count, colour in picture.getcolors(2**24) or []}


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    programs = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if not all(programs):
        missing = "chromium and chromedriver ARE NOT INSTALLED: the report's page was NOT tested in a browser"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = webdriver.Chrome(options=options, service=Service(programs[1]))
        driver.get("about:blank")  # away from the browser's own first page, whose requests are its own
        try:
            yield Reader(driver, tmp_path_factory.mktemp("page"))
        finally:
            driver.quit()


@pytest.fixture(params=SOURCES)
def source(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_silent_and_alone(reader, source, theme):
    """No message on the console, no request but for the file itself, and nobody's script runs but the page's."""
    for log in ("browser", "performance"):
        reader.driver.get_log(log)
    reader.open(source, theme=theme)
    assert reader.driver.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in reader.driver.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert [url for url in asked if not url.startswith("data:")] == [reader.driver.current_url]
    assert len(reader.all("nav button")) == 1  # the page's script did run
    assert reader.run("return document.querySelectorAll('script').length") == 1


def test_the_browser_corrects_nothing(reader, source, read):
    """HTML that is wrong is silently read as something else: elements moved, closed, or put in between."""
    reader.open(source)
    script = """
      const parsed = new DOMParser().parseFromString(arguments[0], "text/html");
      return [...parsed.querySelectorAll("*")].map((element) => element.localName);
    """
    assert reader.run(script, source) == [name for name, _ in read(source).elements]


VALUES = """
const [table, column] = arguments;
return [...table.tBodies[0].rows].map((row) => {
  const cell = row.cells[column];
  return [cell.dataset.v ?? null, cell.textContent];
});
"""


def wanted(values, descending):
    """Numbers as numbers, or texts with the numbers in them as numbers; infinite and missing last, both ways."""
    if all(v is None for v, _ in values):
        key = lambda text: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text)]
        return sorted((text for _, text in values), key=key, reverse=descending)
    numbers = sorted((float(v) for v, _ in values if v not in ("", "inf")), reverse=descending)
    return [*numbers, *("inf" for v, _ in values if v == "inf"), *("" for v, _ in values if v == "")]


def shown(values):
    if all(v is None for v, _ in values):
        return [text for _, text in values]
    return [v if v in ("", "inf") else float(v) for v, _ in values]


SORTED = """
const values = (table, column) => [...table.tBodies[0].rows].map((row) => {
  const cell = row.cells[column];
  return [cell.dataset.v ?? null, cell.textContent];
});
const found = [];
for (const table of document.querySelectorAll("table")) {
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = heading.querySelector("button");
    if (!button) return;
    const before = values(table, column);
    const after = [0, 1].map(() => {
      button.click();
      return [heading.getAttribute("aria-sort"), values(table, column)];
    });
    found.push([heading.textContent, before, after, table.querySelectorAll("[aria-sort]").length]);
  });
}
return found;
"""


def test_every_column_of_every_table_sorts(reader, failed_page):
    """One click: ascending; another: descending; and the table says by which one, and how."""
    reader.open(failed_page)
    found = reader.run(SORTED)
    assert len(found) > 90
    for name, before, after, marked in found:
        assert marked == 1
        assert [direction for direction, _ in after] == ["ascending", "descending"]
        if all(v is None for v, _ in before):  # texts, whose order is the browser's: equal ones together, and reversed
            up, down = ([text for text, _ in groupby(shown(values))] for _, values in after)
            assert up == down[::-1], name
            assert sorted(up) == sorted({text for _, text in before}), name
            continue
        for direction, values in after:
            assert shown(values) == wanted(before, direction == "descending"), (name, direction)


def test_infinite_and_missing_are_last_both_ways(reader, failed_page):
    reader.open(failed_page)
    heading = next(h for h in reader.all("th") if h.text.startswith("end to end") and h.is_displayed())
    table = heading.find_element(By.XPATH, "ancestor::table")
    column = reader.run("return arguments[0].cellIndex", heading)
    for _ in range(2):
        heading.find_element(By.TAG_NAME, "button").click()
        assert reader.run(VALUES, table, column)[-1][0] == "inf"
    heading = next(h for h in table.find_elements(By.CSS_SELECTOR, "th") if h.text.startswith("float64"))
    column = reader.run("return arguments[0].cellIndex", heading)
    for _ in range(2):
        heading.find_element(By.TAG_NAME, "button").click()
        values = [v for v, _ in reader.run(VALUES, table, column)]
        assert values[-1] == "" != values[0]


def test_sorting_by_text_and_by_the_keyboard(reader, passed_page):
    reader.open(passed_page)
    table = next(t for t in reader.all("table.strips"))
    button = table.find_element(By.CSS_SELECTOR, "thead button")
    before = reader.run(VALUES, table, 0)
    button.send_keys(Keys.ENTER)
    assert shown(reader.run(VALUES, table, 0)) == wanted(before, False) != shown(before)
    button.send_keys(Keys.SPACE)
    assert shown(reader.run(VALUES, table, 0)) == wanted(before, True)
    assert reader.driver.switch_to.active_element == button


def test_a_picture_is_nothing_to_sort_by(reader, passed_page):
    reader.open(passed_page)
    assert [len(h.find_elements(By.TAG_NAME, "button")) for h in reader.all("table.strips thead th")] == [
        1,
        0,
        *[1] * 5,
    ]


ROWS = """
const rows = [...arguments[0].closest("[data-filter]").querySelectorAll("tbody tr")];
return rows.map((row) => [row.textContent.toLowerCase(), row.getClientRects().length > 0]);
"""


WORDS = {
    "Cases": "LSTM ma",
    "Mistakes": "two TRANS",
    "Conversions": "blocklstm GRU",
}  # the page has LSTM in BlockLSTMV2


def test_filter_leaves_the_rows_with_all_its_words(reader, passed_page):
    reader.open(passed_page)
    reader.run("for (const one of document.querySelectorAll('details')) one.open = true")
    fields = reader.all(".filter input")
    assert len(fields) == 5
    for field in fields:
        words = WORDS[field.accessible_name.split()[0]]
        rows = reader.run(ROWS, field)
        assert all(visible for _, visible in rows)
        expected = [all(word in text for word in words.lower().split()) for text, _ in rows]
        assert 0 < sum(expected) < len(rows)
        field.send_keys(words)
        assert [visible for _, visible in reader.run(ROWS, field)] == expected
        output = field.find_element(By.XPATH, "../output")
        assert output.text == f"{sum(expected)} of {len(rows)}"
        field.send_keys(Keys.BACKSPACE * len(words))
        assert reader.run(ROWS, field) == rows
        assert output.text == ""


def test_every_field_and_button_has_a_name(reader, passed_page):
    reader.open(passed_page)
    elements = reader.all("input, button, [role=region], [role=img], nav, section")
    assert [e.get_attribute("outerHTML")[:200] for e in elements if e.is_displayed() and not e.accessible_name] == []
    assert len(elements) > 50


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_pictures_are_there(reader, failed_page, theme, width):
    """Each has a size and its colours: of the curves, of the bound, of the mistakes."""
    reader.open(failed_page, width=width, theme=theme)
    pictures = [p for p in reader.all("svg[role=img]") if p.is_displayed()]
    assert len(pictures) == 4 + 5  # a panel of the first case of each cell and of the failed one, a strip of every case
    for picture in pictures:
        assert picture.rect["width"] > 150
        assert picture.rect["height"] > 20
    colour = lambda selector, name: tuple(
        map(
            int,
            re.findall(r"\d+", reader.run(f"return getComputedStyle(document.querySelector('{selector}')).{name}"))[:3],
        )
    )
    panel, strip = reader.drawn(reader.all(".panels svg")[1]), reader.drawn(reader.all("td svg.strip")[1])
    for found, selector, name, enough in (
        (panel, "path.s0", "stroke", 20),
        (panel, "path.s1", "stroke", 20),
        (panel, "path.bound", "stroke", 20),
        (strip, "circle.nearest", "fill", 20),
        (strip, ".past line", "stroke", 10),
    ):
        assert found.get(colour(selector, name), 0) > enough, (selector, theme, width)


def test_a_framework_picked_in_the_legend_stands_out(reader, passed_page):
    reader.open(passed_page)
    opacity = lambda: {
        name: reader.run(f"return getComputedStyle(document.querySelector('path[data-series={name}]')).opacity")
        for name in ("some", "reference")
    }
    button = next(b for b in reader.all(".legend button") if b.text == "some")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert opacity() == {"some": "1", "reference": "0.12"}
    button.click()
    assert opacity() == {"some": "1", "reference": "1"}


@pytest.mark.parametrize("width", [WIDE, NARROW, 320])
def test_the_page_never_scrolls_sideways(reader, source, width):
    reader.open(source, width=width)
    reader.run("for (const one of document.querySelectorAll('details')) one.open = true")
    size = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth, innerWidth]"
    scroll, client, inner = reader.run(size)
    assert scroll <= client <= inner == width
    wide = reader.run(
        "return [...document.querySelectorAll('.scrolls')].some((box) => box.scrollWidth > box.clientWidth)"
    )
    assert wide == (width < 700)


CONTRAST = """
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const rgba = (colour) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const light = (rgb) => {
  const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const [r, g, b, a] = rgba(getComputedStyle(e).backgroundColor);
    if (a === 255) return [r, g, b];
    if (a) throw Error(`a half transparent background: ${e.outerHTML.slice(0, 80)}`);
  }
  throw Error("no background");
};
for (const one of document.querySelectorAll("details")) one.open = true;
const low = new Map();
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const element = texts.currentNode.parentElement;
  if (!texts.currentNode.data.trim() || element.localName === "script") continue;
  const style = getComputedStyle(element);
  const colour = rgba(element.closest("svg") ? style.fill : style.color).slice(0, 3);
  const [a, b] = [light(colour), light(behind(element))].sort((x, y) => y - x);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
  const ratio = (a + 0.05) / (b + 0.05);
  low.set(texts.currentNode.data.slice(0, 40), [ratio, large ? 3 : 4.5]);
}
return [...low].filter(([, [ratio, needed]]) => ratio < needed).concat([["count", low.size]]);
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_has_contrast(reader, source, theme):
    """4.5 to 1, large text 3 to 1 (Web Content Accessibility Guidelines 2.2, 1.4.3)."""
    reader.open(source, theme=theme)
    *low, (_, count) = reader.run(CONTRAST)
    assert low == []
    assert count > 200


def test_light_and_dark_differ_and_the_switch_remembers_nothing(reader, passed_page):
    paper = lambda: reader.run("return getComputedStyle(document.body).backgroundColor")
    light, dark = (reader.open(passed_page, theme=theme) and paper() for theme in ("light", "dark"))
    brightness = lambda colour: sum(map(int, re.findall(r"\d+", colour)))
    assert brightness(dark) < 150 < 600 < brightness(light)
    switch = reader.one("nav button")
    assert switch.text == "Light"
    switch.click()
    assert (paper(), switch.text) == (light, "Dark")
    switch.click()
    assert (paper(), switch.text) == (dark, "Light")
    switch.click()
    reader.driver.refresh()
    assert paper() == dark
    assert reader.run("return localStorage.length + sessionStorage.length + document.cookie.length") == 0


def test_details_open(reader, failed_page):
    reader.open(failed_page)
    cases = reader.all(".cases details")
    state = lambda: [bool(case.get_attribute("open")) for case in cases]
    assert state() == [False, True, True, True, False]  # the failed ones
    cases[0].find_element(By.TAG_NAME, "summary").send_keys(Keys.ENTER)
    assert state()[0]
    assert cases[0].find_element(By.CSS_SELECTOR, "table").is_displayed()
    button = reader.one(".all button")
    button.click()
    assert all(state())
    assert button.text == "Close all"
    button.click()
    assert not any(state())


def test_a_link_opens_its_case(reader, passed_page):
    reader.open(passed_page)
    case = reader.all(".cases details")[3]
    assert not case.get_attribute("open")
    next(link for link in reader.all("tbody th a") if link.text == "gru, float64").click()
    assert case.get_attribute("open")
    top = reader.run("return arguments[0].getBoundingClientRect().top", case)
    assert reader.run("return document.querySelector('nav').getBoundingClientRect().bottom") <= top < 800


def test_first_tab_leads_past_the_sections(reader, passed_page):
    reader.open(passed_page)
    reader.one("body").send_keys(Keys.TAB)
    link = reader.driver.switch_to.active_element
    assert link.text == "To the report"
    assert link.rect["x"] >= 0


def test_prints_whole_and_light(reader, passed_page):
    """What scrolls on the screen is printed to its end, without what one can only click; on paper as wide as A4."""
    reader.open(passed_page, theme="dark", media="print", width=718)
    assert not reader.one("nav").is_displayed()
    assert not any(field.is_displayed() for field in reader.all(".filter"))
    boxes = reader.run("""return [...document.querySelectorAll(".scrolls")].map(
        (box) => [box.scrollHeight - box.clientHeight, box.scrollWidth - box.clientWidth])""")
    assert all(over <= 1 for box in boxes for over in box)
    ink = reader.run("return getComputedStyle(document.body).color")
    assert sum(map(int, re.findall(r"\d+", ink))) < 200
    printed = base64.b64decode(reader.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"])
    assert printed.startswith(b"%PDF")


def test_without_scripts_nothing_is_missing(reader, passed_page):
    """Every table, picture and fold is there, and nothing that does nothing when clicked."""
    reader.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        reader.open(passed_page)
        assert not reader.all("button, input")
        assert len(reader.all("table")) > 10
    finally:
        reader.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
