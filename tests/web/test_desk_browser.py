"""The desk as people use it: driven in Chromium, from signing in to the last decision."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

pytest.importorskip("playwright.sync_api", reason="Chromium is driven by playwright")

from playwright.sync_api import Browser, BrowserContext, Page, expect

from trustlayer.audit import review
from trustlayer.audit.labels import labels
from trustlayer.audit.queue import await_decision
from trustlayer.audit.review import Choice
from trustlayer.exchange import Span

ALICE, BOB = "token-of-alice-0123456789", "token-of-bob-0123456789ab"
HTML = "text/html"
PATIENCE = 30_000  # milliseconds: a busy machine is no fault of ours
WIDTHS = (1366, 390)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def browsers(browser: Browser) -> Iterator[dict[str, BrowserContext]]:
    """A browser for each way of looking, kept for the next test that looks so."""
    made: dict[str, BrowserContext] = {}
    yield made
    for context in made.values():
        context.close()


@pytest.fixture
def enter(browser: Browser, browsers: dict[str, BrowserContext], world: Any) -> Callable[..., Page]:
    """A page of somebody who has signed in."""

    def make(token: str = ALICE, **options: Any) -> Page:
        key = repr((token, options))
        if key not in browsers:
            context = browsers[key] = browser.new_context(**options)
            context.set_default_timeout(PATIENCE)
            id = world.desk.sessions.open(world.desk.reviewers.holder(token))
            context.add_cookies([{"name": "trustlayer", "value": id, "url": world.url}])
        page = next(iter(browsers[key].pages), None) or browsers[key].new_page()
        page.goto("about:blank")
        return page

    return make


@pytest.fixture
def stranger(browser: Browser, world: Any) -> Iterator[Page]:
    """The page where somebody signs in."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(world.url)
    yield page
    context.close()


def sign_in(page: Page, token: str) -> None:
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Sign in").click()


def decided(world: Any, id: str) -> review.Decision:
    found = await_decision(world.store, id, 30)
    assert found is not None
    return found


def test_a_wrong_token_is_refused(stranger: Page, world: Any) -> None:
    sign_in(stranger, "not-a-token-of-this-desk")
    expect(stranger.get_by_role("alert")).to_contain_text("not one of this desk's")
    stranger.goto(f"{world.url}/queue")
    expect(stranger).to_have_url(f"{world.url}/login?next=%2Fqueue")


def test_signing_in_and_out(stranger: Page, world: Any) -> None:
    sign_in(stranger, ALICE)
    expect(stranger.get_by_role("heading", name="Overview")).to_be_visible()
    [cookie] = [c for c in stranger.context.cookies() if c["name"] == "trustlayer"]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    stranger.get_by_role("button", name="Sign out").click()
    stranger.goto(f"{world.url}/outcomes")
    expect(stranger.get_by_label("Token")).to_be_visible()


def test_approve_by_key(enter: Callable[..., Page], world: Any) -> None:
    outcome, following = world.hold("Approve me?"), world.hold("And then?")
    page = enter()
    page.goto(f"{world.url}/queue/{outcome.id}")
    expect(page.locator("[data-claimed]")).to_contain_text("It is yours until")
    page.keyboard.press("a")
    expect(page).to_have_url(f"{world.url}/queue/{following.id}")
    found = decided(world, outcome.id)
    assert (found.choice, found.who) == (Choice.APPROVE, "alice")
    assert found.answer == outcome.best.exchange.answer
    assert [(label.bad, label.who) for label in labels(world.store, outcome.id)] == [
        (False, "alice")
    ]


def test_edit_by_key_reaches_who_waits(enter: Callable[..., Page], world: Any) -> None:
    outcome = world.hold("Edit me?")
    waiting: list[review.Decision | None] = []
    thread = threading.Thread(
        target=lambda: waiting.append(await_decision(world.store, outcome.id, 20))
    )
    thread.start()
    page = enter()
    page.goto(f"{world.url}/queue/{outcome.id}")
    page.keyboard.press("e")
    field = page.get_by_label("What is handed out instead")
    expect(field).to_be_focused()
    expect(field).to_have_value(outcome.best.exchange.answer)
    field.fill("It is 324 m tall.\nIndeed.")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(lambda url: outcome.id not in url)
    thread.join(20)
    [found] = waiting
    assert found is not None
    assert (found.choice, found.answer) == (Choice.EDIT, "It is 324 m tall.\nIndeed.")
    assert [label.bad for label in labels(world.store, outcome.id)] == [True]


def test_reject_by_key_with_a_reason_and_a_stretch(enter: Callable[..., Page], world: Any) -> None:
    outcome = world.hold("Reject me?")
    page = enter()
    page.goto(f"{world.url}/queue/{outcome.id}")
    page.keyboard.press("r")
    reason = page.locator("#reject textarea")
    expect(reason).to_be_focused()
    page.keyboard.type("wrong height; a, e, r and j are letters here")
    page.locator("#reject").get_by_label("330 m").check()
    page.locator("#reject").get_by_role("button", name="Reject it").click()
    page.wait_for_url(lambda url: outcome.id not in url)
    found = decided(world, outcome.id)
    assert (found.choice, found.answer) == (Choice.REJECT, None)
    assert found.reason == "wrong height; a, e, r and j are letters here"
    [label] = labels(world.store, outcome.id)
    assert label.spans == (Span(6, 11),)
    assert Span(6, 11).of(outcome.best.exchange.answer) == "330 m"


def test_keys_move_through_the_queue(enter: Callable[..., Page], world: Any) -> None:
    first, second = world.hold("One?"), world.hold("Two?")
    page = enter()
    page.goto(f"{world.url}/queue/{first.id}")
    page.keyboard.press("j")
    page.wait_for_url(f"{world.url}/queue/{second.id}")
    page.keyboard.press("k")
    page.wait_for_url(f"{world.url}/queue/{first.id}")
    page.keyboard.press("?")
    help = page.get_by_role("dialog")
    expect(help).to_be_visible()
    page.keyboard.press("a")  # nothing is decided beneath it
    page.keyboard.press("Escape")
    expect(help).to_be_hidden()
    assert review.decision(world.store, first.id) is None
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"  # the focus shows
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page.get_by_role("heading", name="Search")).to_be_visible()


def test_search(enter: Callable[..., Page], world: Any) -> None:
    outcome = world.hold("Where is the xylophone?")
    page = enter()
    page.goto(f"{world.url}/outcomes")
    page.keyboard.press("/")
    page.keyboard.type("XYLOPHONE")
    page.get_by_label("Action").select_option("hold")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**text=XYLOPHONE**")
    rows = page.locator("tr[data-row]")
    expect(rows).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{world.url}/outcomes/{outcome.id}")
    expect(page.locator("mark").first).to_have_text("330 m")
    expect(page.locator("ins")).to_have_text([" It was finished in 1887."])
    expect(page.get_by_text("intact")).to_be_visible()
    page.goto(f"{world.url}/outcomes?text=xylophone&action=accept")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    page.goto(f"{world.url}/outcomes?risk_from=seven")
    expect(page.get_by_role("alert")).to_contain_text("expected a risk from 0 to 1")


def test_a_label_is_said(enter: Callable[..., Page], world: Any) -> None:
    outcome = world.hold("Label me?")
    page = enter(BOB)
    page.goto(f"{world.url}/outcomes/{outcome.id}")
    page.get_by_label("Why").fill("it is 324")
    page.get_by_role("button", name="It is bad").click()
    expect(page.locator("#labels tbody")).to_contain_text("it is 324")
    [label] = labels(world.store, outcome.id)
    assert (label.who, label.bad, label.reason) == ("bob", True, "it is 324")


def test_hostile_content_is_inert(enter: Callable[..., Page], world: Any) -> None:
    outcome = world.hold(world.hostile, world.hostile)
    page = enter()
    told: list[str] = []
    page.on("dialog", lambda dialog: told.append(dialog.message))
    page.on("request", lambda r: told.append(r.url) if not r.url.startswith(world.url) else None)
    for path in ("/", "/outcomes", f"/outcomes/{outcome.id}", f"/queue/{outcome.id}"):
        page.goto(world.url + path)
        assert page.evaluate("window.pwned") is None
        assert page.locator("main script, main img, main a[href^=javascript]").count() == 0
        if outcome.id in path:
            expect(page.locator("main")).to_contain_text("{{7*7}}")
            expect(page.locator("main")).to_contain_text("\\u202egpj.exe")
    assert told == []
    page.keyboard.press("e")
    assert "</textarea>" in page.get_by_label("What is handed out instead").input_value()


def test_a_forged_form_is_refused(enter: Callable[..., Page], browser: Browser, world: Any) -> None:
    outcome = world.hold("Forge me?")
    page = enter()
    where, form = f"{world.url}/queue/{outcome.id}", {"decision": "approve"}
    for wrong in ({}, {"csrf": "0" * 64}, {"csrf": "é"}):
        answer = page.request.post(where, form={**form, **wrong}, max_redirects=0)
        assert answer.status == 403
        assert "CSRF" in answer.text()
    # Another site's page: the cookie does not even travel.
    evil = f"<form method=post action={where}><button name=decision value=approve>x</button></form>"
    page.route("http://evil.example/", lambda route: route.fulfill(body=evil, content_type=HTML))
    page.goto("http://evil.example/")
    with page.expect_response(where) as told:
        page.get_by_role("button").click()
    assert told.value.status in (303, 403)
    assert review.decision(world.store, outcome.id) is None
    page.goto(world.url)
    csrf = page.locator("body").get_attribute("data-csrf")
    forged: dict[str, Any] = {**form, "csrf": csrf or ""}
    answer = page.request.post(where, form=forged, headers={"Origin": "http://evil.example"})
    assert answer.status == 403
    assert review.decision(world.store, outcome.id) is None


def test_two_reviewers_decide_once(enter: Callable[..., Page], world: Any) -> None:
    outcome = world.hold("Both of us?")
    alice, bob = enter(ALICE), enter(BOB)
    alice.goto(f"{world.url}/queue/{outcome.id}")
    expect(alice.locator("[data-claimed]")).to_contain_text("It is yours until")
    bob.goto(f"{world.url}/queue/{outcome.id}")
    expect(bob.locator("[data-claimed]")).to_contain_text("alice is looking at")
    with bob.expect_response(lambda r: r.request.method == "POST" and r.status == 409):
        bob.keyboard.press("a")  # while it is hers
    assert review.decision(world.store, outcome.id) is None
    alice.keyboard.press("r")
    alice.keyboard.press("Control+Enter")
    alice.wait_for_url(lambda url: outcome.id not in url)
    with bob.expect_response(
        lambda r: r.request.method == "POST" and r.url.endswith(outcome.id) and r.status == 409
    ):
        bob.locator("#approve button").click()
    expect(bob.get_by_role("alert")).to_contain_text("had been decided on before")
    expect(bob.locator(".decided")).to_contain_text("alice rejected this answer")
    assert decided(world, outcome.id).who == "alice"


def test_everything_works_without_javascript(enter: Callable[..., Page], world: Any) -> None:
    approved, edited = world.hold("No script, approve?"), world.hold("No script, edit?")
    page = enter(java_script_enabled=False)
    page.goto(f"{world.url}/queue/{approved.id}")
    page.get_by_role("button", name="Take it").click()
    expect(page.locator("[data-claimed]")).to_contain_text("It is yours until")
    page.get_by_role("button", name="Approve").click()
    assert decided(world, approved.id).choice is Choice.APPROVE
    page.goto(f"{world.url}/queue/{edited.id}")
    page.locator("#edit summary").click()
    page.get_by_label("What is handed out instead").fill("324 m")
    page.get_by_role("button", name="Hand out the edited answer").click()
    assert decided(world, edited.id).answer == "324 m"
    page.goto(f"{world.url}/queue/{edited.id}")
    expect(page.locator(".decided")).to_contain_text("alice edited this answer")


CONTRAST = Path(__file__).with_name("contrast.js").read_text("utf-8")
RIGHT = {"poor": [], "beyond": 0, "blank": False}


def looks_right(page: Page) -> None:
    """WCAG AA: 4.5 to 1, for large text 3 to 1; nothing is wider than the window."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            assert page.evaluate(CONTRAST) == RIGHT, (page.url, width, scheme)


def test_contrast_and_width(enter: Callable[..., Page], world: Any) -> None:
    waiting, done = world.hold("Contrast?"), world.hold("Done?")
    world.hold(world.hostile, world.hostile)
    ruling = review.Ruling(Choice.EDIT, "It is 324 m tall.", "height")
    review.decide(world.store, done.id, "bob", ruling)
    page = enter(reduced_motion="reduce")
    paths = ["/", "/outcomes", f"/outcomes/{done.id}", f"/queue/{waiting.id}", f"/queue/{done.id}"]
    for path in [*paths, "/reports", "/outcomes?text=nothing-has-this", "/nowhere"]:
        page.goto(world.url + path)
        if path == f"/queue/{waiting.id}":
            page.keyboard.press("r")
        looks_right(page)


def test_contrast_where_one_signs_in(stranger: Page) -> None:
    looks_right(stranger)
