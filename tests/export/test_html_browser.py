"""The HTML report in a real browser: clicked, typed into, and read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import browser
import pytest
from truths import Maker, big, recorded

from one_trace.export.html import html
from one_trace.model.trace import Cause, Location, Trace, Usage

CHROMIUM = browser.find()
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]

ROWS = "[...document.querySelectorAll('.rows .row')].filter((row) => !row.hidden)"
FIRST = f"{ROWS}.sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Browser]:
    assert CHROMIUM
    with browser.Browser(CHROMIUM, tmp_path_factory.mktemp("profile")) as chromium:
        chromium.size(1280, 800)
        yield chromium


def show(page: browser.Browser, folder: Path, trace: Trace) -> None:
    file = folder / "run.html"
    file.write_bytes(html(trace))
    page.errors.clear()
    page.size(1280, 800)
    page.open(file)
    assert page.errors == []


def steps(page: browser.Browser) -> list[str]:
    """Iteration and id of the rows that stand on the page, top down."""
    turn, step = "row.querySelector('.turn').textContent", "row.querySelector('.id').textContent"
    return page.run(f"{FIRST}.map((row) => ({turn} + ' ' + {step}).trim())")


def rowcount(page: browser.Browser) -> int:
    return int(page.run("document.getElementById('grid').getAttribute('aria-rowcount')")) - 1


def test_a_failed_run_says_why_first(page: browser.Browser, tmp_path: Path) -> None:
    show(page, tmp_path, recorded("97b-realistic-fails"))
    text = page.run("document.body.innerText")
    assert text.index("Why it failed") < text.index("Unfold")
    assert "daily-digest > store" in text
    assert steps(page)[:4] == ["fetch", "pick", "process", "[0] known"]
    page.click("#cause-path")
    assert page.run("document.querySelector('.row.picked .id').textContent") == "store"
    assert "must be a number" in page.run("document.getElementById('detail').innerText")


def test_two_thousand_spans_are_drawn_filtered_searched_and_unfolded(
    page: browser.Browser, tmp_path: Path
) -> None:
    trace = big(667)
    show(page, tmp_path, trace)
    assert len(trace.spans) == 2002
    assert steps(page) == ["each"]
    page.click(".twist")
    assert rowcount(page) == 2002
    assert 20 < len(steps(page)) < 60
    page.click("#search")
    page.type("[333] store")
    assert steps(page) == ["each", "[333] call", "store"]
    assert page.run("document.getElementById('found').textContent") == "1 of 2,002 steps"
    page.key("Escape")
    assert rowcount(page) == 2002
    page.click("#filters button", at=1)
    assert page.run("document.querySelectorAll('#filters button')[1].getAttribute('aria-pressed')") == "true"
    assert steps(page) == ["each", "[333] call", "store"]
    assert page.run(f"{FIRST}.map((row) => row.classList.contains('around'))") == [True, False, False]
    page.click("#filters button", at=1)
    page.click("#fold")
    assert steps(page) == ["each"]


def test_nothing_found_says_so_and_offers_the_way_back(page: browser.Browser, tmp_path: Path) -> None:
    show(page, tmp_path, recorded("97b-realistic-fails"))
    page.click("#search")
    page.type("nothing of the kind")
    assert steps(page) == []
    page.click("#reset")
    assert rowcount(page) == 15


def test_the_keyboard_is_enough(page: browser.Browser, tmp_path: Path) -> None:
    show(page, tmp_path, recorded("97b-realistic-fails"))
    page.run("document.getElementById('grid').focus()")
    for _ in range(3):
        page.key("ArrowDown")
    active = "document.getElementById(document.getElementById('grid').getAttribute('aria-activedescendant'))"
    assert page.run(f"{active}.querySelector('.id').textContent") == "process"
    page.key("ArrowLeft")
    assert page.run(f"{active}.getAttribute('aria-expanded')") == "false"
    assert rowcount(page) == 4
    page.key("ArrowRight")
    page.key("ArrowRight")
    assert page.run(f"{active}.ariaLevel") == "2"
    page.key("Enter")
    assert "process[0] > known" in page.run("document.getElementById('detail').innerText")
    page.key("Escape")
    assert page.run("document.getElementById('detail').hidden") is True
    page.key("f")
    assert page.run(f"{active}.querySelector('.id').textContent") == "summarise"
    page.key("/")
    assert page.run("document.activeElement.id") == "search"


def test_zoom_by_button_key_and_step(page: browser.Browser, tmp_path: Path) -> None:
    show(page, tmp_path, recorded("97b-realistic-fails"))
    bar = f"{FIRST}[0].querySelector('.bar').getBoundingClientRect().width"
    whole = page.run(bar)
    page.run("document.getElementById('grid').focus()")
    page.key("ArrowDown")
    page.key("z")
    assert page.run(bar) > whole * 2
    assert page.run("document.getElementById('window').hidden") is False
    page.click("#zoom-fit")
    assert page.run(bar) == pytest.approx(whole, abs=1)
    page.key("+")
    assert page.run(bar) != pytest.approx(whole, abs=1)


def test_a_screen_reader_finds_a_tree_grid(page: browser.Browser, tmp_path: Path) -> None:
    show(page, tmp_path, recorded("97b-realistic-fails"))
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in nodes if "role" in node and not node.get("ignored")]
    assert roles.count("treegrid") == 1
    assert roles.count("row") == 16
    assert roles.count("columnheader") == 6
    names = [
        node.get("name", {}).get("value", "") for node in nodes if node.get("role", {}).get("value") == "row"
    ]
    assert any("error: " in name and "summarise" in name for name in names)
    buttons = [
        node for node in nodes if node.get("role", {}).get("value") == "button" and not node.get("ignored")
    ]
    assert all(node["name"]["value"] for node in buttons)


def test_dark_and_light_follow_the_system_until_the_reader_chooses(
    page: browser.Browser, tmp_path: Path
) -> None:
    theme = "document.documentElement.dataset.theme"
    page.scheme("dark")
    show(page, tmp_path, recorded("01-transform"))
    assert page.run(theme) == "dark"
    page.scheme("light")
    page.wait(f"{theme} === 'light'")
    page.click("#theme")
    assert page.run(theme) == "dark"
    page.scheme("light")
    assert page.run(theme) == "dark"


# Relative luminance and contrast as WCAG 2 defines them.
CONTRAST = """((pairs) => {
  const light = (name) => {
    const probe = document.createElement("i");
    probe.style.color = getComputedStyle(document.documentElement).getPropertyValue(name);
    document.body.append(probe);
    const parts = getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map((n) => n / 255);
    probe.remove();
    const [r, g, b] = parts.map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  return pairs.map(([a, b]) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return [a, b, (x + 0.05) / (y + 0.05)];
  });
})"""


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_bars_have_contrast(page: browser.Browser, tmp_path: Path, scheme: str) -> None:
    page.scheme(scheme)
    show(page, tmp_path, recorded("01-transform"))
    bars = ("bar", "bar-error", "bar-timeout", "bar-wait")
    pairs = [[f"--{bar}", f"--{ground}"] for bar in bars for ground in ("paper", "row", "pick")]
    for bar, ground, contrast in page.run(f"{CONTRAST}({pairs!r})"):
        assert contrast >= 3, (bar, ground, contrast)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_text_has_contrast(page: browser.Browser, tmp_path: Path, scheme: str) -> None:
    page.scheme(scheme)
    show(page, tmp_path, recorded("01-transform"))
    texts = ("ink", "soft", "accent", "success", "error", "timeout", "skipped", "stopped", "incomplete")
    pairs = [[f"--{text}", f"--{ground}"] for text in texts for ground in ("paper", "card", "row", "pick")]
    for text, ground, contrast in page.run(f"{CONTRAST}({pairs!r})"):
        assert contrast >= 4.5, (text, ground, contrast)


def test_scrolling_twenty_thousand_spans_touches_only_the_rows_that_come_into_sight(
    page: browser.Browser, tmp_path: Path
) -> None:
    show(page, tmp_path, big(6667))
    page.key("e")
    assert rowcount(page) == 20_002
    touched = page.run(
        """new Promise((done) => {
          const grid = document.getElementById("grid"), rows = new Set();
          const watch = new MutationObserver((all) => all.forEach((one) => rows.add(one.target)));
          const only = { attributes: true, subtree: true, attributeFilter: ["aria-rowindex"] };
          watch.observe(document.getElementById("rows"), only);
          const frames = (next) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(next)));
          grid.scrollTop = 9000 * 28;
          frames(() => {
            const far = rows.size;
            watch.takeRecords();
            rows.clear();
            grid.scrollTop += 3 * 28;
            frames(() => done([far, rows.size, document.querySelectorAll(".rows .row").length]));
          });
        })"""
    )
    far, near, made = touched
    assert near == 3
    assert far <= made < 60
    assert "[2999] call" in steps(page)


def retried() -> Trace:
    """A loop of which the first attempt failed in its second iteration; its calls have a price."""
    made = Maker()
    loop = made.add("each", 0, 100.0, type="loop", attempts=2, retries=1)
    for attempt, iteration in ((1, 0), (1, 1), (2, 0), (2, 1)):
        bad = (attempt, iteration) == (1, 1)
        made.add(
            "ask",
            attempt * 40 + iteration * 10,
            9.0,
            loop,
            iteration=iteration,
            parent_attempt=attempt,
            status="error" if bad else "success",
            usage=None if bad else Usage(input_tokens=10, output_tokens=5, cost_usd=0.25),
        )
    failed = made.add("send", 100, 5.0, status="error", error="503", error_code="HTTP_503")
    where = Location(file=".one/flows/main.flow.json", pointer="/steps/1", line=12)
    cause = Cause(span_id=failed.span_id, path=failed.path, step_id="send", error="503", at=where)
    return made.trace("error", cause=cause)


def test_attempts_are_grouped_and_all_but_the_last_are_folded(page: browser.Browser, tmp_path: Path) -> None:
    show(page, tmp_path, retried())
    assert steps(page) == ["each", "attempt 1", "attempt 2", "[0] ask", "[1] ask", "send"]
    assert page.run(f"{FIRST}.map((row) => row.ariaLevel)") == ["1", "2", "2", "3", "3", "1"]
    assert "1 failed" in page.run(f"{FIRST}[1].innerText")
    page.run("document.getElementById('grid').focus()")
    page.key("f")
    assert steps(page)[:4] == ["each", "attempt 1", "[0] ask", "[1] ask"]
    page.click("#filters button", at=1)
    assert steps(page) == ["each", "attempt 1", "[1] ask", "send"]
    assert page.run("document.getElementById('found').textContent") == "2 of 6 steps"


def test_cost_is_shown_where_there_is_any(page: browser.Browser, tmp_path: Path) -> None:
    show(page, tmp_path, retried())
    costs = page.run(f"{FIRST}.map((row) => row.querySelector('.c-cost').textContent)")
    assert costs == ["$0.7500", "$0.2500", "$0.5000", "$0.2500", "$0.2500", ""]
    show(page, tmp_path, recorded("97b-realistic-fails"))
    assert page.run("document.querySelector('.columns .c-cost').offsetParent") is None


def test_each_step_has_a_link(page: browser.Browser, tmp_path: Path) -> None:
    show(page, tmp_path, retried())
    page.click(".rows .row .id", at=4)
    link = page.run("document.querySelector('#detail a').href")
    assert page.run("location.href") == link
    assert link.endswith("#main%20%3E%20each%232%5B1%5D%20%3E%20ask")
    page.run("location.hash = '#main%20%3E%20each%5B1%5D%20%3E%20ask'")
    page.wait("document.querySelector('#detail .s-error')")
    assert page.run("document.querySelector('.row.picked .turn').textContent") == "[1]"
    page.run("location.hash = '#no%20such%step'")
    assert page.errors == []


def test_the_cause_names_file_and_line(page: browser.Browser, tmp_path: Path) -> None:
    show(page, tmp_path, retried())
    assert ".one/flows/main.flow.json:12" in page.run("document.getElementById('cause').innerText")


def test_on_paper_all_rows_stand_one_below_another(page: browser.Browser, tmp_path: Path) -> None:
    page.scheme("dark")
    show(page, tmp_path, big(100))
    page.key("e")
    page.call("Emulation.setEmulatedMedia", media="print")
    page.run("dispatchEvent(new Event('beforeprint'))")
    tops = page.run(f"{ROWS}.map((row) => row.getBoundingClientRect().top)")
    assert len(tops) == 301
    assert tops == sorted(set(tops))
    assert page.run("document.documentElement.dataset.theme") == "light"
    page.call("Emulation.setEmulatedMedia", media="")
    page.run("dispatchEvent(new Event('afterprint'))")
    page.wait(f"{ROWS}.length < 60")


def test_two_thousand_spans_take_less_than_150_ms_of_the_processor(
    page: browser.Browser, tmp_path: Path
) -> None:
    # Not the time of the first paint: on a busy machine that says more of the machine.
    page.call("Performance.enable", timeDomain="threadTicks")
    show(page, tmp_path, big(667))
    metrics = page.call("Performance.getMetrics")["metrics"]
    assert next(each["value"] for each in metrics if each["name"] == "TaskDuration") < 0.15
    page.call("Performance.disable")


HOSTILE = [
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "\u202eevil\u2066\x1b[31m\x00",
    "x" * 2000,
    "漢字" * 500,
]


def test_hostile_names_stay_text(page: browser.Browser, tmp_path: Path) -> None:
    made = Maker("flow</title><script>document.title='owned'</script>")
    for at, text in enumerate(HOSTILE):
        made.add(text, at, 1, name=text, type=text, status="error", error=text, error_code=text)
    show(page, tmp_path, made.trace("error", partial=HOSTILE))
    page.key("f")
    assert page.errors == []
    assert "owned" not in page.run("document.title").replace("document.title='owned'", "")
    assert page.run("document.querySelectorAll('img, iframe, object').length") == 0
    assert page.run("document.scripts.length") == 2
    assert page.run("document.documentElement.scrollWidth") <= 1280
    assert "\\u202eevil\\u2066\\u001b[31m\\u0000" in steps(page)
    assert page.requests == [(tmp_path / "run.html").as_uri()]


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_nothing_sticks_out_to_the_right(page: browser.Browser, tmp_path: Path, width: int) -> None:
    show(page, tmp_path, recorded("97b-realistic-fails"))
    page.size(width, 844)
    page.wait(f"innerWidth === {width}")
    assert page.run("document.documentElement.scrollWidth") <= width
    assert page.run(f"{ROWS}.length") > 3
