// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/forget.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "core/maintenance/checks.hpp"
#include "core/model/retention.hpp"
#include "core/repository/hold.hpp"
#include "core/repository/point_store.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/points.hpp"
#include "plugin/commands/pruning.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/open_repository.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ostream>

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(Removes the points that no rule keeps. Each --keep flag is a rule, and a point stays when any of
them keeps it; without a rule nothing is removed. See first what would go with --dry-run: it names
the rule for each point that stays. Space comes back with "kubectl backup prune", or --prune here;
with --dry-run that says how much it would be.

Points are judged in groups, by default those of the same cluster and the same namespaces.
--keep-daily 7 keeps one point of each of the last seven days that have points, the newest good one;
so do the others with hours, weeks (from Monday), months and years. All days are days in UTC.
--keep-within counts back from the newest point of the group, not from today: a backup that stopped
running does not age away.

A point is good when it is Complete or has Warnings and no verification found it damaged. Whatever
the rules say, the newest good point of a group stays, or as many as --keep-min-good says. A point
under hold always stays. Points that cannot be read are left alone: "kubectl backup delete" removes
them by id.)";

struct CountFlag {
    std::string_view name;
    unsigned model::RetentionRules::*count;
    std::string_view summary;
};

constexpr std::array<CountFlag, 6> kCountFlags{{
    {"keep-last", &model::RetentionRules::last, "the newest so many; 'all' in place of a number"},
    {"keep-hourly", &model::RetentionRules::hourly, "one for each of so many hours"},
    {"keep-daily", &model::RetentionRules::daily, "one for each of so many days"},
    {"keep-weekly", &model::RetentionRules::weekly, "one for each of so many weeks"},
    {"keep-monthly", &model::RetentionRules::monthly, "one for each of so many months"},
    {"keep-yearly", &model::RetentionRules::yearly, "one for each of so many years"},
}};

unsigned parse_count(std::string_view flag, const std::string& text) {
    if (text == "all") {
        return model::kKeepAll;
    }
    unsigned count = 0;
    const auto* const end = text.data() + text.size();
    const auto [stopped, problem] = std::from_chars(text.data(), end, count);
    if (text.empty() || problem != std::errc() || stopped != end) {
        throw Error(
            ErrorCode::Usage,
            concat("--", flag, " cannot be \"", printable(text), "\": it is a number, or all"));
    }
    return count;
}

model::RetentionRules make_rules(const ParsedCommand& arguments) {
    model::RetentionRules rules;
    for (const auto& flag : kCountFlags) {
        if (const auto text = arguments.find_text(flag.name)) {
            rules.*flag.count = parse_count(flag.name, *text);
        }
    }
    rules.min_good = parse_count("keep-min-good", arguments.text("keep-min-good"));
    rules.tags = arguments.list("keep-tag");
    const auto as_usage = [](std::string_view flag, auto&& parse) {
        try {
            return parse();
        } catch (const Error& error) {
            throw Error(ErrorCode::Usage, concat("--", flag, ": ", error.message()));
        }
    };
    if (const auto text = arguments.find_text("keep-within")) {
        rules.within = as_usage("keep-within", [&] { return model::parse_period(*text); });
    }
    rules.group_by =
        as_usage("group-by", [&] { return model::parse_group_by(arguments.text("group-by")); });
    if (!rules.has_any()) {
        throw Error(ErrorCode::Usage, "no rule says which points stay")
            .hint(
                "for example --keep-daily 7 --keep-weekly 4 --keep-monthly 12; add --dry-run to see"
                " what would go");
    }
    return rules;
}

bool is_asked_for(const ParsedCommand& arguments, const model::RecoveryPoint& point) {
    const auto namespaces = arguments.list("namespace");
    const auto holds = [&point](const std::string& pattern) {
        return std::ranges::any_of(point.namespaces, [&pattern](const std::string& name) {
            return matches_glob(pattern, name);
        });
    };
    const auto tags = arguments.list("tag");
    const auto carries = [&point](const std::string& tag) {
        const auto equals = tag.find('=');
        const auto found = point.tags.find(tag.substr(0, equals));
        return found != point.tags.end() &&
               (equals == std::string::npos || found->second == tag.substr(equals + 1));
    };
    return (namespaces.empty() || std::ranges::any_of(namespaces, holds)) &&
           std::ranges::all_of(tags, carries);
}

std::vector<model::RetentionPoint> load_points(Context& context,
                                               const repository::Repository& repository) {
    const auto held = list_held_points(repository);
    const auto damaged = maintenance::damaged_points(maintenance::load_checks(
        repository, [&context](const std::string& blob, const Error& error) {
            context.warn(concat(blob, " cannot be read: ", error.what()));
        }));
    const auto on_damaged = [&context](const std::string& blob, const Error& error) {
        context.warn(concat("point ", blob, " cannot be read, and is left alone: ", error.what()));
    };
    std::vector<model::RetentionPoint> points;
    for (auto& record : list_points(repository, on_damaged)) {
        if (is_asked_for(context.arguments(), record.point)) {
            const auto& id = record.point.id;
            const bool is_damaged = damaged.contains(id);
            const bool is_held = std::binary_search(held.begin(), held.end(), id);
            points.push_back({std::move(record.point), is_damaged, is_held});
        }
    }
    return points;
}

Json to_record(const model::RetentionPoint& point, const model::Decision& decision) {
    Json::Array reasons;
    for (const auto& reason : decision.reasons) {
        reasons.push_back(reason);
    }
    return Json::object({{"name", point.point.name},
                         {"id", point.point.id},
                         {"created", format_rfc3339_exact(point.point.created)},
                         {"status", model::to_text(point.point.status)},
                         {"damaged", point.is_damaged},
                         {"group", decision.group},
                         {"keep", decision.keep},
                         {"reasons", std::move(reasons)}});
}

void print_decisions(Context& context,
                     const std::vector<model::RetentionPoint>& points,
                     const std::vector<model::Decision>& decisions) {
    const auto output = context.output();
    if (output.format == OutputFormat::Name) {
        for (const auto& decision : decisions) {
            if (!decision.keep) {
                output.out << "recoverypoint/" << points[decision.number].point.name << '\n';
            }
        }
        return;
    }
    const auto now = context.app().clock.now();
    const std::string_view forgotten = context.is_dry_run() ? "would forget" : "forgot";
    for (std::size_t begin = 0; begin < decisions.size();) {
        const auto& group = decisions[begin].group;
        Table table({"NAME", "ID", "AGE", "STATUS", "DECISION", "WHY"});
        auto at = begin;
        for (; at < decisions.size() && decisions[at].group == group; ++at) {
            const auto& [point, is_damaged, is_held] = points[decisions[at].number];
            const bool keep = decisions[at].keep;
            table.add({{point.name},
                       {short_id(point.id)},
                       {format_age(now - point.created)},
                       is_damaged
                           ? Cell{std::string(kDamagedStatus), Tone::Bad}
                           : Cell{std::string(model::to_text(point.status)), tone_of(point.status)},
                       {keep ? "keep" : std::string(forgotten), keep ? Tone::Good : Tone::Warning},
                       {join(decisions[at].reasons, ", ")}});
        }
        output.out << (begin == 0 ? "" : "\n") << printable(group) << ":\n"
                   << table.format({output.headers, output.colour, 0});
        begin = at;
    }
}

int run(Context& context) {
    const auto& arguments = context.arguments();
    const auto rules = make_rules(arguments);
    const auto pruning =
        arguments.is_on("prune") ? std::optional(pruning_options(context)) : std::nullopt;
    const auto opened = open_place(context.settings(), context.app().environment);
    const auto points = load_points(context, opened->repository);
    const auto decisions = model::apply_retention(points, rules);
    std::vector<std::string> ids;
    auto json = Json::object({{"dryRun", context.is_dry_run()}});
    Json::Array records;
    for (const auto& decision : decisions) {
        records.push_back(to_record(points[decision.number], decision));
        if (!decision.keep) {
            ids.push_back(points[decision.number].point.id);
        }
    }
    json["points"] = std::move(records);
    if (!context.is_dry_run()) {
        maintenance::forget_points(opened->repository, ids, context.app().random);
    }
    const bool is_for_people = !is_for_programs(context.output().format);
    if (is_for_people) {
        print_decisions(context, points, decisions);
        context.say(concat(context.is_dry_run() ? "would forget " : "forgot ",
                           ids.size(),
                           " of ",
                           points.size(),
                           " points",
                           context.is_dry_run() ? " (dry run)" : ""));
    }
    if (pruning) {
        prune_behind(context, opened->repository, *pruning, ids, json);
    }
    if (!is_for_people) {
        print_record(context.output(), "Forgetting", json);
    }
    return 0;
}

std::vector<Flag> make_flags() {
    using enum FlagKind;
    std::vector<Flag> flags;
    for (const auto& flag : kCountFlags) {
        flags.push_back({flag.name, 0, Text, "N", "", flag.summary, "Rules"});
    }
    flags.push_back({"keep-within",
                     0,
                     Text,
                     "PERIOD",
                     "",
                     "all that are not older than the newest one by 36h, 7d, 2w, 6mo, 1y",
                     "Rules"});
    flags.push_back({"keep-tag",
                     0,
                     Repeated,
                     "KEY[=VALUE]",
                     "",
                     "all with this tag; may be repeated",
                     "Rules"});
    flags.push_back({"keep-min-good",
                     0,
                     Text,
                     "N",
                     "1",
                     "never fewer good points in a group than these",
                     "Rules"});
    flags.push_back(
        {"group-by",
         0,
         Text,
         "WHAT",
         "cluster,namespaces",
         "what the points of a group have in common: cluster, namespaces, host, or none",
         ""});
    flags.push_back({"namespace",
                     'n',
                     List,
                     "NAMESPACE",
                     "",
                     "judge only points that hold this namespace; names or globs",
                     ""});
    flags.push_back({"tag",
                     0,
                     Repeated,
                     "KEY[=VALUE]",
                     "",
                     "judge only points with this tag; repeated: with all",
                     ""});
    flags.push_back({"prune", 0, Switch, "", "", "give their space back at once", ""});
    for (auto& flag : pruning_flags()) {
        flag.group = "With --prune";
        flags.push_back(std::move(flag));
    }
    flags.push_back(dry_run_flag("show what would stay and what would go, and why"));
    flags.push_back(output_flag({"table", "json", "yaml", "name"}));
    return flags;
}

}  // namespace

Command forget_command() {
    Command command;
    command.name = "forget";
    command.group = kCareGroup;
    command.summary = "Remove points by rules: so many days, weeks, months";
    command.manual = kManual;
    command.flags = make_flags();
    command.examples = {
        {"What a usual set of rules would remove",
         "kubectl backup forget --keep-daily 7 --keep-weekly 4 --keep-monthly 12 --dry-run"},
        {"The same for good, with the space",
         "kubectl backup forget --keep-daily 7 --keep-weekly 4 --keep-monthly 12 --prune"},
        {"Only the points of one namespace, all of the last month",
         "kubectl backup forget -n shop --keep-within 1mo"}};
    command.run = run;
    return command;
}

}  // namespace backup::plugin
