# facade.bash: completion of the programs' options and their values, for bash: `. bin/facade.bash`. Options come from the programs themselves (--options), so they can't be others.
_facade() {
    local program=$1 word=$2 before=$3 letter name value rest choices='' names=''
    # --name=value comes as three words.
    if [ "$word" = = ]; then word=''; elif [ "$before" = = ]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi
    while IFS=$'\t' read -r letter name value rest; do
        if [ "$before" = "--$name" ] || [ "$before" = "-$letter" ]; then
            # A choice is a list of words; any other value may be a file.
            [[ $value = - ]] || choices=$value
        fi
        if [ "$name" = - ]; then names+=" -$letter"; else names+=" --$name"; fi
    done < <("$program" --options 2>/dev/null)
    if [[ $choices =~ ^[a-z0-9-]+(\|[a-z0-9-]+)+$ ]]; then
        mapfile -t COMPREPLY < <(compgen -W "${choices//|/ }" -- "$word")
    elif [ -n "$choices" ]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    elif [[ $word = -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$names --help --version" -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}
complete -o filenames -F _facade augment clsfit drawface faceyolo fidcalc ganstep imgnorm netrun npy2tns onnx2tns tcat tcheck tgrep thead tls tns2img tns2npy tscore tshuf tsplit tview twhy wgt2tns
