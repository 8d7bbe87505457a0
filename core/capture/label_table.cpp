// SPDX-License-Identifier: Apache-2.0
#include "core/capture/label_table.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

namespace backup::capture {

namespace {

using Label = std::array<LabelTable::Id, 2>;

}  // namespace

LabelTable::Id LabelTable::add(const model::Labels& labels) {
    std::string packed;
    for (const auto& [key, value] : labels) {
        const Label label = {words_.add(key), words_.add(value)};
        packed.append(reinterpret_cast<const char*>(&label), sizeof(label));
    }
    return sets_.add(packed);
}

LabelTable::Selector LabelTable::compile(const model::LabelSelector& selector) {
    Selector compiled;
    for (const auto& requirement : selector.requirements) {
        auto& one =
            compiled.emplace_back(Requirement{words_.add(requirement.key), requirement.op, {}});
        for (const auto& value : requirement.values) {
            one.values.push_back(words_.add(value));
        }
    }
    return compiled;
}

bool LabelTable::matches(const Selector& selector, Id labels) const {
    const auto packed = sets_.text(labels);
    return std::all_of(selector.begin(), selector.end(), [&](const Requirement& requirement) {
        return holds(requirement, packed);
    });
}

bool LabelTable::holds(const Requirement& requirement, std::string_view labels) {
    bool has_key = false;
    bool has_value = false;
    for (; !labels.empty() && !has_key; labels.remove_prefix(sizeof(Label))) {
        Label label;
        std::memcpy(&label, labels.data(), sizeof(label));
        has_key = label[0] == requirement.key;
        has_value =
            has_key && std::find(requirement.values.begin(), requirement.values.end(), label[1]) !=
                           requirement.values.end();
    }
    switch (requirement.op) {
        case model::LabelOperator::In:
            return has_value;
        case model::LabelOperator::NotIn:
            return !has_value;
        case model::LabelOperator::Exists:
            return has_key;
        case model::LabelOperator::DoesNotExist:
            return !has_key;
        default:
            return false;
    }
}

}  // namespace backup::capture
