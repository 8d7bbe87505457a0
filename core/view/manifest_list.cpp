// SPDX-License-Identifier: Apache-2.0
#include "core/view/manifest_list.hpp"

#include "core/base/text.hpp"
#include "core/base/yaml.hpp"
#include "core/model/manifest.hpp"
#include "core/model/manifest_order.hpp"
#include "core/repository/tree_names.hpp"
#include "core/view/object_files.hpp"
#include "core/view/point_tree.hpp"

#include <algorithm>
#include <optional>

namespace backup::view {
namespace {

using repository::TreeEntry;

std::string as_document(const std::string& yaml) {
    return concat("---\n", yaml);
}

// Nothing when a controller makes the object again.
std::optional<std::string> render(PointTree& tree,
                                  const TreeEntry& object,
                                  std::string_view resource) {
    return with_context(
        [&] { return concat(resource, "/", printable(object.attributes.name)); },
        [&]() -> std::optional<std::string> {
            const auto type = tree.type_of(resource);
            auto json = parse_json(tree.read_object(object));
            if (model::is_made_by_controller(json, type)) {
                return std::nullopt;
            }
            return as_document(format_yaml(model::clean_manifest(std::move(json), type)));
        });
}

struct Source {
    int rank = 0;
    TreeEntry directory;
};

std::vector<Source> list_resources(PointTree& tree, const TreeEntry& name_space) {
    std::vector<Source> sources;
    tree.reader().list(name_space.directory, 0, [&](const TreeEntry& entry) {
        sources.push_back({model::restore_rank(entry.attributes.name), entry});
        return true;
    });
    std::stable_sort(sources.begin(), sources.end(), [](const Source& a, const Source& b) {
        return a.rank < b.rank;
    });
    return sources;
}

class IndexBuilder {
  public:
    explicit IndexBuilder(PointTree& tree) : tree_(tree) {}

    void add(const TreeEntry& object, const std::string& resource) {
        if (const auto text = render(tree_, object, resource)) {
            end_ += text->size();
            index_.pieces.push_back({object, resource, end_});
            index_.pieces.back().object.attributes.xattrs.clear();
        } else {
            ++left_out_;
        }
    }

    ManifestIndex finish(std::string_view name_space) {
        index_.header = concat("# Namespace ",
                               name_space,
                               ": ",
                               index_.pieces.size(),
                               " objects in the order in which they can be applied.\n# Left out: ",
                               left_out_,
                               " that controllers make again; they are under manifests/.\n");
        for (auto& piece : index_.pieces) {
            piece.end += index_.header.size();
        }
        return std::move(index_);
    }

  private:
    PointTree& tree_;
    ManifestIndex index_;
    std::uint64_t end_ = 0;
    std::uint64_t left_out_ = 0;
};

ManifestIndex build_index(PointTree& tree, const std::string& name_space) {
    using namespace repository;
    IndexBuilder builder(tree);
    const auto own = tree.find({kObjectsDirectory, kClusterDirectory, "namespaces", name_space});
    if (own && own->attributes.type == model::FileType::Regular) {
        builder.add(*own, "namespaces");
    }
    const auto directory = tree.find({kObjectsDirectory, kNamespacesDirectory, name_space});
    if (directory && directory->attributes.type == model::FileType::Directory) {
        for (const auto& source : list_resources(tree, *directory)) {
            if (source.directory.attributes.type != model::FileType::Directory) {
                continue;
            }
            tree.reader().list(source.directory.directory, 0, [&](const TreeEntry& object) {
                builder.add(object, source.directory.attributes.name);
                return true;
            });
        }
    }
    return builder.finish(name_space);
}

}  // namespace

std::shared_ptr<const ManifestIndex> ManifestList::index() {
    auto& state = tree_->state();
    auto known = state.indexes.find(frame_.inode);
    if (known == nullptr) {
        known = std::make_shared<const ManifestIndex>(build_index(*tree_, namespace_));
        constexpr std::uint64_t kBytesOfPiece = 400;
        state.indexes.put(frame_.inode, known, kBytesOfPiece * (known->pieces.size() + 1));
    }
    return known;
}

NodeInfo ManifestList::info() {
    NodeInfo out{make_attributes(frame_, model::FileType::Regular, kSecretFileMode), 0};
    out.attributes.size = index()->size();
    out.allocated_bytes = out.attributes.size;
    return out;
}

std::size_t ManifestList::read(std::uint64_t offset, std::span<std::byte> out) {
    const auto known = index();
    auto done = copy_text(known->header, offset, out);
    auto piece = std::upper_bound(known->pieces.begin(),
                                  known->pieces.end(),
                                  offset + done,
                                  [](std::uint64_t value, const ManifestIndex::Piece& candidate) {
                                      return value < candidate.end;
                                  });
    for (; piece != known->pieces.end() && done < out.size(); ++piece) {
        const auto text = as_document(render_manifest(*tree_, piece->object, piece->resource));
        const auto begin = piece->end - text.size();
        done += copy_text(text, offset + done - begin, out.subspan(done));
    }
    return done;
}

}  // namespace backup::view
