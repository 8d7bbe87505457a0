// SPDX-License-Identifier: Apache-2.0
#include "plugin/cli/completion.hpp"

#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "plugin/cli/exit_report.hpp"
#include "plugin/commands/points.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/find_point.hpp"
#include "plugin/open_repository.hpp"

#include <ostream>
#include <ranges>

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(Prints the completion script of a shell for "kubectl-backup". Load it in the running shell, or
put it where the shell looks for such scripts.

"kubectl backup" is completed by kubectl itself (1.26 and later, with kubectl's own completion
loaded): it starts a program named kubectl_complete-backup, which packages install and the shell
name "kubectl" prints.)";

int run(Context& context) {
    context.app().out << completion_script(context.arguments().argument(0));
    return 0;
}

std::vector<Candidate> points_of(Context& context, std::string_view word) {
    std::vector<Candidate> candidates;
    const auto opened = open_place(context.settings(), context.app().environment);
    const auto points =
        repository::list_points(opened->repository, [](const auto&, const Error&) {});
    const auto now = context.app().clock.now();
    for (const auto& record : points | std::views::reverse) {
        if (record.point.name.starts_with(word)) {
            candidates.push_back({record.point.name,
                                  concat(some_names(record.point.namespaces, 3),
                                         ", ",
                                         format_age(now - record.point.created),
                                         " ago")});
        }
    }
    if (std::string_view("latest").starts_with(word)) {
        candidates.push_back({"latest", "the newest point"});
    }
    return candidates;
}

/// "POINT:" for each point, then what lies in the directory that is being typed.
std::vector<Candidate> paths_of(Context& context, std::string_view word) {
    std::vector<Candidate> candidates;
    if (!has_path(word)) {
        for (auto& candidate : points_of(context, word)) {
            candidates.push_back({candidate.text + ":", candidate.description});
        }
        return candidates;
    }
    const auto slash = word.rfind('/');
    const auto directory =
        word.substr(0, slash == std::string_view::npos ? word.find(':') + 1 : slash + 1);
    const auto beginning = word.substr(directory.size());
    const auto place = find_place(context.repository(), directory, context.app().clock);
    constexpr std::size_t kMost = 1000;
    place.node->list(0, [&](std::string_view name, const view::NodePointer& node) {
        if (name.starts_with(beginning)) {
            candidates.push_back({concat(directory, name, node->is_directory() ? "/" : ""), ""});
        }
        return candidates.size() < kMost;
    });
    return candidates;
}

/// What cannot be read offers nothing: a shell has no place for an error.
std::function<std::vector<Candidate>(std::string_view)> quietly(
    Context& context, std::vector<Candidate> (*source)(Context&, std::string_view)) {
    return [&context, source](std::string_view word) {
        std::vector<Candidate> candidates;
        const auto failure = failure_of([&] { candidates = source(context, word); });
        return failure ? std::vector<Candidate>{} : candidates;
    };
}

int run_complete(Context& context) {
    const CompletionSources sources{quietly(context, points_of), quietly(context, paths_of)};
    const auto completion =
        complete(context.commands(), context.arguments().positionals(), sources);
    context.app().out << format_completion(completion);
    return 0;
}

}  // namespace

Command completion_command() {
    Command command;
    command.name = "completion";
    command.group = kOtherGroup;
    command.summary = "Print the completion script of a shell";
    command.manual = kManual;
    command.arguments = {
        {"SHELL", true, false, Completes::Nothing, {"bash", "zsh", "fish", "kubectl"}}};
    command.examples = {
        {"In the running bash", "source <(kubectl backup completion bash)"},
        {"For every zsh", "kubectl backup completion zsh > \"${fpath[1]}/_kubectl-backup\""},
        {"For every fish",
         "kubectl backup completion fish > ~/.config/fish/completions/kubectl-backup.fish"},
        {"For \"kubectl backup\" itself",
         "kubectl backup completion kubectl > ~/bin/kubectl_complete-backup && "
         "chmod +x ~/bin/kubectl_complete-backup"}};
    command.run = run;
    return command;
}

Command complete_command() {
    Command command;
    command.name = "__complete";
    command.group = kOtherGroup;
    command.summary = "Print what may follow on the command line";
    command.is_hidden = true;
    command.takes_raw_arguments = true;
    command.run = run_complete;
    return command;
}

}  // namespace backup::plugin
