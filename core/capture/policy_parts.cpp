// SPDX-License-Identifier: Apache-2.0
#include "core/capture/policy_parts.hpp"

#include "core/base/text.hpp"
#include "core/model/quantity.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace backup::capture {

namespace {

/// Of the PersistentVolume's spec and of the pod's volumes: k8s.io/api core/v1 types.go.
const std::vector<std::string>& volume_types() {
    static const std::vector<std::string> types = {"awsElasticBlockStore",
                                                   "azureDisk",
                                                   "azureFile",
                                                   "cephfs",
                                                   "cinder",
                                                   "configMap",
                                                   "csi",
                                                   "downwardAPI",
                                                   "emptyDir",
                                                   "ephemeral",
                                                   "fc",
                                                   "flexVolume",
                                                   "flocker",
                                                   "gitRepo",
                                                   "glusterfs",
                                                   "gcePersistentDisk",
                                                   "hostPath",
                                                   "image",
                                                   "iscsi",
                                                   "local",
                                                   "nfs",
                                                   "projected",
                                                   "photonPersistentDisk",
                                                   "portworxVolume",
                                                   "quobyte",
                                                   "rbd",
                                                   "scaleIO",
                                                   "secret",
                                                   "storageos",
                                                   "vsphereVolume"};
    return types;
}

using Words = std::array<std::pair<std::string_view, std::string_view>, 4>;

constexpr Words kAccessModes = {{{"RWO", "ReadWriteOnce"},
                                 {"ROX", "ReadOnlyMany"},
                                 {"RWX", "ReadWriteMany"},
                                 {"RWOP", "ReadWriteOncePod"}}};

constexpr Words kOperators = {
    {{"In", "in"}, {"NotIn", "notin"}, {"Exists", ""}, {"DoesNotExist", "!"}}};

std::vector<std::string> words_of(const Words& words) {
    std::vector<std::string> texts;
    for (const auto& [name, meaning] : words) {
        texts.emplace_back(name);
    }
    return texts;
}

std::string_view meaning_of(const Words& words, std::string_view name) {
    const auto* const found = std::find_if(
        words.begin(), words.end(), [name](const auto& word) { return word.first == name; });
    return found == words.end() ? std::string_view() : found->second;
}

std::string expression_text(const PolicyNode& expression) {
    expression.expect_members({"key", "operator", "values"});
    const auto key = text_at(expression, "key");
    const auto op = expression.find("operator");
    if (key.empty() || !op) {
        expression.fail("a key and an operator are needed");
    }
    const auto meaning = meaning_of(kOperators, op->word(words_of(kOperators)));
    const auto values = texts_at(expression, "values");
    const bool takes_values = meaning.size() > 1;
    if (takes_values == values.empty()) {
        expression.fail(takes_values ? "the operator needs values"
                                     : "the operator takes no values");
    }
    return takes_values ? concat(key, " ", meaning, " (", join(values, ","), ")")
                        : concat(meaning, key);
}

model::LabelSelector parse_at(const PolicyNode& node, const std::string& text) {
    auto selector = node.inside([&text] { return model::parse_label_selector(text); });
    if (selector.requirements.empty()) {
        node.fail("it is empty");
    }
    return selector;
}

std::uint64_t read_size(const PolicyNode& node, std::string_view text) {
    return node.inside([text] { return model::parse_quantity(trim(text)); });
}

}  // namespace

model::LabelSelector read_label_selector(const PolicyNode& node) {
    if (!node.is_map()) {
        return parse_at(node, node.text());
    }
    node.expect_members({"matchLabels", "matchExpressions"});
    std::vector<std::string> requirements;
    if (const auto labels = node.find("matchLabels")) {
        for (const auto& [key, value] : labels->text_map()) {
            requirements.push_back(key + "=" + value);
        }
    }
    if (const auto expressions = node.find("matchExpressions")) {
        for (const auto& expression : expressions->items()) {
            requirements.push_back(expression_text(expression));
        }
    }
    return parse_at(node, join(requirements, ","));
}

SizeRange read_size_range(const PolicyNode& node) {
    const auto whole = node.text();
    std::string_view text = trim(whole);
    SizeRange range;
    if (const auto dots = text.find(".."); dots != std::string_view::npos) {
        const auto from = trim(text.substr(0, dots));
        const auto to = trim(text.substr(dots + 2));
        range.from = from.empty() ? range.from : read_size(node, from);
        range.to = to.empty() ? range.to : read_size(node, to);
    } else if (text.starts_with(">=")) {
        range.from = read_size(node, text.substr(2));
    } else if (text.starts_with("<=")) {
        range.to = read_size(node, text.substr(2));
    } else if (text.starts_with(">")) {
        const auto bound = read_size(node, text.substr(1));
        range.from = bound + (bound < std::numeric_limits<std::uint64_t>::max() ? 1 : 0);
    } else if (text.starts_with("<")) {
        const auto bound = read_size(node, text.substr(1));
        if (bound == 0) {
            node.fail("no volume is that small");
        }
        range.to = bound - 1;
    } else {
        range.from = read_size(node, text);
        range.to = range.from;
    }
    if (range.from > range.to) {
        node.fail("the first size is larger than the second");
    }
    return range;
}

std::vector<std::string> read_access_modes(const PolicyNode& node) {
    auto known = words_of(kAccessModes);
    for (const auto& [name, meaning] : kAccessModes) {
        known.emplace_back(meaning);
    }
    std::vector<std::string> modes;
    const auto add = [&](const PolicyNode& item) {
        const auto word = item.word(known);
        const auto meaning = meaning_of(kAccessModes, word);
        modes.push_back(meaning.empty() ? word : std::string(meaning));
    };
    if (node.value().is_array()) {
        for (const auto& item : node.items()) {
            add(item);
        }
    } else {
        add(node);
    }
    return modes;
}

std::vector<std::string> read_volume_types(const PolicyNode& node) {
    std::vector<std::string> types;
    if (node.value().is_array()) {
        for (const auto& item : node.items()) {
            types.push_back(item.word(volume_types()));
        }
    } else {
        types.push_back(node.word(volume_types()));
    }
    return types;
}

bool read_is_block(const PolicyNode& node) {
    const std::vector<std::string> modes = {"Filesystem", "Block"};
    return node.word(modes) == "Block";
}

}  // namespace backup::capture
