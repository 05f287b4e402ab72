"""NiceGUI's page without Quasar: none of its elements is used here but the three every page stands on, and it was half of a first visit."""

import re

from jinja2 import ChoiceLoader, DictLoader
from nicegui import client, core

PAGE = 'index.html'

# what NiceGUI's own page loads and nobody here looks at; each stands in it exactly once
_NOT_NEEDED = (
    r'@import url\("[^"]*/fonts\.css"\)[^\n]*\n',
    r'\{% if prod_js %\}\s*@import.*?\{% endif %\}',
    r'@layer quasar \{.*?\n      \}\n',
    r'\{% if prod_js %\}\s*<script.*?\{% endif %\}',
    r'<script defer src="[^"]*/lang/[^"]*"></script>',
)

_INSTEAD = r"""
        for (const tag of ['q-layout', 'q-page-container', 'q-page'])
            app.component(tag, {props: ['view'], render() { return Vue.h('div', {class: tag}, this.$slots.default?.()); }});
        const device = matchMedia('(prefers-color-scheme: dark)');
        const paint = (dark) => {
            document.body.classList.toggle('body--dark', dark);
            document.body.classList.toggle('body--light', !dark);
        };
        darkSetter = (dark) => {
            device.onchange = dark === None ? () => paint(device.matches) : null;
            paint(dark ?? device.matches);
        };
        setDark(dark);
"""
"""In the place of Quasar's own beginning: the three elements, and light or dark as the person or his device wants it."""


def lean(page: str) -> str:
    """NiceGUI's template of a page without what is not needed; an error when another version of it looks different."""
    for part in _NOT_NEEDED:
        page, found = re.subn(part, '', page, flags=re.DOTALL)
        if found != 1:
            raise RuntimeError(f"NiceGUI's page has {found} times what should be left out of it: {part}")
    return page


def use() -> None:
    """Let every page be lean. NiceGUI is told through two places of its own: its template, and what a page does before it is shown."""
    loader = client.templates.env.loader
    if isinstance(loader, ChoiceLoader):  # another portal in this process, as in tests
        return
    assert loader is not None  # it reads its own folder
    page, _, _ = loader.get_source(client.templates.env, PAGE)
    client.templates.env.loader = ChoiceLoader([DictLoader({PAGE: lean(page)}), loader])
    core.app.config.vue_config_script = _INSTEAD
