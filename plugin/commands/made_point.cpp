// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/made_point.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "core/model/ledger_findings.hpp"
#include "core/repository/hold.hpp"
#include "plugin/commands/points.hpp"
#include "plugin/context.hpp"
#include "plugin/open_repository.hpp"
#include "plugin/version.hpp"

#include <ostream>
#include <set>

namespace backup::plugin {

namespace {

std::map<std::string, std::string> parse_tags(const std::vector<std::string>& texts) {
    std::map<std::string, std::string> tags;
    for (const auto& text : texts) {
        const auto equals = text.find('=');
        if (equals == std::string::npos || equals == 0) {
            throw Error(ErrorCode::Usage,
                        concat("--tag cannot be \"", printable(text), "\": it is KEY=VALUE"));
        }
        tags[text.substr(0, equals)] = text.substr(equals + 1);
    }
    return tags;
}

std::string counted(std::uint64_t count, std::string_view noun) {
    return concat(count, " ", noun, count == 1 ? "" : "s");
}

std::string summary(const model::RecoveryPoint& point) {
    const auto& numbers = point.statistics;
    std::vector<std::string> parts;
    if (numbers.objects > 0) {
        parts.push_back(counted(numbers.objects, "object"));
    }
    if (numbers.volumes > 0) {
        parts.push_back(counted(numbers.volumes, "volume"));
        parts.push_back(counted(numbers.files, "file"));
    }
    parts.push_back(concat(format_size(numbers.bytes),
                           " (",
                           format_size(numbers.new_bytes),
                           " new, ",
                           format_size(numbers.stored_bytes),
                           " stored)"));
    return concat(join(parts, ", "), " in ", format_age(point.finished - point.created));
}

/// The first of what the ledger laments, and where to read the rest.
void report_problems(Context& context,
                     const model::RecoveryPoint& point,
                     const model::Ledger& ledger) {
    constexpr std::size_t kMost = 10;
    std::vector<std::string> lines;
    for (const auto& finding : model::findings_of(ledger)) {
        lines.push_back(
            concat(finding.subject, finding.subject.empty() ? "" : ": ", finding.message));
    }
    for (std::size_t i = 0; i < std::min(lines.size(), kMost); ++i) {
        context.warn(printable(lines[i]));
    }
    if (lines.size() > kMost) {
        context.warn(
            concat(lines.size() - kMost, " more: see 'kubectl backup describe ", point.name, "'"));
    }
}

}  // namespace

std::vector<Flag> point_flags(bool with_name) {
    std::vector<Flag> flags = {
        {"tag", 0, FlagKind::Repeated, "KEY=VALUE", "", "a tag of the point; may be repeated", ""},
        {"description", 0, FlagKind::Text, "TEXT", "", "a line about the point", ""},
        {"hold",
         0,
         FlagKind::OptionalValue,
         "REASON",
         "",
         "keep the point from being forgotten or deleted until it is released",
         ""},
        {"no-verify-writes",
         0,
         FlagKind::Switch,
         "",
         "",
         "do not decode and compare what is compressed here before it is stored; saves CPU",
         ""},
    };
    if (with_name) {
        flags.insert(flags.begin(),
                     {"name",
                      0,
                      FlagKind::Text,
                      "NAME",
                      "",
                      "name of the point (default: what it holds, and the time)",
                      ""});
    }
    return flags;
}

model::RecoveryPoint new_point(Context& context, const std::string& name, std::string_view scope) {
    model::RecoveryPoint point;
    point.created = context.app().clock.now();
    point.name = name.empty() ? concat(scope, "-", format_compact(point.created)) : name;
    model::check_point_name(point.name);
    if (point.name.find(':') != std::string::npos) {
        throw Error(ErrorCode::InvalidArgument,
                    concat("\"", printable(point.name), "\" cannot be the name of a point"))
            .hint("a colon stands between a point and a path");
    }
    point.description = context.arguments().text("description");
    point.tags = parse_tags(context.arguments().list("tag"));
    point.host = context.app().host;
    point.program = concat("kubectl-backup ", kVersion);
    return point;
}

void make_name_unique(Context& context,
                      const OpenedRepository& opened,
                      model::RecoveryPoint& point,
                      bool is_given) {
    std::set<std::string> names;
    const auto on_damaged = [&context](const std::string& blob, const Error& error) {
        context.warn(concat("point ", blob, " cannot be read: ", error.what()));
    };
    for (const auto& record : list_points(opened.repository, on_damaged)) {
        names.insert(record.point.name);
    }
    if (is_given && names.contains(point.name)) {
        throw Error(ErrorCode::AlreadyExists,
                    concat("there is a point called '", point.name, "' already"))
            .hint("give another name, or none: then it has the time in it");
    }
    const auto base = point.name;
    for (unsigned number = 2; names.contains(point.name); ++number) {
        point.name = concat(base, "-", number);
    }
}

void hold_when_asked(Context& context,
                     const OpenedRepository& opened,
                     const model::RecoveryPoint& point) {
    if (context.arguments().is_given("hold")) {
        put_hold(opened.repository,
                 {point.id,
                  context.arguments().text("hold"),
                  context.app().host,
                  context.app().clock.now()},
                 context.app().random);
    }
}

int report_made_point(Context& context,
                      const repository::PointRecord& record,
                      const model::Ledger& ledger) {
    const auto& point = record.point;
    const auto output = context.output();
    if (is_for_programs(output.format)) {
        auto json = point_record(point);
        json["ledger"] = model::to_json(ledger);
        print_record(output, "RecoveryPoint", json);
    } else {
        output.out << "recoverypoint/" << point.name
                   << (output.format == OutputFormat::Name ? "" : " created") << '\n';
        context.say(summary(point));
        report_problems(context, point, ledger);
    }
    if (point.status != model::PointStatus::Incomplete &&
        point.status != model::PointStatus::Failed) {
        return 0;
    }
    const bool is_failed = point.status == model::PointStatus::Failed;
    context.warn(concat(is_failed ? "the point counts as failed by the severities of the policy"
                                  : "the point is not complete",
                        ": 'kubectl backup describe ",
                        point.name,
                        "' shows what is missing"));
    return is_failed ? 1 : info_of(ErrorCode::Incomplete).exit_code;
}

}  // namespace backup::plugin
