// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/ledger_page.hpp"

#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "core/model/ledger_findings.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

namespace backup::plugin {

namespace {

using model::Outcome;
using model::Severity;

constexpr std::size_t kMostLines = 10;    // of one kind, without -o wide
constexpr std::size_t kMostVolumes = 40;  // the same

std::string counted(std::uint64_t count, std::string_view noun) {
    return concat(count, " ", noun, count == 1 ? "" : "s");
}

Tone tone_of(Severity severity) {
    switch (severity) {
        case Severity::Ok:
            return Tone::Plain;
        case Severity::Warning:
            return Tone::Warning;
        case Severity::Incomplete:
        case Severity::Failed:
            return Tone::Bad;
    }
    return Tone::Plain;
}

bool has_data(const model::VolumeRecord& volume) {
    return volume.outcome == Outcome::Protected && !volume.method.empty();
}

/// Green is only what is there and well; what was left out on purpose is faint.
Tone tone_of(const model::VolumeRecord& volume, const model::SeverityRules& rules) {
    const auto severity = model::severity_of(volume, rules);
    if (severity != Severity::Ok) {
        return tone_of(severity);
    }
    return has_data(volume) ? Tone::Good : Tone::Faint;
}

void print_findings_of(Page& page,
                       Severity severity,
                       std::string_view heading,
                       const std::vector<model::Finding>& findings) {
    std::map<std::string_view, std::size_t> shown;  // by reason
    std::map<std::string_view, std::size_t> hidden;
    bool has_heading = false;
    for (const auto& finding : findings) {
        if (finding.severity != severity) {
            continue;
        }
        if (!std::exchange(has_heading, true)) {
            page.section(heading, tone_of(severity));
        }
        if (!page.is_wide() && ++shown[finding.reason] > kMostLines) {
            ++hidden[finding.reason];
        } else if (finding.subject.empty()) {
            page.text(finding.message);
        } else {
            constexpr std::size_t kDeeper = 6;
            page.text(concat(finding.subject, ": ", finding.reason));
            page.text(finding.message, kDeeper);
        }
    }
    for (const auto& [reason, count] : hidden) {
        page.line(concat("and ", count, " more of ", reason, ": -o wide shows them"));
    }
}

void print_findings(Page& page, const model::Ledger& ledger) {
    const auto findings = model::findings_of(ledger);
    print_findings_of(page, Severity::Failed, "Failed", findings);
    print_findings_of(page, Severity::Incomplete, "Incomplete", findings);
    print_findings_of(page, Severity::Warning, "Warnings", findings);
}

void print_missing_rules(Page& page, const model::Ledger& ledger) {
    std::map<std::string, std::vector<model::AccessRule>> by_namespace;
    for (const auto& rule : model::missing_rules(ledger)) {
        by_namespace[rule.name_space].push_back(rule);
    }
    if (by_namespace.empty()) {
        return;
    }
    page.section("Missing rights, as rules to be granted");
    for (const auto& [ns, rules] : by_namespace) {
        page.line(ns.empty() ? "in a ClusterRole:" : concat("in a Role of namespace ", ns, ":"));
        constexpr std::size_t kDeeper = 4;
        for (const auto& line : model::format_role_rules(rules)) {
            page.line(line, kDeeper);
        }
    }
}

std::string note_of(const model::VolumeRecord& volume) {
    std::vector<std::string> parts;
    if (!has_data(volume)) {
        parts.emplace_back(volume.reason == model::SkipReason::None ? "no data"
                                                                    : to_text(volume.reason));
    } else if (!volume.message.empty()) {
        parts.push_back(volume.message);
    }
    if (volume.files_unreadable > 0) {
        parts.push_back(concat(volume.files_unreadable, " unreadable"));
    }
    if (volume.files_changed > 0) {
        parts.push_back(concat(volume.files_changed, " changed while read"));
    }
    return join(parts, ", ");
}

std::string rate_of(const model::VolumeRecord& volume) {
    constexpr std::uint64_t kThousand = 1000;
    if (volume.duration_ms == 0 || volume.bytes_read == 0) {
        return "";
    }
    return concat(format_size(volume.bytes_read * kThousand / volume.duration_ms), "/s");
}

std::vector<Cell> row_of(const model::VolumeRecord& volume,
                         const model::SeverityRules& rules,
                         bool is_wide) {
    std::vector<Cell> row = {{concat(volume.name_space, "/", volume.claim)},
                             {std::string(model::to_text(volume.outcome)), tone_of(volume, rules)}};
    const bool is_there = has_data(volume);
    const auto add = [&row, is_there](std::string text) {
        row.push_back({is_there ? std::move(text) : std::string()});
    };
    add(volume.method);
    add(volume.consistency);
    add(concat(volume.files));
    add(format_size(volume.bytes));
    add(format_age(std::chrono::milliseconds(volume.duration_ms)));
    add(rate_of(volume));
    if (is_wide) {
        add(format_size(volume.bytes_read));
        add(format_size(volume.bytes_sent));
        add(concat(volume.files_unchanged));
        row.push_back({volume.rule});
    }
    row.push_back({note_of(volume)});
    return row;
}

void print_volumes(Page& page, const model::Ledger& ledger) {
    std::vector<std::string> headers = {
        "CLAIM", "OUTCOME", "METHOD", "CONSISTENCY", "FILES", "SIZE", "TIME", "RATE"};
    if (page.is_wide()) {
        headers.insert(headers.end(), {"READ", "SENT", "UNCHANGED", "RULE"});
    }
    headers.emplace_back("NOTE");
    std::vector<const model::VolumeRecord*> volumes;
    for (const auto& volume : ledger.volumes) {
        volumes.push_back(&volume);
    }
    std::stable_sort(volumes.begin(), volumes.end(), [&](const auto* a, const auto* b) {
        return severity_of(*a, ledger.severity) > severity_of(*b, ledger.severity);
    });
    Table table(headers);
    const auto shown = page.is_wide() ? volumes.size() : std::min(volumes.size(), kMostVolumes);
    for (std::size_t i = 0; i < shown; ++i) {
        table.add(row_of(*volumes[i], ledger.severity, page.is_wide()));
    }
    page.table("Volumes", table);
    if (shown < volumes.size()) {
        page.line(concat("and ", volumes.size() - shown, " more: -o wide shows them"));
    }
}

/// The paths that the ledger names; without -o wide only the first of them.
void print_paths(Page& page,
                 std::string_view title,
                 const model::Ledger& ledger,
                 std::vector<std::string> model::VolumeRecord::*paths) {
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
    page.texts(title, lines);
}

Tone tone_of(const model::HookRecord& hook, const model::SeverityRules& rules) {
    return hook.outcome == model::HookOutcome::Succeeded ? Tone::Good
                                                         : tone_of(model::severity_of(hook, rules));
}

/// The end of what a hook printed; all that is kept with -o wide.
void print_output(Page& page, const model::HookRecord& hook) {
    auto lines = split(trim(hook.output), '\n');
    if (trim(hook.output).empty()) {
        return;
    }
    page.section(concat("Output of the ",
                        to_lower(to_text(hook.phase)),
                        " hook of pod ",
                        hook.name_space,
                        "/",
                        hook.pod));
    if (!page.is_wide() && lines.size() > kMostLines) {
        lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(kMostLines));
    }
    for (const auto& line : lines) {
        page.line(line);
    }
}

void print_hooks(Page& page, const model::Ledger& ledger) {
    Table table({"POD", "CONTAINER", "HOOK", "OUTCOME", "EXIT", "TIME", "FROM", "COMMAND"});
    for (const auto& hook : ledger.hooks) {
        constexpr std::size_t kLongestCommand = 60;
        auto command = join(hook.command, " ");
        if (!page.is_wide() && command.size() > kLongestCommand) {
            command.resize(kLongestCommand);
            command += "...";
        }
        table.add({{concat(hook.name_space, "/", hook.pod)},
                   {hook.container},
                   {to_lower(to_text(hook.phase))},
                   {std::string(to_text(hook.outcome)), tone_of(hook, ledger.severity)},
                   {hook.outcome == model::HookOutcome::NotRun ? "" : concat(hook.exit_code)},
                   {format_age(std::chrono::milliseconds(hook.duration_ms))},
                   {hook.origin},
                   {command}});
    }
    page.table("Hooks", table);
    for (const auto& hook : ledger.hooks) {
        if (page.is_wide() || hook.outcome != model::HookOutcome::Succeeded) {
            print_output(page, hook);
        }
    }
}

void print_all_lists(Page& page, const model::Ledger& ledger) {
    Table table({"RESOURCE", "NAMESPACE", "OUTCOME", "COUNT", "VERSION", "NOTE"});
    for (const auto& list : ledger.lists) {
        const auto severity = model::severity_of(list, ledger.severity);
        const bool is_good = severity == Severity::Ok && list.outcome == Outcome::Protected;
        const bool is_left_out = severity == Severity::Ok && list.outcome == Outcome::Skipped;
        const auto reason = list.reason == model::SkipReason::None
                                ? std::string()
                                : std::string(model::to_text(list.reason));
        table.add(
            {{list.resource},
             {list.scope},
             {std::string(model::to_text(list.outcome)),
              is_good       ? Tone::Good
              : is_left_out ? Tone::Faint
                            : tone_of(severity)},
             {concat(list.count)},
             {list.resource_version},
             {concat(reason, reason.empty() || list.message.empty() ? "" : ": ", list.message)}});
    }
    page.table("Lists", table);
}

/// The objects by kind, and the kinds that were left out by reason.
void print_lists(Page& page, const model::Ledger& ledger) {
    std::map<std::string, std::uint64_t> counts;
    std::map<std::string_view, std::set<std::string>> skipped;
    for (const auto& list : ledger.lists) {
        if (list.outcome == Outcome::Protected && list.count > 0) {
            counts[list.resource] += list.count;
        } else if (list.outcome == Outcome::Skipped) {
            skipped[model::to_text(list.reason)].insert(list.resource);
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
    page.texts("Left out", reasons);
}

std::string claims_verdict(const model::Ledger& ledger) {
    std::uint64_t with_data = 0;
    std::uint64_t left_out = 0;
    for (const auto& volume : ledger.volumes) {
        if (has_data(volume)) {
            ++with_data;
        } else if (model::severity_of(volume, ledger.severity) == Severity::Ok) {
            ++left_out;
        }
    }
    const auto wanted = ledger.volumes.size() - left_out;
    std::string text;
    if (wanted > 0) {
        text = concat(with_data, " of ", counted(wanted, "claim"), " with data");
    }
    if (left_out > 0) {
        text += text.empty() ? counted(left_out, "claim") + " left out"
                             : concat(", ", left_out, " left out");
    }
    return text;
}

}  // namespace

std::string verdict_of(const model::Ledger& ledger) {
    std::vector<std::string> parts;
    if (auto claims = claims_verdict(ledger); !claims.empty()) {
        parts.push_back(std::move(claims));
    }
    const auto add = [&parts](std::uint64_t count, std::string_view noun, std::string_view what) {
        if (count > 0) {
            parts.push_back(concat(counted(count, noun), " ", what));
        }
    };
    std::uint64_t unreadable = 0;
    std::uint64_t changed = 0;
    for (const auto& volume : ledger.volumes) {
        unreadable += volume.files_unreadable;
        changed += volume.files_changed;
    }
    add(unreadable, "file", "unreadable");
    add(changed, "file", "changed while read");
    const auto failed_lists =
        std::count_if(ledger.lists.begin(), ledger.lists.end(), [](const model::ListRecord& list) {
            return list.outcome == Outcome::Failed;
        });
    add(static_cast<std::uint64_t>(failed_lists), "list", "failed");
    const auto failed_hooks =
        std::count_if(ledger.hooks.begin(), ledger.hooks.end(), [](const model::HookRecord& hook) {
            return hook.outcome != model::HookOutcome::Succeeded;
        });
    add(static_cast<std::uint64_t>(failed_hooks), "hook", "failed");
    add(ledger.problems.size(), "problem", "noted");
    return join(parts, "; ");
}

void print_ledger(Page& page, const model::Ledger& ledger) {
    print_findings(page, ledger);
    print_missing_rules(page, ledger);
    print_volumes(page, ledger);
    print_paths(page, "Unreadable", ledger, &model::VolumeRecord::unreadable);
    print_paths(page, "Changed while read", ledger, &model::VolumeRecord::changed);
    print_hooks(page, ledger);
    if (page.is_wide()) {
        print_all_lists(page, ledger);
    } else {
        print_lists(page, ledger);
    }
}

}  // namespace backup::plugin
