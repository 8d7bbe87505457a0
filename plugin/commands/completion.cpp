// SPDX-License-Identifier: Apache-2.0
#include "plugin/cli/completion.hpp"

#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"

#include <ostream>

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

int run_complete(Context& context) {
    const auto completion =
        complete(context.commands(), context.arguments().positionals(), CompletionSources{});
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
