// SPDX-License-Identifier: Apache-2.0
// What a repository tells about one committed backup without opening its tree.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/json.hpp"
#include "core/model/ledger.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace backup::model {

struct PointStatistics {
    std::uint64_t objects = 0;
    std::uint64_t volumes = 0;
    std::uint64_t files = 0;
    std::uint64_t directories = 0;
    std::uint64_t bytes = 0;         // plain size of all content
    std::uint64_t new_bytes = 0;     // plain bytes of chunks that were not known before
    std::uint64_t stored_bytes = 0;  // what the run added to the backend

    bool operator==(const PointStatistics&) const = default;
};

struct ClusterIdentity {
    std::string uid;  // of the namespace kube-system; empty when it may not be read
    std::string server;
    std::string version;

    bool operator==(const ClusterIdentity&) const = default;
};

struct RecoveryPoint {
    std::string id;  // hexadecimal SHA-256: the name of its blob; not part of the stored record
    std::string name;
    TimePoint created;
    TimePoint finished;
    PointStatus status = PointStatus::Complete;
    std::string description;
    std::map<std::string, std::string> tags;
    ClusterIdentity cluster;  // all empty for an import
    std::vector<std::string> namespaces;
    std::string host;
    std::string program;
    std::string previous;  // id of the point it was compared with; empty: none
    PointStatistics statistics;

    bool operator==(const RecoveryPoint&) const = default;
};

/// The members of docs/format.md section 7 that describe the point (not root and streams).
/// Times are kept to the second.
Json to_json(const RecoveryPoint& point);
/// Throws CorruptData; unknown members are ignored. `id` stays empty.
RecoveryPoint recovery_point_from_json(const Json& json);

/// Names people may give: 1..128 of [A-Za-z0-9._-], first a letter or digit; not a word that the
/// POINT syntax uses ("latest"). Throws InvalidArgument saying what is wrong.
void check_point_name(std::string_view name);

}  // namespace backup::model
