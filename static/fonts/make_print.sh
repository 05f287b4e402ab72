#!/bin/sh
# Joins the cuts of Heebo into one plain font for the PDFs we write, which no browser reads: regular and bold.
# Usage: static/fonts/make_print.sh   (needs: pip install fonttools brotli)
# The results are committed; run it again after make_text.sh.
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-../../.venv/bin/python}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for weight in 400 700; do
    for cut in hebrew latin accented extended; do
        "$python" -m fontTools.varLib.instancer "heebo-$cut.woff2" wght=$weight --quiet --output="$work/$cut.ttf"
    done
    "$python" -m fontTools.merge --output-file="heebo-print-$weight.ttf" --drop-tables=GSUB,GPOS,GDEF,STAT \
        "$work/hebrew.ttf" "$work/latin.ttf" "$work/accented.ttf" "$work/extended.ttf"
    # two fonts of one name are one to a PDF
    "$python" - "heebo-print-$weight" <<'NAMED'
import sys
from fontTools.ttLib import TTFont
font = TTFont(sys.argv[1] + '.ttf')
for record in font['name'].names:
    if record.nameID in (1, 4, 6):
        record.string = sys.argv[1]
font.save(sys.argv[1] + '.ttf')
NAMED
done
