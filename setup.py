"Everything a release says about itself is in settings.ini, where nbdev reads it too."
from configparser import ConfigParser
from pathlib import Path
from setuptools import find_packages, setup

here = Path(__file__).resolve().parent
parser = ConfigParser(delimiters=['='])  # as nbdev reads it
parser.read(here/'settings.ini', encoding='utf-8')
cfg = parser['DEFAULT']

extra = '_requirements'  # `dev_requirements = …` is the extra `dev`
setup(
    name=cfg['lib_name'],
    version=cfg['version'],
    description=cfg['description'],
    long_description=(here/'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    author=cfg['author'],
    author_email=cfg['author_email'],
    url=cfg['git_url'],
    keywords=cfg['keywords'],
    license={'apache2': 'Apache-2.0'}[cfg['license']],
    packages=find_packages(include=[cfg['lib_path'], f"{cfg['lib_path']}.*"]),
    include_package_data=True,
    python_requires=f">={cfg['min_python']}",
    install_requires=cfg['requirements'].split(),
    extras_require={k.removesuffix(extra): v.split() for k, v in cfg.items() if k.endswith(extra)},
    entry_points={
        'console_scripts': cfg['console_scripts'].split(),
        'nbdev': [f"{cfg['lib_path']}={cfg['lib_path']}._modidx:d"],  # lets other nbdev projects link to our docs
    },
    zip_safe=False,
)
