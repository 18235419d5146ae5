# Completions for one and one-trace. Generated: python -m one_trace.cli.completions fish
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
    set -lx _ONE_TRACE_COMPLETE 1
    one-trace (commandline -opc)[2..-1] '' 2>/dev/null </dev/null | string match -v -- '~*'
end
for program in one one-trace
    complete -c $program -f -n '__one_trace_is ""' -a 'config flow trace'
    complete -c $program -n '__one_trace_is ""' -l agent
    complete -c $program -n '__one_trace_is ""' -l help
    complete -c $program -f -n '__one_trace_is "config"' -a 'get list set unset'
    complete -c $program -n '__one_trace_is "config"' -l help
    complete -c $program -f -n '__one_trace_is "config get" below' -a '(__one_trace_values)'
    complete -c $program -n '__one_trace_is "config get" below' -l help
    complete -c $program -n '__one_trace_is "config list"' -l help
    complete -c $program -f -n '__one_trace_is "config set" below' -a '(__one_trace_values)'
    complete -c $program -n '__one_trace_is "config set" below' -l project
    complete -c $program -n '__one_trace_is "config set" below' -l help
    complete -c $program -f -n '__one_trace_is "config unset" below' -a '(__one_trace_values)'
    complete -c $program -n '__one_trace_is "config unset" below' -l project
    complete -c $program -n '__one_trace_is "config unset" below' -l help
    complete -c $program -f -n '__one_trace_is "flow"' -a 'execute resume x'
    complete -c $program -n '__one_trace_is "flow"' -l help
    complete -c $program -f -n '__one_trace_is "flow execute" below' -a '(__one_trace_values)'
    complete -c $program -n '__one_trace_is "flow execute" below' -l input
    complete -c $program -n '__one_trace_is "flow execute" below' -l dry-run
    complete -c $program -n '__one_trace_is "flow execute" below' -l mock
    complete -c $program -n '__one_trace_is "flow execute" below' -l stop-after
    complete -c $program -n '__one_trace_is "flow execute" below' -l skip-validation
    complete -c $program -n '__one_trace_is "flow execute" below' -l allow-bash
    complete -c $program -n '__one_trace_is "flow execute" below' -l verbose
    complete -c $program -n '__one_trace_is "flow execute" below' -l output-file
    complete -c $program -n '__one_trace_is "flow execute" below' -l trace
    complete -c $program -n '__one_trace_is "flow execute" below' -l no-trace
    complete -c $program -n '__one_trace_is "flow execute" below' -l help
    complete -c $program -f -n '__one_trace_is "flow resume" below' -a '(__one_trace_values)'
    complete -c $program -n '__one_trace_is "flow resume" below' -l trace
    complete -c $program -n '__one_trace_is "flow resume" below' -l no-trace
    complete -c $program -n '__one_trace_is "flow resume" below' -l help
    complete -c $program -f -n '__one_trace_is "flow x" below' -a '(__one_trace_values)'
    complete -c $program -n '__one_trace_is "flow x" below' -l input
    complete -c $program -n '__one_trace_is "flow x" below' -l dry-run
    complete -c $program -n '__one_trace_is "flow x" below' -l mock
    complete -c $program -n '__one_trace_is "flow x" below' -l stop-after
    complete -c $program -n '__one_trace_is "flow x" below' -l skip-validation
    complete -c $program -n '__one_trace_is "flow x" below' -l allow-bash
    complete -c $program -n '__one_trace_is "flow x" below' -l verbose
    complete -c $program -n '__one_trace_is "flow x" below' -l output-file
    complete -c $program -n '__one_trace_is "flow x" below' -l trace
    complete -c $program -n '__one_trace_is "flow x" below' -l no-trace
    complete -c $program -n '__one_trace_is "flow x" below' -l help
    complete -c $program -f -n '__one_trace_is "trace"' -a 'show list stats insights diff cost export import sync share login logout open prune help schema doctor'
    complete -c $program -n '__one_trace_is "trace"' -l help
    complete -c $program -f -n '__one_trace_is "trace show" below' -a '(__one_trace_values)'
    complete -c $program -n '__one_trace_is "trace show" below' -l failed
    complete -c $program -n '__one_trace_is "trace show" below' -l step
    complete -c $program -n '__one_trace_is "trace show" below' -l depth
    complete -c $program -n '__one_trace_is "trace show" below' -l all
    complete -c $program -n '__one_trace_is "trace show" below' -l slow
    complete -c $program -n '__one_trace_is "trace show" below' -l follow
    complete -c $program -n '__one_trace_is "trace show" below' -l exit-status
    complete -c $program -n '__one_trace_is "trace show" below' -l timeout
    complete -c $program -n '__one_trace_is "trace show" below' -l events
    complete -c $program -n '__one_trace_is "trace show" below' -l with-output
    complete -c $program -n '__one_trace_is "trace show" below' -l full
    complete -c $program -n '__one_trace_is "trace show" below' -l limit
    complete -c $program -n '__one_trace_is "trace show" below' -l cursor
    complete -c $program -n '__one_trace_is "trace show" below' -l fields
    complete -c $program -n '__one_trace_is "trace show" below' -l help
    complete -c $program -f -n '__one_trace_is "trace list" below' -a '(__one_trace_values)'
    complete -c $program -n '__one_trace_is "trace list" below' -l flow
    complete -c $program -n '__one_trace_is "trace list" below' -l status
    complete -c $program -n '__one_trace_is "trace list" below' -l here
    complete -c $program -n '__one_trace_is "trace list" below' -l since
    complete -c $program -n '__one_trace_is "trace list" below' -l full
    complete -c $program -n '__one_trace_is "trace list" below' -l limit
    complete -c $program -n '__one_trace_is "trace list" below' -l cursor
    complete -c $program -n '__one_trace_is "trace list" below' -l fields
    complete -c $program -n '__one_trace_is "trace list" below' -l help
    complete -c $program -f -n '__one_trace_is "trace stats" below' -a '(__one_trace_values)'
    complete -c $program -n '__one_trace_is "trace stats" below' -l here
    complete -c $program -n '__one_trace_is "trace stats" below' -l since
    complete -c $program -n '__one_trace_is "trace stats" below' -l by
    complete -c $program -n '__one_trace_is "trace stats" below' -l format
    complete -c $program -n '__one_trace_is "trace stats" below' -l output
    complete -c $program -n '__one_trace_is "trace stats" below' -l full
    complete -c $program -n '__one_trace_is "trace stats" below' -l limit
    complete -c $program -n '__one_trace_is "trace stats" below' -l cursor
    complete -c $program -n '__one_trace_is "trace stats" below' -l fields
    complete -c $program -n '__one_trace_is "trace stats" below' -l help
    complete -c $program -f -n '__one_trace_is "trace insights" below' -a '(__one_trace_values)'
    complete -c $program -n '__one_trace_is "trace insights" below' -l here
    complete -c $program -n '__one_trace_is "trace insights" below' -l since
    complete -c $program -n '__one_trace_is "trace insights" below' -l patch
    complete -c $program -n '__one_trace_is "trace insights" below' -l full
    complete -c $program -n '__one_trace_is "trace insights" below' -l limit
    complete -c $program -n '__one_trace_is "trace insights" below' -l cursor
    complete -c $program -n '__one_trace_is "trace insights" below' -l fields
    complete -c $program -n '__one_trace_is "trace insights" below' -l help
    complete -c $program -f -n '__one_trace_is "trace diff" below' -a '(__one_trace_values)'
    complete -c $program -n '__one_trace_is "trace diff" below' -l baseline
    complete -c $program -n '__one_trace_is "trace diff" below' -l fail-on
    complete -c $program -n '__one_trace_is "trace diff" below' -l all
    complete -c $program -n '__one_trace_is "trace diff" below' -l full
    complete -c $program -n '__one_trace_is "trace diff" below' -l limit
    complete -c $program -n '__one_trace_is "trace diff" below' -l cursor
    complete -c $program -n '__one_trace_is "trace diff" below' -l fields
    complete -c $program -n '__one_trace_is "trace diff" below' -l help
    complete -c $program -f -n '__one_trace_is "trace cost" below' -a '(__one_trace_values)'
    complete -c $program -n '__one_trace_is "trace cost" below' -l here
    complete -c $program -n '__one_trace_is "trace cost" below' -l since
    complete -c $program -n '__one_trace_is "trace cost" below' -l full
    complete -c $program -n '__one_trace_is "trace cost" below' -l limit
    complete -c $program -n '__one_trace_is "trace cost" below' -l cursor
    complete -c $program -n '__one_trace_is "trace cost" below' -l fields
    complete -c $program -n '__one_trace_is "trace cost" below' -l help
    complete -c $program -f -n '__one_trace_is "trace export" below' -a '(__one_trace_values)'
    complete -c $program -n '__one_trace_is "trace export" below' -l format
    complete -c $program -n '__one_trace_is "trace export" below' -l output
    complete -c $program -n '__one_trace_is "trace export" below' -l help
    complete -c $program -f -n '__one_trace_is "trace import" below' -a '(__one_trace_values)'
    complete -c $program -n '__one_trace_is "trace import" below' -l help
    complete -c $program -f -n '__one_trace_is "trace sync" below' -a '(__one_trace_values)'
    complete -c $program -n '__one_trace_is "trace sync" below' -l since
    complete -c $program -n '__one_trace_is "trace sync" below' -l again
    complete -c $program -n '__one_trace_is "trace sync" below' -l retry-failed
    complete -c $program -n '__one_trace_is "trace sync" below' -l help
    complete -c $program -f -n '__one_trace_is "trace share" below' -a '(__one_trace_values)'
    complete -c $program -n '__one_trace_is "trace share" below' -l visibility
    complete -c $program -n '__one_trace_is "trace share" below' -l yes
    complete -c $program -n '__one_trace_is "trace share" below' -l help
    complete -c $program -n '__one_trace_is "trace login"' -l help
    complete -c $program -n '__one_trace_is "trace logout"' -l help
    complete -c $program -f -n '__one_trace_is "trace open" below' -a '(__one_trace_values)'
    complete -c $program -n '__one_trace_is "trace open" below' -l help
    complete -c $program -f -n '__one_trace_is "trace prune" below' -a '(__one_trace_values)'
    complete -c $program -n '__one_trace_is "trace prune" below' -l older-than
    complete -c $program -n '__one_trace_is "trace prune" below' -l dry-run
    complete -c $program -n '__one_trace_is "trace prune" below' -l yes
    complete -c $program -n '__one_trace_is "trace prune" below' -l force
    complete -c $program -n '__one_trace_is "trace prune" below' -l help
    complete -c $program -f -n '__one_trace_is "trace help" below' -a '(__one_trace_values)'
    complete -c $program -n '__one_trace_is "trace help" below' -l help
    complete -c $program -f -n '__one_trace_is "trace schema" below' -a '(__one_trace_values)'
    complete -c $program -n '__one_trace_is "trace schema" below' -l help
    complete -c $program -f -n '__one_trace_is "trace doctor" below' -a '(__one_trace_values)'
    complete -c $program -n '__one_trace_is "trace doctor" below' -l fix
    complete -c $program -n '__one_trace_is "trace doctor" below' -l offline
    complete -c $program -n '__one_trace_is "trace doctor" below' -l full
    complete -c $program -n '__one_trace_is "trace doctor" below' -l limit
    complete -c $program -n '__one_trace_is "trace doctor" below' -l cursor
    complete -c $program -n '__one_trace_is "trace doctor" below' -l fields
    complete -c $program -n '__one_trace_is "trace doctor" below' -l help
end
