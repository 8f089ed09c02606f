#!/usr/bin/env bash
# plan.sh TABLE [TARGET...]: which stages would run, and why, in the order that they would, a line each. TABLE (rules.mk writes it) has two lines a stage: TARGET|MORE TARGETS|INPUTS,
# and its command. With TARGETs, only what they need.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
table=$1
shift
declare -A inputs command files owner reason seen
order=()
while IFS='|' read -r target more needs && IFS= read -r text; do
    target=${target# } # which make put between two lines
    order+=("$target")
    inputs[$target]=$needs command[$target]=$text files[$target]="$target $more"
    for t in $target $more; do owner[$t]=$target; done
done <"$table"

declare -i runs=0
# Fills reason[STAGE], "" where nothing is to do; prints the stage when it would run.
look() {
    local t=$1 i s why='' f
    [ -z "${seen[$t]-}" ] || return 0
    seen[$t]=yes
    for i in ${inputs[$t]}; do
        s=${owner[$i]-}
        if [ -n "$s" ]; then
            look "$s"
            [ -n "$why" ] || [ -z "${reason[$s]}" ] || why="${i##*/} will be new"
        fi
    done
    for f in ${files[$t]}; do [ -e "$f" ] || why="it isn't there"; done
    if [ -z "$why" ] && [ "$(cat "$t.cmd" 2>/dev/null)" != "${command[$t]}" ]; then why='its command has changed'; fi
    for i in ${inputs[$t]}; do [ -n "$why" ] || [ ! "$i" -nt "$t" ] || why="$i has changed"; done
    reason[$t]=$why
    [ -z "$why" ] || { printf '  %-40s %s\n' "${t#"${prefix-}"}" "$why"; runs+=1; }
}
# The folder that most of it is in is left out.
prefix=$(printf '%s\n' "${order[@]}" | grep -o '^.*/' | sort | uniq -c | sort -rn | sed -n '1s/^ *[0-9]* //p')
echo "would run, in $prefix:"
if [ $# -gt 0 ]; then
    for t; do
        [ -n "${owner[$t]-}" ] || t=$prefix$t
        [ -n "${owner[$t]-}" ] || { echo "plan.sh: no stage makes $t" >&2; exit 1; }
        look "${owner[$t]}"
    done
else
    for t in "${order[@]}"; do look "$t"; done
fi
echo "$runs of ${#order[@]} stages"
