"Train the small study that `heatcam_explore` opens when no folder is given, and put it into the package."
import argparse, shutil, sys, tempfile
from pathlib import Path

from heatcam.heart.arms import SIZES, arms, shortcut_study
from heatcam.study.runs import run_studies
from heatcam.study.trials import StudyError

root = Path(__file__).resolve().parent.parent
study = shortcut_study('GAP, hard heart', 'hard', 'glyph', 'small_cnn_gap', arms(('cross-entropy', 'HiResCAM share', 'heatmap loss'), 2), **SIZES)
kept = ('study.json', 'trials')  # not the log, the lock and the mark of the run

def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--out', default=root/'heatcam'/'stored'/'shortcut', type=Path, help='folder of the study; an old one there is replaced')
    p.add_argument('--n_jobs', default=1, type=int, help='worker processes')
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as d:
        try: trials = run_studies([study], d, args.n_jobs)
        except StudyError as e: sys.exit(f'stored_study: {e}')
        shutil.rmtree(args.out, ignore_errors=True); args.out.mkdir(parents=True)
        for o in kept: shutil.move(Path(d)/o, args.out/o)
    size = sum(f.stat().st_size for f in args.out.rglob('*') if f.is_file())
    print(trials[['arm', 'trial', 'lr', 'status', 'valid_accuracy', 'test_accuracy', 'heart_overlap', 'empty_heatmaps']].round(4).to_string(index=False))
    print(f'{len(trials)} trials, {size/1000:.0f} kB')

if __name__ == '__main__': main()
