"""The models that the paper's author recorded, as nbs/experiments/tables/published_models.csv.

    git clone https://github.com/JamesCallanan/Grad-CAM
    python tools/published_models.py Grad-CAM > nbs/experiments/tables/published_models.csv

Made from its state of 11 August 2022 (commit cfe70df). Its two tables have no header; the columns are those of the statements in its db_funcs.py."""
import sys
from pathlib import Path

import pandas as pd

CLASSES = dict(NOR=12, ARV=21, DCM=30, HCM=39)  # where the nine columns of a class begin
HEART, LABEL = 2, 8  # among these: the share of the HiResCAM heatmap on the heart, and on the label

def published_models(root):
    "One row per recorded model; an overlap is the mean of the four classes', and missing where one of theirs is."
    trials, search = (pd.read_csv(Path(root)/'Results'/f'{k}.csv', header=None) for k in ('trials_new', 'search'))
    kind, epochs = (trials[3].map(search.set_index(0)[k]) for k in (1, 3))  # 11, 12, 21, 22: experiment and loss
    mean = lambda k: trials[[at + k for at in CLASSES.values()]].astype(float).mean(axis=1, skipna=False)
    t = pd.DataFrame(dict(experiment=kind//10, arm=(kind % 10).map({1: 'cross-entropy', 2: 'published heatmap loss'}),
                          epochs=epochs, lr=trials[2].astype(float), valid_accuracy=trials[6].astype(float),
                          test_accuracy=trials[9].astype(float), heart_overlap=mean(HEART),
                          label_overlap=mean(LABEL).where(kind//10 == 2)))
    return t.sort_values(['experiment', 'arm', 'epochs', 'lr'], kind='stable')

if __name__ == '__main__': published_models(sys.argv[1]).to_csv(sys.stdout, index=False, float_format='%.10g')
