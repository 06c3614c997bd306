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

packages = '', 'study', 'heart'  # what a module may import: earlier rooms of its package, and packages before it

def rooms(ps):
    "Where each module stands, by name: (number of its package, number in it); and what is wrong with the names"
    at, wrong = {}, []
    for p in ps:
        rel, mod, m = p.relative_to(root), default_exp(p), re.fullmatch(r'(\d+)_(\w+)', p.stem)
        folder = '' if p.parent == nbs else str(p.parent.relative_to(nbs))
        if folder not in packages or not m:
            if mod and p != nbs/'index.ipynb': wrong.append(f'{rel}: makes {mod}, but only NN_name.ipynb in {nbs.name}, {nbs.name}/study and {nbs.name}/heart may')
            continue
        want, place = '.'.join(filter(None, [folder, m[2]])), (packages.index(folder), int(m[1]))
        if mod != want: wrong.append(f'{rel}: makes the module {mod}, expected {want} (#| default_exp {want})')
        elif place in at.values(): wrong.append(f'{rel}: another notebook of this folder has the number {m[1]}')
        else: at[mod] = place
        if mod in at and not lib.joinpath(*mod.split('.')).with_suffix('.py').exists():
            wrong.append(f'{rel}: no {lib.name}/{mod.replace(".", "/")}.py: run nbdev_export')
    return at, wrong

def module_of(py): return '.'.join(py.relative_to(lib).with_suffix('').parts)

def imports(py, at):
    "(line, module of this library, names) for all imports in the file `py`, also those inside functions"
    for node in ast.walk(ast.parse(py.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            for o in node.names:
                if o.name.startswith(lib.name + '.'): yield node.lineno, o.name.partition('.')[2], []
        elif isinstance(node, ast.ImportFrom):
            up = py.relative_to(root).parts[:-node.level] if node.level else ()
            path = '.'.join([*up, *filter(None, [node.module])])
            if path.partition('.')[0] != lib.name: continue
            mod = path.partition('.')[2]
            # `from heatcam import cam` names a module; `from heatcam import __version__` does not
            for o in node.names:
                sub = '.'.join(filter(None, [mod, o.name]))
                if sub in at: yield node.lineno, sub, []
                elif mod: yield node.lineno, mod, [o.name]

def check_imports(at):
    "Imports that go up or to no notebook's module, and those of private names"
    for py in sorted(lib.rglob('*.py')):
        rel, me = py.relative_to(root), module_of(py)
        if py.stem in ('__init__', '_modidx'): continue
        if me not in at:
            yield f'{rel}: no numbered notebook makes it'
            continue
        for line, other, names in sorted(set((n, o, tuple(k)) for n, o, k in imports(py, at))):
            if other not in at: yield f'{rel}:{line}: imports {other}, which no numbered notebook makes'
            elif at[other] >= at[me]: yield f'{rel}:{line}: {me} imports {other}, which comes after it'
            for n in names:
                if n.startswith('_') and not n.startswith('__'): yield f'{rel}:{line}: imports {n}, which is private to {other}'

def used_names(tree):
    "All names that a module reads, also in strings that are annotations or name what it exports"
    for node in ast.walk(tree):
        if isinstance(node, ast.Name): yield node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str): yield from re.findall(r'\w+', node.value)

def check_unused(py):
    "Imports of the file `py` that nothing in it uses"
    tree = ast.parse(py.read_text(encoding='utf-8'))
    used = set(used_names(tree))
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Import, ast.ImportFrom)): continue
        for o in node.names:
            name = (o.asname or o.name).partition('.')[0]
            if name not in used and '# ' not in py.read_text(encoding='utf-8').splitlines()[node.lineno - 1]:
                yield f'{py.relative_to(root)}:{node.lineno}: imports {o.name} and does not use it'

max_lines, max_width, max_row = 25, 120, 3

def _exported(s): return re.search(r'^#\s*\|\s*exports?i?\b', s, re.M)
def _body(s): return [o for o in s.splitlines() if o.strip() and not re.match(r'#\s*\|', o)]

def _only_imports(lines):
    tree = ast.parse('\n'.join(lines))
    return all(isinstance(o, (ast.Import, ast.ImportFrom, ast.Expr)) for o in tree.body)

def check_style(p):
    "Export cells and lines that are too long, and export cells without an example among them, of the notebook `p`"
    row = 0
    for c in json.loads(p.read_text(encoding='utf-8'))['cells']:
        if c['cell_type'] != 'code': continue
        s = ''.join(c['source'])
        lines = _body(s)
        if not _exported(s):
            if lines: row = 0
            continue
        wide = [o for o in lines if len(o) > max_width]
        if wide: yield f"cell {c.get('id')} has {len(wide)} lines of more than {max_width} characters: {wide[0].strip()[:50]} …"
        if _only_imports(lines): continue
        if len(lines) > max_lines: yield f"cell {c.get('id')} exports {len(lines)} lines, more than {max_lines}"
        row += 1
        if row == max_row + 1: yield f"cell {c.get('id')} is the {row}th export cell in a row: show an example before it"

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
    wrong += [o for py in sorted(lib.rglob('*.py')) if py.stem not in ('__init__', '_modidx') for o in check_unused(py)]
    wrong += [f'{p.relative_to(root)}: {o}' for p in good if default_exp(p) for o in check_style(p)]
    if not ps: wrong.append(f'no notebooks in {nbs.relative_to(root)}')
    if wrong: sys.exit('\n'.join(wrong) + f'\n{len(wrong)} wrong')
    print(f'{len(ps)} notebooks, {len(nums)} modules: all in order')

if __name__ == '__main__': main()
