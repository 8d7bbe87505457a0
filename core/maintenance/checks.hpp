// SPDX-License-Identifier: Apache-2.0
// What verify remembers from run to run: when each pack was last read in full, and which points
// were found damaged (docs/format.md section 11). Lost, it costs only that packs are read again.
#pragma once

#include "core/base/error.hpp"
#include "core/repository/repository.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>

namespace backup::maintenance {

struct Check {
    TimePoint when;  // by the clock of who looked: for people, and for what to read next
    bool is_sound = true;

    bool operator==(const Check&) const = default;
};

struct Checks {
    std::map<content::Digest, Check> packs;  // read in full
    std::map<std::string, Check> points;     // by id; their trees walked

    /// Takes over what is newer.
    void merge(const Checks& other);

    bool operator==(const Checks&) const = default;
};

/// Everything remembered, whoever looked. A damaged record is left out; `on_damaged` gets its name
/// and the error.
Checks load_checks(const repository::Repository& repository,
                   const std::function<void(const std::string&, const Error&)>& on_damaged = {});

/// Merges `fresh` with all that is remembered, writes one record and removes those it replaces.
/// Packs and points that are gone are forgotten. Throws ReadOnly, NoSpace...; then nothing is lost.
void remember_checks(const repository::Repository& repository,
                     const Checks& fresh,
                     TimePoint now,
                     Random& random);

Bytes encode_checks(const repository::Repository& repository, const Checks& checks, Random& random);
/// Throws CorruptData or UnknownFormat; `what` names the blob.
Checks decode_checks(const repository::Repository& repository,
                     ByteView blob,
                     const std::string& what);

/// Packs that were damaged when they were last read: what has another place is better taken from
/// there. Nothing when the checks cannot be read: they are a help, not a condition.
std::set<content::Digest> find_unsound_packs(const repository::Repository& repository);

/// Ids of points that were damaged when they were last looked at: what forget must not count as
/// good.
std::set<std::string> damaged_points(const Checks& checks);

}  // namespace backup::maintenance
