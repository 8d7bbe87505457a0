// SPDX-License-Identifier: Apache-2.0
#include "fuse/error_journal.hpp"

#include "core/base/text.hpp"

namespace backup::fuse {

namespace {

constexpr std::size_t kMostLines = 1000;

}  // namespace

void ErrorJournal::add(const Error& error) {
    ++count_;
    auto text = concat(info_of(error.code()).name, ": ", printable(error.what()));
    log_.warn("fuse", text);
    auto lines = lines_.lock();
    if (!lines->empty() && lines->back().text == text) {
        ++lines->back().times;
        return;
    }
    if (lines->size() == kMostLines) {
        lines->pop_front();
    }
    lines->push_back({format_rfc3339(clock_.now()), std::move(text), 1});
}

std::string ErrorJournal::text() {
    std::string text;
    auto lines = lines_.lock();
    for (const auto& line : *lines) {
        text += concat(line.time,
                       ' ',
                       line.text,
                       line.times > 1 ? concat(" (", line.times, " times)") : "",
                       '\n');
    }
    return text;
}

}  // namespace backup::fuse
