// SPDX-License-Identifier: Apache-2.0
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "core/repository/point_store.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/points.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/find_point.hpp"
#include "plugin/open_repository.hpp"

#include <map>
#include <ostream>
#include <set>

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(Shows what a point holds and its ledger: what is protected, what was skipped and why, and what
could not be saved. -o wide lists every kind of every namespace and every path that was lost; -o json
is the whole record.

A POINT is its name, the first letters of its id, "latest", "latest~2" (the second before it),
"latest:NAMESPACE" (the newest that holds it), "@2026-11-20T10:00Z" or "@2h" (the newest that is not
younger than that).)";

class Page {
  public:
    explicit Page(const Output& output) : output_(output) {}

    void field(std::string_view name, std::string_view value, Tone tone = Tone::Plain) {
        constexpr std::size_t kColumn = 14;
        if (value.empty()) {
            return;
        }
        std::string label = concat(name, ":");
        label.resize(std::max(label.size() + 1, kColumn), ' ');
        output_.out << label << toned(printable(value), tone, output_.colour) << '\n';
    }

    void table(std::string_view heading, const Table& table) {
        if (!table.is_empty()) {
            output_.out << '\n'
                        << heading << ":\n"
                        << table.format({output_.headers, output_.colour, 2});
        }
    }

    void lines(std::string_view heading, const std::vector<std::string>& lines) {
        if (lines.empty()) {
            return;
        }
        constexpr std::size_t kWidth = 100;
        output_.out << '\n' << heading << ":\n";
        for (const auto& line : lines) {
            output_.out << wrap(printable(line), kWidth, 2);
        }
    }

    bool is_wide() const { return output_.format == OutputFormat::Wide; }

  private:
    const Output& output_;
};

std::string time_and_age(TimePoint time, TimePoint now) {
    return concat(format_rfc3339(time), " (", format_age(now - time), " ago)");
}

void print_head(Page& page, const model::RecoveryPoint& point, TimePoint now) {
    const auto& numbers = point.statistics;
    page.field("Name", point.name);
    page.field("ID", point.id);
    page.field("Status", model::to_text(point.status), tone_of(point.status));
    page.field("Created", time_and_age(point.created, now));
    page.field("Took", format_age(point.finished - point.created));
    page.field("Description", point.description);
    std::vector<std::string> tags;
    for (const auto& [key, value] : point.tags) {
        tags.push_back(concat(key, "=", value));
    }
    page.field("Tags", join(tags, ", "));
    page.field("Cluster",
               point.cluster.version.empty()
                   ? point.cluster.server
                   : concat(point.cluster.server, " (", point.cluster.version, ")"));
    page.field("Host", point.host);
    page.field("Program", point.program);
    page.field("Namespaces", join(point.namespaces, ", "));
    page.field("Objects", concat(numbers.objects));
    page.field("Volumes", concat(numbers.volumes));
    page.field("Files", concat(numbers.files, " in ", numbers.directories, " directories"));
    page.field("Size",
               concat(format_size(numbers.bytes),
                      ", ",
                      format_size(numbers.new_bytes),
                      " of it new, ",
                      format_size(numbers.stored_bytes),
                      " stored"));
    page.field("Previous", point.previous);
}

Tone tone_of_outcome(model::Outcome outcome) {
    switch (outcome) {
        case model::Outcome::Protected:
            return Tone::Good;
        case model::Outcome::Skipped:
            return Tone::Faint;
        case model::Outcome::Failed:
            return Tone::Bad;
    }
    return Tone::Plain;
}

/// Why a thing is not (or not well) protected; empty when there is nothing to say.
std::string remark(model::SkipReason reason, const std::string& message) {
    if (reason == model::SkipReason::None) {
        return message;
    }
    return message.empty() ? std::string(model::to_text(reason))
                           : concat(model::to_text(reason), ": ", message);
}

std::string volume_remark(const model::VolumeRecord& volume) {
    std::vector<std::string> parts;
    if (auto text = remark(volume.reason, volume.message); !text.empty()) {
        parts.push_back(std::move(text));
    }
    if (volume.files_unreadable > 0) {
        parts.push_back(concat(volume.files_unreadable, " unreadable"));
    }
    if (volume.files_changed > 0) {
        parts.push_back(concat(volume.files_changed, " changed while read"));
    }
    return join(parts, ", ");
}

/// The paths that the ledger names; without -o wide only the first of them.
void print_paths(Page& page,
                 std::string_view title,
                 const model::Ledger& ledger,
                 std::vector<std::string> model::VolumeRecord::*paths) {
    constexpr std::size_t kMostLines = 10;
    std::vector<std::string> lines;
    for (const auto& volume : ledger.volumes) {
        for (const auto& path : volume.*paths) {
            lines.push_back(concat(volume.name_space, "/", volume.claim, ": ", path));
        }
    }
    if (!page.is_wide() && lines.size() > kMostLines) {
        const auto more = lines.size() - kMostLines;
        lines.resize(kMostLines);
        lines.push_back(concat("and ", more, " more: -o wide shows them"));
    }
    page.lines(title, lines);
}

void print_volumes(Page& page, const model::Ledger& ledger) {
    Table table({"CLAIM", "OUTCOME", "FILES", "SIZE", "READ", "SENT", "TIME", "NOTE"});
    for (const auto& volume : ledger.volumes) {
        table.add({{concat(volume.name_space, "/", volume.claim)},
                   {std::string(model::to_text(volume.outcome)), tone_of_outcome(volume.outcome)},
                   {concat(volume.files)},
                   {format_size(volume.bytes)},
                   {format_size(volume.bytes_read)},
                   {format_size(volume.bytes_sent)},
                   {format_age(std::chrono::milliseconds(volume.duration_ms))},
                   {volume_remark(volume)}});
    }
    page.table("Volumes", table);
    print_paths(page, "Unreadable", ledger, &model::VolumeRecord::unreadable);
    print_paths(page, "Changed while read", ledger, &model::VolumeRecord::changed);
}

void print_all_lists(Page& page, const model::Ledger& ledger) {
    Table table({"RESOURCE", "NAMESPACE", "OUTCOME", "COUNT", "NOTE"});
    for (const auto& list : ledger.lists) {
        table.add({{list.resource},
                   {list.scope},
                   {std::string(model::to_text(list.outcome)), tone_of_outcome(list.outcome)},
                   {concat(list.count)},
                   {remark(list.reason, list.message)}});
    }
    page.table("Lists", table);
}

/// The objects by kind, and what is missing; skipped kinds in one line for each reason.
void print_lists(Page& page, const model::Ledger& ledger) {
    std::map<std::string, std::uint64_t> counts;
    std::map<std::string_view, std::set<std::string>> skipped;
    std::vector<std::string> failed;
    for (const auto& list : ledger.lists) {
        if (list.outcome == model::Outcome::Protected && list.count > 0) {
            counts[list.resource] += list.count;
        } else if (list.outcome == model::Outcome::Skipped) {
            skipped[model::to_text(list.reason)].insert(list.resource);
        } else if (list.outcome == model::Outcome::Failed) {
            failed.push_back(concat(
                list.resource, list.scope.empty() ? "" : " in ", list.scope, ": ", list.message));
        }
    }
    Table table({"RESOURCE", "COUNT"});
    for (const auto& [resource, count] : counts) {
        table.add({{resource}, {concat(count)}});
    }
    page.table("Objects", table);
    std::vector<std::string> reasons;
    for (const auto& [reason, resources] : skipped) {
        const std::vector<std::string> names(resources.begin(), resources.end());
        reasons.push_back(concat(reason, ": ", join(names, ", ")));
    }
    page.lines("Skipped", reasons);
    page.lines("Failed", failed);
}

void print_problems(Page& page, const model::Ledger& ledger) {
    std::vector<std::string> problems;
    for (const auto& problem : ledger.problems) {
        problems.push_back(concat(problem.subject, ": ", problem.message));
    }
    page.lines("Problems", problems);
    page.lines("Warnings", ledger.warnings);
}

int run(Context& context) {
    auto& repository = context.repository();
    const auto record =
        find_point(repository, context.arguments().argument(0), context.app().clock);
    const auto ledger = repository::read_ledger(repository.chunks, record);
    const auto output = context.output();
    if (is_for_programs(output.format)) {
        auto json = point_record(record.point);
        json["ledger"] = model::to_json(ledger);
        print_record(output, "RecoveryPoint", json);
        return 0;
    }
    Page page(output);
    print_head(page, record.point, context.app().clock.now());
    print_volumes(page, ledger);
    if (page.is_wide()) {
        print_all_lists(page, ledger);
    } else {
        print_lists(page, ledger);
    }
    print_problems(page, ledger);
    return 0;
}

}  // namespace

Command describe_command() {
    Command command;
    command.name = "describe";
    command.aliases = {"show"};
    command.group = kLookGroup;
    command.summary = "Show what a point holds, what it lacks, and why";
    command.manual = kManual;
    command.arguments = {{"POINT", true, false, Completes::Point}};
    command.flags = {output_flag({"table", "wide", "json", "yaml"})};
    command.examples = {
        {"The newest point", "kubectl backup describe latest"},
        {"The newest one that holds the namespace shop", "kubectl backup describe latest:shop"},
        {"Volumes that are not protected, for a script",
         "kubectl backup describe latest -o json | jq "
         "'.ledger.volumes[] | select(.outcome != \"Protected\")'"}};
    command.run = run;
    return command;
}

}  // namespace backup::plugin
