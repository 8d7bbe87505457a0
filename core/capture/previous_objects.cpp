// SPDX-License-Identifier: Apache-2.0
#include "core/capture/previous_objects.hpp"

#include "core/base/task_group.hpp"
#include "core/capture/references.hpp"
#include "core/repository/page_cache.hpp"
#include "core/repository/page_store.hpp"
#include "core/repository/tree_names.hpp"

#include <algorithm>
#include <charconv>

namespace backup::capture {

namespace {

/// So far back a directory is looked for: points of narrow scopes may lie between two of all.
constexpr std::size_t kPointsLookedAt = 4;
constexpr std::uint64_t kLargestObject = 64U << 20U;
constexpr std::uint64_t kPageCacheBytes = 16U << 20U;

bool holds(const model::RecoveryPoint& point, const std::string& ns) {
    return ns.empty() || std::find(point.namespaces.begin(), point.namespaces.end(), ns) !=
                             point.namespaces.end();
}

std::vector<std::string> path_of(const std::string& resource, const std::string& ns) {
    std::vector<std::string> path{std::string(repository::kObjectsDirectory)};
    if (ns.empty()) {
        path.emplace_back(repository::kClusterDirectory);
    } else {
        path.emplace_back(repository::kNamespacesDirectory);
        path.push_back(repository::escape_name(ns));
    }
    path.push_back(resource);
    return path;
}

}  // namespace

PreviousObjects::PreviousObjects(std::span<const repository::PointRecord> points,
                                 repository::ChunkStore& chunks,
                                 repository::Writer& writer)
    : points_(points.begin(), points.end()),
      chunks_(chunks),
      writer_(writer),
      pages_(std::make_shared<repository::PageCache>(repository::make_page_source(chunks),
                                                     kPageCacheBytes)) {}

repository::TreeReader& PreviousObjects::tree_of(std::size_t number) {
    auto trees = trees_.lock();
    auto& tree = (*trees)[number];
    if (!tree) {
        tree = repository::TreeReader::open(chunks_, pages_, points_[number]);
    }
    return *tree;
}

/// The newest one, unless an older one has more than twice as much: then the newer point was made
/// of a few chosen objects.
std::optional<PreviousObjects::Directory> PreviousObjects::choose_directory(
    const std::string& resource, const std::string& ns) {
    std::optional<Directory> best;
    std::uint64_t most = 0;
    std::size_t looked_at = 0;
    for (std::size_t number = 0; number < points_.size() && looked_at < kPointsLookedAt; ++number) {
        if (!holds(points_[number].point, ns)) {
            continue;
        }
        ++looked_at;
        // A damaged point costs time, not the backup.
        static_cast<void>(failure_of([&] {
            auto& tree = tree_of(number);
            Directory directory{&tree, tree.root()};
            for (const auto& name : path_of(resource, ns)) {
                const auto entry = tree.find(directory.place, name);
                if (!entry) {
                    return;
                }
                directory.place = entry->directory;
            }
            const auto entries = tree.summarize(directory.place).entries;
            if (entries > 2 * most) {
                most = entries;
                best = directory;
            }
        }));
    }
    return best;
}

std::optional<PreviousObjects::Directory> PreviousObjects::find_directory(
    const std::string& resource, const std::string& ns) {
    const Place place{ns, resource};
    {
        auto known = directories_.lock();
        const auto found = known->find(place);
        if (found != known->end()) {
            return found->second;
        }
    }
    const auto directory = choose_directory(resource, ns);
    directories_.lock()->emplace(place, directory);
    return directory;
}

bool PreviousObjects::has(const std::string& resource, const std::string& ns) {
    return find_directory(resource, ns).has_value();
}

std::optional<PreviousObject> PreviousObjects::find(const model::ObjectKey& key,
                                                    std::uint64_t mark) {
    if (mark == 0) {
        return std::nullopt;
    }
    const auto directory = find_directory(key.resource, key.ns);
    if (!directory) {
        return std::nullopt;
    }
    std::optional<PreviousObject> found;
    const auto damage = failure_of([&] {
        auto entry = directory->tree->find(directory->place, repository::escape_name(key.name));
        if (!entry || entry->attributes.inode != mark || entry->attributes.content_unreadable) {
            return;
        }
        auto content = directory->tree->load_content(*entry);
        if (is_still_there(content)) {
            found = PreviousObject{directory->tree, std::move(*entry), std::move(content)};
        }
    });
    return damage ? std::nullopt : std::move(found);
}

bool PreviousObjects::is_still_there(const repository::FileContent& content) {
    return std::all_of(content.extents.begin(), content.extents.end(), [this](const auto& extent) {
        return writer_.is_known(extent.chunk);
    });
}

std::optional<std::string> PreviousObjects::read(const PreviousObject& object) {
    if (object.entry.attributes.size > kLargestObject) {
        return std::nullopt;
    }
    std::string bytes(object.entry.attributes.size, '\0');
    const auto damage = failure_of([&] {
        const auto got =
            object.tree->read(object.entry, 0, std::as_writable_bytes(std::span(bytes)));
        bytes.resize(got);
    });
    if (damage || bytes.size() != object.entry.attributes.size) {
        return std::nullopt;
    }
    return bytes;
}

std::uint64_t PreviousObjects::highest_version() {
    std::uint64_t highest = 0;
    static_cast<void>(failure_of([&] {
        if (points_.empty()) {
            return;
        }
        for (const auto& list : repository::read_ledger(chunks_, points_.front()).lists) {
            const auto dot = list.resource.find('.');
            if (dot != std::string::npos && may_be_custom(list.resource.substr(dot + 1))) {
                continue;  // an aggregated API has versions of its own
            }
            const auto& text = list.resource_version;
            std::uint64_t version = 0;
            const auto parsed = std::from_chars(text.data(), text.data() + text.size(), version);
            if (parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size()) {
                highest = std::max(highest, version);
            }
        }
    }));
    return highest;
}

}  // namespace backup::capture
