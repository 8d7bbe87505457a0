// SPDX-License-Identifier: Apache-2.0
// A JSON value that keeps what it was read from: members in their order, numbers as their text
// ("1.0" stays "1.0"). The door to the JSON library is json.cpp.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace backup {

class Json {
  public:
    struct Number {
        std::string text;
        bool operator==(const Number&) const = default;
    };

    using Member = std::pair<std::string, Json>;
    using Array = std::vector<Json>;
    using Object = std::vector<Member>;

    Json() = default;  // null

    Json(std::nullptr_t) {}

    Json(bool value) : value_(value) {}

    Json(int value) : Json(static_cast<std::int64_t>(value)) {}

    Json(std::int64_t value) : value_(Number{std::to_string(value)}) {}

    Json(std::uint64_t value) : value_(Number{std::to_string(value)}) {}

    Json(double value);

    Json(const char* text) : value_(std::string(text)) {}

    Json(std::string_view text) : value_(std::string(text)) {}

    Json(std::string text) : value_(std::move(text)) {}

    Json(Number number) : value_(std::move(number)) {}

    Json(Array items) : value_(std::move(items)) {}

    Json(Object members) : value_(std::move(members)) {}

    static Json object(std::initializer_list<Member> members = {}) { return Object(members); }

    static Json array(std::initializer_list<Json> items = {}) { return Array(items); }

    bool is_null() const { return std::holds_alternative<std::monostate>(value_); }

    bool is_bool() const { return std::holds_alternative<bool>(value_); }

    bool is_number() const { return std::holds_alternative<Number>(value_); }

    bool is_string() const { return std::holds_alternative<std::string>(value_); }

    bool is_array() const { return std::holds_alternative<Array>(value_); }

    bool is_object() const { return std::holds_alternative<Object>(value_); }

    // Exact access: throws InvalidArgument when the value is of another type.
    bool boolean() const;
    const std::string& number_text() const;
    std::int64_t integer() const;
    double real() const;
    const std::string& string() const;
    const Array& items() const;
    Array& items();
    const Object& members() const;
    Object& members();

    // Lenient access for foreign documents.
    /// The member, or nullptr when there is none or this is not an object.
    const Json* find(std::string_view name) const;
    Json* find(std::string_view name);
    /// Follows names from object to object; nullptr when one is missing.
    const Json* find_path(std::initializer_list<std::string_view> path) const;
    /// The string at the path, or `fallback`.
    std::string text_at(std::initializer_list<std::string_view> path,
                        std::string_view fallback = {}) const;
    std::int64_t integer_at(std::initializer_list<std::string_view> path,
                            std::int64_t fallback = 0) const;
    bool bool_at(std::initializer_list<std::string_view> path, bool fallback = false) const;

    /// The member, added as null when missing; a null value becomes an object first.
    Json& operator[](std::string_view name);
    void erase(std::string_view name);
    void push_back(Json item);

    bool operator==(const Json&) const = default;

  private:
    std::variant<std::monostate, bool, Number, std::string, Array, Object> value_;
};

/// What parse_json takes. A value costs up to 150 bytes of memory and as little as two of text.
struct JsonLimits {
    std::size_t depth = 512;
    std::size_t values = std::size_t{1} << 21U;
};

/// Strict RFC 8259; throws InvalidArgument with the byte offset, or naming the limit. Duplicate
/// names: the last one wins.
Json parse_json(std::string_view text, JsonLimits limits = {});

/// The same, but empty for what is not JSON: where that is an answer (error pages of proxies).
std::optional<Json> find_json(std::string_view text, JsonLimits limits = {});

/// What JsonLimits counts: this one and all inside it.
std::size_t count_values(const Json& value);

/// One line, no spaces.
std::string format_json(const Json& value);

/// Indented by four spaces, as kubectl prints it, with a newline at the end.
std::string format_json_pretty(const Json& value);

}  // namespace backup
