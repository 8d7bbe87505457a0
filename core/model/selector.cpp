// SPDX-License-Identifier: Apache-2.0
#include "core/model/selector.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

namespace backup::model {

namespace {

constexpr std::size_t kNameLimit = 63;
constexpr std::size_t kPrefixLimit = 253;

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Letters, digits and `extra`, the first and last a letter or digit.
bool is_name(std::string_view text, std::string_view extra) {
    return !text.empty() && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
           std::all_of(text.begin(), text.end(), [extra](char c) {
               return is_alphanumeric(c) || extra.find(c) != std::string_view::npos;
           });
}

bool is_dns_subdomain(std::string_view text) {
    if (text.empty() || text.size() > kPrefixLimit || to_lower(text) != text) {
        return false;
    }
    const auto parts = split(text, '.');
    return std::all_of(
        parts.begin(), parts.end(), [](const std::string& part) { return is_name(part, "-"); });
}

bool is_label_value(std::string_view value) {
    return value.empty() || (value.size() <= kNameLimit && is_name(value, "-_."));
}

std::optional<std::int64_t> to_integer(std::string_view text) {
    if (text.starts_with('+')) {
        text.remove_prefix(1);
    }
    std::int64_t value = 0;
    const auto* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (text.empty() || error != std::errc() || stop != end) {
        return std::nullopt;
    }
    return value;
}

struct Token {
    enum class Type { End, Word, Symbol };
    Type type = Type::End;
    std::string text;

    bool is_symbol(std::string_view symbol) const { return type == Type::Symbol && text == symbol; }

    bool is_word(std::string_view word) const { return type == Type::Word && text == word; }

    std::string shown() const { return type == Type::End ? "the end" : "'" + text + "'"; }
};

class SelectorParser {
  public:
    explicit SelectorParser(std::string_view text) : text_(text), rest_(text) { advance(); }

    LabelSelector parse() {
        LabelSelector selector;
        if (token_.type == Token::Type::End) {
            return selector;
        }
        selector.requirements.push_back(requirement());
        while (token_.type != Token::Type::End) {
            take_symbol(",");
            selector.requirements.push_back(requirement());
        }
        return selector;
    }

  private:
    LabelRequirement requirement() {
        LabelRequirement result;
        if (token_.is_symbol("!")) {
            advance();
            result.key = key();
            result.op = LabelOperator::DoesNotExist;
            return result;
        }
        result.key = key();
        if (token_.type != Token::Type::End && !token_.is_symbol(",")) {
            operation(result);
        }
        return result;
    }

    void operation(LabelRequirement& result) {
        const Token op = take();
        if (op.is_word("in") || op.is_word("notin")) {
            result.op = op.text == "in" ? LabelOperator::In : LabelOperator::NotIn;
            result.values = value_list();
        } else if (op.is_symbol("=") || op.is_symbol("==") || op.is_symbol("!=")) {
            result.op = op.text == "!=" ? LabelOperator::NotIn : LabelOperator::In;
            result.values = {single_value()};
        } else if (op.is_symbol(">") || op.is_symbol("<")) {
            result.op = op.text == ">" ? LabelOperator::GreaterThan : LabelOperator::LessThan;
            result.values = {single_value()};
            if (!to_integer(result.values.front())) {
                fail(concat("'", result.values.front(), "' is no integer"));
            }
        } else {
            fail(concat("found ", op.shown(), ", expected in, notin, =, ==, !=, > or <"));
        }
    }

    std::string key() {
        if (token_.type != Token::Type::Word) {
            fail(concat("found ", token_.shown(), ", expected a label key"));
        }
        if (!is_qualified_name(token_.text)) {
            fail(concat("'", token_.text, "' is no label key"));
        }
        return take().text;
    }

    /// Nothing before the end or a comma is the empty value: `a=` and `a in (,b)`.
    std::string single_value() {
        if (token_.type != Token::Type::Word) {
            if (token_.type == Token::Type::End || token_.is_symbol(",") || token_.is_symbol(")")) {
                return {};
            }
            fail(concat("found ", token_.shown(), ", expected a value"));
        }
        if (!is_label_value(token_.text)) {
            fail(concat("'", token_.text, "' is no label value"));
        }
        return take().text;
    }

    std::vector<std::string> value_list() {
        take_symbol("(");
        std::vector<std::string> values{single_value()};
        while (token_.is_symbol(",")) {
            advance();
            values.push_back(single_value());
        }
        take_symbol(")");
        std::sort(values.begin(), values.end());
        values.erase(std::unique(values.begin(), values.end()), values.end());
        return values;
    }

    void take_symbol(std::string_view symbol) {
        if (!token_.is_symbol(symbol)) {
            fail(concat("found ", token_.shown(), ", expected '", symbol, "'"));
        }
        advance();
    }

    Token take() {
        Token token = std::move(token_);
        advance();
        return token;
    }

    void advance() {
        rest_ = trim(rest_);
        token_ = {};
        if (rest_.empty()) {
            return;
        }
        std::size_t length = 1;
        if (kSymbols.find(rest_.front()) == std::string_view::npos) {
            token_.type = Token::Type::Word;
            length = std::min(rest_.find_first_of(kWordEnds), rest_.size());
        } else {
            token_.type = Token::Type::Symbol;
            length = rest_.starts_with("==") || rest_.starts_with("!=") ? 2 : 1;
        }
        token_.text = rest_.substr(0, length);
        rest_.remove_prefix(length);
    }

    [[noreturn]] void fail(const std::string& reason) const {
        throw Error(ErrorCode::InvalidArgument,
                    concat("label selector '", printable(text_), "': ", printable(reason)));
    }

    static constexpr std::string_view kSymbols = "=!(),<>";
    static constexpr std::string_view kWordEnds = "=!(),<> \t\r\n";

    std::string_view text_;
    std::string_view rest_;
    Token token_;
};

bool compares(LabelOperator op, std::string_view value, std::string_view bound) {
    const auto left = to_integer(value);
    const auto right = to_integer(bound);
    if (!left || !right) {
        return false;
    }
    return op == LabelOperator::GreaterThan ? *left > *right : *left < *right;
}

bool holds(const LabelRequirement& requirement, const Labels& labels) {
    const auto found = labels.find(requirement.key);
    const bool is_there = found != labels.end();
    const auto& values = requirement.values;
    switch (requirement.op) {
        case LabelOperator::Exists:
            return is_there;
        case LabelOperator::DoesNotExist:
            return !is_there;
        case LabelOperator::In:
            return is_there &&
                   std::find(values.begin(), values.end(), found->second) != values.end();
        case LabelOperator::NotIn:
            return !is_there ||
                   std::find(values.begin(), values.end(), found->second) == values.end();
        case LabelOperator::GreaterThan:
        case LabelOperator::LessThan:
            break;
    }
    return is_there && !values.empty() && compares(requirement.op, found->second, values.front());
}

std::string format_requirement(const LabelRequirement& requirement) {
    const std::string first = requirement.values.empty() ? "" : requirement.values.front();
    const bool is_single = requirement.values.size() == 1;
    const std::string list = " (" + join(requirement.values, ",") + ")";
    switch (requirement.op) {
        case LabelOperator::Exists:
            return requirement.key;
        case LabelOperator::DoesNotExist:
            return "!" + requirement.key;
        case LabelOperator::In:
            return requirement.key + (is_single ? "=" + first : " in" + list);
        case LabelOperator::NotIn:
            return requirement.key + (is_single ? "!=" + first : " notin" + list);
        case LabelOperator::GreaterThan:
            return requirement.key + ">" + first;
        case LabelOperator::LessThan:
            return requirement.key + "<" + first;
    }
    return {};
}

}  // namespace

bool is_qualified_name(std::string_view key) {
    const auto slash = key.find('/');
    if (slash != std::string_view::npos) {
        if (!is_dns_subdomain(key.substr(0, slash))) {
            return false;
        }
        key.remove_prefix(slash + 1);
    }
    return key.size() <= kNameLimit && is_name(key, "-_.");
}

LabelSelector parse_label_selector(std::string_view text) {
    return SelectorParser(text).parse();
}

std::string format_label_selector(const LabelSelector& selector) {
    std::vector<std::string> parts;
    for (const auto& requirement : selector.requirements) {
        parts.push_back(format_requirement(requirement));
    }
    return join(parts, ",");
}

bool matches(const LabelSelector& selector, const Labels& labels) {
    return std::all_of(selector.requirements.begin(),
                       selector.requirements.end(),
                       [&labels](const auto& requirement) { return holds(requirement, labels); });
}

AnnotationSelector parse_annotation_selector(std::string_view text) {
    AnnotationSelector selector;
    const auto equals = text.find('=');
    selector.key = trim(text.substr(0, equals));
    if (equals != std::string_view::npos) {
        selector.value = std::string(text.substr(equals + 1));
    }
    if (!is_qualified_name(selector.key)) {
        throw Error(ErrorCode::InvalidArgument,
                    concat("'", printable(selector.key), "' is no annotation key"))
            .hint("give it as KEY or KEY=VALUE, e.g. kubectl-backup/include=true");
    }
    return selector;
}

bool matches(const AnnotationSelector& selector, const Labels& annotations) {
    const auto found = annotations.find(selector.key);
    return found != annotations.end() && (!selector.value || *selector.value == found->second);
}

bool names_resource(std::string_view word, const ApiResource& resource) {
    const std::string wanted = to_lower(word);
    const std::string suffix = resource.group.empty() ? "" : "." + resource.group;
    const auto is_wanted = [&](std::string_view name) {
        const std::string lower = to_lower(name);
        return !lower.empty() && (wanted == lower || wanted == lower + suffix);
    };
    if (is_wanted(resource.plural) || is_wanted(resource.singular) || is_wanted(resource.kind) ||
        std::any_of(resource.short_names.begin(), resource.short_names.end(), is_wanted)) {
        return true;
    }
    if (wanted == (resource.group.empty() ? "core" : resource.group)) {
        return true;
    }
    return wanted.find_first_of("*?[") != std::string::npos &&
           matches_glob(wanted, resource.name());
}

}  // namespace backup::model
