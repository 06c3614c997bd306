"Hold the notebooks and the modules made from them to the house rules, and list all that is wrong at once."
import ast, json, re, sys
from configparser import ConfigParser
from pathlib import Path

root = Path(__file__).resolve().parent.parent
parser = ConfigParser(delimiters=['='])
parser.read(root/'settings.ini', encoding='utf-8')
cfg = parser['DEFAULT']
nbs, lib = root/cfg['nbs_path'], root/cfg['lib_path']
max_kb = 500

def notebooks():
    "All notebooks below `nbs`"
    return sorted(p for p in nbs.rglob('*.ipynb') if not any(o.startswith('.') for o in p.relative_to(nbs).parts))

def _outputs(nb): return [(c, o) for c in nb['cells'] for o in c.get('outputs', [])]

def check_file(p):
    "What is wrong with the file `p` itself"
    nb = json.loads(p.read_text(encoding='utf-8'))
    for c, o in _outputs(nb):
        if o['output_type'] == 'error':
            yield f"cell {c.get('id')} holds an error: {o.get('ename')}: {o.get('evalue')}"
        if 'site-packages/' in ''.join(o.get('text', [])): yield f"cell {c.get('id')} shows a path of the machine that it ran on"
    if 'widgets' in nb['metadata']: yield 'holds widget state (metadata.widgets)'
    kb = p.stat().st_size/1000
    if kb > max_kb: yield f'has {kb:.0f} KB, more than {max_kb}'

def check_links(p):
    "Links of the notebook `p` to files that are not there"
    for c in json.loads(p.read_text(encoding='utf-8'))['cells']:
        if c['cell_type'] != 'markdown': continue
        for link in re.findall(r'\]\(([^)\s]+)\)', re.sub(r'`[^`\n]+`|^```.*?^```', '', ''.join(c['source']), flags=re.M | re.S)):
            file = link.partition('#')[0]
            if file and not re.match(r'[a-z]+:', file) and not (p.parent/file).exists(): yield f"cell {c.get('id')} links to {link}, which is not there"

def check_sidebar(ps):
    "Notebooks that the documentation's sidebar leaves out, and those that it names and that are not there"
    named = re.findall(r'^\s*- (\S+\.ipynb)$', (nbs/'sidebar.yml').read_text(encoding='utf-8'), re.M)
    there = [str(p.relative_to(nbs)) for p in ps]
    for o in sorted(set(there) ^ set(named)): yield f'{nbs.name}/sidebar.yml: ' + (f'names {o}, which is not there' if o in named else f'leaves out {o}')

def default_exp(p):
    "The module that the notebook `p` says it makes"
    for c in json.loads(p.read_text(encoding='utf-8'))['cells']:
        m = re.search(r'^#\s*\|\s*default_exp\s+(\S+)', ''.join(c['source']), re.M)
        if c['cell_type'] == 'code' and m: return m[1]

def rooms(ps):
    "Number of each module, by name, and what is wrong with the names"
    nums, wrong = {}, []
    for p in ps:
        rel, mod, m = p.relative_to(root), default_exp(p), re.fullmatch(r'(\d+)_(\w+)', p.stem)
        if p.parent != nbs or not m:
            if mod and p != nbs/'index.ipynb': wrong.append(f'{rel}: makes {mod}, but only nbs/NN_name.ipynb may')
        elif mod != m[2]: wrong.append(f'{rel}: makes the module {mod}, expected {m[2]} (#| default_exp {m[2]})')
        elif int(m[1]) in nums.values(): wrong.append(f'{rel}: another notebook has the number {m[1]}')
        else: nums[mod] = int(m[1])
        if mod in nums and not (lib/f'{mod}.py').exists():
            wrong.append(f'{rel}: no {lib.name}/{mod}.py: run nbdev_export')
    return nums, wrong

def imports(py):
    "(line, module of this library) for all imports in the file `py`, also those inside functions"
    for node in ast.walk(ast.parse(py.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import): names = [o.name for o in node.names]
        elif isinstance(node, ast.ImportFrom):
            mod = '.'.join(filter(None, [lib.name if node.level else '', node.module]))
            # `from heatcam import cam` names a module too; `from heatcam import __version__` does not
            names = [f'{mod}.{o.name}' for o in node.names if o.name[0] not in '_*'] if mod == lib.name else [mod]
        else: continue
        for o in names:
            top, _, sub = o.partition('.')
            if top == lib.name and sub: yield node.lineno, sub.split('.')[0]

def check_imports(nums):
    "Imports that go up, or to no notebook's module"
    for py in sorted(lib.rglob('*.py')):
        rel, me = py.relative_to(root), py.stem
        if me.startswith('_') and me != '__init__': continue  # nbdev's index
        if me != '__init__' and me not in nums:
            yield f'{rel}: no numbered notebook makes it'
            continue
        try: found = sorted(set(imports(py)))
        except SyntaxError as e:
            yield f'{rel}: {e}'
            continue
        for line, other in found:
            if other.startswith('_'): continue
            if other not in nums: yield f'{rel}:{line}: imports {other}, which no numbered notebook makes'
            elif me == '__init__': yield f'{rel}:{line}: imports {other}, but every module imports this file first'
            elif nums[other] >= nums[me]:
                yield f'{rel}:{line}: {me} ({nums[me]:02}) imports {other} ({nums[other]:02}), not from a lower number'

def main():
    wrong, ps, good = [], notebooks(), []
    for p in ps:
        try:
            wrong += [f'{p.relative_to(root)}: {o}' for f in (check_file, check_links) for o in f(p)]
            good.append(p)
        except (ValueError, KeyError, TypeError) as e:
            wrong.append(f'{p.relative_to(root)}: is no readable notebook ({e!r})')
    nums, misnamed = rooms(good)
    wrong += misnamed + list(check_imports(nums)) + list(check_sidebar(ps))
    if not ps: wrong.append(f'no notebooks in {nbs.relative_to(root)}')
    if wrong: sys.exit('\n'.join(wrong) + f'\n{len(wrong)} wrong')
    print(f'{len(ps)} notebooks, {len(nums)} modules: all in order')

if __name__ == '__main__': main()
