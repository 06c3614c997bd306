"Make nbs/images/mask_budget.png from the stored table of the mask budget: python tools/budget_picture.py"
from pathlib import Path
import matplotlib
matplotlib.use('agg')
import matplotlib.pyplot as plt
import pandas as pd
from heatcam.masks import show_outline
from heatcam.plots import STYLE
from heatcam.study.report import ARM_COLORS, plot_curves
from heatcam.heart.sets import tagged_phantoms
from heatcam.heart.questions import HEARTS, SHARES, TAGS

nbs = Path(__file__).resolve().parent.parent/'nbs'
trials = pd.read_csv(nbs/'experiments/tables/06_mask_budget.csv')
trials = trials[trials.status == 'selected']
plt.style.use(STYLE)
fig = plt.figure(figsize=(11, 4), layout='constrained')
left, right = fig.subfigures(1, 2, width_ratios=[1, 3])
ph = tagged_phantoms(8, HEARTS['hard'], TAGS['glyph'], 0, 'train', 1.)
for k, ax in enumerate(left.subplots(2, 2).flat):
    ax.imshow(ph.images[k], cmap='gray', vmin=0, vmax=255)
    show_outline(ph.mask()[k], ax)
    ax.set(xticks=[], yticks=[])
left.suptitle('Four classes: the glyph is the\neasier cue, the heart the right one', fontsize=11)
for ax, (study, t) in zip(right.subplots(1, 2, sharey=True), trials.groupby('study', sort=False)):
    g = {a: o.test_accuracy.values for a, o in t.groupby('arm', sort=False)}
    curve = {f'{round(1600*s):,}': g[f'{s:.1%}'.replace('.0%', '%')] for s in SHARES}
    plot_curves({study: curve}, 'training images with a mask, of 1,600', '', ax,
                {'cross-\nentropy': g['cross-entropy'], 'no glyph\nto learn': g['tag at random']}, colors={study: ARM_COLORS['recipe']})
    ax.axhline(.25, color='k', lw=.8, ls=':')
    ax.set_title({'flatten': 'flatten head', 'GAP': 'global average pool'}[study.split(',')[0]], fontsize=11)
    ax.set(ylim=(.18, 1.02))
right.axes[0].set_ylabel('accuracy where the glyph tells nothing', fontsize=11)
fig.savefig(nbs/'images/mask_budget.png', dpi=100)
