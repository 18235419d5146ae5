# Completions for one and one-trace. Generated: python -m one_trace.cli.completions bash
# Reads $1 as the shell does, but expands nothing. Sets (in the caller): words, the words before the last one;
# word, the last one without its quotes; raw, the same as typed; quote, the quote that is open at its end.
_one_trace_read() {
    local text=$1 c next begun=
    local -i at
    words=() word= raw= quote=
    for ((at = 0; at < ${#text}; at++)); do
        c=${text:at:1}
        if [[ -z $quote && $c == [[:space:]] ]]; then
            [[ $begun ]] && words+=("$word")
            begun= word= raw=
            continue
        fi
        begun=1 raw+=$c
        if [[ $quote == "'" || ( $quote && $c == "$quote" ) ]]; then
            if [[ $c == "$quote" ]]; then quote=; else word+=$c; fi
        elif [[ $c == \\ ]]; then
            next=${text:at+1:1}
            [[ $quote && $next != [\"\\\$\`] ]] && word+=$c
            word+=$next raw+=$next
            at+=1
        elif [[ $c == [\$\`] || ( -z $quote && $c == [\;\|\&\(\)\<\>] ) ]]; then
            return 1
        elif [[ -z $quote && $c == [\'\"] ]]; then
            quote=$c
        else
            word+=$c
        fi
    done
}

# Sets quoted (in the caller) to $1 as it has to stand in the line, where the quote $2 is open or none is.
_one_trace_quote() {
    local text=$1 c
    local -i at
    quoted=$text
    [[ $text == *[![:alnum:]_./:@%+,=-]* ]] || return 0
    quoted=
    for ((at = 0; at < ${#text}; at++)); do
        c=${text:at:1}
        case ${2:-.}$c in
            \'\') quoted+=\'\\\'\' ;;
            \'*) quoted+=$c ;;
            \"!) quoted+=\"\'!\'\" ;;
            \"[\"\\\$\`]) quoted+=\\$c ;;
            \"*|.[[:alnum:]_./:@%+,=-]) quoted+=$c ;;
            *) quoted+=\\$c ;;
        esac
    done
    # Where what is inserted begins with the quote that is open, readline takes it for that very one.
    [[ $2 && $quoted == "$2"* ]] && quoted=$2$quoted
    return 0
}

# Sets shared (in the caller) to what all arguments begin with.
_one_trace_shared() {
    local each
    shared=$1
    for each; do
        while [[ "${each:0:${#shared}}" != "$shared" ]]; do shared=${shared:0:${#shared}-1}; done
    done
}

_one_trace() {
    local IFS=$' \t\n' path= values= cur kept= each quoted shared word raw quote
    local -a words offered=() found=() rest=()
    COMPREPLY=()
    _one_trace_read "${COMP_LINE:0:COMP_POINT}" || return 0
    cur=$word
    # Of the word, readline replaces what stands after its last break (`:`, `=`) or its open quote: $2.
    [[ $raw == *"$2" ]] || return 0
    kept=${raw:0:${#raw}-${#2}}
    while [[ ${words[0]-} == *=* ]]; do words=("${words[@]:1}"); done
    for each in "${words[@]:1}"; do
        [[ $each == -* ]] || path+="${path:+ }$each"
    done
    case $path in
        "") offered=(config flow trace init login logout connection platforms actions relay sync mem cache guide onboard update whoami add list help --agent --help) values= ;;
        "config") offered=(get list set unset path skills reset --help) values= ;;
        "config get"|"config get "*) offered=(--help) values=1 ;;
        "config list") offered=(--help) values= ;;
        "config set"|"config set "*) offered=(--project --help) values=1 ;;
        "config unset"|"config unset "*) offered=(--project --help) values=1 ;;
        "flow") offered=(execute resume runs validate x create list inspect scaffold --help) values= ;;
        "flow execute"|"flow execute "*) offered=(--input --dry-run --mock --stop-after --skip-validation --allow-bash --verbose --output-file --trace --no-trace --trace-tag --help) values=1 ;;
        "flow resume"|"flow resume "*) offered=(--trace --no-trace --trace-tag --help) values=1 ;;
        "flow runs"|"flow runs "*) offered=(--help) values=1 ;;
        "flow validate"|"flow validate "*) offered=(--help) values=1 ;;
        "flow x"|"flow x "*) offered=(--input --dry-run --mock --stop-after --skip-validation --allow-bash --verbose --output-file --trace --no-trace --trace-tag --help) values=1 ;;
        "trace") offered=(show list stats insights diff ci baseline cost export import tag sync share login logout setup mcp open prune history help schema doctor completion --help) values= ;;
        "trace show"|"trace show "*) offered=(--failed --step --depth --all --slow --follow --exit-status --timeout --events --with-output --from --full --limit --cursor --fields --help) values=1 ;;
        "trace list"|"trace list "*) offered=(--flow --status --here --since --until --session --tag --by --sort --from --full --limit --cursor --fields --help) values=1 ;;
        "trace stats"|"trace stats "*) offered=(--here --since --tag --from --by --format --output --full --limit --cursor --fields --help) values=1 ;;
        "trace insights"|"trace insights "*) offered=(--here --since --tag --from --patch --full --limit --cursor --fields --help) values=1 ;;
        "trace diff"|"trace diff "*) offered=(--baseline --fail-on --all --from --full --limit --cursor --fields --help) values=1 ;;
        "trace ci"|"trace ci "*) offered=(--baseline --fail-on --junit --full --limit --cursor --fields --help) values=1 ;;
        "trace baseline"|"trace baseline "*) offered=(--output --help) values=1 ;;
        "trace cost"|"trace cost "*) offered=(--here --since --tag --from --full --limit --cursor --fields --help) values=1 ;;
        "trace export"|"trace export "*) offered=(--format --output --from --help) values=1 ;;
        "trace import"|"trace import "*) offered=(--help) values=1 ;;
        "trace tag"|"trace tag "*) offered=(--help) values=1 ;;
        "trace sync"|"trace sync "*) offered=(--since --again --retry-failed --help) values=1 ;;
        "trace share"|"trace share "*) offered=(--visibility --yes --help) values=1 ;;
        "trace login") offered=(--history --help) values= ;;
        "trace logout") offered=(--history --help) values= ;;
        "trace setup"|"trace setup "*) offered=(--agent --project --remove --help) values=1 ;;
        "trace mcp") offered=(--help) values= ;;
        "trace open"|"trace open "*) offered=(--from --help) values=1 ;;
        "trace prune"|"trace prune "*) offered=(--older-than --dry-run --yes --force --help) values=1 ;;
        "trace history"|"trace history "*) offered=(--retention --database --otel-database --backfill --help) values=1 ;;
        "trace help"|"trace help "*) offered=(--help) values=1 ;;
        "trace schema"|"trace schema "*) offered=(--help) values=1 ;;
        "trace doctor"|"trace doctor "*) offered=(--fix --offline --all-runs --full --limit --cursor --fields --help) values=1 ;;
        "trace completion"|"trace completion "*) offered=(--help) values=1 ;;
        *) return 0 ;;
    esac
    if [[ $values && $cur != -* ]]; then
        offered=()
        while IFS= read -r each; do offered+=("${each%%$'\t'*}"); done < <(
            _ONE_TRACE_COMPLETE=1 one-trace "${words[@]:1}" "$cur" 2>/dev/null </dev/null)
    fi
    for each in "${offered[@]}"; do
        [[ "${each:0:${#cur}}" == "$cur" ]] && found+=("$each")
    done
    (( ${#found[@]} )) || return 0
    compopt -o nosort 2>/dev/null
    words=()
    _one_trace_read "$kept"
    for each in "${found[@]}"; do
        _one_trace_quote "${each:${#word}}" "$quote"
        rest+=("$quoted")
    done
    COMPREPLY=("${rest[@]}")
    if (( ${#rest[@]} == 1 )); then
        COMPREPLY=("$rest$quote")
        return 0
    fi
    # Of several, readline inserts what they have in common: that must not be half of something quoted.
    _one_trace_shared "${found[@]}"
    _one_trace_quote "${shared:${#word}}" "$quote"
    each=$quoted
    _one_trace_shared "${rest[@]}"
    if [[ $shared != "$each" ]]; then
        compopt -o nospace 2>/dev/null
        if [[ "$kept$each" == "$raw" ]]; then COMPREPLY+=(" "); else COMPREPLY=("$each"); fi
    fi
}
complete -o default -F _one_trace one one-trace
