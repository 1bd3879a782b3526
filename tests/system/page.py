#!/usr/bin/env python3
"""page: what operators see in a real browser is true, safe, and within everybody's reach."""

import json
import os
import re
import time

import messages
import signing
from harness import PATIENCE, SOURCE, element, equal, wait_for
from tap import run, say, test
from watched import ANNA, BERT, ESCAPED, HOSTILE, OPERATORS, TITLES, Watched, by_tls, give_reason, send_dialog

LIMIT = 150_000
DOWNLOAD = "Inhalt herunterladen (wird protokolliert)"
SHORT = element("retention", content="1min", trace="1h", duplicates="1h")


# ---- a look ----

@test("when the gateway cannot be reached, the page says so and keeps what it knew; then it is live again")
def reconnects(world):
    page = world.open()
    world.main.stop()
    page.wait("document.querySelector('.live.is-warning')")
    page.see("Keine Verbindung", ".live")
    page.see(TITLES["solingen"], ".map")
    world.main.start()
    page.wait("document.querySelector('.live.is-ok')", 40)
    world.quiet("ERR_")


@test("the first view says in German how things stand, with every city and route on its map")
def overview(world):
    page = world.open()
    page.see("Alles läuft", "h1")
    equal(page.evaluate("document.documentElement.lang"), "de")
    for title in TITLES.values():
        page.see(title, ".map")
    lines = page.evaluate("[...document.querySelectorAll('.map .line')].map(one => one.getAttribute('aria-label'))")
    equal(sorted(lines), sorted(f"Von {one} nach {other}: läuft" for one in TITLES.values()
                                for other in TITLES.values() if one != other))
    where = page.evaluate("""Object.fromEntries([...document.querySelectorAll('.map .node')].map(node =>
        [node.querySelector('.name').textContent, [node.querySelector('circle').cx.baseVal.value,
         node.querySelector('circle').cy.baseVal.value]]))""")
    north, east, west = (where[TITLES[name]] for name in ("wuppertal", "remscheid", "solingen"))
    assert north[1] < min(east[1], west[1]) and west[0] < north[0] < east[0], where
    world.quiet()


@test("what happens is seen without loading the page again: messages, a city that fails, and that it is well again")
def live(world):
    page = world.open("destinations/remscheid")
    page.evaluate("window.kept = true")
    page.see("0 zugestellt")
    world.send()
    page.see("1 zugestellt")
    world.cities["remscheid"].change("--fail", "503:9999")
    page.go("")
    world.send()
    page.see("Das Ziel Einwohnerwesen Remscheid antwortet nicht", ".problems", 30)
    page.see("Ein Leitweg ist unterbrochen.", "h1")
    page.wait("document.querySelector('.map .line.is-ok')")
    page.wait("""[...document.querySelectorAll('.map .line:not(.is-ok)')].map(one => one.getAttribute('aria-label'))
        .join().includes('nach Stadt Remscheid')""")
    page.wait("document.getElementById('announcer').textContent !== ''")
    world.cities["remscheid"].change()
    page.see("Alles läuft", "h1", 30)
    equal(page.evaluate("window.kept"), True)
    world.quiet()


@test("what is being delivered is counted once among what waits")
def underway(world):
    page = world.open("destinations/remscheid")
    page.see("nichts wartet", "main dl")
    world.cities["remscheid"].change("--slow", "4")
    _, identifier = world.send()
    page.see("1 wartet", "main dl")
    page.go("")
    page.see("1 wartet", ".map")
    wait_for(lambda: world.state(identifier) == "delivered", "it is delivered", 20)
    world.cities["remscheid"].change()
    world.quiet()


@test("the question where a message is, is answered by its UUID alone")
def where(world):
    uuid, identifier = world.send("solingen")
    wait_for(lambda: world.state(identifier) == "delivered", "it is delivered")
    page = world.open()
    page.evaluate("document.getElementById('quick').focus()")
    page.ask("type", text=f"  {{{uuid.upper()}}} ")
    page.press("Enter")
    page.see("Sie ist angekommen: zugestellt an Einwohnerwesen Solingen")
    equal(page.evaluate("location.hash"), f"#/messages/{identifier}")
    page.see(uuid, "h1 + .subject")
    world.quiet()


@test("the trace of a message has its checks, each attempt with how long it took, and its end")
def trace(world):
    world.cities["wuppertal"].change("--fail", "503:2")
    _, identifier = world.send("wuppertal", "wuppertal")
    wait_for(lambda: world.state(identifier) == "delivered", "it is delivered in the end")
    page = world.open(f"messages/{identifier}")
    page.see("Zustellversuch", ".trace")
    titles = page.evaluate("[...document.querySelectorAll('.trace h3')].map(one => one.innerText)")
    equal(titles[0], "Angenommen")
    equal(len([title for title in titles if title.startswith("Zustellversuch")]) >= 2, True, titles)
    page.see("Das Ziel antwortete mit 503.", ".trace")
    page.see("Dauer", ".trace")
    page.evaluate("document.querySelector('.trace summary').click()")
    for word in ("Signatur", "Schema", "Leitweg", "Berechtigung"):
        page.see(word, ".trace table")
    times = page.evaluate("[...document.querySelectorAll('.trace .when time')].map(one => one.dateTime)")
    equal(times, sorted(times))
    world.quiet()


@test("a search by several things finds what it should, and can be shared by its address")
def search(world):
    sent = [world.send("remscheid")[1] for _ in range(3)]
    wait_for(lambda: all(world.state(one) == "delivered" for one in sent), "they are delivered")
    page = world.open("search?author=ags:05124000&reader=ags:05120000&state=delivered")
    page.wait("document.querySelectorAll('tbody tr').length >= 3")
    found = page.evaluate("[...document.querySelectorAll('tbody a')].map(one => one.hash)")
    for identifier in sent:
        assert f"#/messages/{identifier}" in found, found
    equal(page.evaluate("document.querySelector('[name=reader]').value"), "ags:05120000")
    page.evaluate("document.querySelector('[name=reader]').value = 'ags:05122000'")
    page.click("Suchen")
    page.wait("location.hash.includes('05122000')")
    page.wait("document.querySelector('main section') && !document.body.innerText.includes('Wird geladen')")
    assert not set(found) & set(page.evaluate("[...document.querySelectorAll('tbody a')].map(one => one.hash)"))
    world.quiet()


@test("a search for nonsense tells what was wrong with it")
def nonsense(world):
    page = world.open("search?reader=over+there")
    page.see("Danach lässt sich so nicht suchen.")
    page.see("reader", "main .failure")
    page.go("search?from=yesterday")
    page.see("Danach lässt sich so nicht suchen.")
    world.quiet("400 (Bad Request)")


# ---- what comes page by page ----

OLDER = "[...document.querySelectorAll('main button')].find(one => one.innerText === 'Ältere laden')"
FOUND = "[...document.querySelectorAll('main tbody a')].map(one => one.hash)"


def many(world, count, reader):
    """Messages of one reader; their addresses on the page, newest first."""
    sent = [world.send(reader)[1] for _ in range(count)]
    return [f"#/messages/{identifier}" for identifier in reversed(sent)]


@test("older messages are loaded below the newer ones, each once and in their order, by mouse and keyboard, up to the end")
def older(world):
    begin = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1))
    time.sleep(1.1)
    sent = many(world, 120, "solingen")
    page = world.open(f"search?author=ags:05124000&from={begin}&destination=solingen")
    page.wait(f"document.querySelectorAll('main tbody tr').length === 50 && {OLDER}")
    equal(page.evaluate(FOUND)[::2], sent[:50], "the first page")
    # Whoever is impatient gets the next page once.
    page.evaluate(f"{OLDER}.click(); {OLDER}.click()")
    page.wait("document.querySelectorAll('main tbody tr').length > 50")
    page.wait(f"{OLDER}.ariaDisabled !== 'true'")
    equal(page.evaluate(FOUND)[::2], sent[:100], "two pages")
    page.evaluate(f"{OLDER}.focus()")
    page.press("Enter")
    page.see("Das sind alle.")
    equal(page.evaluate(FOUND)[::2], sent, "all three pages")
    page.wait("document.activeElement.id === 'end'")
    equal(page.text("#announcer"), "120 Nachrichten gefunden.")
    equal(page.evaluate(f"!{OLDER}"), True, "nothing more is offered")
    more = many(world, 1, "solingen")
    page.click("Suchen")
    page.wait(f"document.querySelector('main tbody a')?.hash === {json.dumps(more[0])}")
    world.quiet()


@test("when older messages cannot be had, the page says so, keeps what it has, and gets them when asked again")
def interrupted(world):
    many(world, 60, "solingen")
    page = world.open("search?destination=solingen")
    page.wait(f"document.querySelectorAll('main tbody tr').length === 50 && {OLDER}")
    world.main.stop()
    page.evaluate(f"{OLDER}.focus()")
    page.press("Enter")
    page.see("Das Gateway ist nicht erreichbar.", "main .failure")
    equal(page.evaluate("document.querySelectorAll('main tbody tr').length"), 50)
    equal(page.evaluate("document.activeElement.textContent"), "Ältere laden")
    world.main.start()
    page.wait("document.querySelector('.live.is-ok')", 40)
    page.press("Enter")
    page.wait("document.querySelectorAll('main tbody tr').length > 50")
    equal(page.evaluate("document.querySelectorAll('main .failure').length"), 0)
    ways = page.evaluate(FOUND)[::2]
    equal(len(ways), len(set(ways)), "each is there once")
    world.quiet("ERR_")


@test("of many dead letters the older ones are loaded too; when one is cancelled there, the others stay where they are")
def older_dead(world):
    before = world.queue("bitter")["dead"]
    sent = [world.send("test:bitter") for _ in range(60)]
    wait_for(lambda: world.queue("bitter")["dead"] == before + 60, "they are dead", 60)
    page = world.open("dead?destination=bitter")
    page.wait(f"document.querySelectorAll('main .problem').length === 50 && {OLDER}")
    page.evaluate(f"{OLDER}.click(); {OLDER}.click()")
    page.wait("document.querySelectorAll('main .problem').length >= 60")
    keys = page.evaluate("[...document.querySelectorAll('main .problem')].map(one => one.dataset.key)")
    equal(len(keys), len(set(keys)), "each is there once")
    chosen = keys.index(f"{sent[0][1]} bitter")
    assert chosen >= 50, "the oldest of them is on the second page"
    page.evaluate(f"[...document.querySelectorAll('main .problem')][{chosen}].querySelectorAll('button')[2].click()")
    give_reason(page)
    send_dialog(page)
    page.wait(f"![...document.querySelectorAll('main .problem')].some(one => one.dataset.key === {json.dumps(keys[chosen])})")
    equal(page.evaluate("[...document.querySelectorAll('main .problem')].map(one => one.dataset.key)"),
          keys[:chosen] + keys[chosen + 1:])
    equal(world.state(sent[0][1]), "cancelled")
    for _, identifier in sent[1:]:
        world.ask(f"/messages/{identifier}/cancel", "POST", dict(
            destination="bitter", why="Ende der Probe", seen=dict(state="dead", attempts=1))).expect(200)
    world.quiet()


@test("the audit trail is read page by page, back and forth, without a gap")
def older_journal(world):
    many(world, 80, "solingen")
    wait_for(lambda: world.queue("solingen")["waiting"] == 0, "they are delivered", 30)
    page = world.open("journal")
    numbers = "[...document.querySelectorAll('main tbody tr')].map(one => Number(one.dataset.key.slice(4)))"
    page.wait(f"{numbers}.length >= 50")
    seen = page.evaluate(numbers)
    for _ in range(2):
        oldest = page.evaluate(numbers)[-1]
        page.click("Ältere", role="link")
        page.wait(f"{numbers}[0] === {oldest - 1}")
        seen += page.evaluate(numbers)
    equal(seen, list(range(seen[0], seen[-1] - 1, -1)))
    newest = page.evaluate(numbers)[0]
    page.click("Neuere", role="link")
    page.wait(f"{numbers}.at(-1) === {newest + 1}")
    page.click("Neueste", role="link")
    page.wait(f"{numbers}[0] >= {seen[0]}")
    world.quiet()


@test("of a message that was retried very often, every entry of the audit trail can be read")
def long_journal(world):
    _, identifier = world.dead()
    for _ in range(105):
        seen = world.message(identifier)["deliveries"][0]
        world.ask(f"/messages/{identifier}/retry", "POST", dict(
            destination="bitter", why="Probe", seen=dict(state="dead", attempts=seen["attempts"]))).expect(200)
        wait_for(lambda: world.state(identifier) == "dead", "it is dead again")
    page = world.open(f"journal?message={identifier}")
    page.wait("document.querySelectorAll('main tbody tr').length === 200")
    page.see("angenommen", "main tbody")
    page.click("Neuere", role="link")
    page.wait("document.querySelectorAll('main tbody tr').length >= 10 && !document.querySelector('main tbody')"
              ".innerText.includes('angenommen')")
    page.click("Älteste", role="link")
    page.see("angenommen", "main tbody")
    world.quiet()


# ---- contents ----

@test("an operator who may see contents downloads exactly what was sent, and the audit trail says so; no other is"
      " offered it")
def contents(world):
    # More than one piece of it, and of one that waits for the browser.
    message = messages.message("wuppertal", "solingen")
    long = re.sub('<service:angabe feld="beginn">.*?</service:angabe>',
                  lambda found: found[0].replace("2027-01-01", "äöü € 😀 &amp; " * 250) * 150, message.text, flags=re.DOTALL)
    identifier = world.client().post(signing.envelop(long, world.signer("wuppertal-portal"))).expect(201).id
    wait_for(lambda: world.state(identifier) == "delivered", "it is delivered")
    page = world.open(f"messages/{identifier}")
    page.see("Angaben", "h2")
    equal(DOWNLOAD in page.text(), False, "on loopback nobody is known")
    with by_tls(world) as opened:
        page = world.open(f"messages/{identifier}", **opened[BERT])
        page.see("bert.beispiel, Betrieb", "footer")
        page.see("Angaben", "h2")
        equal(DOWNLOAD in page.text(), False, "who may not see contents")
        equal(page.evaluate(f"fetch('/messages/{identifier}/content').then(one => one.status)"), 403)
        world.quiet("403 (Forbidden)")
        page = world.open(f"messages/{identifier}", **opened[ANNA])
        page.see(DOWNLOAD)
        file = world.folder / "downloaded.xml"
        equal(page.ask("download", name=DOWNLOAD, file=str(file)), f"{identifier}.xml")
        equal(len(long.encode()) > 300_000, True)
        equal(file.read_bytes() == long.encode(), True, "the bytes are those that were sent")
        page.go(f"journal?message={identifier}")
        page.see("Inhalt geöffnet", "main tbody")
        rows = page.evaluate("[...document.querySelectorAll('main tbody tr')].map(one => one.innerText)")
        equal(sorted(name for row in rows for name in OPERATORS for word in ("Inhalt geöffnet", "verweigert")
                     if name in row and word in row), [ANNA, BERT])
        world.quiet()


# ---- acts ----

@test("a dead letter shows its reason, and is retried by the keyboard alone")
def keyboard(world):
    _, identifier = world.dead()
    page = world.open("dead")
    page.see("bitter.no")
    page.press("Tab")
    equal(page.evaluate("document.activeElement.id"), "skip")
    page.press("Enter")
    equal(page.evaluate("document.activeElement.id"), "main")
    for _ in range(60):
        page.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Erneut versuchen":
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    equal(outline, "solid", "the focus is seen")
    page.press("Enter")
    page.wait("document.getElementById('dialog').open")
    equal(page.evaluate("document.activeElement.name"), "why")
    page.press("Tab", "Tab", "Enter")
    equal(page.evaluate("document.getElementById('dialog').open"), True, "not without a reason")
    page.press("Escape")
    equal(page.evaluate("document.activeElement.textContent"), "Erneut versuchen", "focus returns")
    page.press("Enter")
    page.wait("document.activeElement.name === 'why'")
    page.ask("type", text="Rückruf")
    page.press("Enter")
    page.ask("type", text="des Amtes")
    page.press("Tab", "Tab", "Enter")
    page.wait("!document.getElementById('dialog').open")
    page.wait("document.getElementById('announcer').textContent === 'Die Zustellung wird erneut versucht.'")
    wait_for(lambda: any("Rückruf des Amtes" in (one["text"] or "") for one in world.message(identifier)["trace"]),
             "the act is in the trace")
    page.go(f"messages/{identifier}")
    page.see("Rückruf des Amtes", ".trace .is-act")
    world.quiet()


@test("whoever acts on what another has changed meanwhile is told, and changes nothing")
def conflict(world):
    _, identifier = world.dead()
    page = world.open(f"messages/{identifier}")
    page.click("Erneut versuchen")
    give_reason(page)
    seen = world.message(identifier)["deliveries"][0]
    world.ask(f"/messages/{identifier}/cancel", "POST", dict(
        destination="bitter", why="Erledigt", seen=dict(state="dead", attempts=seen["attempts"]))).expect(200)
    page.press("Tab", "Tab", "Enter")
    page.see("war schneller. Es wurde nichts geändert.", "#dialog")
    page.see("abgebrochen", "#dialog")
    equal(page.evaluate("document.querySelector('#dialog [type=submit]').checkVisibility()"), False)
    equal(world.state(identifier), "cancelled")
    page.press("Escape")
    page.see("abgebrochen", ".deliveries")
    world.quiet("409 (Conflict)")


@test("a message is moved to another destination, and arrives there")
def moved(world):
    _, identifier = world.dead()
    page = world.open(f"messages/{identifier}")
    page.click("Umleiten")
    page.evaluate("document.querySelector('#dialog [name=to]').value = 'solingen'")
    give_reason(page)
    send_dialog(page)
    page.wait("!document.getElementById('dialog').open")
    wait_for(lambda: {one["destination"]: one["state"] for one in world.message(identifier)["deliveries"]}.get("solingen")
             == "delivered", "it has arrived")
    world.quiet()


@test("a destination is paused and resumed with a reason, which everybody sees")
def paused(world):
    page = world.open("destinations/solingen")
    page.click("Anhalten")
    give_reason(page, "Wartung bis Mittag")
    send_dialog(page)
    page.see("Wartung bis Mittag")
    page.see("angehalten", ".heading")
    page.click("Fortsetzen")
    give_reason(page)
    send_dialog(page)
    page.see("bereit", ".heading")
    world.quiet()


@test("a message is erased with a reason; then only the audit trail knows it, and says who and why")
def erased(world):
    uuid, identifier = world.send("solingen")
    wait_for(lambda: world.state(identifier) == "delivered", "it is delivered")
    page = world.open(f"messages/{identifier}")
    page.click("Nachricht löschen")
    give_reason(page, "Löschersuchen vom Montag")
    send_dialog(page)
    page.see("Was das Protokoll noch weiß")
    page.see("Löschersuchen vom Montag", "main table")
    assert uuid not in page.text(), "the sender's UUID is gone as well"
    page.go("journal")
    page.see("Löschersuchen vom Montag", "main table")
    page.see("gelöscht", "main table")
    world.quiet("404 (Not Found)")


@test("a configuration that is refused is told with its reasons, one that is good comes into force")
def reloaded(world):
    page = world.open("system")
    good = world.main.config_file.read_text(encoding="utf-8")
    world.main.config_file.write_text(good.replace("</gateway>", "<colour/>\n</gateway>"), encoding="utf-8")
    page.click("Neu laden")
    give_reason(page)
    send_dialog(page)
    page.see("colour", "#dialog")
    world.main.config_file.write_text(good, encoding="utf-8")
    send_dialog(page)
    page.wait("!document.getElementById('dialog').open")
    page.go("journal")
    page.see("Konfiguration abgelehnt", "main table")
    page.see("colour", "main table")
    world.quiet("422 (Unprocessable")


@test("who may only look is offered nothing to act with")
def viewer(world):
    _, identifier = world.dead()
    world.main.reload(world.configured(role="viewer"))
    for way in ("dead", f"messages/{identifier}", "destinations/solingen", "system"):
        page = world.open(way)
        page.wait("document.querySelector('main h2')")
        labels = page.evaluate("[...document.querySelectorAll('main button')].map(one => one.innerText)")
        equal([label for label in labels if label not in ("Finden", "Ältere laden")], [], way)
    page.see("nur ansehen", "footer")
    equal("Protokoll" in page.text("nav"), False)
    world.main.reload(world.configured())
    world.quiet()


# ---- hostile and heavy ----

@test("hostile text in names, errors, and what is searched for is shown as text, and nothing of it happens")
def hostile(world):
    uuid, identifier = world.send("test:bitter", change=lambda text: re.sub(
        r"(<g2g:autor>.*?<behoerde:name>)[^<]*", lambda found: found[1] + ESCAPED, text, flags=re.DOTALL))
    wait_for(lambda: world.state(identifier) == "dead", "the message is dead")
    page = world.open(f"messages/{identifier}")
    page.see(HOSTILE, ".trace")
    page.see(HOSTILE, ".facts")
    for way in ("dead", "destinations/bitter", "system"):
        page.go(way)
        page.see(HOSTILE)
    page.evaluate("document.querySelector('nav a[href=\"#/search\"]').click()")
    page.evaluate(f"location.hash = '#/search?uuid=' + encodeURIComponent({json.dumps(HOSTILE)})")
    page.wait(f"document.querySelector('[name=uuid]')?.value === {json.dumps(HOSTILE)}.toLowerCase()")
    page.see("Danach lässt sich so nicht suchen.")
    equal(page.evaluate("document.querySelectorAll('main img, main script, [onerror]').length"), 0)
    assert "taken" not in page.evaluate("document.title")
    world.quiet("400 (Bad Request)")


@test("text that turns the direction of writing, or has no shape, is made visible")
def invisible(world):
    world.answer.write_text("harmless\u202egnp.exe\u200b\u2066", encoding="utf-8")
    _, identifier = world.dead()
    page = world.open(f"messages/{identifier}")
    page.see("harmless\ufffdgnp.exe", ".trace")
    world.answer.write_text(HOSTILE, encoding="utf-8")


@test("the page is sent with a policy that allows nothing but its own files, and weighs less than 150 kB")
def light(world):
    page = world.open()
    for way in views(world, world.send()[1]):
        page.go(way)
    page.click("English")
    sizes = page.ask("loaded")
    weight = sum(sizes.values())
    say(f"{weight} bytes in {len(sizes)} files")
    assert 50_000 < weight < LIMIT, sizes
    assert "/texts-en.js" in sizes and "/texts-de.js" in sizes, sizes
    policy = world.ask("/").expect(200).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy, policy
    assert not re.search(r" style=| on\w+=|https?://", world.ask("/").body.decode()), "markup alone"
    world.quiet("400 (Bad Request)", "404 (Not Found)")


# ---- for everybody ----

def views(world, identifier):
    dead = world.dead()[1]
    return ["", "destinations", "destinations/remscheid", "destinations/bitter", "destinations/nowhere", "search",
            "search?reader=ags:05120000", "search?reader=nonsense", f"messages/{identifier}", f"messages/{dead}",
            "messages/00000000-0000-7000-8000-000000000000", "dead", "certificates", "history", "history?hours=24", "system",
            "journal"]


# Each language in light and dark, wide and on a phone, and each width in light and dark; and in the colours that a
# reader forces upon all pages. On a width of 320 even what was enlarged four times has to fit (WCAG 1.4.10).
MODES = [dict(width=1280, dark=False, language="de"), dict(width=1280, dark=True, language="en"),
         dict(width=320, dark=False, language="en"), dict(width=320, dark=True, language="de"),
         dict(width=1280, dark=True, language="de", forced=True)]


@test("axe finds nothing in any view, in both languages, light, dark and in forced colours, wide and on a phone, and"
      " nothing has to be scrolled sideways")
def accessible(world):
    ways = views(world, world.send()[1])
    pictures = os.environ.get("MUENGSTEN_PICTURES")
    for mode in MODES:
        page = world.open(**mode)
        for way in ways[::4] if mode.get("forced") else ways:
            page.go(way)
            page.wait("!/Wird geladen|Loading …/.test(document.querySelector('main').innerText)")
            check(page, way, mode)
            if pictures:
                name = re.sub(r"\W+", "-", f"{way}-{mode['width']}-{'dark' if mode['dark'] else 'light'}-{mode['language']}")
                page.ask("picture", file=f"{pictures}/{name}.png")
    page.go("dead")
    page.click("Erneut versuchen")
    page.wait("document.getElementById('dialog').open")
    check(page, "the dialog", mode)
    world.quiet("404 (Not Found)", "400 (Bad Request)")


def check(page, way, mode):
    equal(page.ask("axe"), [], f"what axe finds in {way!r}, {mode}")
    over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert over <= 0, f"{way!r} is {over} too wide, {mode}"
    keys = page.evaluate(r"""[...document.querySelectorAll('body *')].flatMap(one => [...one.childNodes].filter(node =>
        node.nodeType === 3 && !one.closest('code, bdi, time') && /^[a-z]+([.-][a-z]+)+$/.test(node.nodeValue.trim()))
        .map(node => node.nodeValue))""")
    equal(keys, [], f"texts that are missing in {way!r}, {mode}")


@test("English is chosen once, and kept")
def english(world):
    page = world.open()
    page.click("English")
    page.see("Routes", "h2")
    equal(page.evaluate("document.documentElement.lang"), "en")
    page.evaluate("location.reload()")
    time.sleep(0.2)
    page.wait("document.documentElement.lang === 'en'")
    page.see("Routes", "h2")
    page.click("Deutsch")
    page.see("Leitwege", "h2")
    world.quiet()


@test("both languages have the same texts")
def complete(world):
    keys = {}
    for name in ("de", "en"):
        text = (SOURCE / "gateway" / "operate" / "page" / f"texts-{name}.js").read_text(encoding="utf-8")
        keys[name] = [f"{group}.{key}" for group, inside in re.findall(r"^    (\w+): \{$(.*?)^    \},$", text, re.M | re.S)
                      for key in re.findall(r"^        '?([\w.-]+)'?:", inside, re.M)]
        equal(len(keys[name]), len(set(keys[name])), f"texts of {name}, none twice")
        assert len(keys[name]) > 250, name
    equal(set(keys["en"]) - set(keys["de"]), set())
    spoken = re.compile(r"code\.|health\.[a-z]+\.[a-z-]+$")  # what the gateway itself says in English
    equal({key for key in set(keys["de"]) - set(keys["en"]) if not spoken.match(key)}, set())


@test("muengstenctl says in German what the page says: problems, states, events, checks and certificates")
def one_language(world):
    world.ask("/destinations/wuppertal/pause", "POST", dict(why="Probe")).expect(200)
    world.cities["remscheid"].change("--fail", "503:1")
    _, late = world.send()
    _, identifier = world.dead()
    wait_for(lambda: world.state(late) == "delivered", "it is delivered in the end")
    world.cities["remscheid"].change()
    try:
        page = world.open()
        page.see("ist angehalten", ".problems")
        page.see("gescheitert", ".problems")
        said = world.spoken("status")
        titles = page.evaluate("[...document.querySelectorAll('.problems h3')].map(one => one.innerText)")
        graves = page.evaluate("[...document.querySelectorAll('.problems .detail')].map(one => one.firstChild.nodeValue)")
        for word in (*titles, *graves, page.text(".standing .badge span")):
            assert word in said, f"no {word!r} in {said}"
        states = page.evaluate("[...document.querySelectorAll('main table .badge span')].map(one => one.innerText)")
        said = world.spoken("routes")
        assert states and all(state in said for state in states), (states, said)
        page.go("destinations/wuppertal")
        assert re.search(rf"^wuppertal +{page.text('.heading .badge span')} ", world.spoken("destinations"), re.M)
        for one, end in ((identifier, "Aufgegeben"), (late, "Zustellversuch")):
            page.go(f"messages/{one}")
            page.see(end, ".trace")
            said = world.spoken("trace", one)
            words = page.evaluate("""[...document.querySelectorAll('.trace h3')].map(one => one.firstChild.nodeValue)
                .concat([...document.querySelectorAll('.trace tbody tr')].flatMap(one => [one.cells[0], one.cells[1]]
                    .map(cell => cell.querySelector('.value').textContent)))
                .concat([...document.querySelectorAll('.trace .outcome > span:first-child')].map(one => one.innerText.trim()))
                .concat(document.querySelector('.deliveries .badge').innerText)""")
            assert len(words) > 15, words
            for word in words:
                assert word in said, f"no {word!r} in {said}"
        assert f"{identifier}  gescheitert" in world.spoken("messages", "--id", identifier)
        page.go("certificates")
        page.wait("document.querySelectorAll('main > table tbody tr').length > 5")
        said = world.spoken("certs")
        roles = page.evaluate("[...document.querySelectorAll('main > table tbody tr')].map(one => "
                              "one.cells[3].querySelector('.value').innerText)")
        assert len(set(roles)) > 2 and all(role in said for role in roles), (roles, said)
    finally:
        world.ask("/destinations/wuppertal/resume", "POST", dict(why="Probe")).expect(200)
    world.quiet()


@test("on a phone the menu opens by a button, and what changes does not take the focus away")
def phone(world):
    page = world.open(width=360, height=740)
    equal(page.evaluate("getComputedStyle(document.getElementById('menu')).display"), "none")
    page.evaluate("document.querySelector('button.menu').focus()")
    page.press("Enter")
    page.wait("document.querySelector('button.menu').ariaExpanded === 'true'")
    page.press("Tab", "Tab")
    equal(page.evaluate("document.activeElement.hash"), "#/destinations")
    before = page.evaluate("document.querySelector('.live time').dateTime")
    world.send()
    page.wait(f"document.querySelector('.live time').dateTime !== {json.dumps(before)}")
    equal(page.evaluate("document.activeElement.hash"), "#/destinations")
    page.press("Enter")
    page.wait("document.activeElement.id === 'title'")
    page.see("Zustellziele", "h1")
    world.quiet()


@test("certificates stand in the order in which they end, and figures come as lines and as a table")
def figures(world):
    # What the test behind this one waits for takes a minute, too.
    world.main.reload(world.configured(retention=SHORT))
    page = world.open("certificates")
    page.wait("document.querySelectorAll('tbody tr').length > 5")
    until = page.evaluate("[...document.querySelectorAll('main > table time')].map(one => one.dateTime)")
    equal(until, sorted(until))
    wait_for(lambda: len(json.loads(world.ask("/history").expect(200).body)["points"]) >= 2, "two minutes have passed", 200)
    page.go("history?hours=1")
    page.wait("document.querySelectorAll('.plot svg[role=img]').length === 4", 30)
    page.evaluate("document.querySelector('main details summary').click()")
    page.see("angenommen", "main details table")
    world.quiet()


@test("once the content of a message is gone after its days, its download is offered to nobody")
def gone(world):
    # One of the first tests has sent it, so that its minute is over.
    identifier = world.first or world.send("solingen")[1]
    with by_tls(world, retention=SHORT) as opened:
        wait_for(lambda: "content" not in {part["kind"] for part in json.loads(
            world.spoken("trace", identifier, "--json"))["parts"]}, "the content is gone", 150, pause=1)
        page = world.open(f"messages/{identifier}", **opened[ANNA])
        page.see("anna.beispiel, Betrieb", "footer")
        page.see("Angaben", "h2")
        equal(DOWNLOAD in page.text(), False)
        world.quiet()


if __name__ == "__main__":
    run(lambda: Watched("page"), limit=int(600 * max(1, PATIENCE)))
