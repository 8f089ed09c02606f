#!/usr/bin/env bash
# page.sh PAGE TITLE DIR NOTES FILE... [-- ROW...]: an experiment's report, one file that needs no other: tables (.tsv), plots (.svg), sheets (.png) and networks (.net), in the
# order given, captions from FILE.txt where there is one; and for each ROW how its numbers came about: commands, seeds, versions and checksums, from DIR/ROW.tns itself
# (tls --script) and from the stamps of its stages. NOTES are separated by |.
set -euo pipefail
[ $# -ge 5 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
page=$1 title=$2 dir=$3 notes=$4
shift 4
here=$(dirname "$0")
export LC_ALL=C.UTF-8
escape() { sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g'; }

# The study's columns are grey; a row leads to how it was made.
table() {
    echo '<div class=wide><table>'
    escape <"$1" | awk -F'\t' -v rows=" $rows " '
    NR == 1 {
        printf "<thead><tr>"
        for (i = 1; i <= NF; i++) {grey[i] = $i ~ /^study/; gsub(/_/, " ", $i); printf "<th scope=col>%s", $i}
        print "</thead><tbody>"
        next
    }
    $1 ~ /^verdict: / {printf "<tr><td class=verdict colspan=%d>%s%s\n", NF, toupper(substr($1, 10, 1)), substr($1, 11); next}
    {
        first = index(rows, " " $1 " ") ? "<a href=\"#" $1 "\">" $1 "</a>" : $1
        printf "<tr><td>%s", first
        for (i = 2; i <= NF; i++) printf "<td%s>%s", (grey[i] ? " class=study" : (length($i) > 24 ? " class=text" : "")), $i
        print ""
    }
    END {print "</tbody>"}'
    echo '</table></div>'
}

show() {
    local caption=''
    [ ! -s "$1.txt" ] || caption="<figcaption>$(escape <"$1.txt")</figcaption>"
    case $1 in
    *.tsv) echo '<figure>' && table "$1" ;;
    *.svg) echo '<figure>' && sed -n '/<svg/,$p' "$1" ;;
    *.png) printf '<figure><img alt="%s" src="data:image/png;base64,' "$(basename "$1" .png)" && base64 -w 0 "$1" && echo '">' ;;
    *.net) echo '<figure><pre>' && escape <"$1" && echo '</pre>' ;;
    *) return 0 ;;
    esac
    echo "$caption</figure>"
}

# The commands of a stamp, a line a stage of the pipe.
command() { printf '<pre>%s</pre>\n' "$(sed 's/  */ /g; s/ | / |\n    /g' "$1" | escape)"; }

# How a row was made: its score's command, its model's or scores' history, and their checksums.
row() {
    local stream="$dir/$1.tns" shown=("$dir/$1.tns") f
    if [ -n "$judged" ]; then
        shown+=("$dir/$1.scores.tns" "$dir/$1.score.tsv")
        [ -e "$stream" ] || stream="$dir/$1.scores.tns"
    fi
    echo "<h3 id=\"$1\">$1</h3>"
    [ -z "$judged" ] || [ ! -e "$dir/$1.score.tsv.cmd" ] || command "$dir/$1.score.tsv.cmd"
    [ -e "$stream" ] || stream=
    if [ -n "$stream" ]; then
        [ ! -e "$stream.cmd" ] || command "$stream.cmd"
        echo "<details><summary>The history that $(basename "$stream") itself holds (tls --script)</summary><pre>"
        tls --script "$stream" | escape
        echo '</pre></details>'
    fi
    echo '<dl>'
    for f in "${shown[@]}"; do
        [ ! -e "$f" ] || echo "<dt>$(basename "$f")<dd>sha256 $(sha256sum <"$f" | cut -d' ' -f1)"
    done
    if [ -n "$stream" ]; then
        echo "<dt>made by<dd>$(thead -n 0 "$stream" | tls --head | sed -n 's/^pg=[^ ]* [^ ]* \([^ ]* [^ ]*\) .*/\1/p' | sort -u | paste -sd, | sed 's/,/, /g')"
        echo "<dt>seeds<dd>$(thead -n 0 "$stream" | tls --head | sed -n 's/^pg=[^ ]* [^ ]* \([^ ]*\) .* --seed=\([0-9]*\).*/\1 \2/p' | sort -u | paste -sd, | sed 's/,/, /g')"
    fi
    echo '</dl>'
}

rows=''
files=()
# Scores are told of where there is a table made of them: elsewhere they may be there or not yet, and the page with or without them.
judged=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    case $1 in *.tsv) judged=yes ;; esac
    files+=("$1")
    shift
done
[ $# -eq 0 ] || { shift; rows=$*; }
trap 'rm -f "$page.new"' EXIT
{
    echo '<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">'
    echo "<title>$(escape <<<"$title")</title><style>"
    cat "$here/page.css"
    echo "</style><h1>$(escape <<<"$title")</h1>"
    echo '<ul>'
    tr '|' '\n' <<<"$notes" | sed 's/^ *//; s/ *$//' | sed '/^$/d' | escape | sed 's/^/<li>/'
    echo '</ul>'
    for f in "${files[@]}"; do show "$f"; done
    if [ -n "$rows" ]; then
        echo "<h2>How every number was made</h2><p>The commands as they ran, from pipelines/ with bin/ in PATH; where a stream tells its own history, that too. Run on $(uname -sm), $(nproc) × $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1 | escape).</p>"
        for r in $rows; do row "$r"; done
    fi
    echo '</html>'
} >"$page.new"
mv "$page.new" "$page"
