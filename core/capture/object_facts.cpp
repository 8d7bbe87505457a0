// SPDX-License-Identifier: Apache-2.0
#include "core/capture/object_facts.hpp"

#include "core/base/text.hpp"
#include "core/model/json_scanner.hpp"

#include <initializer_list>
#include <utility>

namespace backup::capture {

namespace {

constexpr std::string_view kExclude = "kubectl-backup/exclude";
constexpr std::string_view kInclude = "kubectl-backup/include";
constexpr std::string_view kVeleroExclude = "velero.io/exclude-from-backup";

/// What annotation and label of one key say.
struct Mark {
    bool is_true = false;
    bool is_false = false;
    std::string unknown;  // a value that is neither
};

Mark read_mark(const ObjectFacts& facts, std::string_view key) {
    Mark mark;
    for (const auto* map : {&facts.annotations, &facts.labels}) {
        if (const auto found = map->find(key); found != map->end()) {
            mark.is_true = mark.is_true || found->second == "true";
            mark.is_false = mark.is_false || found->second == "false";
            if (found->second != "true" && found->second != "false") {
                mark.unknown = found->second;
            }
        }
    }
    return mark;
}

model::Labels read_labels(std::string_view object) {
    model::Labels labels;
    if (object != "null") {
        model::for_each_member(object, [&labels](std::string_view name, std::string_view value) {
            labels.insert_or_assign(std::string(name), model::decode_string(value));
        });
    }
    return labels;
}

void read_metadata(std::string_view metadata, ObjectFacts& facts) {
    model::for_each_member(metadata, [&facts](std::string_view name, std::string_view value) {
        if (name == "labels") {
            facts.labels = read_labels(value);
        } else if (name == "annotations") {
            facts.annotations = read_labels(value);
        } else if (name == "creationTimestamp" && value != "null") {
            facts.created = parse_rfc3339(model::decode_string(value));
        }
    });
}

}  // namespace

ObjectFacts read_facts(const model::Object& object) {
    ObjectFacts facts;
    facts.key = object.key();
    facts.is_terminating = object.is_terminating();
    const bool is_secret = facts.key.resource == "secrets";
    model::for_each_member(object.bytes(), [&](std::string_view name, std::string_view value) {
        if (name == "metadata") {
            read_metadata(value, facts);
        } else if (name == "type" && is_secret) {
            facts.type = model::decode_string(value);
        }
    });
    return facts;
}

std::string_view find_exclude_mark(const ObjectFacts& facts) {
    const auto ours = read_mark(facts, kExclude);
    if (ours.is_true) {
        return kExclude;
    }
    if (!read_mark(facts, kVeleroExclude).is_true || ours.is_false ||
        read_mark(facts, kInclude).is_true) {
        return {};
    }
    return kVeleroExclude;
}

std::vector<std::string> find_mark_conflicts(const ObjectFacts& facts) {
    const auto exclude = read_mark(facts, kExclude);
    const auto include = read_mark(facts, kInclude);
    const auto velero = read_mark(facts, kVeleroExclude);
    std::vector<std::string> conflicts;
    const auto add = [&](const auto&... parts) {
        conflicts.push_back(concat(format_object_key(facts.key), " ", parts...));
    };
    for (const auto& [key, mark] :
         {std::pair(kExclude, &exclude), {kInclude, &include}, {kVeleroExclude, &velero}}) {
        if (!mark->unknown.empty()) {
            add("has ", key, "=", printable(mark->unknown), ", which is neither true nor false");
        }
    }
    if (exclude.is_true && exclude.is_false) {
        add("has ", kExclude, " as label and annotation with different values: it is left out");
    }
    if (exclude.is_true && include.is_true) {
        add("has both ", kExclude, " and ", kInclude, ": it is left out");
    } else if (velero.is_true && !exclude.is_true && (exclude.is_false || include.is_true)) {
        add("has ",
            kVeleroExclude,
            "=true, but ",
            exclude.is_false ? kExclude : kInclude,
            exclude.is_false ? "=false" : "=true",
            ", which holds: it is stored");
    }
    return conflicts;
}

}  // namespace backup::capture
