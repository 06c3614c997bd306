"Make nbs/images/headline.png from a finished study: python tools/headline.py study"
import json, sys
from pathlib import Path
import matplotlib
matplotlib.use('agg')
import matplotlib.pyplot as plt
import numpy as np
import torch
from heatcam.cam import heatmaps
from heatcam.plots import STYLE, heatmap_bar, plot_heatmap
from heatcam.study.runs import load_trial, trial_table
from heatcam.terms import heat_areas, overlap
from heatcam.heart.phantom import CLASSES
from heatcam.heart.tasks import described_study

plt.style.use(STYLE)
out = Path(sys.argv[1])
study = described_study(json.loads((out/'study.json').read_text())['studies'][1])
trials = trial_table(out, [study])
ph = study.task.sets()[2]
x, mask = torch.tensor(ph.images)[:,None]/255, torch.tensor(ph.mask())
fig, axs = plt.subplots(2, 4, figsize=(11, 4.6), layout='constrained')
shown = None
for row, arm in zip(axs, study.arms):
    # the model of median overlap among those that classify every test image rightly
    t = trials[(trials.arm == arm.name) & (trials.test_accuracy == 1)].sort_values('heart_overlap')
    logits, maps = heatmaps(load_trial(out, study, arm, int(t.trial.iloc[len(t)//2])), x)
    v = overlap(*heat_areas(maps, mask)).numpy()
    if shown is None:  # of each class's males, the one with the median overlap in the first arm
        males = [np.flatnonzero((ph.y == c) & (ph.hearts.sex == 'M')) for c in range(4)]
        shown = [k[np.argsort(v[k])[len(k)//2]] for k in males]
    for c, (ax, k) in enumerate(zip(row, shown)):
        plot_heatmap(ph.images[k], maps[k, 0], ph.mask()[k], ax)
        ax.set_title(f'{CLASSES[c]}: {v[k]:.0%} on the heart', fontsize=12)
    row[0].set_ylabel(arm.name, fontsize=13)
heatmap_bar(axs)
path = Path(__file__).resolve().parent.parent/'nbs'/'images'/'headline.png'
path.parent.mkdir(exist_ok=True)
fig.savefig(path, dpi=100)
