// SPDX-License-Identifier: Apache-2.0
#include "core/view/walk_versions.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/view/volume_files.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

namespace backup::view {

namespace {

using repository::DirectoryRef;

std::optional<DirectoryRef> stored_place(const Node& directory) {
    const auto* file = dynamic_cast<const VolumeFile*>(&directory);
    return file == nullptr ? std::nullopt : std::optional(file->entry().directory);
}

/// The directories of a path in all points, on the way down.
struct Place {
    std::shared_ptr<const Place> above;
    std::string path;
    std::size_t depth = 0;
    std::vector<NodeVersion> directories;
};

std::string path_of(const Place& directory, std::string_view name) {
    return directory.path.empty() ? std::string(name) : concat(directory.path, "/", name);
}

using PlacePointer = std::shared_ptr<const Place>;

/// In the same point: a directory may well lie below one that had its place in another point.
bool is_above(const Place* place, const DirectoryRef& directory, std::size_t point) {
    for (; place != nullptr; place = place->above.get()) {
        for (const auto& version : place->directories) {
            if (stored_place(*version.node) == directory &&
                std::binary_search(version.points.begin(), version.points.end(), point)) {
                return true;
            }
        }
    }
    return false;
}

/// What one directory holds in all points, by name.
struct Listing {
    std::vector<NodeVersion> wanted;
    std::vector<NodeVersion> directories;
};

void add_points(std::vector<std::size_t>& to, const std::vector<std::size_t>& more) {
    to.insert(to.end(), more.begin(), more.end());
    std::sort(to.begin(), to.end());
}

template <typename IsSame>
void add_version(std::vector<NodeVersion>& versions,
                 const NodePointer& node,
                 const std::vector<std::size_t>& points,
                 const IsSame& is_same) {
    for (auto& known : versions) {
        if (is_same(known)) {
            add_points(known.points, points);
            return;
        }
    }
    versions.push_back({node, points});
}

class VersionWalk {
  public:
    VersionWalk(std::size_t most_depth, VersionVisitor& visitor)
        : most_depth_(most_depth),
          visitor_(visitor) {}

    void run(std::span<const NodePointer> roots) {
        auto top = std::make_shared<Place>();
        for (std::size_t i = 0; i < roots.size(); ++i) {
            if (roots[i] != nullptr && roots[i]->is_directory()) {
                add_directory(top->directories, roots[i], {i});
            }
        }
        waiting_.push_back(std::move(top));
        while (!waiting_.empty()) {
            const auto place = std::move(waiting_.back());
            waiting_.pop_back();
            enter(place);
        }
    }

  private:
    static void add_directory(std::vector<NodeVersion>& directories,
                              const NodePointer& node,
                              const std::vector<std::size_t>& points) {
        const auto stored = stored_place(*node);
        add_version(directories, node, points, [&stored](const NodeVersion& known) {
            return stored && stored_place(*known.node) == stored;
        });
    }

    void enter(const PlacePointer& place) {
        std::map<std::string, Listing, std::less<>> listings;
        for (const auto& directory : place->directories) {
            if (const auto failure = failure_of([&] { list(*place, directory, listings); })) {
                visitor_.on_problem(place->path, *failure);
            }
        }
        const auto first = static_cast<std::ptrdiff_t>(waiting_.size());
        for (auto& [name, listing] : listings) {
            const auto path = path_of(*place, name);
            if (!listing.wanted.empty()) {
                sort_by_age(listing.wanted);
                visitor_.visit(path, listing.wanted);
            }
            if (!listing.directories.empty()) {
                waiting_.push_back(std::make_shared<const Place>(
                    Place{place, path, place->depth + 1, std::move(listing.directories)}));
            }
        }
        // The last one is taken first.
        std::reverse(waiting_.begin() + first, waiting_.end());
    }

    void list(const Place& place,
              const NodeVersion& directory,
              std::map<std::string, Listing, std::less<>>& listings) {
        const bool goes_on = place.depth + 1 < most_depth_;
        directory.node->list(0, [&](std::string_view name, const NodePointer& node) {
            const bool is_wanted = visitor_.wants(name, *node, place.depth + 1);
            const bool is_entered = goes_on && node->is_directory();
            if (!is_wanted && !is_entered) {
                return true;
            }
            auto at = listings.find(name);
            if (at == listings.end()) {
                at = listings.emplace(std::string(name), Listing{}).first;
            }
            if (is_wanted) {
                add_version(at->second.wanted, node, directory.points, [&](const NodeVersion& one) {
                    return is_same_version(*one.node, *node);
                });
            }
            if (is_entered) {
                const auto stored = stored_place(*node);
                if (stored && is_above(&place, *stored, directory.points.front())) {
                    visitor_.on_problem(
                        path_of(place, name),
                        Error(ErrorCode::CorruptData, "the directory contains itself"));
                } else {
                    add_directory(at->second.directories, node, directory.points);
                }
            }
            return true;
        });
    }

    static void sort_by_age(std::vector<NodeVersion>& versions) {
        std::sort(versions.begin(), versions.end(), [](const auto& one, const auto& other) {
            return one.points.back() < other.points.back();
        });
    }

    std::size_t most_depth_;
    VersionVisitor& visitor_;
    std::vector<PlacePointer> waiting_;
};

model::FileEntry compared(Node& node) {
    const auto* file = dynamic_cast<const VolumeFile*>(&node);
    auto entry = file != nullptr ? file->entry().attributes : node.info().attributes;
    // Where the inode lies, and when its names changed, says nothing about the file.
    entry.inode = 0;
    entry.ctime_ns = 0;
    entry.link_count = 0;
    entry.has_link_group = entry.is_racy = false;
    if (entry.type == model::FileType::Directory) {
        entry.size = 0;
    }
    return entry;
}

}  // namespace

bool is_same_version(Node& one, Node& other) {
    return &one == &other || compared(one) == compared(other);
}

void walk_versions(std::span<const NodePointer> roots,
                   std::size_t most_depth,
                   VersionVisitor& visitor) {
    VersionWalk(most_depth, visitor).run(roots);
}

}  // namespace backup::view
