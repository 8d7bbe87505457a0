// SPDX-License-Identifier: Apache-2.0
// Objects as earlier points of the same cluster hold them: what the API server still has in the
// same version need not be fetched again. Safe to use from many threads.
#pragma once

#include "core/base/synchronized.hpp"
#include "core/model/object_key.hpp"
#include "core/repository/point_store.hpp"
#include "core/repository/tree_reader.hpp"
#include "core/repository/writer.hpp"

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace backup::capture {

/// Valid as long as the PreviousObjects it came from.
struct PreviousObject {
    repository::TreeReader* tree = nullptr;
    repository::TreeEntry entry;
    repository::FileContent content;
};

class PreviousObjects {
  public:
    /// `points` are of this cluster, newest first. References are kept; `writer` says what of the
    /// content is still there.
    PreviousObjects(std::span<const repository::PointRecord> points,
                    repository::ChunkStore& chunks,
                    repository::Writer& writer);

    /// Whether a point has any object of the kind in that namespace ("" for cluster-scoped ones).
    bool has(const std::string& resource, const std::string& ns);

    /// The object with that mark (KindVersions::mark_of), when a point has it and its content is
    /// still there. Damage in the repository means: not found.
    std::optional<PreviousObject> find(const model::ObjectKey& key, std::uint64_t mark);

    /// Its bytes; nothing when they cannot be read.
    static std::optional<std::string> read(const PreviousObject& object);

    /// The highest resourceVersion of a list in the newest point; 0: not known. A cluster that is
    /// below it went back in time, and its versions prove nothing.
    std::uint64_t highest_version();

  private:
    struct Directory {
        repository::TreeReader* tree = nullptr;
        repository::DirectoryRef place;
    };

    using Place = std::pair<std::string, std::string>;  // namespace, resource

    std::optional<Directory> find_directory(const std::string& resource, const std::string& ns);
    std::optional<Directory> choose_directory(const std::string& resource, const std::string& ns);
    repository::TreeReader& tree_of(std::size_t number);
    bool is_still_there(const repository::FileContent& content);

    std::vector<repository::PointRecord> points_;
    repository::ChunkStore& chunks_;
    repository::Writer& writer_;
    std::shared_ptr<repository::PageCache> pages_;
    Synchronized<std::map<std::size_t, std::unique_ptr<repository::TreeReader>>> trees_;
    Synchronized<std::map<Place, std::optional<Directory>>> directories_;
};

}  // namespace backup::capture
