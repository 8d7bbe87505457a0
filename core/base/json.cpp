// SPDX-License-Identifier: Apache-2.0
#include "core/base/json.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

namespace backup {

namespace {

[[noreturn]] void fail_type(std::string_view wanted) {
    throw Error(ErrorCode::InvalidArgument, concat("a JSON value is not ", wanted));
}

template <typename T, typename Value>
auto& expect(Value& value, std::string_view wanted) {
    if (auto* found = std::get_if<T>(&value)) {
        return *found;
    }
    fail_type(wanted);
}

template <typename T>
std::optional<T> read_number(std::string_view text) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

/// The last of equal names stays. Sorted by index, because a hostile document may hold many.
void drop_overwritten(Json::Object& members) {
    std::vector<std::size_t> order(members.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t left, std::size_t right) {
        return members[left].first < members[right].first;
    });
    std::vector<bool> overwritten(members.size());
    bool any = false;
    for (std::size_t i = 1; i < order.size(); ++i) {
        if (members[order[i - 1]].first == members[order[i]].first) {
            overwritten[order[i - 1]] = true;
            any = true;
        }
    }
    if (!any) {
        return;
    }
    Json::Object kept;
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (!overwritten[i]) {
            kept.push_back(std::move(members[i]));
        }
    }
    members = std::move(kept);
}

/// The library says what it read last, which may be a secret: only its verdict is taken over.
std::string reason_in(std::string_view library_text) {
    constexpr std::string_view before = " - ";
    const auto begin = library_text.find(before);
    if (begin == std::string_view::npos) {
        return "a number is out of range";
    }
    const auto reason = library_text.substr(begin + before.size());
    return std::string(reason.substr(0, reason.find(';')));
}

/// Builds values from the events of the parser. Open containers lie on an explicit stack.
class JsonBuilder : public nlohmann::json_sax<nlohmann::json> {
  public:
    explicit JsonBuilder(const JsonLimits& limits) : limits_(limits) {}

    bool null() override { return add(nullptr); }

    bool boolean(bool value) override { return add(value); }

    // A signed integer is reported only behind a minus sign, so zero was "-0".
    bool number_integer(number_integer_t value) override {
        return value == 0 ? add(Json::Number{"-0"}) : add(static_cast<std::int64_t>(value));
    }

    bool number_unsigned(number_unsigned_t value) override {
        return add(static_cast<std::uint64_t>(value));
    }

    bool number_float(number_float_t, const string_t& text) override {
        return add(Json::Number{text});
    }

    bool string(string_t& text) override { return add(std::move(text)); }

    bool binary(binary_t&) override { return false; }

    bool start_object(std::size_t) override { return open(Json::object()); }

    bool key(string_t& name) override {
        open_.back().members().emplace_back(std::move(name), Json());
        return true;
    }

    bool end_object() override {
        drop_overwritten(open_.back().members());
        return close();
    }

    bool start_array(std::size_t) override { return open(Json::array()); }

    bool end_array() override { return close(); }

    bool parse_error(std::size_t position,
                     const std::string&,
                     const nlohmann::json::exception& error) override {
        throw Error(ErrorCode::InvalidArgument,
                    concat("not valid JSON at byte ", position, ": ", reason_in(error.what())));
    }

    Json take() { return std::move(root_); }

  private:
    void count() {
        if (++values_ > limits_.values) {
            throw Error(ErrorCode::InvalidArgument,
                        concat("JSON has more than ", limits_.values, " values"));
        }
    }

    bool add(Json value) {
        count();
        return place(std::move(value));
    }

    bool place(Json value) {
        if (open_.empty()) {
            root_ = std::move(value);
        } else if (open_.back().is_array()) {
            open_.back().push_back(std::move(value));
        } else {
            open_.back().members().back().second = std::move(value);
        }
        return true;
    }

    bool open(Json container) {
        if (open_.size() >= limits_.depth) {
            throw Error(ErrorCode::InvalidArgument,
                        concat("JSON is nested deeper than ", limits_.depth, " levels"));
        }
        count();
        open_.push_back(std::move(container));
        return true;
    }

    bool close() {
        auto container = std::move(open_.back());
        open_.pop_back();
        return place(std::move(container));
    }

    JsonLimits limits_;
    std::size_t values_ = 0;
    std::vector<Json> open_;
    Json root_;
};

}  // namespace

Json::Json(double value) {
    if (!std::isfinite(value)) {
        throw Error(ErrorCode::InvalidArgument, "JSON has no number for infinity");
    }
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    value_ = Number{std::string(buffer.data(), end)};
}

bool Json::boolean() const {
    return expect<bool>(value_, "true or false");
}

const std::string& Json::number_text() const {
    return expect<Number>(value_, "a number").text;
}

std::int64_t Json::integer() const {
    const auto value = read_number<std::int64_t>(number_text());
    if (!value) {
        fail_type("an integer of 64 bits");
    }
    return *value;
}

double Json::real() const {
    const auto value = read_number<double>(number_text());
    if (!value) {
        fail_type("a number in the range of a double");
    }
    return *value;
}

const std::string& Json::string() const {
    return expect<std::string>(value_, "a string");
}

const Json::Array& Json::items() const {
    return expect<Array>(value_, "an array");
}

Json::Array& Json::items() {
    return expect<Array>(value_, "an array");
}

const Json::Object& Json::members() const {
    return expect<Object>(value_, "an object");
}

Json::Object& Json::members() {
    return expect<Object>(value_, "an object");
}

const Json* Json::find(std::string_view name) const {
    if (const auto* members = std::get_if<Object>(&value_)) {
        for (const auto& [key, value] : *members) {
            if (key == name) {
                return &value;
            }
        }
    }
    return nullptr;
}

Json* Json::find(std::string_view name) {
    return const_cast<Json*>(std::as_const(*this).find(name));
}

const Json* Json::find_path(std::initializer_list<std::string_view> path) const {
    const Json* at = this;
    for (const auto name : path) {
        at = at->find(name);
        if (at == nullptr) {
            return nullptr;
        }
    }
    return at;
}

std::string Json::text_at(std::initializer_list<std::string_view> path,
                          std::string_view fallback) const {
    const Json* found = find_path(path);
    return found != nullptr && found->is_string() ? found->string() : std::string(fallback);
}

std::int64_t Json::integer_at(std::initializer_list<std::string_view> path,
                              std::int64_t fallback) const {
    const Json* found = find_path(path);
    if (found == nullptr || !found->is_number()) {
        return fallback;
    }
    return read_number<std::int64_t>(found->number_text()).value_or(fallback);
}

bool Json::bool_at(std::initializer_list<std::string_view> path, bool fallback) const {
    const Json* found = find_path(path);
    return found != nullptr && found->is_bool() ? found->boolean() : fallback;
}

Json& Json::operator[](std::string_view name) {
    if (is_null()) {
        value_ = Object();
    }
    if (Json* found = find(name)) {
        return *found;
    }
    return members().emplace_back(std::string(name), Json()).second;
}

void Json::erase(std::string_view name) {
    std::erase_if(members(), [name](const Member& member) { return member.first == name; });
}

void Json::push_back(Json item) {
    if (is_null()) {
        value_ = Array();
    }
    items().push_back(std::move(item));
}

Json parse_json(std::string_view text, JsonLimits limits) {
    JsonBuilder builder(limits);
    nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
    return builder.take();
}

std::optional<Json> find_json(std::string_view text, JsonLimits limits) {
    try {
        return parse_json(text, limits);
    } catch (const Error&) {
        return std::nullopt;
    }
}

std::size_t count_values(const Json& value) {
    std::size_t count = 1;
    if (value.is_array()) {
        for (const auto& item : value.items()) {
            count += count_values(item);
        }
    } else if (value.is_object()) {
        for (const auto& [name, member] : value.members()) {
            count += count_values(member);
        }
    }
    return count;
}

}  // namespace backup
