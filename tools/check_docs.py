"""Does nbdev build the documentation's page of every notebook? As nbdev_docs does it, without Quarto, which makes HTML of them afterwards.

nbdev runs the cells that export or import, and no others: a cell that imports and goes on with what another cell has made fails there, and nowhere else."""
import os, sys, warnings
from contextlib import redirect_stdout
from io import StringIO
from nbdev.config import get_config
from nbdev.doclinks import nbglob
from nbdev.process import NBProcessor
from nbdev.processors import FilterDefaults

def page(p):
    "The notebook of the page of `p`"
    os.chdir(p.parent)
    with redirect_stdout(StringIO()):
        proc = NBProcessor(p, procs=FilterDefaults().procs(), rm_directives=True)
        proc.process()
    return proc.nb

def main():
    warnings.filterwarnings('ignore')
    wrong, ps = [], [p.absolute() for p in nbglob(get_config().nbs_path, as_path=True).sorted()]
    for p in ps:
        try: nb = page(p)
        except Exception as e: wrong.append(f'{p.name}: {str(e)[:300]}\n  {e.__cause__!r}')
        else:
            if not any(c.source.strip() for c in nb.cells): wrong.append(f'{p.name}: nothing is left of it')
    if wrong: sys.exit('\n'.join(wrong) + f'\n{len(wrong)} of {len(ps)} pages fail')
    print(f'{len(ps)} pages: all build')

if __name__ == '__main__': main()
