"""How Sphinx builds the documentation; `tools/docs.py` gives it the pages. Readers load nothing from elsewhere."""

from pathlib import Path

project = "Carefund"
html_title = "Carefund"
extensions = ["myst_parser"]
language = "en"
myst_heading_anchors = 3
suppress_warnings = [
    "myst.header",  # rules are third-level headings, so that their numbers are small beside the page's title
]

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["carefund.css"]
html_favicon = "static/mark.svg"
html_search_scorer = str(Path(__file__).with_name("scorer.js"))
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_last_updated_fmt = None
pygments_style = "tango"
pygments_dark_style = "github-dark"
html_theme_options = {
    "light_logo": "mark.svg",
    "dark_logo": "mark.svg",
    "navigation_with_keys": True,
    "footer_icons": [],
}
