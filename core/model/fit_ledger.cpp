// SPDX-License-Identifier: Apache-2.0
#include "core/model/fit_ledger.hpp"

#include "core/base/text.hpp"
#include "core/model/ledger_findings.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace backup::model {

namespace {

/// What the warnings about records that went may add.
constexpr LedgerBounds kNotes{1024, 16};
constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

/// One step of making a ledger smaller.
struct Step {
    std::size_t text_bytes = 0;  // of each text
    std::size_t texts = 0;       // paths of a volume, words of a command, rights
    std::size_t records = 0;     // of each kind
};

constexpr std::array<Step, 9> kSteps{{{16U << 10U, 1000, kAll},
                                      {4U << 10U, 100, kAll},
                                      {1U << 10U, 10, kAll},
                                      {256, 1, kAll},
                                      {256, 1, 100'000},
                                      {256, 1, 10'000},
                                      {256, 1, 1000},
                                      {256, 1, 10},
                                      {256, 1, 0}}};

bool is_within(const Ledger& ledger, std::size_t bytes, std::size_t values) {
    const auto json = to_json(ledger);
    return count_values(json) <= values && format_json(json).size() <= bytes;
}

bool continues_character(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

void keep_begin(std::string& text, std::size_t most) {
    if (text.size() <= most) {
        return;
    }
    while (most > 0 && continues_character(text[most])) {
        --most;
    }
    text.resize(most);
    text += "...";
}

void keep_end(std::string& text, std::size_t most) {
    if (text.size() <= most) {
        return;
    }
    auto begin = text.size() - most;
    while (begin < text.size() && continues_character(text[begin])) {
        ++begin;
    }
    text.erase(0, begin);
}

template <typename Item>
void keep_first(std::vector<Item>& items, std::size_t most) {
    if (items.size() > most) {
        items.erase(items.begin() + static_cast<std::ptrdiff_t>(most), items.end());
    }
}

void shorten(std::vector<std::string>& texts, const Step& step) {
    keep_first(texts, step.texts);
    for (auto& text : texts) {
        keep_begin(text, step.text_bytes);
    }
}

void shorten_texts(Ledger& ledger, const Step& step) {
    for (auto& list : ledger.lists) {
        keep_begin(list.message, step.text_bytes);
        keep_begin(list.resource_version, step.text_bytes);
    }
    for (auto& volume : ledger.volumes) {
        keep_begin(volume.message, step.text_bytes);
        keep_begin(volume.rule, step.text_bytes);
        shorten(volume.changed, step);
        shorten(volume.unreadable, step);
        keep_first(volume.missing_rules, step.texts);
    }
    for (auto& hook : ledger.hooks) {
        keep_end(hook.output, step.text_bytes);
        keep_begin(hook.message, step.text_bytes);
        keep_begin(hook.origin, step.text_bytes);
        shorten(hook.command, step);
    }
    for (auto& problem : ledger.problems) {
        keep_begin(problem.subject, step.text_bytes);
        keep_begin(problem.message, step.text_bytes);
    }
    for (auto& warning : ledger.warnings) {
        keep_begin(warning, step.text_bytes);
    }
}

/// How many records of each kind went.
struct Gone {
    std::size_t lists = 0;
    std::size_t volumes = 0;
    std::size_t hooks = 0;
    std::size_t problems = 0;
    std::size_t warnings = 0;
};

template <typename Record>
std::size_t drop(std::vector<Record>& records, std::size_t most) {
    const auto gone = records.size() - std::min(records.size(), most);
    keep_first(records, most);
    return gone;
}

template <typename Record>
std::size_t drop_best(std::vector<Record>& records, std::size_t most, const SeverityRules& rules) {
    if (records.size() > most) {
        std::stable_sort(records.begin(), records.end(), [&](const auto& left, const auto& right) {
            return severity_of(left, rules) > severity_of(right, rules);
        });
    }
    return drop(records, most);
}

void drop_records(Ledger& ledger, std::size_t most, Gone& gone) {
    gone.lists += drop_best(ledger.lists, most, ledger.severity);
    gone.volumes += drop_best(ledger.volumes, most, ledger.severity);
    gone.hooks += drop_best(ledger.hooks, most, ledger.severity);
    gone.problems += drop(ledger.problems, most);
    gone.warnings += drop(ledger.warnings, most);
}

void tell(Ledger& ledger, const Gone& gone) {
    const std::array<std::pair<std::size_t, std::string_view>, 5> counted{
        {{gone.lists, "lists"},
         {gone.volumes, "volumes"},
         {gone.hooks, "hooks"},
         {gone.problems, "problems"},
         {gone.warnings, "warnings"}}};
    for (const auto& [count, kind] : counted) {
        if (count > 0) {
            ledger.warnings.push_back(
                concat("and ", count, " more ", kind, ": more than a ledger holds"));
        }
    }
}

}  // namespace

void fit_ledger(Ledger& ledger, const LedgerBounds& bounds) {
    if (is_within(ledger, bounds.bytes, bounds.values)) {
        return;
    }
    Gone gone;
    for (const auto& step : kSteps) {
        shorten_texts(ledger, step);
        drop_records(ledger, step.records, gone);
        if (is_within(ledger, bounds.bytes - kNotes.bytes, bounds.values - kNotes.values)) {
            break;
        }
    }
    tell(ledger, gone);
}

}  // namespace backup::model
