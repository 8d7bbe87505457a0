// SPDX-License-Identifier: Apache-2.0
// What the rules need to know about one object, read from its metadata without parsing the rest.
#pragma once

#include "core/base/clock.hpp"
#include "core/model/object.hpp"
#include "core/model/selector.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace backup::capture {

struct ObjectFacts {
    model::ObjectKey key;
    model::Labels labels;
    model::Labels annotations;
    bool is_terminating = false;
    TimePoint created{};
    std::string type;  // of a Secret: its top-level `type`
};

/// Throws InvalidArgument when the metadata is not what it must be.
ObjectFacts read_facts(const model::Object& object);

/// The mark that keeps an object out: annotation or label kubectl-backup/exclude=true, or Velero's
/// velero.io/exclude-from-backup=true where ours say nothing else (exclude=false, include=true).
/// The key that was found, or empty.
std::string_view find_exclude_mark(const ObjectFacts& facts);

/// Marks on the object that contradict each other or have a value nobody knows: a sentence for each
/// that names the keys and says which one holds.
std::vector<std::string> find_mark_conflicts(const ObjectFacts& facts);

}  // namespace backup::capture
