# Completion of the tarn command for bash. What can be said is asked of the command itself, so that it is
# always what the installed one understands.

_tarn_commands()
{
    "$1" --help 2>/dev/null | sed -n '/^commands:/,$s/^  \([a-z]*\) .*/\1/p'
}

# The long options that the help of a subcommand, or of a verb of it, tells of.
_tarn_flags()
{
    { "$@" --help 2>/dev/null && echo ' --help'; } |
        grep -oE -e '(^|[ [(|])--[a-z][a-z-]*' | grep -oE -e '--[a-z-]+' | sort -u
}

# The verbs a subcommand has: what follows its name in the usage lines, or stands in a row of its own.
_tarn_verbs()
{
    "$1" "$2" --help 2>/dev/null | sed -nE "s/^(usage:)? +tarn $2 ([a-z]+)( .*)?$/\2/p; s/^  ([a-z]+) +[a-z].*/\1/p" | sort -u
}

_tarn_programs()
{
    if [[ $1 == */* ]]; then
        compgen -f -- "$1"
    else
        compgen -c -- "$1" | sort -u
    fi
}

_tarn()
{
    local tarn=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]} i words
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        words="$(_tarn_commands "$tarn") --help --version"
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
        return
    fi
    # Behind the program that is to be run its own words are meant.
    if [[ $command == run || $command == leaks || ($command == trace && ${COMP_WORDS[2]} == record) ]]; then
        for ((i = 2; i < COMP_CWORD; i++)); do
            if [[ ${COMP_WORDS[i]} == -- ]]; then
                if ((i == COMP_CWORD - 1)); then
                    mapfile -t COMPREPLY < <(_tarn_programs "$word")
                elif declare -F _command_offset >/dev/null; then
                    _command_offset $((i + 1))
                fi
                return
            fi
        done
    fi
    case $before in
        --option | -o)
            if [[ $command == run ]]; then
                compopt -o nospace 2>/dev/null
                words=$("$tarn" options 2>/dev/null | sed 's/ .*/=/')
                mapfile -t COMPREPLY < <(compgen -W "$words help" -- "$word")
            fi
            return
            ;;
        --on | --allocators)
            mapfile -t COMPREPLY < <(compgen -W "tarn heap image quick system jemalloc mimalloc tcmalloc" -- "$word")
            return
            ;;
        --groups)
            mapfile -t COMPREPLY < <(compgen -W "micro patterns programs" -- "$word")
            return
            ;;
        explain)
            words="$("$tarn" explain --list 2>/dev/null | cut -c 1-4) $(_tarn_flags "$tarn" explain)"
            mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
            return
            ;;
        help)
            mapfile -t COMPREPLY < <(compgen -W "$(_tarn_commands "$tarn")" -- "$word")
            return
            ;;
    esac
    if [[ $word == -* ]]; then
        words=$([[ $command == heap ]] && _tarn_flags "$tarn" heap "${COMP_WORDS[2]}")
        mapfile -t COMPREPLY < <(compgen -W "${words:-$(_tarn_flags "$tarn" "$command")}" -- "$word")
    elif ((COMP_CWORD == 2)) && [[ $command == trace || $command == heap ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_tarn_verbs "$tarn" "$command")" -- "$word")
    elif [[ $command == run || $command == leaks ]]; then
        mapfile -t COMPREPLY < <(_tarn_programs "$word")
    fi
}

complete -o default -F _tarn tarn
