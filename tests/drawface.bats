#!/usr/bin/env bats
# shellcheck disable=SC2086 # $o holds several options
# drawface: the same photos for any number of threads and any part of a set, and metadata that is true and varied.

bats_require_minimum_version 1.5.0

setup() {
    PATH="$BATS_TEST_DIRNAME/../bin:$PATH"
    t=$BATS_TEST_TMPDIR
}

pixels() {
    python3 "$BATS_TEST_DIRNAME/pixels.py" "$@"
}

# The records of a stream, a line each: key, a tab, the metadata's other lines, tab-separated.
records() {
    pixels list "$1" | awk -F'\t' '$1 == "R" {sub(/^R\t/, ""); print}'
}

sums() {
    python3 "$BATS_TEST_DIRNAME/sums.py" "$1"
}

# How many different values a name has in a stream.
values() {
    records "$1" | tr '\t' '\n' | grep "^$2=" | sort -u | wc -l
}

@test "any number of threads gives the same bytes" {
    for o in "" "--style fake" "--scene --size 96"; do
        drawface -n 9 -j 1 $o >"$t/one"
        drawface -n 9 -j 2 $o >"$t/two"
        drawface -n 9 -j 5 $o | cmp - "$t/one"
        cmp "$t/one" "$t/two"
    done
}

@test "the first of many are the same as few, and a set can be drawn in parts" {
    drawface -n 8 | tls >"$t/many"
    drawface -n 3 | tls | cmp - <(head -n 3 "$t/many")
    drawface -n 8 -o "$t/all"
    drawface -n 3 -o "$t/a"
    drawface -n 5 --start 3 -o "$t/b"
    sums "$t/all" >"$t/all.sums"
    { sums "$t/a"; sums "$t/b"; } | cmp - "$t/all.sums"
    [ "$(cut -d' ' -f2 "$t/all.sums" | sort -u | wc -l)" = 8 ]
}

@test "the bytes don't depend on the processor or the compiler" {
    # they change only when the drawing is changed on purpose: then look at it, and write these anew
    for o in "-n 3" "-n 3 --style fake" "-n 2 --scene --size 120x80"; do
        drawface $o >"$t/s"
        sums "$t/s" | cut -d' ' -f1,2
    done >"$t/sums"
    diff "$BATS_TEST_DIRNAME/data/drawface.sums" "$t/sums"
}

@test "another seed or style, other photos; the header says what they are" {
    drawface -n 2 >"$t/a"
    drawface -n 2 --seed 1 >"$t/b"
    drawface -n 2 --style fake >"$t/c"
    run ! cmp -s "$t/a" "$t/b"
    run -1 --separate-stderr pixels near "$t/a" "$t/b" 20
    run -1 --separate-stderr pixels near "$t/a" "$t/c" 20
    tcheck "$t/a" "$t/b" "$t/c"
    tls --head "$t/a" | tr '\t' '\n' >"$t/head"
    for line in kind=images axes=hwc range=0:255 space=srgb; do [ "$(grep -cx "$line" "$t/head")" = 1 ]; done
    grep -q 'drawface --count=2 --size=64 --style=real --start=0 --label=real --seed=0$' "$t/head"
}

@test "every size, square or not" {
    for size in 8 16 64 97 512 33x20 20x33; do
        drawface --size $size >"$t/s"
        w=${size%x*} h=${size#*x}
        [ "$(pixels list "$t/s" | awk -F'\t' '$1 == "R" {print $2}')" = "${h}x${w}x3" ]
        drawface --scene --size $size | tcheck
    done
}

@test "what makes no sense is refused" {
    for size in 0 7 1 2049 64x 64x7 x64 64x64x3 -64 99999999999 "64 " abc 1e2 ""; do
        run -2 --separate-stderr drawface --size "$size"
        [ -z "$output" ]
        # shellcheck disable=SC2154 # bats sets it
        [[ "$stderr" == "drawface: --size"* ]]
    done
    run -2 drawface --style other
    run -2 drawface -n -1
    run -2 drawface -n 3x
    run -2 drawface file.tns
}

@test "no photos: a stream with none" {
    drawface -n 0 >"$t/none"
    tcheck "$t/none"
    [ -z "$(tls "$t/none")" ]
}

@test "one face a photo, with all that is said of it; boxes and landmarks are in the picture" {
    for o in "--style real" "--style fake" "--style real --scene"; do
        drawface -n 40 --size 72x64 $o >"$t/s"
        records "$t/s" | awk -F'\t' -v scene="${o#*real}" '
            function fail(what) { print what ": " $0; bad = 1 }
            {
                delete n
                for (i = 3; i <= NF; i++) {
                    name = value = $i
                    sub(/=.*/, "", name); sub(/^[^=]*=/, "", value)
                    n[name]++
                    if (name == "face") {
                        split(value, b, ",")
                        if (!(0 <= b[1] && b[1] + 3 < b[3] && b[3] <= 72 && 0 <= b[2] && b[2] + 3 < b[4] && b[4] <= 64 && b[5] == 1)) fail("box")
                    }
                    if (name == "landmarks") {
                        if (split(value, m, ",") != 15) fail("landmarks")
                        for (k = 1; k < 15; k += 3) {
                            if (m[k] < b[1] - 2 || m[k] > b[3] + 2 || m[k + 1] < b[2] - 2 || m[k + 1] > b[4] + 2) outside++
                            if (m[k + 2] == 1 && (m[k] < 0 || m[k] > 72 || m[k + 1] < 0 || m[k + 1] > 64)) fail("seen, but outside")
                            seen += m[k + 2]; marks++
                        }
                    }
                }
                split("face landmarks pose hair hair_color beard glasses hat earrings skin age smile mouth", names, " ")
                for (i in names) if (n[names[i]] != n["face"]) fail(names[i])
                if (scene == "" && n["face"] != 1) fail("faces")
                if (n["key"] != 1 || n["label"] != 1 || n["light"] != 1 || n["background"] != 1) fail("photo")
                faces += n["face"]
            }
            END {
                print NR, faces, marks, seen, outside + 0
                # a fringe or a profile may hide a landmark, but not most of them
                exit bad || NR != 40 || seen < 0.75 * marks || (scene == "" && outside > 0)
            }'
    done
}

@test "people differ" {
    drawface -n 120 --size 8 >"$t/s"
    for a in "pose 110" "hair 9" "hair_color 8" "beard 4" "glasses 4" "hat 3" "earrings 4" "skin 6" "age 35" "smile 40" "mouth 2" "light 6" "background 8"; do
        [ "$(values "$t/s" "${a% *}")" -ge "${a#* }" ] || { echo "$a: $(values "$t/s" "${a% *}")"; false; }
    done
}

@test "scenes have several people, near and far" {
    drawface -n 30 --scene >"$t/s"
    records "$t/s" | awk -F'\t' '
        { n = 0
          for (i = 1; i <= NF; i++) if ($i ~ /^face=/) { n++; split(substr($i, 6), b, ","); h = b[4] - b[2]; if (h < 20) small++; if (h > 60) large++ }
          count[n > 2 ? "many" : n]++; if (n > most) most = n }
        END { print count["many"], most, small, large; exit !(count["many"] > 10 && most > 5 && small > 10 && large > 5) }'
}

@test "fakes have faults, real ones none, and the label can be chosen" {
    drawface -n 60 --style fake --size 8 >"$t/f"
    [ "$(records "$t/f" | grep -c 'faults=[a-z]*:0')" -ge 50 ]
    [ "$(records "$t/f" | grep -o 'faults=.*' | tr '=,' '\n\n' | grep -o '^[a-z]*:' | sort -u | wc -l)" -ge 11 ]
    drawface -n 60 --size 8 >"$t/r"
    [ "$(values "$t/r" faults)" = 0 ]
    [ "$(values "$t/f" label) $(values "$t/r" label)" = "1 1" ]
    records "$t/f" | grep -q 'label=fake'
    records "$t/r" | grep -q 'label=real'
    drawface --label human | tls | grep -q 'label=human'
}

@test "faults don't show in the mean colour" {
    for s in real fake; do drawface -n 100 --size 16 --style $s >"$t/$s"; done
    # an attacker who looks at nothing else should do little better than chance
    { sums "$t/real" | sed 's/^/0 /'; sums "$t/fake" | sed 's/^/1 /'; } | awk '
        { n[$1]++; sum[$1] += $4; square[$1] += $4 * $4 }
        END {
            a = sum[0] / n[0]; b = sum[1] / n[1]; deviation = sqrt(square[0] / n[0] - a * a)
            print a, b, deviation
            exit !(n[0] == 100 && n[1] == 100 && 40 < a && a < 190 && deviation > 10 && (a - b) ^ 2 < (0.5 * deviation) ^ 2)
        }'
}

@test "examples/faces.sh makes a data set" {
    run -0 --separate-stderr "$BATS_TEST_DIRNAME/../examples/faces.sh" "$t/set" 30
    tcheck "$t/set/train.tns" "$t/set/val.tns" "$t/set/test.tns" "$t/set/scenes.tns"
    [ "$(cat "$t"/set/{train,val,test}.tns | tls | wc -l)" = 60 ]
    [[ "$output" == "train: "*" real, "*" fake"* ]]
    grep -q '^faults: .*[a-z]* [0-9]' <<<"$output"
}
