// SPDX-License-Identifier: Apache-2.0
// The stored tree of one point (docs/format.md section 6.4), opened when it is first needed, and
// the kinds of its objects. Private to this layer.
#pragma once

#include "core/model/manifest.hpp"
#include "core/repository/point_store.hpp"
#include "core/repository/tree_reader.hpp"
#include "core/view/view_state.hpp"

#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace backup::view {

class PointTree {
  public:
    PointTree(std::shared_ptr<ViewState> state, repository::PointRecord record)
        : state_(std::move(state)),
          record_(std::move(record)) {}

    const repository::PointRecord& record() const { return record_; }

    ViewState& state() const { return *state_; }

    /// Throws CorruptData.
    repository::TreeReader& reader();
    std::optional<repository::TreeEntry> find(std::initializer_list<std::string_view> path);
    std::shared_ptr<const TreePart> get_part(std::string_view name,
                                             const repository::TreeEntry& root);

    /// apiVersion and kind of "deployments.apps"; both empty when the point does not tell.
    model::ManifestType type_of(std::string_view resource);

    /// An object's bytes; throws CorruptData when they are more than any API server gives.
    std::string read_object(const repository::TreeEntry& object);

  private:
    struct Opened {
        std::shared_ptr<repository::TreeReader> reader;
        std::map<std::string, model::ManifestType, std::less<>> types;
    };

    std::shared_ptr<const Opened> open();

    std::shared_ptr<ViewState> state_;
    repository::PointRecord record_;
    Synchronized<std::shared_ptr<const Opened>> opened_;
};

}  // namespace backup::view
