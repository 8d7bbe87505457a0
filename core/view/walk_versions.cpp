// SPDX-License-Identifier: Apache-2.0
#include "core/view/walk_versions.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/view/volume_files.hpp"

#include <algorithm>
#include <limits>
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

// What is kept at a time: directories that wait, and what they hold beyond a usual entry.
constexpr std::size_t kMostWaiting = 4U << 20U;
constexpr std::uint64_t kUsualBytes = 4096;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30U;

/// How many entries the points may still have in a volume: pages that lead to the same page again
/// and again make a tree without end.
class Allowance {
  public:
    explicit Allowance(std::size_t points)
        : left_(points, std::numeric_limits<std::uint64_t>::max()),
          is_over_(points) {}

    void set(std::size_t point, std::uint64_t most) { left_[point] = most; }

    bool is_over(std::size_t point) const { return is_over_[point]; }

    /// The most that any of them has.
    std::uint64_t left(const std::vector<std::size_t>& points) const {
        std::uint64_t most = 0;
        for (const auto point : points) {
            most = std::max(most, left_[point]);
        }
        return most;
    }

    /// True when one of them has no more now.
    bool take(const std::vector<std::size_t>& points, std::uint64_t entries) {
        bool is_any_over = false;
        for (const auto point : points) {
            is_over_[point] = entries > left_[point];
            left_[point] -= std::min(left_[point], entries);
            is_any_over = is_any_over || is_over_[point];
        }
        return is_any_over;
    }

  private:
    std::vector<std::uint64_t> left_;
    std::vector<bool> is_over_;
};

using AllowancePointer = std::shared_ptr<Allowance>;

/// The directories of a path in all points, on the way down.
struct Place {
    std::shared_ptr<const Place> above;
    std::string name;
    std::size_t depth = 0;
    std::vector<NodeVersion> directories;
    AllowancePointer allowance;  // in a volume
};

std::string path_of(const Place& directory) {
    std::vector<const std::string*> names;
    for (const auto* place = &directory; place->above != nullptr; place = place->above.get()) {
        names.push_back(&place->name);
    }
    std::string path;
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
        path.append(path.empty() ? "" : "/").append(**name);
    }
    return path;
}

std::string path_below(const std::string& directory, std::string_view name) {
    return directory.empty() ? std::string(name) : concat(directory, "/", name);
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
    AllowancePointer allowance;
};

using Listings = std::map<std::string, Listing, std::less<>>;

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
        points_ = roots.size();
        auto top = std::make_shared<Place>();
        for (std::size_t i = 0; i < roots.size(); ++i) {
            if (roots[i] != nullptr && roots[i]->is_directory()) {
                allow(top->allowance, *roots[i], {i});
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
        add_version(directories, lean_directory(node), points, [&stored](const NodeVersion& known) {
            return stored && stored_place(*known.node) == stored;
        });
    }

    /// The root of a volume belongs to one point: what points share is put together below it.
    void allow(AllowancePointer& allowance,
               const Node& root,
               const std::vector<std::size_t>& points) const {
        const auto* file = dynamic_cast<const VolumeFile*>(&root);
        if (file == nullptr) {
            return;
        }
        if (allowance == nullptr) {
            allowance = std::make_shared<Allowance>(points_);
        }
        for (const auto point : points) {
            allowance->set(point, file->most_entries());
        }
    }

    void enter(const PlacePointer& place) {
        const auto path = path_of(*place);
        Listings listings;
        held_bytes_ = 0;
        for (auto directory : place->directories) {
            if (place->allowance != nullptr) {
                std::erase_if(directory.points, [&place](std::size_t point) {
                    return place->allowance->is_over(point);
                });
            }
            if (directory.points.empty()) {
                continue;
            }
            if (const auto failure = failure_of([&] { list(*place, path, directory, listings); })) {
                visitor_.on_problem(path, *failure);
            }
        }
        const auto first = static_cast<std::ptrdiff_t>(waiting_.size());
        for (auto& [name, listing] : listings) {
            if (!listing.wanted.empty()) {
                sort_by_age(listing.wanted);
                visitor_.visit(path_below(path, name), listing.wanted);
            }
            if (!listing.directories.empty()) {
                waiting_.push_back(std::make_shared<const Place>(
                    Place{place,
                          name,
                          place->depth + 1,
                          std::move(listing.directories),
                          place->allowance != nullptr ? place->allowance : listing.allowance}));
            }
        }
        // The last one is taken first.
        std::reverse(waiting_.begin() + first, waiting_.end());
    }

    void list(const Place& place,
              const std::string& path,
              const NodeVersion& directory,
              Listings& listings) {
        auto* const allowance = place.allowance.get();
        const auto most = allowance != nullptr ? allowance->left(directory.points)
                                               : std::numeric_limits<std::uint64_t>::max();
        std::uint64_t entries = 0;
        const auto failure = failure_of([&] {
            directory.node->list(0, [&](std::string_view name, const NodePointer& node) {
                if (++entries <= most) {
                    add(place, path, directory, name, node, listings);
                }
                return entries <= most;
            });
        });
        if (allowance != nullptr && allowance->take(directory.points, entries)) {
            visitor_.on_problem(
                path,
                Error(ErrorCode::CorruptData,
                      "the volume holds more files and directories than the point's record says"));
        }
        if (failure) {
            throw Error(*failure);
        }
    }

    void add(const Place& place,
             const std::string& path,
             const NodeVersion& directory,
             std::string_view name,
             const NodePointer& node,
             Listings& listings) {
        const bool is_wanted = visitor_.wants(name, *node, place.depth + 1);
        const bool is_entered = place.depth + 1 < most_depth_ && node->is_directory();
        if (!is_wanted && !is_entered) {
            return;
        }
        auto at = listings.find(name);
        if (at == listings.end()) {
            at = listings.emplace(std::string(name), Listing{}).first;
        }
        if (is_wanted) {
            keep(*node);
            add_version(at->second.wanted, node, directory.points, [&](const NodeVersion& one) {
                return is_same_version(*one.node, *node);
            });
        }
        if (!is_entered) {
            return;
        }
        if (const auto reason = reason_against(place, *node, directory, listings.size());
            !reason.empty()) {
            visitor_.on_problem(path_below(path, name),
                                Error(ErrorCode::CorruptData, std::string(reason)));
            return;
        }
        if (place.allowance == nullptr) {
            allow(at->second.allowance, *node, directory.points);
        }
        add_directory(at->second.directories, node, directory.points);
    }

    /// Entries may share attributes that are long.
    void keep(const Node& node) {
        const auto bytes = node.held_bytes();
        held_bytes_ += bytes > kUsualBytes ? bytes : 0;
        if (held_bytes_ > kMostBytes) {
            throw Error(ErrorCode::Unsupported,
                        "the attributes of its entries are more than a search can hold");
        }
    }

    /// Why a directory cannot be entered; empty when it can.
    std::string_view reason_against(const Place& place,
                                    const Node& node,
                                    const NodeVersion& directory,
                                    std::size_t beside) const {
        const auto stored = stored_place(node);
        if (stored && is_above(&place, *stored, directory.points.front())) {
            return "the directory contains itself";
        }
        if (place.depth + 1 >= repository::kDeepestDirectory) {
            return "directories are nested too deeply";
        }
        return waiting_.size() + beside > kMostWaiting ? "more directories than a search can hold"
                                                       : std::string_view();
    }

    static void sort_by_age(std::vector<NodeVersion>& versions) {
        std::sort(versions.begin(), versions.end(), [](const auto& one, const auto& other) {
            return one.points.back() < other.points.back();
        });
    }

    std::size_t most_depth_;
    VersionVisitor& visitor_;
    std::size_t points_ = 0;
    std::vector<PlacePointer> waiting_;
    std::uint64_t held_bytes_ = 0;  // by the directory that is being listed
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
