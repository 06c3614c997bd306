"Use the commands as a person does who sits at a terminal: to the end, stopped by Ctrl-C and continued, read by somebody who goes away."
import argparse, os, re, signal, socket, subprocess, sys, tempfile, time
from pathlib import Path

import pexpect, psutil

BIN = Path(sys.executable).parent  # where this environment's commands are

def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]

def program(line): return str(BIN/line.split()[0]), line.split()[1:]

def start(line, columns=80):
    "The command `line` on a terminal of that width; what it prints goes to ours too."
    print(f'\n$ {line}')
    name, args = program(line)
    return pexpect.spawn(name, args, dimensions=(24, columns), encoding='utf-8', timeout=300, logfile=sys.stdout, preexec_fn=hears)

def hears(): signal.signal(signal.SIGINT, signal.SIG_DFL)  # also where this was started with nohup or &, which ignore Ctrl-C

def family(child): return psutil.Process(child.pid).children(recursive=True)

def ends(child, kin, code, limit=60):
    "Waits for the end. All that was on the terminal since the last look."
    t = time.time()
    child.expect(pexpect.EOF, timeout=limit)
    child.close()
    assert child.exitstatus == code, f'ended with {child.exitstatus or child.signalstatus}, expected {code}'
    gone, left = psutil.wait_procs(kin, timeout=5)
    assert not left, f'still there: {[p.cmdline() for p in left]}'
    print(f'ended after {time.time() - t:.1f} s, {len(gone)} processes with it')
    return child.before

def screen(text):
    "The lines that stay on the terminal: what stands after the last return to a line's start."
    return [line.rstrip('\r').rpartition('\r')[2].replace('^C', '').rstrip() for line in text.split('\n')]

def find(lines, pattern):
    "The only line that looks like `pattern`."
    found = [o for o in lines if re.fullmatch(pattern, o)]
    assert len(found) == 1, f'{len(found)} lines look like {pattern!r} in\n' + '\n'.join(lines)
    return found[0]

def stopped_and_continued(out):
    line = f'heatcam_reproduce --preset quick --n_jobs 2 --out {out}'
    child = start(line)
    child.expect(r'trials [1-9]\d*/12')
    kin = family(child)
    assert len(kin) > 1, 'no workers'
    child.sendintr()
    lines = screen(ends(child, kin, 1))
    assert 'Traceback' not in child.before
    find(lines, rf'heatcam_reproduce: stopped\. What is finished is in {out}; the same command goes on from there')
    child = start(line)
    child.expect(r'trials that are there already: (\d+)')
    assert int(child.match[1])
    lines = screen(ends(child, [], 0, 600))
    find(lines, r'trials (\d+)/\1, 00:00 left █+')
    find(lines, 'experiment 1')  # the table starts on a line of its own
    assert all(len(o) < 100 for o in lines if re.match(r' *(experiment|heatmap loss|cross-entropy|[12] )', o)), 'wide tables'
    assert (Path(out)/'report.html').stat().st_size > 10**5

def narrow(out):
    child = start(f'heatcam_study 07_tradeoff --quick --n 1 --n_jobs 2 --out {out}', columns=34)
    lines = screen(ends(child, [], 0, 600))
    for what in ('learning rates', 'trials'): find(lines, rf'{what} (\d+)/\1, 00:00 left █+')
    bars = [o for o in re.split(r'[\r\n]+', child.before) if re.match(r'(learning rates|trials) \d', o)]
    assert len(bars) > 8 and max(map(len, bars)) <= 34, 'a bar that does not fit is a new line for each of its states'

def reader_goes_away(out):
    line = f'heatcam_study 07_tradeoff --quick --n 1 --n_jobs 2 --out {out}'
    print(f'\n$ {line} | head -1')
    name, args = program(line)
    writer = subprocess.Popen([name, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    print(writer.stdout.readline(), end='')
    kin = psutil.Process(writer.pid).children(recursive=True)
    writer.stdout.close()
    said = writer.stderr.read()
    assert writer.wait(120) == 1 and said.startswith('heatcam_study: stopped, as nobody reads'), said
    assert not psutil.wait_procs(kin, timeout=5)[1]
    print(said)

def demonstration(out):
    port = free_port()
    child = start(f'heatcam_explore --no_browser --port {port}')
    child.expect(rf'heatcam_explore: open http://127\.0\.0\.1:{port}/\S+ in a browser of this machine; Ctrl-C ends it')
    child.sendintr()
    ends(child, family(child), 0)

SUSPECT = """
import sys
from pathlib import Path
import torch
from fastai.basics import *
from fastai.callback.all import *
from PIL import Image
from heatcam.callbacks import HiResCAMLoss
from heatcam.masks import shape_dls, stamped_shapes
set_seed(0)
body = ConvLayer(1, 16, 5, stride=2), ConvLayer(16, 32, stride=2), ConvLayer(32, 32, stride=2)
net = nn.Sequential(*body, nn.Flatten(), nn.Linear(32*64, 2))
learn = Learner(shape_dls(), net, loss_func=CrossEntropyLossFlat(), cbs=HiResCAMLoss(weight=0))
with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(4, 3e-3)
out, ds = Path(sys.argv[1]), stamped_shapes(60, seed=5)
for kind in ('images', 'masks'):
    for c in ds.vocab: (out/kind/c).mkdir(parents=True)
for i, (im, y, m) in enumerate(zip(ds.images, ds.y, ds.masks)):
    Image.fromarray(im[0].numpy()).save(out/'images'/ds.vocab[y]/f'{i}.png')
    Image.fromarray(m.numpy()).save(out/'masks'/ds.vocab[y]/f'{i}.png')
torch.save(learn.model, out/'suspect.pth')
"""

def audited(out):
    "A network that reads a stamp, from files: the bar goes on to its end, the alarm is told, the page is there."
    subprocess.run([sys.executable, '-W', 'ignore', '-c', SUSPECT, out], check=True)
    line = f'heatcam_audit {out}/suspect.pth {out}/images --masks {out}/masks --out {out}/audit.html'
    said = ends(child := start(line), [], 1, 120)  # a pickle runs code: not without --trust
    assert '--trust' in said and 'Traceback' not in said
    child = start(f'{line} --trust')
    child.expect(r'changing images: +\d+%')
    lines = screen(ends(child, [], 0, 120))
    find(lines, 'Many answers depend on the outside.')
    assert (Path(out)/'audit.html').stat().st_size > 5*10**4 and (Path(out)/'MODEL_CARD.md').exists()

def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.parse_args()
    os.environ |= dict(LC_ALL='C.UTF-8', TERM='xterm')
    with tempfile.TemporaryDirectory() as d:
        for f in (stopped_and_continued, narrow, reader_goes_away, audited, demonstration): f(f'{d}/{f.__name__}')
    print('terminal test passed')

if __name__ == '__main__': main()
