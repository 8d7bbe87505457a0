// SPDX-License-Identifier: Apache-2.0
#include "core/model/json_scanner.hpp"

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/base/text.hpp"

#include <array>
#include <cstdint>

namespace backup::model {

namespace {

constexpr std::size_t kDeepest = 512;

enum class Mark : std::uint8_t { Plain, Quote, Open, Close };

constexpr std::array<Mark, 256> make_marks() {
    std::array<Mark, 256> marks{};
    marks['"'] = Mark::Quote;
    marks['{'] = marks['['] = Mark::Open;
    marks['}'] = marks[']'] = Mark::Close;
    return marks;
}

constexpr std::array<Mark, 256> kMarks = make_marks();

class Scanner {
  public:
    explicit Scanner(std::string_view text) : text_(text) {}

    void expect(char wanted) {
        skip_space();
        if (at_ >= text_.size() || text_[at_] != wanted) {
            fail(concat("expected '", wanted, "'"));
        }
        ++at_;
    }

    bool take(char wanted) {
        skip_space();
        if (at_ < text_.size() && text_[at_] == wanted) {
            ++at_;
            return true;
        }
        return false;
    }

    std::string_view string() {
        skip_space();
        const auto begin = at_;
        if (at_ >= text_.size() || text_[at_] != '"') {
            fail("expected a string");
        }
        skip_string();
        return text_.substr(begin, at_ - begin);
    }

    std::string_view value() {
        skip_space();
        const auto begin = at_;
        if (at_ >= text_.size()) {
            fail("ends early");
        }
        switch (kMarks[static_cast<unsigned char>(text_[at_])]) {
            case Mark::Quote:
                skip_string();
                break;
            case Mark::Open:
                skip_container();
                break;
            default:
                skip_scalar();
        }
        return text_.substr(begin, at_ - begin);
    }

    void expect_end() {
        skip_space();
        if (at_ != text_.size()) {
            fail("bytes behind the end");
        }
    }

  private:
    [[noreturn]] void fail(std::string_view what) const {
        throw Error(ErrorCode::InvalidArgument, concat("not valid JSON at byte ", at_, ": ", what));
    }

    void skip_space() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' ||
                                      text_[at_] == '\r' || text_[at_] == '\t')) {
            ++at_;
        }
    }

    void skip_string() {
        const auto begin = at_ + 1;
        at_ = begin;
        while (true) {
            const auto quote = text_.find('"', at_);
            if (quote == std::string_view::npos) {
                at_ = text_.size();
                fail("a string does not end");
            }
            at_ = quote + 1;
            auto run = quote;
            while (run > begin && text_[run - 1] == '\\') {
                --run;
            }
            // An even number of backslashes escape each other, not the quote.
            if ((quote - run) % 2 == 0) {
                return;
            }
        }
    }

    void skip_container() {
        std::array<char, kDeepest> closers;
        std::size_t depth = 0;
        while (at_ < text_.size()) {
            const char character = text_[at_];
            const auto mark = kMarks[static_cast<unsigned char>(character)];
            if (mark == Mark::Quote) {
                skip_string();
                continue;
            }
            if (mark == Mark::Open) {
                if (depth == kDeepest) {
                    fail("nested too deep");
                }
                closers[depth++] = character == '{' ? '}' : ']';
            } else if (mark == Mark::Close && closers[--depth] != character) {
                fail("brackets do not match");
            }
            ++at_;
            if (depth == 0) {
                return;
            }
        }
        fail("ends early");
    }

    void skip_scalar() {
        const auto begin = at_;
        at_ = std::min(text_.find_first_of(",]} \n\r\t", at_), text_.size());
        if (at_ == begin) {
            fail("expected a value");
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

void for_each_member(
    std::string_view object,
    const std::function<void(std::string_view name, std::string_view value)>& visit) {
    Scanner scanner(object);
    scanner.expect('{');
    if (!scanner.take('}')) {
        do {
            const auto name = scanner.string();
            scanner.expect(':');
            const auto value = scanner.value();
            if (name.find('\\') == std::string_view::npos) {
                visit(name.substr(1, name.size() - 2), value);
            } else {
                visit(decode_string(name), value);
            }
        } while (scanner.take(','));
        scanner.expect('}');
    }
    scanner.expect_end();
}

void for_each_item(std::string_view array,
                   const std::function<void(std::string_view item)>& visit) {
    Scanner scanner(array);
    scanner.expect('[');
    if (!scanner.take(']')) {
        do {
            visit(scanner.value());
        } while (scanner.take(','));
        scanner.expect(']');
    }
    scanner.expect_end();
}

std::string decode_string(std::string_view value) {
    return parse_json(value).string();
}

}  // namespace backup::model
