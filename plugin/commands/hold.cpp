// SPDX-License-Identifier: Apache-2.0
#include "core/repository/hold.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "core/repository/point_store.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/chosen_points.hpp"
#include "plugin/commands/points.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/open_repository.hpp"

#include <map>
#include <ostream>

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(A point under hold is neither forgotten nor deleted, whatever the rules say, until the hold is
released. Without a POINT the holds are listed. "kubectl backup create --hold" puts the new point
under hold as soon as it is there: a "forget" that runs in that moment may be first, and a run that
is killed in it leaves the point without a hold.)";

RecordKind hold_kind(TimePoint now) {
    return {"Hold",
            {{"POINT", [](const Json& record) { return Cell{record.text_at({"name"})}; }},
             {"ID", [](const Json& record) { return Cell{short_id(record.text_at({"id"}))}; }},
             {"REASON", [](const Json& record) { return Cell{record.text_at({"reason"})}; }},
             {"HOST", [](const Json& record) { return Cell{record.text_at({"host"})}; }, true},
             {"AGE",
              [now](const Json& record) {
                  const auto made = record.text_at({"made"});
                  return Cell{made.empty() ? std::string() : format_age(now - parse_rfc3339(made))};
              }}},
            [](const Json& record) { return record.text_at({"name"}); }};
}

int list(Context& context, const repository::Repository& repository) {
    std::map<std::string, std::string> names;
    const auto on_damaged = [&context](const std::string& blob, const Error& error) {
        context.warn(concat("point ", blob, " cannot be read: ", error.what()));
    };
    for (const auto& record : list_points(repository, on_damaged)) {
        names.emplace(record.point.id, record.point.name);
    }
    Json::Array records;
    for (const auto& hold : list_holds(repository)) {
        records.push_back(Json::object(
            {{"name", names[hold.point]},
             {"id", hold.point},
             {"reason", hold.reason},
             {"host", hold.host},
             {"made", hold.made == TimePoint() ? Json("") : Json(format_rfc3339(hold.made))}}));
    }
    print_list(context.output(), hold_kind(context.app().clock.now()), records);
    if (records.empty() && !is_for_programs(context.output().format)) {
        context.say("No point is under hold.");
    }
    return 0;
}

int run(Context& context) {
    const auto& arguments = context.arguments();
    const bool releases = arguments.is_on("release");
    if (releases && (arguments.positionals().empty() || arguments.is_given("reason"))) {
        throw Error(ErrorCode::Usage, "--release takes a POINT, and no reason");
    }
    const auto opened = open_place(context.settings(), context.app().environment);
    if (arguments.positionals().empty()) {
        return list(context, opened->repository);
    }
    Json::Array points;
    const auto now = context.app().clock.now();
    const auto output = context.output();
    for (const auto& point : choose_points(opened->repository, arguments.positionals(), now)) {
        if (!context.is_dry_run() && releases) {
            remove_hold(opened->repository, point.id);
        } else if (!context.is_dry_run()) {
            put_hold(opened->repository,
                     {point.id, arguments.text("reason"), context.app().host, now},
                     context.app().random);
        }
        points.push_back(Json::object({{"name", point.name}, {"id", point.id}}));
        if (!is_for_programs(output.format)) {
            output.out << "recoverypoint/" << label_of(point)
                       << (output.format == OutputFormat::Name ? ""
                           : releases                          ? " released"
                                                               : " held")
                       << (context.is_dry_run() ? " (dry run)" : "") << '\n';
        }
    }
    if (is_for_programs(output.format)) {
        print_record(output,
                     "Holding",
                     Json::object({{"dryRun", context.is_dry_run()},
                                   {"isHeld", !releases},
                                   {"points", std::move(points)}}));
    }
    return 0;
}

}  // namespace

Command hold_command() {
    Command command;
    command.name = "hold";
    command.group = kCareGroup;
    command.summary = "Keep points from being removed, or release them";
    command.manual = kManual;
    command.arguments = {{"POINT", false, true, Completes::Point}};
    command.flags = {
        {"release", 0, FlagKind::Switch, "", "", "end the hold", ""},
        {"reason", 0, FlagKind::Text, "TEXT", "", "why it is kept: a line for the list", ""},
        dry_run_flag(),
        output_flag({"table", "wide", "json", "yaml", "name"}),
    };
    command.examples = {
        {"Keep a point for an audit", "kubectl backup hold before-upgrade --reason 'audit 2026'"},
        {"Release it", "kubectl backup hold before-upgrade --release"},
        {"What is held, and why", "kubectl backup hold"}};
    command.run = run;
    return command;
}

}  // namespace backup::plugin
