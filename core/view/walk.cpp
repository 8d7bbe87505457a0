// SPDX-License-Identifier: Apache-2.0
#include "core/view/walk.hpp"

#include "core/base/closest_match.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/view/directory_trail.hpp"
#include "core/view/volume_files.hpp"

#include <vector>

namespace backup::view {
namespace {

// Neighbours are read for "did you mean"; a directory of a million names is not.
constexpr std::size_t kMostNeighbours = 1000;
// Entries taken from a directory at once: bounds what a walk keeps of a large one. The bytes are
// those of the first directory; each one below takes less.
constexpr std::size_t kBatch = 512;
constexpr std::uint64_t kBatchBytes = 4U << 20U;

std::vector<std::string> path_parts(std::string_view path) {
    std::vector<std::string> parts;
    for (auto& part : split(path, '/')) {
        if (!part.empty() && part != ".") {
            parts.push_back(std::move(part));
        }
    }
    return parts;
}

Error missing(Node& directory, const std::string& name, const std::string& place) {
    std::vector<std::string> names;
    directory.list(0, [&](std::string_view neighbour, const NodePointer&) {
        names.emplace_back(neighbour);
        return names.size() < kMostNeighbours;
    });
    auto error =
        Error(ErrorCode::PathNotFound, concat("no '", printable(name), "' in ", printable(place)));
    auto guess = did_you_mean(name, names);
    return guess.empty() ? std::move(error) : std::move(error).hint(std::move(guess));
}

struct OpenDirectory {
    NodePointer node;
    std::size_t path_bytes = 0;
    std::uint64_t next = 0;
    std::vector<std::pair<std::string, NodePointer>> batch;
    std::size_t taken = 0;

    bool refill(std::uint64_t most_bytes) {
        batch.clear();
        taken = 0;
        std::uint64_t bytes = 0;
        node->list(next, [&](std::string_view name, const NodePointer& child) {
            bytes += name.size() + child->held_bytes();
            // One comes in any case.
            if (bytes > most_bytes && !batch.empty()) {
                return false;
            }
            batch.emplace_back(name, child);
            return batch.size() < kBatch;
        });
        next += batch.size();
        return !batch.empty();
    }
};

}  // namespace

NodePointer find_path(const NodePointer& root, std::string_view path) {
    auto here = root;
    for (const auto& part : path_parts(path)) {
        if (here == nullptr || !here->is_directory()) {
            return nullptr;
        }
        here = here->find(part);
    }
    return here;
}

NodePointer get_path(const NodePointer& root, std::string_view path) {
    auto here = root;
    std::string place;
    for (const auto& part : path_parts(path)) {
        if (!here->is_directory()) {
            throw Error(ErrorCode::PathNotFound, concat(printable(place), " is not a directory"));
        }
        auto next = here->find(part);
        if (next == nullptr) {
            throw missing(*here, part, place.empty() ? "the recovery point" : place);
        }
        here = std::move(next);
        place += place.empty() ? part : "/" + part;
    }
    return here;
}

bool walk(const NodePointer& root,
          const std::function<Walk(const std::string& path, const NodePointer& node)>& visit) {
    std::vector<OpenDirectory> open;
    DirectoryTrail trail;
    std::string path;
    open.push_back({root, 0, 0, {}, 0});
    trail.enter(*root);
    while (!open.empty()) {
        auto& directory = open.back();
        path.resize(directory.path_bytes);
        if (directory.taken == directory.batch.size() &&
            !directory.refill(kBatchBytes / open.size())) {
            open.pop_back();
            trail.leave();
            continue;
        }
        const auto [name, node] = std::move(directory.batch[directory.taken++]);
        path.append(path.empty() ? "" : "/").append(name);
        with_context([&path] { return printable(path); }, [&] { trail.pass_entry(); });
        const auto answer = visit(path, node);
        if (answer == Walk::Stop) {
            return false;
        }
        if (answer == Walk::Into && node->is_directory()) {
            with_context([&path] { return printable(path); }, [&] { trail.enter(*node); });
            open.push_back({lean_directory(node), path.size(), 0, {}, 0});
        }
    }
    return true;
}

}  // namespace backup::view
