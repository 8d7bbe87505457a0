// SPDX-License-Identifier: Apache-2.0
#include "plugin/context.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/kube/client.hpp"
#include "plugin/cli/program_name.hpp"
#include "plugin/connect.hpp"
#include "plugin/open_repository.hpp"
#include "plugin/output/terminal.hpp"

#include <algorithm>
#include <charconv>
#include <ostream>

namespace backup::plugin {

namespace {

TerminalFacts facts_of(const StreamFacts& stream, const Environment& environment) {
    const auto term = environment.find("TERM");
    return {stream.is_tty,
            stream.columns,
            term == environment.end() ? std::string_view() : std::string_view(term->second),
            find_variable(environment, "NO_COLOR").has_value()};
}

}  // namespace

Context::Context(App& app,
                 Console& console,
                 std::span<const Command> commands,
                 ParsedCommand arguments)
    : app_(app),
      console_(console),
      commands_(commands),
      arguments_(std::move(arguments)),
      program_(program_name(app.argv0)),
      log_([&console](std::string_view line) { console.print(line); }) {
    if (const auto variable = find_variable(app_.environment, "KUBECTL_BACKUP_LOG")) {
        log_.configure(*variable);
    }
    if (arguments_.command().takes_raw_arguments) {
        return;
    }
    if (arguments_.is_given("verbosity")) {
        log_.configure(level_of_verbosity(arguments_.text("verbosity")));
    }
    if (const auto levels = arguments_.find_text("log")) {
        log_.configure(*levels);
    }
}

Context::~Context() = default;

Output Context::output() {
    const auto& flags = arguments_.command().flags;
    const bool has_format =
        std::ranges::any_of(flags, [](const Flag& flag) { return flag.name == "output"; });
    return {app_.out,
            has_format ? parse_output_format(arguments_.text("output")) : OutputFormat::Table,
            !arguments_.is_on("no-headers"),
            wants_colour(parse_colour_mode(arguments_.text("color")),
                         facts_of(app_.out_facts, app_.environment))};
}

HelpStyle Context::help_style() const {
    return {program_, help_width(app_.out_facts.is_tty, app_.out_facts.columns)};
}

std::string Context::log_levels() const {
    if (const auto levels = arguments_.find_text("log")) {
        return *levels;
    }
    if (arguments_.is_given("verbosity")) {
        return std::string(level_of_verbosity(arguments_.text("verbosity")));
    }
    return find_variable(app_.environment, "KUBECTL_BACKUP_LOG").value_or("");
}

std::unique_ptr<Progress> Context::make_progress() {
    const auto facts = facts_of(app_.err_facts, app_.environment);
    const auto mode = parse_progress_mode(arguments_.text("progress"), facts.is_tty, facts.term);
    return std::make_unique<ProgressBar>(console_, app_.clock, mode, facts.width);
}

void Context::warn(std::string_view text) {
    console_.print(concat("warning: ", for_program(text, program_)));
}

void Context::say(std::string_view text) {
    console_.print(for_program(text, program_));
}

const Settings& Context::settings() {
    if (!settings_) {
        settings_ = decide_settings(arguments_, app_.environment);
    }
    return *settings_;
}

OpenedRepository& Context::repository() {
    if (!repository_) {
        repository_ = open_repository(
            settings(), app_.environment, [this](const auto& /*blob*/, const Error& error) {
                warn(concat(printable(error.what()),
                            "; what only this part of the index names cannot be found"));
                say("hint: run 'kubectl backup repo repair'");
            });
    }
    return *repository_;
}

OpenedRepository& Context::repository_to_write() {
    if (!repository_ && settings().repository.origin == Origin::Default &&
        !has_repository(settings())) {
        const auto made = make_repository(settings(), app_);
        say(concat("A repository was made in ",
                   printable(made.location),
                   ".\nIts key is ",
                   printable(made.key_file.string()),
                   ": keep a copy in another place, without it nothing can be read."));
    }
    if (!repository_) {
        repository_ = open_repository(settings(), app_.environment);
    }
    return *repository_;
}

kube::Client& Context::cluster() {
    if (!cluster_) {
        cluster_ = make_client(connection_flags(arguments_), app_, log_);
    }
    return *cluster_;
}

bool Context::is_dry_run() const {
    return arguments_.is_given("dry-run") && arguments_.text("dry-run") != "none";
}

std::string_view level_of_verbosity(std::string_view number) {
    int level = 0;
    const auto end = number.data() + number.size();
    const auto [stopped, problem] = std::from_chars(number.data(), end, level);
    if (number.empty() || problem != std::errc() || stopped != end || level < 0) {
        throw Error(ErrorCode::Usage,
                    concat("-v cannot be \"", printable(number), "\": it is a number from 0 to 9"));
    }
    constexpr int kInfo = 2;
    constexpr int kDebug = 4;
    constexpr int kTrace = 8;
    return level >= kTrace ? "trace" : level >= kDebug ? "debug" : level >= kInfo ? "info" : "warn";
}

}  // namespace backup::plugin
