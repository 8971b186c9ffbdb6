"""How Sphinx builds these pages: `tox -e docs`."""

from __future__ import annotations

from importlib.metadata import version as version_of

project = "flask-altdentifier"
author = "The flask-altdentifier authors"
release = version = version_of("flask-altdentifier")

extensions = ["myst_parser", "sphinx.ext.autodoc", "pallets_sphinx_themes"]
# Docstrings put code and names between single backticks.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_maximum_signature_line_length = 120
autodoc_preserve_defaults = True
myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]
# The theme's domains for click and Jinja cannot be asked for links.
suppress_warnings = ["myst.domains"]

html_theme = "flask"
html_title = f"flask-altdentifier {version}"
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_favicon = "_static/mark.svg"
html_show_copyright = False
html_show_sourcelink = False
html_sidebars = {
    "index": ["searchbox.html", "localtoc.html"],
    "**": ["searchbox.html", "pages.html", "localtoc.html", "relations.html"],
}
