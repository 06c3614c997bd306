"Make nbs/images/before_after.png, the front page's picture: python tools/front_picture.py"
from pathlib import Path
import matplotlib
matplotlib.use('agg')
import matplotlib.pyplot as plt
import torch
from heatcam.dependence import dependence_map
from heatcam.masks import ImageMaskSet, image_mask_dls
from heatcam.plots import STYLE
from heatcam.study.trials import train_trial
from heatcam.heart.phantom import CLASSES
from heatcam.heart.sets import tagged_phantoms
from heatcam.heart.questions import question_studies

plt.style.use(STYLE)
torch.set_num_threads(1)
study = next(s for s in question_studies('12_few_masks') if s.name == 'flatten, moving heart')
trained = [train_trial(study, study.arm(a), 0, .003) for a in ('cross-entropy', '8 balanced, swap')]
# new hearts whose glyph tells, as those of training do
ph = tagged_phantoms(400, study.task.spec, study.task.tag, study.task.data_seed(0), 'valid', 1.)
images = ImageMaskSet(ph.images, ph.y)
maps = [dependence_map(learn, image_mask_dls(images, images, bs=64, device='cpu').valid, n=400) for _, learn in trained]

fig = plt.figure(figsize=(9.6, 3.4), layout='constrained')  # read on a phone, too: few words, and large ones
left, mid, right = fig.subfigures(1, 3, width_ratios=[1.05, .93, 1.17])
for k, ax in enumerate(left.subplots(2, 2).flat):
    ax.imshow(ph.images[k], cmap='gray', vmin=0, vmax=255)
    ax.set_axis_off()
    ax.set_title(CLASSES[ph.y[k]], fontsize=12)
left.suptitle('in training, the white glyph\nnames the class', fontsize=12)
top = max(m.flips.max() for m in maps)  # the same colours for both
for part, m, (row, _), name in zip((mid, right), maps, trained, ('before', 'after, with 8 masks')):
    ax = part.subplots()
    m.plot(ax, vmax=top)
    ax.set_title(f'{name}: {row["test_accuracy"]:.1%} right\nwhere the glyph says nothing', fontsize=12)
    bar = part.axes[-1]
    if part is mid: bar.remove()  # one for both
    else: bar.set_ylabel('share of answers that change', fontsize=12)
path = Path(__file__).resolve().parent.parent/'nbs'/'images'/'before_after.png'
fig.savefig(path, dpi=115)
print([round(row['test_accuracy'], 3) for row, _ in trained], path.stat().st_size//1000, 'KB')
