"""Start `heatcam_explore` on a terminal, knock as a stranger would, then open its page in a headless Chromium and use it as a person would.
Without a browser it says so and ends with 0."""
import argparse, fcntl, os, pty, re, shutil, signal, socket, sys, termios, threading, time
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import psutil

BROWSERS = 'chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'

def free_port():
    with socket.socket() as s: s.bind(('127.0.0.1', 0)); return s.getsockname()[1]

def listen(fd):
    "What is said on a terminal, a list that grows while somebody speaks."
    said = []
    def hear():
        try:
            while part := os.read(fd, 4096): said.append(part.decode(errors='replace'))
        except OSError: pass  # so Linux says that nobody is left
    (thread := threading.Thread(target=hear, daemon=True)).start()
    return said, thread

def own_terminal():
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # also where this was started with nohup or &, which ignore Ctrl-C

@contextmanager
def served(*args):
    "The page's address and the server behind it, on a terminal of its own, until Ctrl-C is typed there. It must say its address and nothing else."
    ours, its = pty.openpty()
    server = psutil.Popen([sys.executable, '-c', 'from heatcam.heart.explore import heatcam_explore; heatcam_explore()', '--no_browser', '--port', str(free_port()), *args],
                          stdin=its, stdout=its, stderr=its, start_new_session=True, preexec_fn=own_terminal)
    os.close(its)
    said, ear = listen(ours)
    text = lambda: ''.join(said)
    try:
        until(lambda: '\n' in text() or server.poll() is not None, 120)
        found = re.search(r'open (http://127\.0\.0\.1:\d+/\?token=\S+) in a browser', text())
        assert found, f'heatcam_explore said: {text()}'
        yield found[1], server
        os.write(ours, b'\x03')
        code = server.wait(15); assert code == 0, f'heatcam_explore does not end as asked: {code}, {text()[-2000:]}'
        ear.join(5)
        more = text().partition('\n')[2].strip()
        assert more in ('', '^C'), f'heatcam_explore said more than its address: {more}'
    finally:
        if server.poll() is None: server.kill()
        os.close(ours)

def ask_all(server, what):
    "Process id → what a process says, of the server and all that it has started and that still is there."
    said = {}
    for p in [server, *server.children(recursive=True)]:
        try: said[p.pid] = what(p)
        except psutil.NoSuchProcess: pass  # it has just ended
    return said

def kernels(server): return {pid for pid, words in ask_all(server, lambda p: p.cmdline()).items() if 'ipykernel_launcher' in words}

def memory(server, without=()): return sum(v for pid, v in ask_all(server, lambda p: p.memory_info().rss).items() if pid not in without)/1e6

def until(ok, seconds):
    end = time.time() + seconds
    while not ok() and time.time() < end: time.sleep(.2)
    return ok()

def strangers(url, server):
    "Who has no token, or comes under another name, is refused, and no kernel starts. Whoever has it is let in: one kernel."
    there, token = url.split('/')[2], url.partition('token=')[2]
    nobody = '00000000-0000-0000-0000-000000000000'
    socket_ = {'Upgrade': 'websocket', 'Connection': 'Upgrade', 'Sec-WebSocket-Key': 'x'*22 + '==', 'Sec-WebSocket-Version': '13'}
    def ask(method, path, **headers):
        c = HTTPConnection(there, timeout=60); c.request(method, path, headers=headers); r = c.getresponse()
        return r.status, r.read().decode(errors='replace'), '; '.join(o.partition(';')[0] for o in r.headers.get_all('Set-Cookie', []))
    channels = f'/api/kernels/{nobody}/channels'
    for method, path, headers in (('GET', '/', {}), ('GET', '/?token=guessed', {}), ('GET', '/', dict(Cookie='username-127-0-0-1=me')), ('POST', '/', {}), ('POST', '/api/kernels', {}),
                                  ('GET', f'/api/kernels/{nobody}', {}), ('DELETE', f'/api/kernels/{nobody}', {}), ('POST', f'/voila/api/shutdown/{nobody}', {}), ('GET', '/login', {}),
                                  ('GET', channels, socket_), *(('GET', f'{path}?token={token}', more | dict(Host='evil.example')) for path, more in (('/', {}), (channels, socket_)))):
        status, *_ = ask(method, path, **headers)
        assert status == 403, f'{method} {path} {headers} was answered with {status}, expected 403'
    page = ask('GET', '/')[1]
    assert 'ends with a token' in page and 'http' not in page, page
    time.sleep(1); assert not kernels(server), 'a kernel was started for a stranger'
    status, page, cookie = ask('GET', f'/?token={token}')
    assert status == 200 and len(kernels(server)) == 1, 'the address did not start a kernel'
    kernel = re.search(r'"kernelId": "([\w-]+)"', page)[1]
    assert ask('GET', f'/api/kernels/{kernel}')[0] == 403 and ask('GET', f'/api/kernels/{kernel}', Cookie=cookie)[0] == 200, 'the address leaves a cookie'
    for origin, want in (('http://evil.example', 403), (f'http://{there}', 101)):
        status = ask('GET', f'/api/kernels/{kernel}/channels', Origin=origin, Cookie=cookie, **socket_)[0]
        assert status == want, f'a page of {origin} that wants to talk to a kernel was answered with {status}, expected {want}'

def changes(page, act, *args, limit=15):
    "Does `act` and waits until the first picture in sight is another one; how long that took, ms."
    before, t = first(page), time.perf_counter()
    act(page, *args)
    page.wait_for_function('was => { const o = [...document.querySelectorAll(".hc img")].find(e => e.offsetParent); return o && o.src !== was }', arg=before, timeout=1000*limit)
    ms, last = 1000*(time.perf_counter() - t), None
    while last != first(page): last = first(page); page.wait_for_timeout(400)  # a slider that was pulled has sent several states
    return ms

def shown(page, selector): return page.locator(f'{selector}:visible')

def pull(page, name, steps, key='ArrowRight'):
    "Moves the slider `name` by keys."
    handle = page.locator('.widget-slider:visible', has=page.get_by_text(name, exact=True)).locator('.noUi-handle')
    handle.focus()
    for _ in range(steps): page.keyboard.press(key)

def choose(page, name, option):
    page.locator('.widget-dropdown:visible', has=page.get_by_text(name, exact=True)).locator('select').select_option(label=option)

def toggle(page, name, option):
    page.locator('.widget-toggle-buttons:visible', has=page.get_by_text(name, exact=True)).get_by_role('button', name=option, exact=True).click()

def grey(page, name):
    "Whether the control `name` is greyed out."
    line = page.locator('.hc-controls:visible > *', has=page.get_by_text(name, exact=True)).first
    return line.evaluate('o => o.querySelector("[disabled]") !== null || o.querySelector(":disabled") !== null')

def first(page): return shown(page, '.hc img').first.get_attribute('src')

def cell(page, row): return page.locator(f'.hc tr:visible:has(th:text-is("{row}")) td').nth(1).inner_text()

def fits(page):
    "Nothing of an explorer lies beyond the window's right edge."
    wide = page.evaluate("""[...document.querySelectorAll('.hc-room, .hc-room *')].filter(o => o.offsetParent && o.getBoundingClientRect().right > innerWidth + .5)
                            .map(o => `${o.tagName}.${o.className} ends at ${o.getBoundingClientRect().right}`)""")
    assert not wide, f'beyond the right edge of a window of {page.viewport_size["width"]} pixels: {wide[:5]}'

def heart(page, shot):
    wall = float(cell(page, 'LV wall'))
    ms = changes(page, pull, 'LV wall', 1)
    pull(page, 'LV wall', 4)
    page.wait_for_function('was => parseFloat([...document.querySelectorAll(".hc tr")].find(o => o.textContent.startsWith("LV wall")).children[2].textContent) > was + .4', arg=wall)
    changes(page, toggle, 'class', 'DCM'); changes(page, choose, 'tag', 'glyph')
    page.wait_for_selector('.hc li:visible:text-is("tag")')
    shot('heart')
    kept = first(page); pull(page, 'LV radius', 1, 'End')
    page.wait_for_selector('.hc-error:visible'); assert 'does not fit a canvas' in shown(page, '.hc-error').inner_text()
    page.wait_for_timeout(400); assert shown(page, '.hc-old img').count() == 2 and first(page) == kept, 'the last picture does not stay'
    shot('heart_too_large')
    toggle(page, 'class', 'NOR'); page.wait_for_selector('.hc-error', state='hidden')
    greys = lambda: [name for name in ('severity', 'patient', 'tag', 'tag names', 'tag size') if grey(page, name)]
    assert until(lambda: greys() == ['severity'], 5), f'grey in a normal heart with a tag: {greys()}'
    choose(page, 'tag', 'none'); assert until(lambda: greys() == ['severity', 'tag names', 'tag size'], 5), f'grey in a normal heart without a tag: {greys()}'
    shot('heart_grey')
    return ms

def where(page, shot):
    page.get_by_role('tab', name='Where models look').click()
    page.wait_for_selector('.hc-score:visible')
    scores = lambda: shown(page, '.hc-score').all_inner_texts()
    ms = changes(page, pull, 'image', 1); changes(page, pull, 'image', 2)
    before = scores(); choose(page, 'tag names', 'none')  # a tag that is named may be the one that is there
    page.wait_for_function('was => [...document.querySelectorAll(".hc-score")].filter(e => e.offsetParent).map(e => e.innerText).join() !== was', arg=','.join(before))
    shot('maps')
    changes(page, toggle, 'evidence', 'signed'); shot('maps_signed')
    return ms

def population(page, shot):
    page.get_by_role('tab', name='All models').click()
    page.wait_for_selector('.hc img.hc-smooth:visible')
    ms = changes(page, choose, 'trial', 'recipe, trial 1')
    page.wait_for_selector('.hc b:visible:text-is("recipe, trial 1")')
    shot('population')
    dots = page.locator('.hc-dots:visible button:visible')
    assert dots.count() == 6, f'{dots.count()} dots of six trials can be clicked'
    plot = shown(page, '.hc-plot img').bounding_box()
    for dot in dots.all():
        x, y = (dot.bounding_box()[k] + dot.bounding_box()[s]/2 for k, s in zip('xy', ('width', 'height')))
        assert coloured(page, x, y), f'no dot at {x - plot["x"]:.0f}, {y - plot["y"]:.0f} of the plot'
    changes(page, lambda page: dots.nth(2).click()); page.wait_for_selector('.hc b:visible:text-is("HiResCAM share, trial 0")')
    changes(page, lambda page: (dots.nth(4).focus(), page.keyboard.press('Enter'))); page.wait_for_selector('.hc b:visible:text-is("recipe, trial 0")')
    changes(page, choose, 'vertical', 'tag overlap'); shot('population_tag')
    return ms

def coloured(page, x, y):
    "Whether the page is in colour at a place: there is a dot."
    from io import BytesIO
    from PIL import Image
    r, g, b = Image.open(BytesIO(page.screenshot(clip=dict(x=x, y=y, width=1, height=1)))).convert('RGB').getpixel((0, 0))
    return max(r, g, b) - min(r, g, b) > 60

def reloads(page, server, others, n=4):
    "After some reloads one kernel is left, after the tab was closed none."
    mine = lambda: kernels(server) - others
    before = memory(server, others)
    for _ in range(n): page.reload(); page.wait_for_selector('.hc img:visible', timeout=120_000)
    assert until(lambda: len(mine()) == 1, 15), f'{len(mine())} kernels after {n} reloads'
    print(f'{before:.0f} MB before and {memory(server, others):.0f} MB after {n} reloads, one kernel')
    page.close(run_before_unload=True)
    assert until(lambda: not mine(), 15), 'a closed tab leaves its kernel'

def use(browser, width, url, shots):
    window = browser.new_context(viewport=dict(width=width, height=900))  # which stays when its tab is closed
    page, faults, far = window.new_page(), [], []
    page.on('console', lambda m: m.type == 'error' and faults.append(f'{m.text} {m.location.get("url", "")}'))
    page.on('pageerror', lambda e: faults.append(str(e)))
    page.on('request', lambda r: r.url.startswith(('http', 'ws')) and f'://{url.split("/")[2]}/' not in r.url and far.append(r.url))
    t = time.perf_counter()
    page.goto(url); page.wait_for_selector('.hc img:visible', timeout=120_000)
    loaded = time.perf_counter() - t
    def shot(name):
        fits(page)
        if shots: page.wait_for_timeout(300); page.screenshot(path=shots/f'{name}_{width}.png', full_page=True)
    ms = [f(page, shot) for f in (heart, where, population)]
    assert not far, f'the page asks other machines: {sorted(set(far))}'
    assert not faults, f'errors in the browser\'s console: {faults}'
    print(f'{width} pixels: loaded in {loaded:.1f} s; a move is seen after {", ".join(f"{m:.0f}" for m in ms)} ms; no error in the console')
    return page

def browse(url, server, shots):
    "Uses the page; why not, if there is no browser."
    try: from playwright.sync_api import Error, sync_playwright
    except ModuleNotFoundError: return 'playwright is not installed (pip install playwright)'
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None: return f'none of {", ".join(BROWSERS)} is installed'
    with sync_playwright() as pw:
        try: browser = pw.chromium.launch(executable_path=program, args=['--no-sandbox', '--disable-gpu'])
        except Error as e: return f'{program} does not start ({str(e).splitlines()[0]})'
        others = kernels(server)
        reloads(use(browser, 1280, url, shots), server, others)
        use(browser, 390, url, shots).close()  # as a page that crashes: it does not say that it goes
        browser.close()
    assert until(lambda: not kernels(server), 100), 'a kernel whose page has gone without a word is still there'

def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--shots', type=Path, help='folder for screenshots; none: no screenshots')
    args = p.parse_args()
    if args.shots: args.shots.mkdir(parents=True, exist_ok=True)
    with served() as (url, server):
        strangers(url, server)
        print('strangers are refused, and nothing starts for them')
        why = browse(url, server, args.shots)
    print(f'no browser: {why}' if why else 'browser test passed')

if __name__ == '__main__': main()
