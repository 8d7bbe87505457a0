// SPDX-License-Identifier: Apache-2.0
#include "core/base/closest_match.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "core/capture/hook_parts.hpp"

#include <algorithm>
#include <utility>

namespace backup::capture {

namespace {

constexpr std::size_t kMostHooks = 16;

[[noreturn]] void fail(const std::string& message) {
    throw Error(ErrorCode::InvalidArgument, message);
}

std::vector<std::string> texts_of(const Json& json, std::string_view what) {
    std::vector<std::string> texts;
    if (json.is_string()) {
        texts.push_back(json.string());
    } else if (json.is_array()) {
        for (const auto& item : json.items()) {
            if (!item.is_string()) {
                fail(concat("'", what, "' must be text, or a list of texts"));
            }
            texts.push_back(item.string());
        }
    } else {
        fail(concat("'", what, "' must be text, or a list of texts"));
    }
    return texts;
}

std::string text_of(const Json& json, std::string_view what) {
    if (!json.is_string()) {
        fail(concat("'", what, "' must be text"));
    }
    return json.string();
}

std::vector<std::string> parse_command(const Json* json) {
    if (json == nullptr) {
        fail("there is no 'command'");
    }
    auto words = texts_of(*json, "command");
    if (words.empty() || words.front().empty()) {
        fail("'command' is empty");
    }
    if (json->is_string()) {
        return {"/bin/sh", "-c", words.front()};
    }
    return words;
}

bool parse_on_error(const Json& json) {
    const auto word = json.is_string() ? to_lower(json.string()) : std::string();
    if (word != "fail" && word != "continue") {
        fail("'onError' must be Fail or Continue");
    }
    return word == "continue";
}

HookSpec parse_hook_spec(const Json& json, const std::string& container) {
    expect_members(json, {"container", "command", "timeout", "onError"});
    HookSpec spec;
    spec.container = container;
    if (const auto* value = json.find("container")) {
        spec.container = text_of(*value, "container");
    }
    spec.command = parse_command(json.find("command"));
    if (const auto* value = json.find("timeout")) {
        spec.timeout = parse_hook_timeout(value->is_number() ? value->number_text()
                                                             : text_of(*value, "timeout"));
    }
    if (const auto* value = json.find("onError")) {
        spec.may_fail = parse_on_error(*value);
    }
    return spec;
}

/// `a=b,c in (d)`, or the map of Kubernetes with matchLabels alone.
model::LabelSelector parse_selector(const Json& json) {
    if (json.is_string()) {
        return model::parse_label_selector(json.string());
    }
    expect_members(json, {"matchLabels"});
    model::LabelSelector selector;
    const auto* labels = json.find("matchLabels");
    if (labels == nullptr || !labels->is_object()) {
        fail("'selector' must be a selector, or an object with matchLabels");
    }
    for (const auto& [key, value] : labels->members()) {
        if (!value.is_string()) {
            fail(concat("the value of the label ", printable(key), " must be text"));
        }
        selector.requirements.push_back({key, model::LabelOperator::In, {value.string()}});
    }
    return selector;
}

HookMatch parse_match(const Json& json) {
    expect_members(json, {"namespaces", "selector", "kinds"});
    HookMatch match;
    if (const auto* value = json.find("namespaces")) {
        match.namespaces = texts_of(*value, "namespaces");
    }
    if (const auto* value = json.find("selector")) {
        match.selector = parse_selector(*value);
    }
    if (const auto* value = json.find("kinds")) {
        match.kinds = texts_of(*value, "kinds");
    }
    return match;
}

HookRule parse_hook_rule(const Json& json) {
    expect_members(json, {"match", "container", "pre", "post"});
    HookRule rule;
    std::string container;
    if (const auto* value = json.find("container")) {
        container = text_of(*value, "container");
    }
    if (const auto* value = json.find("match")) {
        with_context([] { return std::string("match"); },
                     [&] { rule.match = parse_match(*value); });
    }
    for (const auto& [name, specs] :
         {std::pair("pre", &rule.hooks.pre), std::pair("post", &rule.hooks.post)}) {
        if (const auto* value = json.find(name)) {
            with_context([part = name] { return std::string(part); },
                         [&, to = specs] { *to = parse_hook_specs(*value, container); });
        }
    }
    if (rule.hooks.is_empty()) {
        fail("there is neither 'pre' nor 'post'");
    }
    return rule;
}

}  // namespace

void expect_members(const Json& json, const std::vector<std::string>& names) {
    if (!json.is_object()) {
        fail(concat("there must be an object with ", join(names, ", ")));
    }
    for (const auto& [name, value] : json.members()) {
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            throw Error(ErrorCode::InvalidArgument,
                        concat("unknown member '", printable(name), "'"))
                .hint(did_you_mean(name, names));
        }
    }
}

std::chrono::milliseconds parse_hook_timeout(std::string_view text) {
    const auto timeout =
        std::chrono::duration_cast<std::chrono::milliseconds>(parse_duration(text));
    if (timeout <= std::chrono::milliseconds(0) || timeout > kLongestHookTimeout) {
        fail(concat("'timeout' must be above 0 and at most 4h, it is ", printable(text)));
    }
    return timeout;
}

std::vector<HookSpec> parse_hook_specs(const Json& json, const std::string& container) {
    if (!json.is_array()) {
        return {parse_hook_spec(json, container)};
    }
    if (json.items().empty() || json.items().size() > kMostHooks) {
        fail(concat("there must be 1 to ", kMostHooks, " hooks"));
    }
    std::vector<HookSpec> specs;
    for (const auto& item : json.items()) {
        specs.push_back(parse_hook_spec(item, container));
    }
    return specs;
}

std::vector<HookRule> parse_hook_rules(const Json& hooks, std::size_t first) {
    std::vector<HookRule> rules;
    if (hooks.is_null()) {
        return rules;
    }
    if (!hooks.is_array()) {
        fail("hooks: there must be a list");
    }
    for (const auto& item : hooks.items()) {
        const auto place = concat("hooks[", first + rules.size(), "]");
        auto rule = with_context([&] { return place; }, [&] { return parse_hook_rule(item); });
        rule.name = place + " of the policy";
        for (auto* specs : {&rule.hooks.pre, &rule.hooks.post}) {
            for (auto& spec : *specs) {
                spec.origin = rule.name;
            }
        }
        rules.push_back(std::move(rule));
    }
    return rules;
}

}  // namespace backup::capture
