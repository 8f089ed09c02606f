#!/usr/bin/env bash
# report.sh [--live] DIR: the report of a GAN's training as one page, DIR/report.html, from what is in DIR by now:
# photos.tsv found.png drops.tsv images.tns sheet.png log.tsv samples.tns model.tns final.png scores.tsv score.tsv *.cmd (see demo.mk), and of a classifier, from DIR/../classifier.
# Images and plots are inside the page. --live writes it again as training goes on, until it is killed or the process that started it is gone.
set -euo pipefail
live=
case ${1-} in --live) live=yes; shift ;; esac
if [ $# != 1 ] || [ ! -d "$1" ]; then
    echo 'usage: report.sh [--live] DIR' >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
export LC_ALL=C.UTF-8

escape() { sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g'; }
option() { tr ' ' '\n' <model.tns.cmd | grep -A1 -x -e "$1" | tail -n 1; } # of the training's command
image() { printf '<img alt="%s" src="data:image/png;base64,' "$2" && base64 -w 0 "$1" && echo '">'; }
figure() { echo '<figure>' && cat && echo "<figcaption>$1</figcaption></figure>"; }
minutes() { awk -v s="$1" 'BEGIN {printf "%d:%02d", s / 60, s % 60}'; }
row() { [ -z "$2" ] || echo "<tr><th>$1</th><td>$2</td></tr>"; }

# plot NAME ARGUMENTS...: what plot.sh draws, for the page.
plot() { "$here/plot.sh" -o "$work/$1.svg" "${@:2}" && sed -n '/<svg/,$p' "$work/$1.svg"; }

# metric NAME FILE: a column of tscore's, or of clsfit's log in its last row.
metric() { awk -F'\t' -v name="$1" 'NR == 1 {for (i = 1; i <= NF; i++) at[$i] = i; next} {v = $at[name]} END {print v}' "$2"; }
percent() { awk -v v="$1" 'BEGIN {printf "%.0f%%", 100 * v}'; }

# The classifier of drawn photos and drawn fakes.
classified() {
    local s=$classifier/score.tsv name
    echo '<h2>A classifier: real or fake</h2><p>A small network learnt to tell drawn photos from drawn fakes, photos with a few of the faults that generated faces have.'
    echo "On $(metric n $s) that it hasn't seen it is right in <b>$(percent "$(metric accuracy $s)")</b> (95% interval $(percent "$(metric accuracy_low $s)") to $(percent "$(metric accuracy_high $s)"))."
    echo "The shortcut floor, what a linear model gets from the files' size, format and quantisation and the mean colour alone, is <b>$(percent "$(metric accuracy $classifier/floor.tsv)")</b>.</p><div class=two><div>"
    echo '<table><tr><th></th><th>called fake</th><th>called real</th></tr>'
    echo "<tr><th>is fake</th><td>$(metric tp $s)</td><td>$(metric fn $s)</td></tr><tr><th>is real</th><td>$(metric fp $s)</td><td>$(metric tn $s)</td></tr></table>"
    echo '<table>'
    for name in precision recall specificity f1 auc eer ece; do
        row $name "$(printf '%.3f' "$(metric $name $s)") <small>$(printf '%.3f to %.3f' "$(metric ${name}_low $s)" "$(metric ${name}_high $s)")</small>"
    done
    echo '</table></div>'
    plot curve -w -c c0498b -s 'set xrange [0:1]; set yrange [0:1]' -x 'real photos called fake' -y 'fakes called fake' fpr tpr ROC=$classifier/curve.tsv |
        figure 'The ROC curve: what share of the fakes is found when so many real photos are called fake by mistake. Chance is the diagonal.'
    plot accuracy -s 'set yrange [.4:1]' epoch accuracy training=$classifier/log.tsv:split=train validation=$classifier/log.tsv:split=val |
        figure 'Accuracy an epoch: while learning, and on photos kept for validation.'
    echo '</div>'
    image $classifier/gradcam.png 'heat maps over photos' | figure 'Where it looks (Grad-CAM): warm places speak for fake. Forty of the test photos, with what they are.'
}

page() {
    local classifier rows=$work/rows log=$work/log.tsv done=0 total epoch photos images seconds left columns
    total=$(option --steps)
    # Whole rows only: the last may be half-written.
    if [ -s log.tsv ]; then awk -F'\t' 'NF >= 11' log.tsv >"$log"; else : >"$log"; fi
    sed 1d "$log" >"$rows"
    done=$(tail -n 1 "$rows" | cut -f1)
    done=${done:-0}
    epoch=$(tail -n 1 "$rows" | cut -f2)
    seconds=$(cut -f11 "$rows" | sort -g | awk '{s[NR] = $1} END {if (NR) printf "%.3f", s[int((NR + 1) / 2)]}')
    photos=$(wc -l <photos.tsv)
    images=$(tls images.tns | wc -l)

    cat <<'END'
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
END
    [ -z "$live" ] || echo '<meta http-equiv="refresh" content="5">'
    cat <<'END'
<title>A GAN learns faces</title>
<style>
:root { color-scheme: light dark; --paper: #fdfdfb; --ink: #1d1f21; --soft: #666; --line: #d9d9d4; --box: #f3f3ee }
@media (prefers-color-scheme: dark) { :root { --paper: #16181a; --ink: #e6e6e3; --soft: #a0a0a0; --line: #3a3d40; --box: #1f2225 } }
@media print { :root { --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --box: #f6f6f6 } figure, table, pre { break-inside: avoid } h2 { break-after: avoid } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1.2rem clamp(.8rem, 4vw, 2.5rem) 3rem; max-width: 70rem; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
h1 { font-size: clamp(1.5rem, 5vw, 2.2rem); line-height: 1.15; margin: .3em 0 .2em; letter-spacing: -.02em }
h2 { font-size: 1.2rem; margin: 2.2em 0 .6em; padding-top: .6em; border-top: 1px solid var(--line) }
p { max-width: 46rem; margin: .4em 0 }
.lead, figcaption, .steps { color: var(--soft) }
figure { margin: 0 0 1rem } figcaption { font-size: .88rem; margin-top: .35em; max-width: 46rem }
img { display: block; width: 100%; height: auto; border-radius: 4px; image-rendering: auto }
.over { display: grid; grid-template-columns: auto 1fr; gap: 0 .7em } .steps { display: flex; flex-direction: column; font-size: clamp(.65rem, 2vw, .9rem); font-variant-numeric: tabular-nums; text-align: right } .steps span { flex: 1; display: flex; align-items: center; justify-content: flex-end }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: .5rem 2rem } svg { width: 100%; height: auto; display: block }
table { border-collapse: collapse; width: 100%; max-width: 46rem } th, td { text-align: left; font-weight: 400; padding: .3em 1em .3em 0; border-bottom: 1px solid var(--line); vertical-align: top; font-variant-numeric: tabular-nums } th { color: var(--soft); white-space: nowrap } small { color: var(--soft) }
pre { background: var(--box); border-radius: 4px; padding: .8em 1em; font: .82rem/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; margin: .4em 0 1em }
progress { width: 100%; max-width: 46rem; height: .6rem; accent-color: #d9822b }
</style>
<h1>A GAN learns faces</h1>
END
    if [ -n "$live" ]; then
        left=$(awk -v n="$((total - done))" -v s="${seconds:-0}" 'BEGIN {print n * s}')
        echo "<p class=lead>Training: step $done of $total${seconds:+, about $(minutes "$left") left}. This page renews itself.</p>"
        echo "<progress max=$total value=$done></progress>"
    else
        echo "<p class=lead>$images $([ -s found.png ] && echo faces || echo photos), $done steps of training, $(minutes "$(awk -F'\t' '{s += $11} END {print s + 0}' "$rows")") minutes.</p>"
    fi

    if [ -s final.png ]; then
        echo '<h2>What it draws now</h2>'
        image final.png 'faces from the trained generator' | figure 'Sixty images from the trained generator, each from noise that it never saw while training.'
    fi

    # A stream that grows is whole after every sample, but may be caught in between, or before the first.
    if [ -s samples.tns ] && cp samples.tns "$work/samples.tns" && { tcheck "$work/samples.tns" 2>"$work/err" || [ -z "$live" ]; } &&
        [ "$(tls "$work/samples.tns" | wc -l)" -gt 0 ]; then
        tgrep -e 'key=/00000[0-9]$' -o "$work/shown.tns" "$work/samples.tns"
        columns=$(option --sample-count)
        ((columns < 10)) || columns=10
        tview --columns "$columns" --gap 0 -o "$work/samples.png" "$work/shown.tns"
        echo '<h2>Learning</h2>'
        {
            echo '<div class=over><div class=steps>'
            tls "$work/shown.tns" | awk -F'\t' -v c="$columns" 'NR % c == 1 {for (i = 5; i <= NF; i++) if (sub(/^step=/, "", $i)) print "<span>" $i "</span>"}'
            echo '</div>'
            image "$work/samples.png" 'samples at several steps of training'
            echo '</div>'
        } | figure 'A row a step of training (its number at the left), the same noise down a column.'
    fi

    echo '<h2>The photos</h2>'
    if [ -s found.png ]; then
        image found.png 'photos with boxes around faces' |
            figure "The first of $photos photos, and what the detector (faceyolo) found in them, with how sure it was. Faces of less than 24 pixels a side were passed over, $(cut -f2 drops.tsv | grep -c small || true) in all; $(cut -f2 drops.tsv | grep -c no-face || true) photos had no face."
    fi
    if [ -s sheet.png ]; then image sheet.png 'the first images' | figure "The first 60 of $images $([ -s found.png ] && echo faces || echo photos), as the networks see them."; fi

    if [ "$(wc -l <"$rows")" -ge 2 ]; then
        echo '<h2>Training</h2><div class=two>'
        local steps=(-s "set xrange [0:$total]" -x 'generator steps') shares=()
        plot losses "${steps[@]}" -y loss step loss_d discriminator="$log" generator="$log":loss_g |
            figure 'Losses. Neither is meant to reach zero: each network is the task of the other.'
        awk -F'\t' '$5 < 0 || $5 > 1 || $6 < 0 || $6 > 1 {exit 1}' "$rows" && shares=(-s 'set yrange [0:1]')
        plot verdicts "${steps[@]}" "${shares[@]}" -c '3a9a5b c0498b' -y verdict step d_real real="$log" generated="$log":d_fake |
            figure 'What the discriminator says of photos and of generated images: 1 is real, 0 is not; both near ½ when it cannot tell.'
        plot gradient -l "${steps[@]}" -c 7a5cc9 -y 'mean |gradient|' step grad_g_mean generator="$log" |
            figure 'Mean absolute gradient at the last layer of the generator. Near zero it would have vanished; growing without end, exploded.'
        plot norms -l "${steps[@]}" -c 'd9822b 2f7ed8' -y 'norm' step grad_g_norm generator="$log" discriminator="$log":grad_d_norm |
            figure 'Norm of the whole gradient, each network.'
        echo '</div>'
    fi

    if [ -s scores.tsv ] && [ -s score.tsv ]; then
        local floor
        floor=$(awk -F'\t' '$1 ~ /_avg_floor$/ && $2 != "-" {print $2}' score.tsv)
        awk -F'\t' -v floor="${floor:--}" '{print $1 "\t" $3 "\t" (NR == 1 ? "floor" : floor)}' scores.tsv >"$work/scores.tsv"
        echo '<h2>How far off it is</h2><div class=two>'
        plot score -l -s "set xrange [0:$total]" -x 'generator steps' -y distance -c 'd9822b 3a9a5b' step value 'generated against photos'="$work/scores.tsv" 'photos against photos'="$work/scores.tsv":floor |
            figure "Distance from $(awk -F'\t' 'NR == 2 {print $7 " generated images to the " $6 " photos"}' scores.tsv), in the features of a small network that was trained on drawn photos only: fd[draw]. It isn't FID, and compares with nothing but itself."
        echo '</div><table><tr><th>metric</th><th>value</th><th>N</th></tr>'
        sed 1d score.tsv | escape | awk -F'\t' '{printf "<tr><td>%s<br><small>%s</small></td><td>%s</td><td>%s, %s</td></tr>\n", $1, $7, $2, $5, $6}'
        echo '</table>'
    fi

    classifier=../classifier
    if [ -s $classifier/score.tsv ] && [ -s $classifier/floor.tsv ] && [ -s $classifier/gradcam.png ]; then classified; fi

    echo '<h2>Figures</h2><table>'
    if [ -s found.png ]; then
        row 'photos' "$photos"
        row 'faces cut out of them' "$images"
    else
        row 'photos' "$photos$([ "$photos" = "$images" ] || echo ", $((photos - images)) of them dropped (not readable)")"
    fi
    row 'steps' "$done of $total"
    row 'passes over the images' "$epoch"
    row 'seconds a step (median)' "$seconds"
    row 'photos a second' "${seconds:+$(awk -v b="$(option -b)" -v s="$seconds" 'BEGIN {printf "%.0f", b / s}')}"
    row 'batch' "$(option -b)"
    row 'learning rates' "generator $(option --lr-g), discriminator $(option --lr-d)"
    row 'made by' "$(ganstep --version | cut -d' ' -f2-)"
    row 'on' "$(uname -sm), $(nproc) × $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1 | escape)"
    echo '</table>'

    echo '<h2>How it was made</h2><p>The commands as they ran, each when what it needs had changed; from the top folder, with bin/ in PATH.</p>'
    local stage
    for stage in drawn images.tns found.png sheet.png model.tns final.png scores.tsv score.tsv $classifier/{photos,train,model}.tns $classifier/{score.tsv,gradcam.png,floor.tsv}; do
        [ ! -s "$stage.cmd" ] || { echo '<pre>' && sed 's/ | / |\n    /g' "$stage.cmd" | escape && echo '</pre>'; }
    done
    if [ -s model.tns ]; then
        echo '<p>And as the model itself remembers them (<code>tls --script</code>):</p><pre>'
        tls --script model.tns | escape
        echo '</pre>'
    fi
    echo '</html>'
}

# Written beside and renamed: a browser never sees half of it.
write() {
    page >report.html.new
    mv report.html.new report.html
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "$live" ]; then
    write
else
    trap 'wait; exit' TERM
    while kill -0 $PPID 2>/dev/null; do
        stamp=$(stat -c %Y-%s log.tsv 2>/dev/null || true)
        if [ "$stamp" != "${last-none}" ]; then
            # On its own, so that a page that fails doesn't end the watch.
            write &
            wait $! || true
            last=$stamp
        fi
        for _ in 1 2 3 4 5; do sleep 1; done
    done
fi
