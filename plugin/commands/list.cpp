// SPDX-License-Identifier: Apache-2.0
#include "core/base/closest_match.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "core/repository/point_store.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/points.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/open_repository.hpp"
#include "plugin/point_checks.hpp"

#include <algorithm>

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(The oldest point comes first. SIZE is the plain size of all content of a point, NEW what of it
was not in the repository before. A point is Complete, has Warnings (something was read while it
changed), is Incomplete (its ledger, shown by "kubectl backup describe", says what is missing) or
Failed. Whichever it was, it is Damaged when "verify" or "repo repair" looked at it last and missed
something that was stored; -o json has both, as "status" and "verified".

A point whose record cannot be read is left out, said so on standard error, and the exit code is
13.)";

struct Filter {
    std::vector<std::string> namespaces;                                   // globs; one must match
    std::vector<std::pair<std::string, std::optional<std::string>>> tags;  // all must match
    std::optional<TimePoint> since;
    std::vector<std::string> statuses;  // lower case; one must match
};

/// In lower case, as --status takes it in any: the records have "Complete".
std::string checked_status(const std::string& text) {
    static const std::vector<std::string> known = {
        "complete", "warnings", "incomplete", "failed", "damaged"};
    auto status = to_lower(text);
    if (std::ranges::count(known, status) > 0) {
        return status;
    }
    Error error(
        ErrorCode::Usage,
        concat("--status cannot be \"", printable(text), "\": it is one of ", join(known, ", ")));
    const auto suggestion = did_you_mean(status, known);
    throw suggestion.empty() ? error : std::move(error).hint(suggestion);
}

Filter make_filter(const ParsedCommand& arguments, Clock& clock) {
    Filter filter;
    filter.namespaces = arguments.list("namespace");
    for (const auto& tag : arguments.list("tag")) {
        const auto equals = tag.find('=');
        filter.tags.emplace_back(tag.substr(0, equals),
                                 equals == std::string::npos
                                     ? std::nullopt
                                     : std::optional<std::string>(tag.substr(equals + 1)));
    }
    if (const auto since = arguments.find_text("since")) {
        filter.since = with_context([] { return "--since"; },
                                    [&] {
                                        return since->find('-') != std::string::npos
                                                   ? parse_rfc3339(*since)
                                                   : clock.now() - parse_duration(*since);
                                    });
    }
    for (const auto& status : arguments.list("status")) {
        filter.statuses.push_back(checked_status(status));
    }
    return filter;
}

bool matches(const Filter& filter, const model::RecoveryPoint& point, const std::string& status) {
    const auto holds = [&point](const std::string& pattern) {
        return std::ranges::any_of(point.namespaces, [&pattern](const std::string& name) {
            return matches_glob(pattern, name);
        });
    };
    const auto carries = [&point](const auto& wanted) {
        const auto found = point.tags.find(wanted.first);
        return found != point.tags.end() && (!wanted.second || *wanted.second == found->second);
    };
    return (filter.namespaces.empty() || std::ranges::any_of(filter.namespaces, holds)) &&
           std::ranges::all_of(filter.tags, carries) &&
           (!filter.since || point.created >= *filter.since) &&
           (filter.statuses.empty() || std::ranges::count(filter.statuses, to_lower(status)) > 0);
}

int run(Context& context) {
    const auto filter = make_filter(context.arguments(), context.app().clock);
    // The points name themselves: no index, which may be large, is read for them.
    const auto opened = open_place(context.settings(), context.app().environment);
    int exit_code = 0;
    Json::Array records;
    const auto on_damaged = [&](const std::string& blob, const Error& error) {
        context.warn(concat("point ", blob, " cannot be read: ", error.what()));
        exit_code = error.exit_code();
    };
    const auto checks = load_point_checks(context, opened->repository);
    for (const auto& stored : repository::list_points(opened->repository, on_damaged)) {
        auto record = point_record(stored.point, find_check(checks, stored.point.id));
        if (matches(filter, stored.point, shown_status(record))) {
            records.push_back(std::move(record));
        }
    }
    print_list(context.output(), point_kind(context.app().clock.now()), records);
    if (records.empty() && !is_for_programs(context.output().format)) {
        context.say(concat("No recovery points found in ", opened->backend->location(), "."));
    }
    return exit_code;
}

}  // namespace

Command list_command() {
    Command command;
    command.name = "list";
    command.aliases = {"get"};
    command.group = kLookGroup;
    command.summary = "List recovery points";
    command.manual = kManual;
    command.flags = {
        {"namespace",
         'n',
         FlagKind::List,
         "NAMESPACE",
         "",
         "points that hold this namespace; names or globs, may be repeated",
         ""},
        {"tag",
         0,
         FlagKind::Repeated,
         "KEY[=VALUE]",
         "",
         "points with this tag; repeated: with all",
         ""},
        {"since",
         0,
         FlagKind::Text,
         "TIME",
         "",
         "points not older than this: an age (12h, 7d) or a time (2026-11-20)",
         ""},
        {"status",
         0,
         FlagKind::List,
         "STATUS",
         "",
         "points with this status: complete, warnings, incomplete, failed, damaged",
         ""},
        output_flag({"table", "wide", "json", "yaml", "name"}),
    };
    command.examples = {{"All of them", "kubectl backup list"},
                        {"Those of the last week that hold the namespace shop",
                         "kubectl backup list -n shop --since 7d"},
                        {"Names of those that are not complete, for a script",
                         "kubectl backup list --status incomplete,failed,damaged -o name"}};
    command.run = run;
    return command;
}

}  // namespace backup::plugin
