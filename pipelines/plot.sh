#!/usr/bin/env bash
# plot.sh [-l] [-p] [-w] [-c COLOURS] [-s SETTINGS] [-x LABEL] [-y LABEL] -o OUT.svg X Y CURVE...: columns X and Y of logs as one plot. A CURVE is NAME=FILE, or NAME=FILE:COLUMN=VALUE for
# the rows with that VALUE, or NAME=FILE:Y2 for another column than Y. Long logs are drawn thin, with their moving average over them. -l: logarithmic; -p: points with deviations, from the
# column Y_sd; -w: as they are, however long; -c: of the curves, as 2f7ed8; -s: gnuplot's; -x, -y: in place of the columns' names.
set -euo pipefail
usage() { sed -n '2s/^# //p' "$0" >&2; exit 2; }
settings='' kind=average out='' x_label='' y_label='' colours=(2f7ed8 d9822b 3a9a5b c0498b 7a5cc9 8a6d3b 4bb8b8 999999)
while getopts lpwc:s:x:y:o: option; do
    case $option in
    l) settings+='set logscale y; set format y "%g";' ;;
    p) kind=points ;;
    w) kind=whole ;;
    c) read -ra colours <<<"$OPTARG" ;;
    s) settings+="$OPTARG;" ;;
    x) x_label=$OPTARG ;;
    y) y_label=$OPTARG ;;
    o) out=$OPTARG ;;
    *) usage ;;
    esac
done
shift $((OPTIND - 1))
if [ -z "$out" ] || [ $# -lt 3 ]; then usage; fi
x=$1 y=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work" "$out.new"' EXIT
command='' n=0
for curve; do
    name=${curve%%=*} file=${curve#*=} where='' column=$y
    if [ ! -e "$file" ]; then
        case $file in
        *:*=*) where=${file##*:} file=${file%:*} ;;
        *:*) column=${file##*:} file=${file%:*} ;;
        esac
    fi
    awk -F'\t' -v x="$x" -v y="$column" -v c="${where%%=*}" -v v="${where#*=}" '
        NR == 1 {for (i = 1; i <= NF; i++) at[$i] = i; if (!(x in at) || !(y in at)) {print "no column " (x in at ? y : x) >"/dev/stderr"; exit 1}; next}
        (c == "" || $at[c] == v) && $at[y] != "-" {print $at[x], $at[y], ((y "_sd") in at && $at[y "_sd"] != "-" ? $at[y "_sd"] : 0)}' "$file" >"$work/$n"
    [ -s "$work/$n" ] || { n=$((n + 1)); continue; }
    colour=${colours[n % ${#colours[@]}]} rows=$(wc -l <"$work/$n")
    [ -z "$command" ] || command+=,
    if [ $kind = points ]; then
        command+=" '$work/$n' using 1:2:3 with yerrorlines lw 2 pt 7 ps .6 lc rgb '#$colour' title '$name'"
    elif [ $kind = whole ] && [ "$rows" -gt 60 ]; then
        command+=" '$work/$n' using 1:2 with lines lw 2.5 lc rgb '#$colour' title '$name'"
    elif [ "$rows" -gt 60 ]; then
        command+=" '$work/$n' using 1:2 with lines lw 1 lc rgb '#a0$colour' notitle, a = NaN, '' using 1:(a = (a == a ? .92 * a + .08 * \$2 : \$2)) with lines lw 2.5 lc rgb '#$colour' title '$name'"
    else
        command+=" '$work/$n' using 1:2 with linespoints lw 2 pt 7 ps .5 lc rgb '#$colour' title '$name'"
    fi
    n=$((n + 1))
done
[ -n "$command" ] || { echo "plot.sh: nothing to draw in $*" >&2; exit 1; }
# The colour of text is replaced by the page's own, so that plots follow it into the dark.
gnuplot <<END | sed 's/rgb( *1, *2, *3)/currentColor/g; s/ color="[a-z]*"//; s/<svg /&role="img" /' >"$out.new"
set terminal svg size 560,$((330 + n / 4 * 20)) dynamic noenhanced font 'system-ui,sans-serif,15' name '$(basename "$out" .svg | tr -c 'a-z0-9\n' _)'
set style line 9 lc rgb '#010203'
set border 3 ls 9
set tics nomirror out scale .5 textcolor rgb '#010203'
set grid y lc rgb '#40888888' lw .7 lt 1
set key above left horizontal textcolor rgb '#010203' samplen 1.5
set xlabel '${x_label:-${x//_/ }}' textcolor rgb '#010203' offset 0,.3
set ylabel '${y_label:-${y//_/ }}' textcolor rgb '#010203'
$settings
plot $command
END
mv "$out.new" "$out"
