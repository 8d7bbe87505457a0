// SPDX-License-Identifier: Apache-2.0
#include "core/model/access_rule.hpp"

#include "core/base/text.hpp"

#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace backup::model {

namespace {

using Words = std::set<std::string>;

std::string quoted_list(const Words& words) {
    std::vector<std::string> quoted;
    for (const auto& word : words) {
        quoted.push_back(concat('"', word, '"'));
    }
    return concat('[', join(quoted, ", "), ']');
}

}  // namespace

std::vector<std::string> format_role_rules(const std::vector<AccessRule>& rules) {
    std::map<std::pair<std::string, std::string>, Words> verbs;  // by group and resource
    for (const auto& rule : rules) {
        verbs[{rule.group, rule.resource}].insert(rule.verb);
    }
    std::map<std::pair<std::string, Words>, Words> resources;  // by group and verbs
    for (const auto& [place, words] : verbs) {
        resources[{place.first, words}].insert(place.second);
    }
    // The same resources and verbs in several groups are one rule as well.
    std::map<std::pair<Words, Words>, Words> groups;
    for (const auto& [place, words] : resources) {
        groups[{words, place.second}].insert(place.first);
    }
    std::vector<std::string> lines;
    for (const auto& [place, words] : groups) {
        lines.push_back(concat("- {apiGroups: ",
                               quoted_list(words),
                               ", resources: ",
                               quoted_list(place.first),
                               ", verbs: ",
                               quoted_list(place.second),
                               "}"));
    }
    return lines;
}

std::string describe_missing(const std::vector<AccessRule>& rules) {
    std::map<std::string, std::vector<AccessRule>> by_namespace;
    for (const auto& rule : rules) {
        by_namespace[rule.name_space].push_back(rule);
    }
    std::vector<std::string> parts;
    for (const auto& [ns, missing] : by_namespace) {
        parts.push_back(concat("add to ",
                               ns.empty() ? "a ClusterRole" : "a Role in namespace " + ns,
                               ": ",
                               join(format_role_rules(missing), " ")));
    }
    return join(parts, "; ");
}

Json to_json(const AccessRule& rule) {
    auto json =
        Json::object({{"verb", rule.verb}, {"apiGroup", rule.group}, {"resource", rule.resource}});
    if (!rule.name_space.empty()) {
        json["namespace"] = rule.name_space;
    }
    return json;
}

AccessRule access_rule_from_json(const Json& json) {
    return {json.text_at({"verb"}),
            json.text_at({"apiGroup"}),
            json.text_at({"resource"}),
            json.text_at({"namespace"})};
}

}  // namespace backup::model
