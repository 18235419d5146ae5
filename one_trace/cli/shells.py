"""The completion scripts of bash, zsh and fish, made of the table of commands.

What a project names its flows is data in all of them: it is compared and quoted, never expanded. zsh and fish
quote what they insert; bash does not, so its script does.
"""

from __future__ import annotations

from collections.abc import Iterable

from one_trace.host.argv import COMPLETE

Row = tuple[str, dict[str, str], bool]
"""The words of a command, the words that may follow them with their descriptions, and whether it takes
values."""

BASH = r"""# @HEAD@
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
@CASES@
        *) return 0 ;;
    esac
    if [[ $values && $cur != -* ]]; then
        offered=()
        while IFS= read -r each; do offered+=("${each%%$'\t'*}"); done < <(
            @COMPLETE@=1 one-trace "${words[@]:1}" "$cur" 2>/dev/null </dev/null)
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
"""

ZSH = r"""#compdef one one-trace
# @HEAD@
local path_= word
local -a words_ about_ shown_
local -i at_ width_
for word in "${(@Q)words[2,CURRENT-1]}"; do
    [[ $word == -* ]] || path_+="${path_:+ }$word"
done
case $path_ in
@CASES@
    *) _default; return ;;
esac
if (( values )) && [[ $PREFIX != -* ]]; then
    # What is typed of the word is zsh's own business. Only to look up an id, the program gets it.
    [[ $PREFIX == [[:alnum:]_-]# ]] && word=$PREFIX || word=
    words_=("${(@f)$(@COMPLETE@=1$word one-trace "${(@Q)words[2,CURRENT-1]}" '' 2>/dev/null </dev/null)}")
    words_=("${(@)words_:#}")
    about_=()
    for word in "${words_[@]}"; do
        [[ $word == *$'\t'* ]] && about_+=("${word#*$'\t'}") || about_+=("")
    done
    words_=("${(@)words_%%$'\t'*}")
fi
for word in "${words_[@]}"; do (( $#word > width_ && (width_ = $#word) )); done
for (( at_ = 1; at_ <= $#words_; at_++ )); do
    shown_+=("${(r:width_:)words_[at_]}${about_[at_]:+  $about_[at_]}")
done
if (( ${#${(j::)about_}} )); then
    compadd -l -V one-trace -d shown_ -a words_ || _default
else
    compadd -V one-trace -a words_ || _default
fi
"""

FISH = r"""# @HEAD@
function __one_trace_path
    set -l path
    for word in (commandline -opc)[2..-1]
        string match -q -- '-*' $word; or set -a path $word
    end
    string join -- ' ' $path
end
function __one_trace_is
    set -l path (__one_trace_path)
    test "$path" = "$argv[1]"; and return
    test "$argv[2]" = below; and string match -q -- "$argv[1] *" "$path"
end
# What is typed of the word is fish's own business. It does not quote a tilde: such names are left out.
function __one_trace_values
    set -lx @COMPLETE@ 1(commandline -ct | string match -r '^[[:alnum:]_-]+$')
    one-trace (commandline -opc)[2..-1] '' 2>/dev/null </dev/null | string match -v -- '~*'
end
for program in one one-trace
@CASES@
end
"""


def script(shell: str, rows: Iterable[Row]) -> str:
    """The completion script for bash, zsh or fish."""
    text, case = {"bash": (BASH, _bash_case), "zsh": (ZSH, _zsh_case), "fish": (FISH, _fish_case)}[shell]
    head = f"Completions for one and one-trace. Generated: python -m one_trace.cli.completions {shell}"
    cases = "\n".join(case(*row) for row in rows)
    return text.replace("@HEAD@", head).replace("@COMPLETE@", COMPLETE).replace("@CASES@", cases)


def _pattern(path: str, values: bool) -> str:
    return f'"{path}"|"{path} "*' if values and path else f'"{path}"'


def _bash_case(path: str, words: dict[str, str], values: bool) -> str:
    return f"        {_pattern(path, values)}) offered=({' '.join(words)}) values={'1' if values else ''} ;;"


def _zsh_case(path: str, words: dict[str, str], values: bool) -> str:
    lines = [
        f"    {_pattern(path, values)})",
        f"        words_=({' '.join(words)}) values={int(values)}",
        f"        about_=({' '.join(map(_quoted, words.values()))}) ;;",
    ]
    return "\n".join(lines)


def _fish_case(path: str, words: dict[str, str], values: bool) -> str:
    where = f"-n '__one_trace_is \"{path}\"{' below' if values and path else ''}'"
    lines = [f"    complete -c $program -f -k {where} -a '(__one_trace_values)'"] if values else []
    for word, about in words.items():
        what = f"-l {word[2:]}" if word.startswith("--") else f"-f -a {word}"
        lines.append(f"    complete -c $program {where} {what} -d {_quoted(about)}")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """A description of ours in double quotes, for zsh and fish alike."""
    return '"' + "".join(letter for letter in text if letter not in '"$`\\') + '"'
