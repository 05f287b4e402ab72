#!/bin/sh
# Cuts the two icon fonts down to the glyphs named in icons.txt and icons-filled.txt (400 KB become a few dozen).
# Usage: static/fonts/make_icons.sh   (needs: pip install fonttools brotli nicegui==3.18.*)
# The lists hold glyph names; an alias works as well once its glyph is in (place: location_on, mobile: smartphone, note: draft).
# The sources are the Material fonts that NiceGUI carries; the results are committed, so this runs only when a list changes.
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-../../.venv/bin/python}
nicegui=$("$python" -c 'import importlib.util as u; print(u.find_spec("nicegui").submodule_search_locations[0])')

source_of() {
    file=$(grep -A4 "font-family: \"$1\"" "$nicegui/static/fonts.css" | sed -n 's/.*url(\(fonts\/[0-9a-f]*\.woff2\)).*/\1/p' | head -n 1)
    echo "$nicegui/static/$file"
}

cut_font() {
    "$python" -m fontTools.subset "$(source_of "$1")" --glyphs-file="$2" --unicodes=U+0061-007A,U+005F,U+0030-0039 \
        --no-layout-closure --layout-features='*' --no-hinting --desubroutinize --flavor=woff2 --output-file="$3"
}

cut_font 'Material Symbols Rounded' icons.txt maakav-icons.woff2
cut_font 'Material Icons Round' icons-filled.txt maakav-icons-filled.woff2
