// SPDX-License-Identifier: Apache-2.0
// A page about one thing, as `kubectl describe` prints it: fields, tables and sections one below
// the other. All text is made printable.
#pragma once

#include "plugin/output/records.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace backup::plugin {

class Page {
  public:
    explicit Page(const Output& output) : output_(output) {}

    /// "Name:         value"; nothing when the value is empty.
    void field(std::string_view name, std::string_view value, Tone tone = Tone::Plain);
    /// An empty line and "heading:".
    void section(std::string_view heading, Tone tone = Tone::Plain);
    /// One line behind `margin` spaces, not broken: it may be copied.
    void line(std::string_view text, std::size_t margin = 2, Tone tone = Tone::Plain);
    /// Broken into lines of the page's width.
    void text(std::string_view text, std::size_t margin = 2);
    /// A section of its own; nothing when the table is empty.
    void table(std::string_view heading, const Table& table);
    /// A section of texts; nothing when there are none.
    void texts(std::string_view heading, const std::vector<std::string>& texts);

    bool is_wide() const { return output_.format == OutputFormat::Wide; }

  private:
    const Output& output_;
};

}  // namespace backup::plugin
