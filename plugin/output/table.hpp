// SPDX-License-Identifier: Apache-2.0
// A table as kubectl prints it: columns three spaces apart, upper-case headers, nothing behind the
// last column (k8s.io/cli-runtime pkg/printers/tabwriter.go).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace backup::plugin {

enum class Tone { Plain, Good, Warning, Bad, Faint };

struct Cell {
    std::string text;
    Tone tone = Tone::Plain;
};

class Table {
  public:
    explicit Table(std::vector<std::string> headers) : headers_(std::move(headers)) {}

    /// Missing cells are empty; control characters in the text are made visible.
    void add(std::vector<Cell> row);

    struct Style {
        bool headers = true;
        bool colour = false;
        std::size_t indent = 0;
    };

    std::string format(const Style& style) const;

    bool is_empty() const { return rows_.empty(); }

  private:
    std::vector<std::string> headers_;
    std::vector<std::vector<Cell>> rows_;
};

/// `text` in the colour of `tone`, or as it is.
std::string toned(std::string_view text, Tone tone, bool colour);

/// Columns that `text` takes on a terminal: code points, as far as this program prints any.
std::size_t display_width(std::string_view text);

}  // namespace backup::plugin
