// SPDX-License-Identifier: Apache-2.0
#include "core/capture/previous_points.hpp"

#include "core/base/task_group.hpp"
#include "core/repository/tree_names.hpp"

#include <algorithm>
#include <array>

namespace backup::capture {

namespace {

bool is_same_cluster(const model::ClusterIdentity& a, const model::ClusterIdentity& b) {
    if (!a.uid.empty() && !b.uid.empty()) {
        return a.uid == b.uid;
    }
    return !a.server.empty() && a.server == b.server;
}

bool holds(const model::RecoveryPoint& point, const std::string& ns) {
    return std::find(point.namespaces.begin(), point.namespaces.end(), ns) !=
           point.namespaces.end();
}

}  // namespace

PreviousPoints::PreviousPoints(const repository::Repository& repository,
                               repository::ChunkStore& chunks,
                               const model::ClusterIdentity& cluster)
    : chunks_(chunks) {
    auto all = repository::list_points(repository, [](const std::string&, const Error&) {});
    std::reverse(all.begin(), all.end());
    for (auto& record : all) {
        if (is_same_cluster(record.point.cluster, cluster)) {
            points_.push_back(std::move(record));
        }
    }
}

std::string PreviousPoints::newest_id(const std::vector<std::string>& namespaces) const {
    for (const auto& record : points_) {
        const bool holds_one =
            std::any_of(namespaces.begin(), namespaces.end(), [&record](const std::string& ns) {
                return holds(record.point, ns);
            });
        if (holds_one) {
            return record.point.id;
        }
    }
    return {};
}

std::optional<PreviousVolume> PreviousPoints::find_volume(const std::string& ns,
                                                          const std::string& claim) {
    for (std::size_t number = 0; number < points_.size(); ++number) {
        if (!holds(points_[number].point, ns)) {
            continue;
        }
        std::optional<PreviousVolume> found;
        // A damaged point costs time, not the backup: the one before it serves too.
        const auto failure = failure_of([&] { found = find_in(number, ns, claim); });
        if (found && !failure) {
            return found;
        }
    }
    return std::nullopt;
}

std::optional<PreviousVolume> PreviousPoints::find_in(std::size_t number,
                                                      const std::string& ns,
                                                      const std::string& claim) {
    auto& reader = reader_of(number);
    repository::DirectoryRef directory = reader.root();
    std::optional<repository::TreeEntry> entry;
    for (const auto& name : {std::string(repository::kVolumesDirectory),
                             repository::escape_name(ns),
                             repository::escape_name(claim)}) {
        entry = reader.find(directory, name);
        if (!entry) {
            return std::nullopt;
        }
        directory = entry->directory;
    }
    return PreviousVolume{&reader, std::move(*entry)};
}

repository::TreeReader& PreviousPoints::reader_of(std::size_t number) {
    auto readers = readers_.lock();
    auto& reader = (*readers)[number];
    if (!reader) {
        reader = repository::TreeReader::open(chunks_, points_[number]);
    }
    return *reader;
}

}  // namespace backup::capture
