// SPDX-License-Identifier: Apache-2.0
#include "core/capture/policy_node.hpp"

#include "core/base/closest_match.hpp"
#include "core/base/text.hpp"

#include <algorithm>

namespace backup::capture {

namespace {

/// Names in messages are cut there: they may be as long as the file.
constexpr std::size_t kLongestName = 80;

std::string shown(std::string_view text) {
    const auto whole = printable(text.substr(0, kLongestName));
    return text.size() > kLongestName ? whole + "..." : whole;
}

std::string kind_of(const Json& value) {
    return value.is_null()     ? "nothing"
           : value.is_object() ? "a map"
           : value.is_array()  ? "a list"
           : value.is_string() ? "text"
           : value.is_bool()   ? "true or false"
                               : "a number";
}

}  // namespace

std::string PolicyNode::where() const {
    // A value that comes from no text has no line.
    const auto line = line_ == 0 ? std::string() : concat("line ", line_);
    const auto* const between = line.empty() || place_.empty() ? "" : ": ";
    return concat(line, between, place_);
}

void PolicyNode::fail(std::string_view message, std::string hint) const {
    const auto place = where();
    Error error(ErrorCode::InvalidArgument, concat(place, place.empty() ? "" : ": ", message));
    if (!hint.empty()) {
        throw std::move(error).hint(std::move(hint));
    }
    throw Error(error);
}

void PolicyNode::expect_members(std::initializer_list<std::string_view> names) const {
    if (!value_.is_object()) {
        fail(concat("a map was expected, but this is ", kind_of(value_)));
    }
    const std::vector<std::string> known(names.begin(), names.end());
    for (const auto& member : members()) {
        if (std::find(known.begin(), known.end(), member.name()) == known.end()) {
            auto hint = did_you_mean(member.name(), known);
            member.fail(place_.empty() ? "unknown member" : "unknown member of " + place_,
                        hint.empty() ? concat("known are ", join(known, ", ")) : std::move(hint));
        }
    }
}

PolicyNode PolicyNode::part(const Json& value, std::size_t index, std::string place) const {
    // What came out of an alias has the line of the alias.
    const bool is_known = index < lines_.parts.size();
    PolicyNode node(value, is_known ? lines_.parts[index] : lines_, std::move(place));
    if (!is_known || node.line_ == 0) {
        node.line_ = line_;
    }
    return node;
}

std::optional<PolicyNode> PolicyNode::find(std::string_view name) const {
    for (auto& member : members()) {
        if (member.name() == name) {
            return member.value().is_null() ? std::nullopt : std::optional(member);
        }
    }
    return std::nullopt;
}

std::vector<PolicyNode> PolicyNode::members() const {
    if (!value_.is_object()) {
        fail(concat("a map was expected, but this is ", kind_of(value_)));
    }
    std::vector<PolicyNode> parts;
    for (const auto& [name, value] : value_.members()) {
        parts.push_back(
            part(value, parts.size(), concat(place_, place_.empty() ? "" : ".", shown(name))));
        parts.back().name_ = name;
    }
    return parts;
}

std::vector<PolicyNode> PolicyNode::items() const {
    if (!value_.is_array()) {
        fail(concat("a list was expected, but this is ", kind_of(value_)));
    }
    std::vector<PolicyNode> parts;
    for (const auto& item : value_.items()) {
        const auto index = parts.size();
        parts.push_back(part(item, index, concat(place_, "[", index, "]")));
    }
    return parts;
}

std::string PolicyNode::text() const {
    if (value_.is_string()) {
        return value_.string();
    }
    if (value_.is_number()) {
        return value_.number_text();
    }
    if (value_.is_bool()) {
        return value_.boolean() ? "true" : "false";
    }
    fail(concat("text was expected, but this is ", kind_of(value_)));
}

bool PolicyNode::boolean() const {
    if (!value_.is_bool()) {
        fail(concat("true or false was expected, but this is ", kind_of(value_)));
    }
    return value_.boolean();
}

std::vector<std::string> PolicyNode::texts() const {
    std::vector<std::string> texts;
    const auto add = [&texts](const PolicyNode& node) {
        texts.push_back(node.text());
        if (trim(texts.back()).empty()) {
            node.fail("it is empty");
        }
    };
    if (value_.is_array()) {
        for (const auto& item : items()) {
            add(item);
        }
    } else {
        add(*this);
    }
    return texts;
}

std::map<std::string, std::string, std::less<>> PolicyNode::text_map() const {
    std::map<std::string, std::string, std::less<>> texts;
    for (const auto& member : members()) {
        texts.insert_or_assign(member.name(), member.text());
    }
    return texts;
}

std::string PolicyNode::word(std::span<const std::string> known) const {
    const auto word = text();
    const auto found = std::find_if(known.begin(), known.end(), [&word](const std::string& one) {
        return to_lower(one) == to_lower(word);
    });
    if (found != known.end()) {
        return *found;
    }
    auto hint = did_you_mean(word, known);
    fail(concat("unknown value '", shown(word), "'"),
         hint.empty() ? concat("one of ", join({known.begin(), known.end()}, ", "))
                      : std::move(hint));
}

std::vector<std::string> texts_at(const PolicyNode& node, std::string_view name) {
    const auto member = node.find(name);
    return member ? member->texts() : std::vector<std::string>();
}

std::string text_at(const PolicyNode& node, std::string_view name) {
    const auto member = node.find(name);
    return member ? member->text() : std::string();
}

}  // namespace backup::capture
