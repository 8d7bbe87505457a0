// SPDX-License-Identifier: Apache-2.0
// The sessions of a repository as others see them: docs/format.md section 9.
#pragma once

#include "core/base/json.hpp"
#include "core/base/random.hpp"
#include "core/repository/repository.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace backup::repository {

struct SessionRecord {
    std::string id;
    std::string host;
    std::int64_t pid = 0;
    std::string program;
    TimePoint started;               // by the clock of its host
    std::vector<std::string> knows;  // ids of generations it saw before it began
};

/// How a session ended: the one blob of it that is put exclusively.
struct SessionEnd {
    std::string point_name;  // empty: a collection took it for dead
    Bytes point;             // the whole blob
};

struct SessionState {
    SessionRecord record;   // only the id when it cannot be read: then it knows nothing
    bool is_begun = false;  // its first blob is there; what it has beside it means nothing else
    bool has_end = false;
    std::int64_t last_sign_seconds = 0;  // by the storage's clock
    std::vector<std::string> blobs;      // in the order in which they are to be removed
};

/// Sorted by id.
std::vector<SessionState> list_sessions(const Repository& repository);

/// Empty when it is gone. What it throws is_damaged_record() tells from a storage that stumbled.
std::optional<SessionEnd> find_session_end(const Repository& repository, const std::string& id);

/// False when it has ended already, in whatever way.
bool put_session_end(const Repository& repository,
                     const std::string& id,
                     const SessionEnd& end,
                     Random& random);

/// Removes all blobs, the first one first.
void remove_session(const Repository& repository, const SessionState& session);

/// Tells a writer that its ticket could not be read and its session ended without the point.
std::string lost_ticket_name(std::string_view id);

/// What each blob of a session says of itself; `what` is its name. Throws CorruptData.
void check_session_id(const Json& json, const std::string& id, const std::string& what);

Bytes encode_session(const Repository& repository, const SessionRecord& session, Random& random);
SessionRecord decode_session(const Repository& repository, ByteView blob, const std::string& id);
SessionEnd decode_session_end(const Repository& repository, ByteView blob, const std::string& id);

/// Puts a blob that must not be there yet; false when it is.
bool put_new(backend::Backend& backend, const std::string& name, ByteView bytes);

/// The names of all packs that are there, sorted.
std::vector<content::Digest> list_present_packs(const Repository& repository);

}  // namespace backup::repository
