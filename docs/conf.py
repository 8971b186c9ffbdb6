"""How Sphinx builds these pages: `tox -e docs`."""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "flask-altdentifier"
author = "The flask-altdentifier authors"
release = version = version_of("flask-altdentifier")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "derived_tables",
]
# Docstrings put code and names between single backticks.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 100
napoleon_numpy_docstring = False
napoleon_use_rtype = False
myst_heading_anchors = 3
myst_enable_extensions = ["attrs_inline", "deflist"]
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "furo"
html_title = f"flask-altdentifier {version}"
html_favicon = "_static/mark.svg"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_js_files = ["pages.js"]
html_show_copyright = False
pygments_dark_style = "github-dark"
html_theme_options = {
    "source_repository": "https://github.com/flask-altdentifier/flask-altdentifier/",
    "source_branch": "main",
    "source_directory": "docs/",
    "light_css_variables": {"color-brand-primary": "#0f6b5c", "color-brand-content": "#0f6b5c"},
    "dark_css_variables": {"color-brand-primary": "#6fd3bf", "color-brand-content": "#6fd3bf"},
}
