"Make README.md from nbs/index.ipynb. With `--check`, only say whether it is up to date."
import argparse, posixpath, re, sys
from pathlib import Path
import nbformat
from nbconvert import MarkdownExporter
from traitlets.config import Config

root = Path(__file__).resolve().parent.parent
index, readme = root/'nbs/index.ipynb', root/'README.md'
note = '<!-- Made by tools/readme.py from nbs/index.ipynb: edit the notebook. -->\n\n'

_directive = re.compile(r'^#\s*\|[^\n]*\n?', re.M)
_code = re.compile(r'(^ *```.*?^ *```|`[^`\n]+`)', re.M | re.S)
_link = re.compile(r'''(\]\(|(?:src|href)=["'])([^)"'\s]+)''')

def _relink(md):
    "`md` with links that hold from the top folder, where the notebook's hold from `nbs`"
    def _one(m):
        pre, url = m.groups()
        if re.match(r'[a-z][a-z0-9+.-]*:|[#/]', url, re.I): return m[0]
        path, hash_, part = url.partition('#')
        path = posixpath.normpath(posixpath.join('nbs', path))
        if not (root/path).exists(): raise ValueError(f'links to {url}, which does not exist')
        return pre + path + hash_ + part
    return ''.join(s if i % 2 else _link.sub(_one, s) for i, s in enumerate(_code.split(md)))

def _clean_output(o):
    "What of an output a reader of plain files should see; `None` for nothing"
    if o.output_type == 'error': raise ValueError('holds an error')
    if o.output_type == 'stream': return o if o.name == 'stdout' else None
    if any(k.startswith('image/') for k in o.data): raise ValueError('shows an image: save it and link to it instead')
    if 'text/markdown' in o.data: o.data['text/markdown'] = _relink(o.data['text/markdown'])
    # GitHub prints the text of <style>
    if 'text/html' in o.data: o.data['text/html'] = re.sub(r'<style.*?</style>', '', o.data['text/html'], flags=re.S)
    # a stand-in such as <IPython.core.display.HTML object> must not hide the real thing
    if o.data.get('text/plain', '').startswith('<IPython.core.'): del o.data['text/plain']
    return o if o.data else None

def _clean_cell(c):
    "`c` as it goes into the README; `None` when it stays out"
    if c.cell_type == 'markdown': return c | dict(source=_relink(c.source))
    directives = {re.sub(r'[#|\s]+', ' ', d).strip() for d in _directive.findall(c.source)}
    src = _directive.sub('', c.source).strip()
    if c.cell_type != 'code' or 'hide' in directives or not src: return
    meta = {'transient': {'remove_source': True}} if 'echo: false' in directives else {}  # as Quarto has it
    return c | dict(source=src, metadata=meta, outputs=[o for o in map(_clean_output, c.outputs) if o])

def make_readme():
    "The text of the README"
    nb, cells = nbformat.read(index, as_version=4), []
    for i, c in enumerate(nb.cells):
        try: cells.append(_clean_cell(c))
        except ValueError as e: sys.exit(f'{index.relative_to(root)}: cell {i} ({c.get("id")}) {e}')
    nb.cells = [nbformat.from_dict(c) for c in cells if c]
    nb.metadata = nbformat.from_dict({'language_info': {'name': 'python'}})  # the word after ```
    cfg = Config()
    # plain text first: a data frame's HTML is unreadable where its style is not applied
    cfg.NbConvertBase.display_data_priority = ['text/markdown', 'text/plain', 'text/html']
    md, _ = MarkdownExporter(config=cfg).from_notebook_node(nb)
    md = '\n'.join(o if o.strip() else '' for o in md.splitlines())
    parts = re.split(r'(^```.*?^```$)', md, flags=re.M | re.S)  # blank lines inside code are the author's
    return note + ''.join(s if i % 2 else re.sub(r'\n{3,}', '\n\n', s) for i, s in enumerate(parts)).strip() + '\n'

def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--check', action='store_true', help='write nothing; exit 1 when README.md is not up to date')
    check, text = p.parse_args().check, make_readme()
    if not check: readme.write_text(text, encoding='utf-8')
    elif not readme.exists() or readme.read_text(encoding='utf-8') != text:
        sys.exit('README.md is not up to date with nbs/index.ipynb: run `python tools/readme.py`')

if __name__ == '__main__': main()
