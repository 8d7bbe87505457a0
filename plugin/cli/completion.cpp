// SPDX-License-Identifier: Apache-2.0
#include "plugin/cli/completion.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/cli/help.hpp"

#include <algorithm>

namespace backup::plugin {

namespace {

/// What the words before the last one have settled.
struct Situation {
    const Command* command = nullptr;
    std::string first_word;  // of a verb of two words, when only that one is there
    std::size_t arguments = 0;
    const Flag* waiting = nullptr;  // flag whose value is being typed
    bool only_arguments = false;    // behind "--"
};

const Flag* find_flag(const std::vector<Flag>& flags, std::string_view word) {
    const auto found = std::ranges::find_if(flags, [word](const Flag& flag) {
        return (word.starts_with("--") && flag.name == word.substr(2)) ||
               (word.size() == 2 && word[0] == '-' && flag.letter != 0 && flag.letter == word[1]);
    });
    return found == flags.end() ? nullptr : &*found;
}

bool is_first_word(std::span<const Command> commands, std::string_view word) {
    return std::ranges::any_of(commands, [word](const Command& command) {
        return !command.is_hidden && command.name.starts_with(concat(word, " "));
    });
}

class Walker {
  public:
    explicit Walker(std::span<const Command> commands)
        : commands_(commands),
          flags_(global_flags().begin(), global_flags().end()) {}

    void step(const std::string& word) {
        if (situation_.waiting != nullptr) {
            situation_.waiting = nullptr;
        } else if (!situation_.only_arguments && word == "--") {
            situation_.only_arguments = true;
        } else if (!situation_.only_arguments && word.size() > 1 && word.front() == '-') {
            const Flag* flag = find_flag(flags_, word);
            const bool takes_word = flag != nullptr && flag->kind != FlagKind::Switch &&
                                    flag->kind != FlagKind::OptionalValue;
            situation_.waiting = takes_word ? flag : nullptr;
        } else {
            plain(word);
        }
    }

    const Situation& situation() const { return situation_; }

    const std::vector<Flag>& flags() const { return flags_; }

  private:
    void plain(const std::string& word) {
        if (situation_.command != nullptr) {
            ++situation_.arguments;
            return;
        }
        const auto name = situation_.first_word.empty() ? word : situation_.first_word + " " + word;
        situation_.command = find_command(commands_, name);
        if (situation_.command != nullptr) {
            flags_ = flags_of(*situation_.command);
        } else if (is_first_word(commands_, word)) {
            situation_.first_word = word;
        }
    }

    std::span<const Command> commands_;
    std::vector<Flag> flags_;
    Situation situation_;
};

void add(Completion& completion,
         std::string_view word,
         std::string_view text,
         std::string_view description) {
    if (text.starts_with(word)) {
        completion.candidates.push_back({std::string(text), std::string(description)});
    }
}

Completion values(Completes what,
                  std::span<const std::string> choices,
                  std::string_view word,
                  const CompletionSources& sources) {
    Completion completion;
    for (const auto& choice : choices) {
        add(completion, word, choice, "");
    }
    switch (what) {
        case Completes::File:
            completion.directive = kCompleteFiles;
            break;
        case Completes::Directory:
            completion.directive = kCompleteDirectories;
            break;
        case Completes::Point:
            completion.candidates = sources.points ? sources.points(word) : completion.candidates;
            break;
        case Completes::PointPath:
            completion.candidates =
                sources.point_paths ? sources.point_paths(word) : completion.candidates;
            completion.directive = kCompleteNoFiles | kCompleteNoSpace;
            break;
        default:
            break;
    }
    return completion;
}

Completion verbs(std::span<const Command> commands,
                 const std::string& first_word,
                 std::string_view word) {
    Completion completion;
    const std::string prefix = first_word.empty() ? "" : first_word + " ";
    std::vector<std::string> seen;
    for (const auto& command : commands) {
        if (command.is_hidden || !command.name.starts_with(prefix)) {
            continue;
        }
        const auto rest = command.name.substr(prefix.size());
        const std::string next(rest.substr(0, rest.find(' ')));
        if (std::ranges::count(seen, next) == 0) {
            seen.push_back(next);
            add(completion, word, next, command.summary);
        }
    }
    return completion;
}

Completion flag_names(const std::vector<Flag>& flags, std::string_view word) {
    Completion completion;
    for (const auto& flag : flags) {
        add(completion, word, concat("--", flag.name), flag.summary);
    }
    return completion;
}

Completion argument(std::span<const Command> commands,
                    const Situation& situation,
                    std::string_view word,
                    const CompletionSources& sources) {
    const auto& arguments = situation.command->arguments;
    if (arguments.empty()) {
        return {};
    }
    auto index = situation.arguments;
    if (index >= arguments.size()) {
        if (!arguments.back().is_repeated) {
            return {};
        }
        index = arguments.size() - 1;
    }
    const Argument& wanted = arguments[index];
    if (wanted.completes == Completes::Verb) {
        auto completion = verbs(commands, "", word);
        for (const auto& choice : wanted.choices) {
            add(completion, word, choice, "");
        }
        return completion;
    }
    return values(wanted.completes, wanted.choices, word, sources);
}

constexpr std::string_view kBash = R"(# bash completion for kubectl-backup
_kubectl_backup() {
    local line words cur candidate prefix directive out
    line=${COMP_LINE:0:COMP_POINT}
    read -ra words <<<"$line"
    cur=${words[${#words[@]}-1]}
    if [[ $line == *[[:space:]] ]]; then
        words+=("")
        cur=""
    fi
    out=$("${words[0]}" __complete "${words[@]:1}" 2>/dev/null) || return
    directive=${out##*:}
    out=${out%:*}
    # bash replaces only what stands behind the last "=" or ":" of a word.
    prefix=""
    [[ $cur == *[=:]* ]] && prefix=${cur%"${cur##*[=:]}"}
    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        [[ -n $candidate ]] || continue
        [[ $cur == --*=* ]] || candidate=${candidate#"$prefix"}
        COMPREPLY+=("$candidate")
    done <<<"$out"
    cur=${cur##*[=]}
    ((directive & 2)) && compopt -o nospace
    if ((directive & 16)); then
        compopt -o filenames
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$cur")
    elif ! ((directive & 4)); then
        compopt -o filenames
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur")
    fi
}
complete -F _kubectl_backup kubectl-backup
)";

constexpr std::string_view kZsh = R"(#compdef kubectl-backup
# zsh completion for kubectl-backup
_kubectl_backup() {
    local out line directive prefix
    local -a candidates
    out=$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null) || return
    directive=${out##*:}
    for line in ${(f)${out%:*}}; do
        candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done
    if [[ $PREFIX == --*=* ]]; then
        prefix=${PREFIX%%=*}=
        compset -P '*='
    fi
    local -a options
    (( directive & 2 )) && options=(-S '')
    (( ${#candidates} )) && _describe -V 'kubectl-backup' candidates "${options[@]}"
    if (( directive & 16 )); then
        _files -/
    elif ! (( directive & 4 )); then
        _files
    fi
}
if [[ $funcstack[1] == _kubectl-backup || $funcstack[1] == _kubectl_backup ]]; then
    _kubectl_backup "$@"
else
    compdef _kubectl_backup kubectl-backup
fi
)";

constexpr std::string_view kFish = R"(# fish completion for kubectl-backup
function __kubectl_backup_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l out (kubectl-backup __complete $words[2..-1] "$current" 2>/dev/null)
    or return
    set -l directive (string replace ':' '' -- $out[-1])
    set -l prefix ''
    set -l value $current
    if string match -qr '^--[^=]+=' -- $current
        set prefix (string match -r '^--[^=]+=' -- $current)
        set value (string replace -r '^--[^=]+=' '' -- $current)
    end
    if test (count $out) -gt 1
        for line in $out[1..-2]
            echo $prefix$line
        end
    end
    if test $directive = 16
        for line in (__fish_complete_directories $value)
            echo $prefix$line
        end
    else if test $directive = 0
        for line in (__fish_complete_path $value)
            echo $prefix$line
        end
    end
end
complete -c kubectl-backup -e
complete -c kubectl-backup -f -a '(__kubectl_backup_complete)'
)";

constexpr std::string_view kKubectl = R"(#!/bin/sh
# Completion of "kubectl backup" for kubectl 1.26 and later: put it on PATH as
# kubectl_complete-backup, executable.
exec kubectl-backup __complete "$@"
)";

}  // namespace

Completion complete(std::span<const Command> commands,
                    std::span<const std::string> words,
                    const CompletionSources& sources) {
    const std::string word = words.empty() ? "" : words.back();
    Walker walker(commands);
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        walker.step(words[i]);
    }
    const auto& situation = walker.situation();
    if (situation.waiting != nullptr) {
        return values(situation.waiting->completes, situation.waiting->choices, word, sources);
    }
    if (!situation.only_arguments && word.starts_with('-')) {
        const auto equals = word.find('=');
        if (equals == std::string::npos) {
            return flag_names(walker.flags(), word);
        }
        const Flag* flag = find_flag(walker.flags(), std::string_view(word).substr(0, equals));
        return flag == nullptr
                   ? Completion{}
                   : values(flag->completes, flag->choices, word.substr(equals + 1), sources);
    }
    if (situation.command == nullptr) {
        return verbs(commands, situation.first_word, word);
    }
    return argument(commands, situation, word, sources);
}

std::string format_completion(const Completion& completion) {
    std::string out;
    for (const auto& candidate : completion.candidates) {
        out += printable(candidate.text);
        if (!candidate.description.empty()) {
            out += "\t" + printable(candidate.description);
        }
        out += '\n';
    }
    return out + concat(":", completion.directive, "\n");
}

std::string completion_script(std::string_view shell) {
    if (shell == "bash") {
        return std::string(kBash);
    }
    if (shell == "zsh") {
        return std::string(kZsh);
    }
    if (shell == "fish") {
        return std::string(kFish);
    }
    if (shell == "kubectl") {
        return std::string(kKubectl);
    }
    throw Error(ErrorCode::Usage, concat("no completion for \"", printable(shell), "\""))
        .hint("the shells are bash, zsh and fish; kubectl prints kubectl_complete-backup");
}

}  // namespace backup::plugin
