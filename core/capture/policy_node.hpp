// SPDX-License-Identifier: Apache-2.0
// One value of a policy file, read strictly: everything that is not as expected is an Error with
// its line and place. Knows no policy, only how to read one.
#pragma once

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/base/yaml.hpp"

#include <cstddef>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace backup::capture {

/// Keeps references: the document must outlive it. All that throw throw InvalidArgument.
class PolicyNode {
  public:
    explicit PolicyNode(const LocatedYaml& document)
        : PolicyNode(document.value, document.lines, {}) {}

    /// "line 7: volumes[0].match: MESSAGE".
    [[noreturn]] void fail(std::string_view message, std::string hint = {}) const;

    /// Runs `action`; what it throws gets the line and the place.
    template <typename Action>
    decltype(auto) inside(Action&& action) const {
        return with_context([this] { return where(); }, std::forward<Action>(action));
    }

    /// Throws unless this is a map with no other members than these.
    void expect_members(std::initializer_list<std::string_view> names) const;

    /// Empty when it is missing or null.
    std::optional<PolicyNode> find(std::string_view name) const;

    bool has(std::string_view name) const { return find(name).has_value(); }

    bool is_map() const { return value_.is_object(); }

    const Json& value() const { return value_; }

    std::vector<PolicyNode> items() const;    // of a list
    std::vector<PolicyNode> members() const;  // of a map

    const std::string& name() const { return name_; }

    /// Text, or a number or boolean as it was written: `label: 1` is meant as text.
    std::string text() const;
    bool boolean() const;
    /// A list of texts, or one text alone. None of them empty.
    std::vector<std::string> texts() const;
    std::map<std::string, std::string, std::less<>> text_map() const;
    /// One of these words; otherwise "did you mean".
    std::string word(std::span<const std::string> known) const;

    std::size_t line() const { return line_; }

    /// "volumes[0].match"
    const std::string& place() const { return place_; }

  private:
    PolicyNode(const Json& value, const YamlLines& lines, std::string place)
        : value_(value),
          lines_(lines),
          place_(std::move(place)) {}

    PolicyNode part(const Json& value, std::size_t index, std::string place) const;
    std::string where() const;

    const Json& value_;
    const YamlLines& lines_;
    std::size_t line_ = lines_.line;
    std::string place_;
    std::string name_;  // of a member
};

/// The texts of the member, empty when it is missing.
std::vector<std::string> texts_at(const PolicyNode& node, std::string_view name);
std::string text_at(const PolicyNode& node, std::string_view name);

}  // namespace backup::capture
