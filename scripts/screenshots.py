"""Drives a browser through /log by the keyboard alone, opens the demo's briefs, and takes pictures. Started by screenshots.sh.

What it checks on the way, and ends with an error where it does not hold: every field and button is reached by Tab in the
order of the page, each shows its focus; no page is wider than the window; the browser reports no violation of the policy;
all that one presses is 44 pixels high, and all that one types into has 16-pixel letters. Of a brief: no page is wider than the
window, at 320 pixels too, every link within it has a place to go to, from 360 pixels on no letter is smaller than 9 pixels,
and no two words of a figure lie over each other or are cut.
"""

import base64
import json
import os
import sys
import time
import urllib.error
import urllib.request

DRIVER, URL, OUT, DEMO = sys.argv[1:5]
ENTER, TAB = "\ue007", "\ue004"


def call(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(DRIVER + path, data=data, method=method, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        raise SystemExit(error.read().decode()[:600]) from error


class Browser:
    def __init__(self, language):
        arguments = ["--headless=new", "--no-sandbox", "--hide-scrollbars", "--force-device-scale-factor=1", f"--lang={language}"]
        options = {"args": arguments, "prefs": {"intl.accept_languages": language}}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        self.id = call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]

    def do(self, method, path, body=None):
        return call(method, f"/session/{self.id}{path}", body)

    def devtools(self, command, parameters):
        return self.do("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def script(self, text):
        return self.do("POST", "/execute/sync", {"script": text, "args": []})

    def width(self, width):
        size = {"width": width, "height": 780, "deviceScaleFactor": 1, "mobile": width < 600}
        self.devtools("Emulation.setDeviceMetricsOverride", size)

    def go(self, path):
        self.do("POST", "/url", {"url": URL + path})

    def press(self, keys):
        actions = []
        for key in keys:
            actions += [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self.do("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def focus(self):
        return self.script("const e = document.activeElement; return e.id || e.name || e.textContent.trim()")

    def tab_to(self, name):
        """Presses Tab until that field has the focus."""
        for _ in range(120):
            if self.focus() == name:
                return
            self.press(TAB)
        raise SystemExit(f"Tab does not reach {name}")

    def type(self, fields):
        for name, words in fields:
            self.tab_to(name)
            self.press(words)

    def check(self, where):
        """What holds on every page."""
        wide = self.script("return document.documentElement.scrollWidth - innerWidth")
        small = self.script("""
            const seen = e => { const b = e.getBoundingClientRect(); return b.width > 1 && b.left >= 0 && b.height > 1 };
            const high = e => Math.max(e.getBoundingClientRect().height, e.labels?.[0]?.getBoundingClientRect().height ?? 0);
            return [...document.querySelectorAll('button, select, input, textarea, summary, nav a, .tools a, a.main')]
                .filter(seen).filter(e => high(e) < 43.9 || (e.matches('input, select, textarea') && parseFloat(getComputedStyle(e).fontSize) < 16))
                .map(e => e.outerHTML.slice(0, 90) + ' ' + high(e) + ' ' + getComputedStyle(e).fontSize)""")
        if wide > 0 or [line for line in small if "radio" not in line and "checkbox" not in line]:
            raise SystemExit(f"{where}: {wide} pixels too wide; too small: {small}")
        said = [line["message"] for line in self.do("POST", "/se/log", {"type": "browser"}) if "favicon" not in line["message"]]
        # A form that comes back does so with a status of its own, of which the browser tells.
        said = [line for line in said if "Failed to load resource" not in line]
        if said:
            raise SystemExit(f"{where}: {said}")

    def tour(self, where):
        """Presses Tab once through the page: all that can be used is reached, in the page's order, and shows its focus."""
        wanted = self.script("""
            document.activeElement.blur(); window.getSelection().removeAllRanges();
            const radios = new Set();
            return [...document.querySelectorAll('a, button, summary, select, textarea, input:not([type=hidden])')]
                .filter(e => e.tabIndex >= 0 && e.checkVisibility())
                .filter(e => { if (e.type !== 'radio') return true;
                    const on = document.querySelector(`input[name="${e.name}"]:checked`);
                    if (on) return e === on; if (radios.has(e.name)) return false; radios.add(e.name); return true; })
                .map((e, i) => { e.dataset.at = i; return i; })""")
        self.script("document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')")
        met = []
        for _ in wanted:
            self.press(TAB)
            met.append(self.script("""const e = document.activeElement; const s = getComputedStyle(e);
                return [Number(e.dataset.at ?? -1), s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2]"""))
        if [at for at, _ in met] != wanted or not all(shown for _, shown in met):
            raise SystemExit(f"{where}: Tab met {met}, not {wanted}")

    def picture(self, name, most=2600, top=0):
        self.script("scrollTo(0, 0)")
        width, height = self.script("return [innerWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": top, "width": width, "height": min(height - top, most), "scale": 1}
        data = self.devtools("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True, "clip": clip})["data"]
        with open(os.path.join(OUT, f"{name}.png"), "wb") as file:
            file.write(base64.b64decode(data))

    def look(self, scheme="light", media="screen"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.devtools("Emulation.setEmulatedMedia", {"media": media, "features": features})

    def check_brief(self, where):
        """What holds of a brief, at any width."""
        wrong = self.script("""
            const wrong = [];
            const wide = document.documentElement.scrollWidth - innerWidth;
            if (wide > 0) wrong.push(`${wide} pixels too wide`);
            const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
            if (new Set(ids).size !== ids.length) wrong.push('an id stands twice');
            for (const a of document.querySelectorAll('a[href^="#"]'))
                if (!document.getElementById(a.hash.slice(1))) wrong.push(`${a.hash} leads nowhere`);
            for (const t of document.querySelectorAll('table'))
                if (!t.caption || !t.querySelector('th[scope=row]')) wrong.push(`a table without caption or row heads`);
            const levels = [...document.querySelectorAll('h1, h2, h3')].map(h => Number(h.tagName[1]));
            if (levels.filter(n => n === 1).length !== 1 || levels.some((n, i) => i && n > levels[i - 1] + 1))
                wrong.push(`headings ${levels}`);
            const small = new Set();
            for (const e of document.querySelectorAll('main *, header *, footer *')) {
                if (!e.checkVisibility() || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
                if (['TITLE', 'DESC', 'STYLE'].includes(e.tagName.toUpperCase())) continue;
                const svg = e.ownerSVGElement;
                const scale = svg ? e.getScreenCTM().a : 1;
                if (parseFloat(getComputedStyle(e).fontSize) * scale < 9) small.add(`${e.tagName} ${e.textContent.slice(0, 30)}`);
            }
            if (small.size && innerWidth >= 360) wrong.push('smaller than 9 pixels: ' + [...small].slice(0, 5).join('; '));
            for (const svg of document.querySelectorAll('figure svg')) {
                const texts = [...svg.querySelectorAll('text')].filter(e => e.textContent.trim() && e.checkVisibility()
                    && !getComputedStyle(e).strokeWidth.startsWith('999')).map(e => [e, e.getBoundingClientRect()]);
                const frame = svg.getBoundingClientRect();
                texts.forEach(([e, b], i) => {
                    if (b.left < frame.left - 1 || b.right > frame.right + 1 || b.top < frame.top - 1 || b.bottom > frame.bottom + 1)
                        wrong.push(`${svg.parentNode.id}: "${e.textContent}" is cut`);
                    for (const [f, c] of texts.slice(i + 1))
                        if (Math.min(b.right, c.right) - Math.max(b.left, c.left) > 1 && Math.min(b.bottom, c.bottom) - Math.max(b.top, c.top) > 2.5)
                            wrong.push(`${svg.parentNode.id}: "${e.textContent}" over "${f.textContent}"`);
                });
            }
            return wrong;""")
        said = [line["message"] for line in self.do("POST", "/se/log", {"type": "browser"})]
        if wrong or said:
            raise SystemExit(f"{where}: {wrong[:12]} {said}")

    def printed(self, name):
        """The pages as they are printed."""
        options = {"paperWidth": 8.5, "paperHeight": 11, "printBackground": False, "preferCSSPageSize": True}
        data = base64.b64decode(self.devtools("Page.printToPDF", options)["data"])
        if os.environ.get("PDF"):
            with open(os.path.join(os.environ["PDF"], f"{name}.pdf"), "wb") as file:
                file.write(data)

    def log_in(self, language):
        self.go(f"/log?lang={language}")
        if self.focus() != "token":
            raise SystemExit("the token's field has no focus")
        self.check("log in")
        self.press(os.environ["TOKEN"] + ENTER)
        # The page behind the login is on its way.
        for _ in range(30):
            if self.focus() == "narrative":
                break
            time.sleep(0.1)
        else:
            raise SystemExit(f"the text has no focus, but {self.focus()}")

    def end(self):
        self.do("DELETE", "")


CALL = {
    "en": [
        ("narrative", "About six agents, POLICE on their vests, faces covered, in two gray SUVs. They took a man as he left the store. Nobody saw a paper."),
        ("place", "Yakima"),
        ("occurred", "today about 9am"),
    ],
    "es": [
        ("narrative", "Como seis agentes con chalecos que dicen POLICE y la cara cubierta, en dos camionetas grises. Se llevaron a un señor que salía de la tienda. Nadie vio un papel."),
        ("place", "Yakima"),
        ("occurred", "hoy como a las 9"),
    ],
}


def main():
    for language in ("en", "es"):
        browser = Browser(language)
        browser.width(360 if language == "es" else 1280)
        browser.log_in(language)
        browser.tour("quick form")
        browser.go(f"/log?lang={language}")
        browser.type(CALL[language])
        browser.check("quick form")
        for width in (360, 1280):
            browser.width(width)
            browser.check(f"quick form at {width}")
            if (language, width) != ("es", 1280):
                browser.picture(f"log-quick-{language}-{width}")
        browser.width(360 if language == "en" else 1280)
        # Enter in a line sends the form: it must not change the language.
        browser.press(ENTER)
        browser.check("receipt")
        if not browser.script("return location.pathname").startswith("/log/receipt/"):
            raise SystemExit("Enter did not send the form")
        if language == "en":
            browser.picture("log-receipt-en-360")
        # Enter once more: the next call.
        browser.press(ENTER)
        if browser.focus() != "narrative" or browser.script("return document.activeElement.value"):
            raise SystemExit("the next call does not follow")

        browser.width(1280 if language == "en" else 360)
        browser.go(f"/log/courthouse?lang={language}")
        browser.check("courthouse form")
        browser.tour("courthouse form")
        browser.type([("event_kind", " "), ("place", "King County Courthouse, Seattle"), ("agents", "3")])
        browser.check("courthouse form")
        browser.picture(f"log-courthouse-{language}-{1280 if language == 'en' else 360}", 1150 if language == "en" else 1600)
        browser.width(360 if language == "en" else 1280)
        browser.check("courthouse form")
        browser.end()

    browser = Browser("es")
    browser.width(360)
    browser.log_in("es")
    browser.type([("place", "x" * 501), ("occurred", "hoy como a las 9")])
    browser.press(ENTER)
    browser.check("a form that comes back")
    if "role=\"alert\"" not in browser.script("return document.activeElement.outerHTML"):
        raise SystemExit("the summary of what is wrong has no focus")
    browser.picture("log-error-es-360")
    browser.width(1280)
    browser.check("a form that comes back")
    browser.devtools("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
    browser.go("/log?lang=es")
    browser.type(CALL["es"])
    browser.picture("log-quick-es-1280-dark")
    browser.end()
    briefs()
    print("every field was reached by the keyboard; pictures are in", OUT)


def briefs():
    """The demo's brief in both languages, as a phone and a desk show it, by day, by night and on paper."""
    for language in ("en", "es"):
        browser = Browser(language)
        page = next(d for d in sorted(os.listdir(DEMO)) if d.startswith("brief-") and d.endswith(f"-{language}"))
        browser.do("POST", "/url", {"url": f"file://{os.path.join(DEMO, page)}/brief.html"})
        for scheme in ("light", "dark"):
            browser.look(scheme)
            for width in (320, 360, 1280):
                browser.width(width)
                browser.check_brief(f"brief in {language}, {width}, {scheme}")
                if width == 320:
                    continue
                name = f"brief-{language}-{width}" + ("-dark" if scheme == "dark" else "")
                if scheme == "light" or (language, width) in (("en", 1280), ("es", 360)):
                    browser.picture(name, 2200 if width == 360 else 1700)
                if os.environ.get("PDF"):
                    height = browser.script("return document.documentElement.scrollHeight")
                    step = 2400 if width == 360 else 1600
                    for i in range((height + step - 1) // step if scheme == "light" else 0):
                        browser.picture(os.path.join(os.environ["PDF"], f"{name}-{i:02}"), step, i * step)
        browser.look(media="")
        browser.printed(f"brief-{language}")
        browser.end()


main()
