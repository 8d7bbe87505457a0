// SPDX-License-Identifier: Apache-2.0
// Labels of hundreds of thousands of pods as numbers, and selectors that are matched with them
// without making texts of them again. Knows nothing of pods.
#pragma once

#include "core/base/text_table.hpp"
#include "core/model/selector.hpp"

#include <string_view>
#include <vector>

namespace backup::capture {

class LabelTable {
  public:
    using Id = TextTable::Id;

    struct Requirement {
        Id key;
        model::LabelOperator op;
        std::vector<Id> values;
    };

    using Selector = std::vector<Requirement>;

    /// The number of this set of labels: the same one for equal sets.
    Id add(const model::Labels& labels);

    Selector compile(const model::LabelSelector& selector);

    /// As model::matches, for the four operators that selectors in objects have; a comparison of
    /// numbers matches nothing.
    bool matches(const Selector& selector, Id labels) const;

  private:
    static bool holds(const Requirement& requirement, std::string_view labels);

    TextTable words_;  // keys and values
    TextTable sets_;   // the numbers of key and value of each label
};

}  // namespace backup::capture
