// SPDX-License-Identifier: Apache-2.0
#include "core/capture/object_facts.hpp"

#include "core/model/json_scanner.hpp"

#include <array>

namespace backup::capture {

namespace {

constexpr std::array<std::string_view, 2> kExcludeMarks = {"kubectl-backup/exclude",
                                                           "velero.io/exclude-from-backup"};

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
    for (const auto mark : kExcludeMarks) {
        for (const auto* map : {&facts.annotations, &facts.labels}) {
            const auto found = map->find(mark);
            if (found != map->end() && found->second == "true") {
                return mark;
            }
        }
    }
    return {};
}

}  // namespace backup::capture
