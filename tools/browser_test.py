"""Start `heatcam_explore` on a terminal, knock as a stranger would, then open its page in a headless Chromium and use it as a person would: the demonstration,
and a model and images in files. Then paint masks with `heatcam_paint`. Without a browser it says so and ends with 0."""
import argparse, fcntl, os, pty, re, shutil, signal, socket, sys, tempfile, termios, threading, time
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import numpy as np, psutil, torch
from PIL import Image
from torch import nn

from heatcam.heart.phantom import make_phantoms
from heatcam.masks import stamped_shapes
from heatcam.paint import draw_mark

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
def served(*args, command='heatcam_explore', room='heatcam.heart.explore'):
    "The page's address and the server behind it, on a terminal of its own, until Ctrl-C is typed there. It must say its address and nothing else."
    ours, its = pty.openpty()
    server = psutil.Popen([sys.executable, '-c', f'from {room} import {command}; {command}()', '--no_browser', '--port', str(free_port()), *map(str, args)],
                          stdin=its, stdout=its, stderr=its, start_new_session=True, preexec_fn=own_terminal)
    os.close(its)
    said, ear = listen(ours)
    text = lambda: ''.join(said)
    try:
        until(lambda: '\n' in text() or server.poll() is not None, 120)
        found = re.search(r'open (http://127\.0\.0\.1:\d+/\?token=\S+) in a browser', text())
        assert found, f'{command} said: {text()}'
        yield found[1], server
        os.write(ours, b'\x03')
        code = server.wait(15); assert code == 0, f'{command} does not end as asked: {code}, {text()[-2000:]}'
        ear.join(5)
        more = text().partition('\n')[2].strip()
        assert more in ('', '^C'), f'{command} said more than its address: {more}'
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

def changes(page, act, *args, limit=15, nth=0):
    "Does `act` and waits until the first picture in sight, or the `nth`, is another one; how long that took, ms."
    before, t = first(page, nth), time.perf_counter()
    act(page, *args)
    page.wait_for_function('([was, k]) => { const o = [...document.querySelectorAll(".hc img")].filter(e => e.offsetParent)[k]; return o && o.src !== was }',
                           arg=[before, nth], timeout=1000*limit)
    ms, last = 1000*(time.perf_counter() - t), None
    while last != first(page, nth): last = first(page, nth); page.wait_for_timeout(400)  # a slider that was pulled has sent several states
    return ms

def shown(page, selector): return page.locator(f'{selector}:visible')

def pull(page, name, steps, key='ArrowRight', end=0):
    "Moves the slider `name` by keys; `end` 1: the upper end of a range."
    handle = page.locator('.widget-slider:visible', has=page.get_by_text(name, exact=True)).locator('.noUi-handle').nth(end)
    handle.focus()
    for _ in range(steps): page.keyboard.press(key)

def choose(page, name, option):
    page.locator('.widget-dropdown:visible', has=page.get_by_text(name, exact=True)).locator('select').select_option(label=option)

def toggle(page, name, option):
    page.locator('.widget-toggle-buttons:visible', has=page.get_by_text(name, exact=True)).get_by_role('button', name=option, exact=True).click()

def pick(page, nth):
    "Picks the `nth` small image of a strip."
    page.locator('.hc-strip:visible button').nth(nth).click()

def grey(page, name):
    "Whether the control `name` is greyed out."
    line = page.locator('.hc-controls:visible > *', has=page.get_by_text(name, exact=True)).first
    return line.evaluate('o => o.querySelector("[disabled]") !== null || o.querySelector(":disabled") !== null')

def first(page, nth=0): return shown(page, '.hc img').nth(nth).get_attribute('src')

def cell(page, row): return page.locator(f'.hc tr:visible:has(th:text-is("{row}")) td').nth(1).inner_text()

def fits(page):
    "Nothing of an explorer or a painter lies beyond the window's right edge."
    wide = page.evaluate("""[...document.querySelectorAll('.hc-room, .hc-room *, .hp, .hp *')].filter(o => o.offsetParent && o.getBoundingClientRect().right > innerWidth + .5)
                            .map(o => `${o.tagName}.${o.className} ends at ${o.getBoundingClientRect().right}`)""")
    assert not wide, f'beyond the right edge of a window of {page.viewport_size["width"]} pixels: {wide[:5]}'

def stays(page):
    "On a telephone the pictures stay in sight while the controls are scrolled."
    if page.viewport_size['width'] > 700: return
    top = lambda: page.evaluate('[...document.querySelectorAll(".hc-pictures")].find(o => o.offsetParent).getBoundingClientRect().top')
    page.mouse.move(200, page.viewport_size['height'] - 40); page.mouse.wheel(0, 300); page.wait_for_timeout(500)
    assert -1 <= top() < 50, f'the pictures are {top()} pixels from the top of the window'
    page.mouse.wheel(0, -900); page.wait_for_timeout(500)

def heart(page, shot):
    page.get_by_role('tab', name='A heart').click()
    page.wait_for_selector('.hc tr:visible:has-text("LV wall")')
    stays(page)
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
    choose(page, 'order', 'models disagree first'); changes(page, pick, 3); shot('maps_apart'); choose(page, 'order', 'as they come')
    choose(page, 'edit', 'outside of another image'); says(page, 'still says'); shot('maps_edited'); choose(page, 'edit', 'as it is')
    changes(page, toggle, 'evidence', 'signed'); shot('maps_signed')
    return ms

def population(page, shot):
    page.get_by_role('tab', name='All models').click()
    page.wait_for_selector('.hc img.hc-smooth:visible')
    ms = changes(page, choose, 'trial', 'heatmap loss, trial 1')
    page.wait_for_selector('.hc b:visible:text-is("heatmap loss, trial 1")')
    shot('population')
    dots = page.locator('.hc-dots:visible button:visible')
    assert dots.count() == 6, f'{dots.count()} dots of six trials can be clicked'
    plot = shown(page, '.hc-plot img').bounding_box()
    for dot in dots.all():
        x, y = (dot.bounding_box()[k] + dot.bounding_box()[s]/2 for k, s in zip('xy', ('width', 'height')))
        assert coloured(page, x, y), f'no dot at {x - plot["x"]:.0f}, {y - plot["y"]:.0f} of the plot'
    changes(page, lambda page: dots.nth(2).click()); page.wait_for_selector('.hc b:visible:text-is("HiResCAM share, trial 0")')
    changes(page, lambda page: (dots.nth(4).focus(), page.keyboard.press('Enter'))); page.wait_for_selector('.hc b:visible:text-is("heatmap loss, trial 0")')
    changes(page, choose, 'vertical', 'share of the map on the tag'); shot('population_tag')
    return ms

def drag(page, *corners):
    "Drags a rectangle on the picture, its `corners` (left, top, right, bottom) as shares: by finger, where the window is narrow."
    pad = shown(page, '.hc-pad').bounding_box()
    at = lambda x, y: (pad['x'] + 2 + x*(pad['width'] - 4), pad['y'] + 2 + y*(pad['height'] - 4))
    (a, b), (c, d) = at(*corners[:2]), at(*corners[2:])
    way = [(a + (c - a)*k/8, b + (d - b)*k/8) for k in range(9)]
    if page.viewport_size['width'] > 700:
        page.mouse.move(a, b); page.mouse.down()
        for x, y in way: page.mouse.move(x, y); page.wait_for_timeout(20)
        return page.mouse.up()
    touch = page.context.new_cdp_session(page)
    for k, (x, y) in enumerate(way):
        touch.send('Input.dispatchTouchEvent', dict(type='touchMove' if k else 'touchStart', touchPoints=[dict(x=x, y=y)])); page.wait_for_timeout(20)
    touch.send('Input.dispatchTouchEvent', dict(type='touchEnd', touchPoints=[]))

def range_of(page, name):
    return page.locator('.widget-slider:visible', has=page.get_by_text(name, exact=True)).locator('.widget-readout').inner_text()

def says(page, text, selector='.hc p', seconds=15):
    "Waits until `text` is said."
    assert until(lambda: any(text in o for o in shown(page, selector).all_inner_texts()), seconds), f'{text!r} is not in {shown(page, selector).all_inner_texts()}'

def own(page, shot):
    "A model and images of one's own: paint over the stamp and see the answer move; then every control."
    assert shown(page, '.hc img').count() == 3, 'picture, heatmap and dependence map'
    stays(page); shot('own')
    ms = changes(page, drag, 0, 0, .16, .16)
    says(page, 'becomes'); says(page, '8 of 8', '.hc td'); says(page, '0 of 8', '.hc td')
    shot('own_painted')
    drag(page, .9, .5, .9, .5)  # a click
    says(page, 'still')
    before = range_of(page, 'columns'); page.keyboard.press('ArrowLeft'); assert until(lambda: range_of(page, 'columns') != before, 5), 'an arrow key does not move the rectangle'
    before = range_of(page, 'rows'); page.keyboard.press('Shift+ArrowDown'); assert until(lambda: range_of(page, 'rows') != before, 5), 'Shift and an arrow key do not size it'
    for name, end in (('rows', 0), ('rows', 1), ('columns', 0), ('columns', 1)): changes(page, pull, name, 2, 'ArrowLeft', end)
    for where in ('what is outside the mask', 'what is inside the mask', 'the hottest spot'): changes(page, choose, 'paint over', where)
    says(page, 'becomes'); changes(page, pull, 'which image', 1)
    assert grey(page, 'rows') and grey(page, 'columns')
    for how in ('elsewhere in the image', 'the mean of the rest', 'blur', 'noise'): changes(page, choose, 'with', how)
    assert grey(page, 'which image')
    shot('own_noise')
    changes(page, choose, 'paint over', 'nothing'); assert grey(page, 'with')
    title = lambda: shown(page, '.hc-walk').inner_text()
    for act in (lambda page: page.get_by_role('button', name='next image').click(), lambda page: page.get_by_role('button', name='previous image').click()):
        before = title(); changes(page, act); assert title() != before
    before = title(); changes(page, pick, 3); assert title() != before
    changes(page, pull, 'image', 2); changes(page, choose, 'order', 'wrong ones first'); assert until(lambda: '✗' in title(), 5), title()
    changes(page, choose, 'order', 'least sure ones first')
    for name, what in (('map of', 'ring'), ('map of', 'disc'), ('attribution', 'gradient × image'), ('attribution', 'HiResCAM')): changes(page, choose, name, what, nth=1)
    changes(page, toggle, 'evidence', 'absolute', nth=1); changes(page, toggle, 'evidence', 'signed', nth=1); changes(page, pull, 'strength', 3, 'ArrowLeft', nth=1)
    shot('own_signed')
    toggle(page, 'dependence', 'off'); says(page, 'it is off'); toggle(page, 'dependence', 'quick')  # which a slow machine begins with
    assert until(lambda: shown(page, '.hc img').count() == 3, 30)
    changes(page, toggle, 'dependence', 'fine', nth=2)
    page.get_by_role('tab', name='Paint masks').click(); page.wait_for_selector('.hp canvas:visible', timeout=30_000)
    assert until(lambda: shown(page, '.hp-count').inner_text() == '40 of 40 done', 10), shown(page, '.hp-count').inner_text()
    assert until(lambda: page.locator('.hp canvas').bounding_box()['width'] > 300, 5), page.locator('.hp canvas').bounding_box()
    hand = Hand(page); hand.draw('box', [(2, 2), (30, 30)], (64, 64)); hand.kept(hand.key, 'z'); shot('own_paint')
    return ms

def files(folder):
    "A network that reads a stamp, and images of discs and rings with masks: the command's arguments."
    torch.manual_seed(0)
    train, net = stamped_shapes(400), nn.Sequential(nn.Conv2d(1, 12, 5, 4, 2), nn.ReLU(), nn.Conv2d(12, 12, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(12*64, 2))
    opt = torch.optim.Adam(net.parameters(), 3e-3)
    for _ in range(60):
        opt.zero_grad(); nn.functional.cross_entropy(net(train.images/255), train.y).backward(); opt.step()
    torch.save(net, folder/'shapes.pth')
    test = stamped_shapes(40, .8, seed=3)
    for k, (im, c, mask) in enumerate(zip(*test[list(range(40))])):
        for what, pixels in (('images', im[0]), ('masks', mask)):
            (folder/what/test.vocab[c]).mkdir(parents=True, exist_ok=True); Image.fromarray(pixels.numpy()).save(folder/what/test.vocab[c]/f'{k:02d}.png')
    return [folder/'shapes.pth', folder/'images', '--masks', folder/'masks', '--trust', '--mean', 0, '--std', 1]

def to_paint(folder):
    "Ten shapes and ten hearts as files; name → tool and points of what is to be drawn: a box around a shape, eight corners of a heart."
    shapes, hearts, marks, turn = stamped_shapes(10, seed=4), make_phantoms(10, experiment=2, seed=0), {}, np.arange(8)*np.pi/4
    for i in range(20):
        name, heart, k = f'{"ab"[i//10]}/{i:02d}', i % 2, i//2
        im, mask = (hearts.images[k], hearts.mask()[k]) if heart else (shapes.images[k, 0].numpy(), shapes.masks[k].numpy())
        (folder/'images'/name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(im if heart else np.stack([im, im//2 + 60, im], 2)).save(folder/'images'/f'{name}.png')
        p = np.argwhere(mask)[:, ::-1]
        corners = p[(p @ [np.cos(turn), np.sin(turn)]).argmax(0)] if heart else np.stack([p.min(0), p.max(0)])
        if heart: corners = [corners[0], *(c for c in corners if np.hypot(*(c - corners[0])) > 5)]  # what is nearer would close it
        marks[name] = ('polygon' if heart else 'box', list(dict.fromkeys(tuple(map(int, c)) for c in corners)), mask.shape)
    return marks

class Hand:
    "Presses keys, and points at a painter's image: with a finger, where the window is narrow. Counts what it does, and waits until each mark has been kept."
    def __init__(self, page):
        self.page, self.presses, self.ms = page, 0, []
        self.touch = page.context.new_cdp_session(page) if page.viewport_size['width'] < 700 else None
    def ack(self): return self.page.locator('.hp').get_attribute('data-ack')
    def kept(self, act, *args):
        before, t = self.ack(), time.perf_counter()
        act(*args)
        self.page.wait_for_function('was => document.querySelector(".hp").dataset.ack !== was', arg=before, timeout=10_000)
        self.ms.append(1000*(time.perf_counter() - t))
    def key(self, k): self.presses += 1; self.page.keyboard.press(k)
    def at(self, size, x, y):
        o = self.page.locator('.hp canvas').bounding_box()
        return o['x'] + (x + .5)*o['width']/size[1], o['y'] + (y + .5)*o['height']/size[0]
    def drag(self, size, *way):
        self.presses += 1
        way = [self.at(size, *p) for p in way]
        if not self.touch:
            self.page.mouse.move(*way[0]); self.page.mouse.down()
            for p in way[1:]: self.page.mouse.move(*p)
            return self.page.mouse.up()
        for k, (x, y) in enumerate(way): self.touch.send('Input.dispatchTouchEvent', dict(type='touchMove' if k else 'touchStart', touchPoints=[dict(x=x, y=y)]))
        self.touch.send('Input.dispatchTouchEvent', dict(type='touchEnd', touchPoints=[]))
    def draw(self, tool, points, size, end='Enter'):
        self.page.locator('.hp').get_by_role('button', name=f'{tool.capitalize()}: ').click(); self.presses += 1
        if tool != 'polygon': return self.kept(self.drag, size, *points)
        for p in points: self.drag(size, p)
        self.kept(self.key, end) if end == 'Enter' else self.kept(self.drag, size, points[-1] if end == 'twice' else points[0])

def read(file): return np.array(Image.open(file))

def paint(marks, masks, picture=None):
    "Paints twenty masks, with a reload in the middle, and compares each file with what was meant, pixel by pixel. Then the keys, and undo and redo."
    want = {k: draw_mark(np.full(size, 255, np.uint8), tool, points) for k, (tool, points, size) in marks.items()}
    def step(page, shot):
        shutil.rmtree(masks); page.reload(); page.wait_for_selector('.hp canvas:visible', timeout=120_000)
        hand, count, head = Hand(page), lambda: page.locator('.hp-count').inner_text(), lambda: page.locator('.hp-name').inner_text()
        assert count() == '0 of 20 done' and head().startswith(next(iter(marks))), (count(), head())
        t, lost = time.perf_counter(), 0
        for k, (name, mark) in enumerate(marks.items()):
            if k == 10:
                wait = time.perf_counter()
                page.reload(); page.wait_for_selector('.hp canvas:visible', timeout=120_000); lost = time.perf_counter() - wait
                assert count() == '10 of 20 done' and head().startswith(name), ('after a reload', count(), head())
                hand = (old := hand) and Hand(page); hand.presses, hand.ms = old.presses, old.ms
            hand.draw(*mark, end=('Enter', 'twice', 'first')[k % 3])
            if k in (4, 5): page.mouse.move(5, 5); shot(f'paint_{mark[0]}')
            if k == 5 and picture and not hand.touch:
                page.screenshot(path=picture, clip=dict(x=0, y=0, width=1280, height=870))
                Image.open(picture).convert('RGB').resize((960, 652), Image.LANCZOS).quantize(256, Image.Quantize.MAXCOVERAGE).save(picture, optimize=True)
            assert (read(masks/f'{name}.png') == want[name]).all(), f'{name} is not what was drawn'
            if k < 19: hand.kept(hand.key, 'ArrowRight')
        t = time.perf_counter() - t - lost
        assert count() == '20 of 20 done' and {str(f.relative_to(masks))[:-4] for f in masks.rglob('*') if f.is_file()} == set(want)
        for name, m in want.items(): assert (read(masks/f'{name}.png') == m).all(), name
        print(f'{page.viewport_size["width"]} pixels: 20 masks in {t:.0f} s by {hand.presses} clicks, drags and keys; a mark is kept and seen after {np.median(hand.ms):.0f} ms')
        keys(page, hand, masks/f'{name}.png', name, want[name])
        page.emulate_media(color_scheme='dark'); shot('paint_dark'); page.emulate_media(color_scheme='light')
        return np.median(hand.ms)
    return step

def keys(page, hand, file, name, was):
    "Keys, undo and redo, on the last image, a heart that has one polygon."
    size, press, drawn, ring = was.shape, lambda *ks: [hand.kept(hand.key, k) for k in ks], lambda *m: draw_mark(was, *m), [(20, 20), (60, 22), (40, 70)]
    def same(m, why): assert (read(file) == m).all(), why
    for k, code in (('o', 0), ('i', 1), ('d', 255)): press(k); same(0*was + code, f'the key {k}')
    press('z', 'z'); same(0*was, 'two steps back'); press('z'); same(was, 'three steps back')
    press('Shift+Z', 'Shift+Z', 'Shift+Z'); same(0*was + 255, 'three steps on'); press('z', 'z', 'Control+z'); same(was, 'and back')
    press('z'); assert not file.exists(), 'the first mark, taken back, leaves no file'; press('Shift+Z'); same(was, 'the first mark again')
    hand.key('p'); [hand.drag(size, p) for p in (*ring, (90, 90))]; hand.key('Backspace'); press('Enter'); same(drawn('polygon', ring), 'Backspace in a polygon'); press('z')
    hand.key('p'); [hand.drag(size, p) for p in ring]; hand.key('Escape'); page.wait_for_timeout(200); same(was, 'Escape in a polygon')
    px = lambda: int(page.locator('.hp-size output').inner_text().split()[0])
    n = px(); hand.key(']'); assert px() > n; hand.key('['); assert px() == n, f'the brush has {px()} pixels'
    for k, tool in (('r', 'brush'), ('e', 'eraser')):
        hand.key(k); way = [(50, 50), (60, 50), (60, 60)]
        hand.kept(hand.drag, size, *way); same(drawn(tool, way, n), f'the {tool}'); press('z'); same(was, f'the {tool}, taken back')
    press('o'); page.locator('.hp canvas').focus(); hand.key('b'); far = max(1, round(min(size)/32))  # without a mouse
    hand.key('ArrowUp'); x, y = map(int, re.findall(r'\d+', page.locator('.hp-spot').text_content())); hand.key('Space'); [hand.key(k) for k in ('ArrowRight', 'ArrowRight', 'Shift+ArrowDown')]; hand.kept(hand.key, 'Space')
    same(draw_mark(0*was, 'box', [(x, y), (x + 2*far, y + 1)]), 'a box by keys'); press('z', 'z'); same(was, 'a box by keys, taken back')
    hand.key('Space'); hand.key('ArrowLeft'); hand.key('Escape'); page.wait_for_timeout(200); same(was, 'Escape in a box by keys'); page.locator('.hp').focus()
    hand.key('b'); before = hand.ack(); hand.drag(size, (5, 5)); page.wait_for_timeout(300); assert hand.ack() == before, 'a click is no box'
    press('ArrowLeft'); assert name not in page.locator('.hp-name').inner_text(); press('ArrowRight'); assert name in page.locator('.hp-name').inner_text()
    hand.key('p'); [hand.drag(size, p) for p in ring]; press('ArrowLeft'); page.wait_for_timeout(300); same(drawn('polygon', ring), 'a polygon that is left is kept')
    press('ArrowRight', 'z'); same(was, 'and can be taken back')

def coloured(page, x, y):
    "Whether the page is in colour at a place: there is a dot."
    from io import BytesIO
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

def use(browser, width, url, shots, steps, ready='.hc img:visible'):
    window = browser.new_context(viewport=dict(width=width, height=900), has_touch=width < 700)  # which stays when its tab is closed
    page, faults, far = window.new_page(), [], []
    page.on('console', lambda m: m.type == 'error' and faults.append(f'{m.text} {m.location.get("url", "")}'))
    page.on('pageerror', lambda e: faults.append(str(e)))
    page.on('request', lambda r: r.url.startswith(('http', 'ws')) and f'://{url.split("/")[2]}/' not in r.url and far.append(r.url))
    t = time.perf_counter()
    page.goto(url); page.wait_for_selector(ready, timeout=120_000)
    loaded = time.perf_counter() - t
    def shot(name):
        fits(page)
        if shots: page.wait_for_timeout(300); page.screenshot(path=shots/f'{name}_{width}.png', full_page=True)
    ms = [f(page, shot) for f in steps]
    assert not far, f'the page asks other machines: {sorted(set(far))}'
    assert not faults, f'errors in the browser\'s console: {faults}'
    print(f'{width} pixels: loaded in {loaded:.1f} s; a move is seen after {", ".join(f"{m:.0f}" for m in ms)} ms; no error in the console')
    return page

def browse(url, server, shots, steps, ends=True, **how):
    "Uses the page in a wide and a narrow window, and looks how its kernels end; why not, if there is no browser."
    try: from playwright.sync_api import Error, sync_playwright
    except ModuleNotFoundError: return 'playwright is not installed (pip install playwright)'
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None: return f'none of {", ".join(BROWSERS)} is installed'
    with sync_playwright() as pw:
        try: browser = pw.chromium.launch(executable_path=program, args=['--no-sandbox', '--disable-gpu'])
        except Error as e: return f'{program} does not start ({str(e).splitlines()[0]})'
        others = kernels(server)
        page = use(browser, 1280, url, shots, steps, **how)
        if ends: reloads(page, server, others)
        else: page.close()
        use(browser, 390, url, shots, steps, **how).close()  # as a page that crashes: it does not say that it goes
        browser.close()
    assert not ends or until(lambda: not kernels(server), 100), 'a kernel whose page has gone without a word is still there'

def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--shots', type=Path, help='folder for screenshots; none: no screenshots')
    p.add_argument('--picture', type=Path, help='a file for the picture of the painter that its notebook shows; none: no picture')
    args = p.parse_args()
    if args.shots: args.shots.mkdir(parents=True, exist_ok=True)
    with served() as (url, server):
        strangers(url, server)
        print('strangers are refused, and nothing starts for them')
        why = browse(url, server, args.shots, (where, population, heart))
    with tempfile.TemporaryDirectory() as d, served(*files(Path(d))) as (url, server):
        why = why or browse(url, server, args.shots, (own,))
    with tempfile.TemporaryDirectory() as d:
        marks, folders = to_paint(Path(d)), [Path(d)/o for o in ('images', 'masks')]
        with served(*folders, command='heatcam_paint', room='heatcam.paint') as (url, server):
            why = why or browse(url, server, args.shots, (paint(marks, folders[1], args.picture),), ends=False, ready='.hp canvas:visible')
    print(f'no browser: {why}' if why else 'browser test passed')

if __name__ == '__main__': main()
