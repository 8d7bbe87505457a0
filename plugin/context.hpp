// SPDX-License-Identifier: Apache-2.0
// One run of one verb: what was typed, where to print, and the cluster and the repository, opened
// when they are first asked for. This and run.cpp are the composition root.
#pragma once

#include "core/base/log.hpp"
#include "plugin/app.hpp"
#include "plugin/cli/command.hpp"
#include "plugin/cli/help.hpp"
#include "plugin/cli/parse.hpp"
#include "plugin/output/console.hpp"
#include "plugin/output/progress_bar.hpp"
#include "plugin/output/records.hpp"
#include "plugin/settings.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace backup::kube {
class Client;
}

namespace backup::plugin {

struct OpenedRepository;

class Context {
  public:
    /// All three must outlive the context.
    Context(App& app, Console& console, std::span<const Command> commands, ParsedCommand arguments);
    ~Context();
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    App& app() { return app_; }

    Console& console() { return console_; }

    const ParsedCommand& arguments() const { return arguments_; }

    std::span<const Command> commands() const { return commands_; }

    const std::string& program() const { return program_; }

    const Log& log() const { return log_; }

    /// What --log, else -v, else the environment asks for, to be handed on to another program.
    std::string log_levels() const;

    /// Standard output, with the format of -o (Table for verbs without it).
    Output output();
    HelpStyle help_style() const;
    std::unique_ptr<Progress> make_progress();
    /// "warning: ..." on standard error.
    void warn(std::string_view text);
    /// A line for the person on standard error.
    void say(std::string_view text);

    /// Read once, on first use.
    const Settings& settings();
    /// Opened on first use, for a verb that only reads: it is warned of damaged segments of the
    /// index, and goes on without. Throws NoRepository, KeyMissing, WrongKey and what reading may
    /// throw.
    OpenedRepository& repository();
    /// For a verb that writes: throws when a part of the index is damaged. The repository in the
    /// default place is made when it is not there yet, and the person told where its key is.
    OpenedRepository& repository_to_write();
    /// Made on first use, nothing is sent; throws KubeconfigInvalid.
    kube::Client& cluster();

    /// None unless --dry-run was given with a value other than none.
    bool is_dry_run() const;

  private:
    App& app_;
    Console& console_;
    std::span<const Command> commands_;
    ParsedCommand arguments_;
    std::string program_;
    Log log_;
    std::optional<Settings> settings_;
    std::unique_ptr<OpenedRepository> repository_;
    std::unique_ptr<kube::Client> cluster_;
};

/// Level of `-v N`: 0 warn, 2 info, 4 debug, 8 trace; throws Usage.
std::string_view level_of_verbosity(std::string_view number);

}  // namespace backup::plugin
