"Start `heatcam_explore`, open its page in a headless Chromium and use it as a person would. Without a browser it says so and ends with 0."
import argparse, shutil, socket, subprocess, sys, time
from contextlib import contextmanager
from pathlib import Path

BROWSERS = 'chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'

def skip(why): print(f'browser test skipped: {why}'); sys.exit(0)

def free_port():
    with socket.socket() as s: s.bind(('127.0.0.1', 0)); return s.getsockname()[1]

@contextmanager
def served(port):
    "The page at `port`, until the block ends."
    server = subprocess.Popen([sys.executable, '-c', 'from heatcam.explore import heatcam_explore; heatcam_explore()', '--port', str(port)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        line = server.stdout.readline()  # its address, or what is wrong
        assert f'http://127.0.0.1:{port}/' in line, f'heatcam_explore said: {line}{server.stdout.read() if server.poll() is not None else ""}'
        yield f'http://127.0.0.1:{port}/'
    finally:
        server.terminate()
        try: server.wait(15)
        except subprocess.TimeoutExpired: server.kill(); raise AssertionError('heatcam_explore does not end when it is asked to')

def until(ok, seconds):
    end = time.time() + seconds
    while not ok() and time.time() < end: time.sleep(.2)
    return ok()

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
    before = scores(); choose(page, 'tag names', 'HCM')
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

def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--shots', type=Path, help='folder for screenshots; none: no screenshots')
    args = p.parse_args()
    try: from playwright.sync_api import Error, sync_playwright
    except ModuleNotFoundError: skip('playwright is not installed (pip install playwright)')
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None: skip(f'none of {", ".join(BROWSERS)} is installed')
    if args.shots: args.shots.mkdir(parents=True, exist_ok=True)
    with served(free_port()) as url, sync_playwright() as pw:
        try: browser = pw.chromium.launch(executable_path=program, args=['--no-sandbox', '--disable-gpu'])
        except Error as e: skip(f'{program} does not start ({str(e).splitlines()[0]})')
        for width in (1280, 390):
            page, faults, far = browser.new_page(viewport=dict(width=width, height=900)), [], []
            page.on('console', lambda m: m.type == 'error' and faults.append(f'{m.text} {m.location.get("url", "")}'))
            page.on('pageerror', lambda e: faults.append(str(e)))
            page.on('request', lambda r: r.url.startswith(('http', 'ws')) and f'://{url.split("/")[2]}/' not in r.url and far.append(r.url))
            t = time.perf_counter()
            page.goto(url); page.wait_for_selector('.hc img:visible', timeout=120_000)
            loaded = time.perf_counter() - t
            def shot(name):
                fits(page)
                if args.shots: page.wait_for_timeout(300); page.screenshot(path=args.shots/f'{name}_{width}.png', full_page=True)
            ms = [f(page, shot) for f in (heart, where, population)]
            assert not far, f'the page asks other machines: {sorted(set(far))}'
            assert not faults, f'errors in the browser\'s console: {faults}'
            print(f'{width} pixels: loaded in {loaded:.1f} s; a move is seen after {", ".join(f"{m:.0f}" for m in ms)} ms; no error in the console')
            page.close()
        browser.close()
    print('browser test passed')

if __name__ == '__main__': main()
