// SPDX-License-Identifier: Apache-2.0
// What a shell may offer next, in the protocol kubectl speaks with its plugins (kubectl >= 1.26,
// pkg/cmd/plugin/plugin_completion.go): candidates, then a line ":<directive>".
#pragma once

#include "plugin/cli/command.hpp"

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace backup::plugin {

struct Candidate {
    std::string text;
    std::string description;
};

/// Bits of the directive, as cobra defines them.
enum CompletionDirective : unsigned {
    kCompleteFiles = 0,
    kCompleteNoSpace = 2,
    kCompleteNoFiles = 4,
    kCompleteDirectories = 16,
};

struct Completion {
    std::vector<Candidate> candidates;
    unsigned directive = kCompleteNoFiles;
};

/// Candidates that only the repository knows; called with the word so far.
struct CompletionSources {
    std::function<std::vector<Candidate>(std::string_view word)> points;
    std::function<std::vector<Candidate>(std::string_view word)> point_paths;
};

/// `words` are those behind the program's name; the last one is being typed and may be empty.
Completion complete(std::span<const Command> commands,
                    std::span<const std::string> words,
                    const CompletionSources& sources);

/// One candidate a line, "\t" and the description behind it, ":<directive>" last.
std::string format_completion(const Completion& completion);

/// The script of "bash", "zsh", "fish" for `program` (kubectl-backup), or of "kubectl": the program
/// kubectl_complete-backup. Throws Usage on another name.
std::string completion_script(std::string_view shell);

}  // namespace backup::plugin
