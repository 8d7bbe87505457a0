// SPDX-License-Identifier: Apache-2.0
#include "core/view/point_files.hpp"

#include "core/base/text.hpp"
#include "core/base/yaml.hpp"
#include "core/repository/tree_names.hpp"
#include "core/view/inode_numbers.hpp"
#include "core/view/manifest_list.hpp"
#include "core/view/object_files.hpp"
#include "core/view/point_tree.hpp"
#include "core/view/synthetic_nodes.hpp"
#include "core/view/view_state.hpp"
#include "core/view/volume_files.hpp"

#include <algorithm>
#include <set>

namespace backup::view {
namespace {

using model::FileType;
using repository::TreeEntry;
using TreePointer = std::shared_ptr<PointTree>;

constexpr std::string_view kImageSuffix = ".img";

// Asked once: a point never changes. An error is not kept, so that the next try may succeed.
template <typename Value, typename Make>
std::function<std::shared_ptr<const Value>()> once(Make make) {
    auto kept = std::make_shared<Synchronized<std::shared_ptr<const Value>>>();
    return [kept, make = std::move(make)]() -> std::shared_ptr<const Value> {
        if (auto known = *kept->lock()) {
            return known;
        }
        // Not locked while it is made: that may have to read, and storage may be slow.
        auto made = std::make_shared<const Value>(make());
        auto value = kept->lock();
        if (*value == nullptr) {
            *value = std::move(made);
        }
        return *value;
    };
}

template <typename Make>
NodePointer make_directory(const NodeFrame& frame, Make make) {
    return std::make_shared<SyntheticDirectory>(frame, once<Children>(std::move(make)));
}

bool is_directory(const std::optional<TreeEntry>& entry) {
    return entry && entry->attributes.type == FileType::Directory;
}

// A claim called "a.img" with files must not take the name of the image of a claim called "a".
std::string volume_name(const TreeEntry& volume) {
    const auto& name = volume.attributes.name;
    if (volume.attributes.type != FileType::Directory) {
        return name + std::string(kImageSuffix);
    }
    if (name.ends_with(kImageSuffix)) {
        return name.substr(0, name.size() - kImageSuffix.size()) + "%2Eimg";
    }
    return name;
}

Children list_volumes(PointTree& tree, const std::string& name_space) {
    Children out;
    const auto directory = tree.find({repository::kVolumesDirectory, name_space});
    if (!is_directory(directory)) {
        return out;
    }
    tree.reader().list(directory->directory, 0, [&](const TreeEntry& volume) {
        const auto part = tree.get_part(name_space + "/" + volume.attributes.name, volume);
        out.emplace_back(volume_name(volume), std::make_shared<VolumeFile>(part, volume));
        return true;
    });
    std::sort(
        out.begin(), out.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    return out;
}

Children list_outputs(PointTree& tree, const std::string& name_space) {
    Children out;
    const auto directory =
        tree.find({repository::kExtraDirectory, repository::kCommandsDirectory, name_space});
    if (!is_directory(directory)) {
        return out;
    }
    const auto part = tree.get_part(concat("commands/", name_space), *directory);
    tree.reader().list(directory->directory, 0, [&](const TreeEntry& file) {
        out.emplace_back(file.attributes.name, std::make_shared<VolumeFile>(part, file));
        return true;
    });
    return out;
}

Children list_namespace(const TreePointer& tree,
                        const NodeFrame& frame,
                        const std::string& name_space) {
    Children out;
    if (is_directory(tree->find(
            {repository::kExtraDirectory, repository::kCommandsDirectory, name_space}))) {
        out.emplace_back("commands", make_directory(frame.below("commands"), [tree, name_space] {
                             return list_outputs(*tree, name_space);
                         }));
    }
    const auto objects =
        tree->find({repository::kObjectsDirectory, repository::kNamespacesDirectory, name_space});
    if (is_directory(objects)) {
        out.emplace_back("manifests",
                         std::make_shared<ObjectDirectory>(
                             frame.below("manifests"), tree, ObjectForm::Manifest, *objects));
        out.emplace_back(
            "manifests.yaml",
            std::make_shared<ManifestList>(frame.below("manifests.yaml"), tree, name_space));
        out.emplace_back(
            "raw",
            std::make_shared<ObjectDirectory>(frame.below("raw"), tree, ObjectForm::Raw, *objects));
    }
    if (is_directory(tree->find({repository::kVolumesDirectory, name_space}))) {
        out.emplace_back("volumes", make_directory(frame.below("volumes"), [tree, name_space] {
                             return list_volumes(*tree, name_space);
                         }));
    }
    return out;
}

Children list_namespaces(const TreePointer& tree, const NodeFrame& frame) {
    std::set<std::string> names;
    const auto collect = [&](const std::optional<TreeEntry>& directory) {
        if (is_directory(directory)) {
            tree->reader().list(directory->directory, 0, [&](const TreeEntry& entry) {
                names.insert(entry.attributes.name);
                return true;
            });
        }
    };
    collect(tree->find({repository::kObjectsDirectory, repository::kNamespacesDirectory}));
    collect(tree->find({repository::kVolumesDirectory}));
    Children out;
    for (const auto& name : names) {
        if (tree->state().options.shows_namespace(name)) {
            const auto below = frame.below(name);
            out.emplace_back(name, make_directory(below, [tree, below, name] {
                                 return list_namespace(tree, below, name);
                             }));
        }
    }
    return out;
}

Children list_cluster(const TreePointer& tree, const NodeFrame& frame, const TreeEntry& objects) {
    Children out;
    out.emplace_back("manifests",
                     std::make_shared<ObjectDirectory>(
                         frame.below("manifests"), tree, ObjectForm::Manifest, objects));
    out.emplace_back(
        "raw",
        std::make_shared<ObjectDirectory>(frame.below("raw"), tree, ObjectForm::Raw, objects));
    return out;
}

Children list_point(const TreePointer& tree, const NodeFrame& frame) {
    Children out;
    const auto objects = tree->find({repository::kObjectsDirectory, repository::kClusterDirectory});
    if (is_directory(objects)) {
        const auto below = frame.below("cluster");
        out.emplace_back(
            "cluster",
            std::make_shared<SyntheticDirectory>(below, list_cluster(tree, below, *objects)));
    }
    const auto namespaces = frame.below("namespaces");
    out.emplace_back("namespaces", make_directory(namespaces, [tree, namespaces] {
                         return list_namespaces(tree, namespaces);
                     }));
    out.emplace_back("point.yaml",
                     std::make_shared<TextFile>(
                         frame.below("point.yaml"), kPublicFileMode, once<std::string>([tree] {
                             return render_point(tree->state().chunks, tree->record());
                         })));
    return out;
}

}  // namespace

std::string render_point(repository::ChunkStore& chunks, const repository::PointRecord& record) {
    auto json = Json::object({{"apiVersion", "kubectl-backup/v1"}, {"kind", "RecoveryPoint"}});
    json["id"] = record.point.id;
    const auto described = model::to_json(record.point);
    for (const auto& [name, value] : described.members()) {
        json[name] = value;
    }
    json["ledger"] = model::to_json(repository::read_ledger(chunks, record));
    return format_yaml(json);
}

NodePointer make_point_node(std::shared_ptr<ViewState> state,
                            const repository::PointRecord& record) {
    NodeFrame frame;
    frame.inode = make_synthetic_inode(kRootInode, record.point.id);
    frame.uid = state->options.uid;
    frame.gid = state->options.gid;
    frame.time_ns = record.point.created.time_since_epoch().count();
    const auto tree = std::make_shared<PointTree>(std::move(state), record);
    return make_directory(frame, [tree, frame] { return list_point(tree, frame); });
}

NodePointer open_point(repository::ChunkStore& chunks,
                       const repository::PointRecord& record,
                       ViewOptions options) {
    return make_point_node(std::make_shared<ViewState>(chunks, std::move(options)), record);
}

std::vector<NodePointer> open_points(repository::ChunkStore& chunks,
                                     std::span<const repository::PointRecord> records,
                                     ViewOptions options) {
    const auto state = std::make_shared<ViewState>(chunks, std::move(options));
    std::vector<NodePointer> roots;
    roots.reserve(records.size());
    for (const auto& record : records) {
        roots.push_back(make_point_node(state, record));
    }
    return roots;
}

}  // namespace backup::view
