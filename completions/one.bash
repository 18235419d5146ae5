# Completions for one and one-trace. Generated: python -m one_trace.cli.completions bash
_one_trace() {
    local cur=${COMP_WORDS[COMP_CWORD]} path= words= values= word
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        [[ $word == -* ]] || path+="${path:+ }$word"
    done
    COMPREPLY=()
    case $path in
        "") words="config flow trace --agent --help" values= ;;
        "config") words="get list set unset --help" values= ;;
        "config get"|"config get "*) words="--help" values=1 ;;
        "config list") words="--help" values= ;;
        "config set"|"config set "*) words="--project --help" values=1 ;;
        "config unset"|"config unset "*) words="--project --help" values=1 ;;
        "flow") words="execute resume x --help" values= ;;
        "flow execute"|"flow execute "*) words="--input --dry-run --mock --stop-after --skip-validation --allow-bash --verbose --output-file --trace --no-trace --help" values=1 ;;
        "flow resume"|"flow resume "*) words="--trace --no-trace --help" values=1 ;;
        "flow x"|"flow x "*) words="--input --dry-run --mock --stop-after --skip-validation --allow-bash --verbose --output-file --trace --no-trace --help" values=1 ;;
        "trace") words="show list stats insights diff cost export import sync share login logout open prune doctor --help" values= ;;
        "trace show"|"trace show "*) words="--failed --step --depth --all --slow --follow --events --help" values=1 ;;
        "trace list"|"trace list "*) words="--flow --status --here --since --limit --help" values=1 ;;
        "trace stats"|"trace stats "*) words="--here --since --by --format --output --help" values=1 ;;
        "trace insights"|"trace insights "*) words="--here --since --patch --help" values=1 ;;
        "trace diff"|"trace diff "*) words="--baseline --fail-on --all --help" values=1 ;;
        "trace cost"|"trace cost "*) words="--since --help" values=1 ;;
        "trace export"|"trace export "*) words="--format --output --help" values=1 ;;
        "trace import"|"trace import "*) words="--help" values=1 ;;
        "trace sync"|"trace sync "*) words="--since --retry-failed --help" values=1 ;;
        "trace share"|"trace share "*) words="--visibility --yes --help" values=1 ;;
        "trace login") words="--help" values= ;;
        "trace logout") words="--help" values= ;;
        "trace open"|"trace open "*) words="--help" values=1 ;;
        "trace prune"|"trace prune "*) words="--older-than --force --help" values=1 ;;
        "trace doctor") words="--fix --offline --help" values= ;;
        *) return ;;
    esac
    if [[ $values && $cur != -* ]]; then
        words=$(_ONE_TRACE_COMPLETE=1 one-trace "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -o default -F _one_trace one one-trace
