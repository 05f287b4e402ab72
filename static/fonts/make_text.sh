#!/bin/sh
# Cuts Heebo down to the weights the portal is written in, and keeps Latin letters with accents, which hardly anybody needs, apart.
# Usage: static/fonts/make_text.sh FOLDER   (needs: pip install fonttools brotli)
# FOLDER holds the variable font as its package carries it: npm pack @fontsource-variable/heebo@5.3.0, then package/files in it.
# The results are committed; the ranges below are those of tokens.css.
set -eu
source=$(cd "$1" && pwd)
cd "$(dirname "$0")"
python=${PYTHON:-../../.venv/bin/python}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

plain='U+0020-007E,U+00A0,U+00A7,U+00A9,U+00AB,U+00AD,U+00B0,U+00B1,U+00B7,U+00BB,U+00BD,U+00D7,U+2000-200B,U+2011-206F,U+20AC,U+2122,U+2191,U+2193,U+2212'
accented='U+00A1-00A6,U+00A8,U+00AA,U+00AC,U+00AE-00AF,U+00B2-00B6,U+00B8-00BA,U+00BC,U+00BE-00D6,U+00D8-00FF,U+0131,U+0152-0153,U+02BB-02BC,U+02C6,U+02DA,U+02DC,U+2215'

cut_font() {
    "$python" -m fontTools.varLib.instancer "$source/heebo-$1-wght-normal.woff2" wght=400:700 --quiet --output="$work/$2.ttf"
    "$python" -m fontTools.subset "$work/$2.ttf" --unicodes="$3" --layout-features='*' --no-hinting --flavor=woff2 \
        --output-file="heebo-$2.woff2"
}

cut_font hebrew hebrew '*'
cut_font latin latin "$plain"
cut_font latin accented "$accented"
cut_font latin-ext extended '*'
