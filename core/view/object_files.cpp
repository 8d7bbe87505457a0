// SPDX-License-Identifier: Apache-2.0
#include "core/view/object_files.hpp"

#include "core/base/text.hpp"
#include "core/base/yaml.hpp"
#include "core/repository/tree_names.hpp"

namespace backup::view {
namespace {

using model::FileType;
using repository::TreeEntry;

std::string_view suffix_of(ObjectForm form) {
    return form == ObjectForm::Manifest ? ".yaml" : ".json";
}

NodeFrame frame_of(NodeFrame frame, const TreeEntry& object) {
    if (object.attributes.mtime_ns != 0) {
        frame.time_ns = object.attributes.mtime_ns;
    }
    return frame;
}

class RawFile : public Node {
  public:
    RawFile(NodeFrame frame, std::shared_ptr<PointTree> tree, TreeEntry object)
        : frame_(frame),
          tree_(std::move(tree)),
          object_(std::move(object)) {}

    FileType type() const override { return FileType::Regular; }

    std::uint64_t inode() const override { return frame_.inode; }

    NodeInfo info() override {
        NodeInfo out{make_attributes(frame_, FileType::Regular, kSecretFileMode), 0};
        out.attributes.size = object_.attributes.size;
        out.allocated_bytes = out.attributes.size;
        return out;
    }

    std::size_t read(std::uint64_t offset, std::span<std::byte> out) override {
        return tree_->reader().read(object_, offset, out);
    }

    std::uint64_t piece_end(std::uint64_t offset) override {
        return tree_->reader().piece_end(object_, offset);
    }

  private:
    NodeFrame frame_;
    std::shared_ptr<PointTree> tree_;
    TreeEntry object_;
};

class ManifestFile : public Node {
  public:
    ManifestFile(NodeFrame frame,
                 std::shared_ptr<PointTree> tree,
                 TreeEntry object,
                 std::string resource)
        : frame_(frame),
          tree_(std::move(tree)),
          object_(std::move(object)),
          resource_(std::move(resource)) {}

    FileType type() const override { return FileType::Regular; }

    std::uint64_t inode() const override { return frame_.inode; }

    NodeInfo info() override {
        NodeInfo out{make_attributes(frame_, FileType::Regular, kSecretFileMode), 0};
        const auto known = tree_->state().text_sizes.find(frame_.inode);
        out.attributes.size = known != nullptr ? *known : text()->size();
        out.allocated_bytes = out.attributes.size;
        return out;
    }

    std::size_t read(std::uint64_t offset, std::span<std::byte> out) override {
        return copy_text(*text(), offset, out);
    }

  private:
    std::shared_ptr<const std::string> text() {
        auto& state = tree_->state();
        auto known = state.texts.find(frame_.inode);
        if (known == nullptr) {
            known =
                std::make_shared<const std::string>(render_manifest(*tree_, object_, resource_));
            state.texts.put(frame_.inode, known, known->size());
            state.text_sizes.put(
                frame_.inode, std::make_shared<const std::uint64_t>(known->size()), 1);
        }
        return known;
    }

    NodeFrame frame_;
    std::shared_ptr<PointTree> tree_;
    TreeEntry object_;
    std::string resource_;
};

}  // namespace

std::string render_manifest(PointTree& tree, const TreeEntry& object, std::string_view resource) {
    return with_context(
        [&] { return printable(object.attributes.name); },
        [&] {
            auto json = parse_json(tree.read_object(object));
            return format_yaml(model::clean_manifest(std::move(json), tree.type_of(resource)));
        });
}

ObjectDirectory::ObjectDirectory(NodeFrame frame,
                                 std::shared_ptr<PointTree> tree,
                                 ObjectForm form,
                                 TreeEntry directory,
                                 std::string resource)
    : frame_(frame),
      tree_(std::move(tree)),
      form_(form),
      directory_(std::move(directory)),
      resource_(std::move(resource)) {}

NodeInfo ObjectDirectory::info() {
    NodeInfo out{make_attributes(frame_, FileType::Directory, kDirectoryMode), 0};
    out.attributes.link_count = 2 + tree_->reader().summarize(directory_.directory).subdirectories;
    return out;
}

NodePointer ObjectDirectory::make_child(TreeEntry entry) const {
    const auto& name = entry.attributes.name;
    // Objects have none; a page that lies could make all of them long.
    entry.attributes.xattrs.clear();
    if (entry.attributes.type == FileType::Directory) {
        return std::make_shared<ObjectDirectory>(frame_.below(name), tree_, form_, entry, name);
    }
    const auto frame = frame_of(frame_.below(name), entry);
    if (form_ == ObjectForm::Raw) {
        return std::make_shared<RawFile>(frame, tree_, entry);
    }
    return std::make_shared<ManifestFile>(frame, tree_, entry, resource_);
}

NodePointer ObjectDirectory::find(std::string_view name) {
    const auto suffix = suffix_of(form_);
    const auto is_file = !resource_.empty();
    if (is_file) {
        if (!name.ends_with(suffix)) {
            return nullptr;
        }
        name.remove_suffix(suffix.size());
    }
    const auto found = tree_->reader().find(directory_.directory, name);
    if (!found || (found->attributes.type == FileType::Directory) == is_file) {
        return nullptr;
    }
    return make_child(*found);
}

void ObjectDirectory::list(std::uint64_t first, const Visit& visit) {
    const auto is_file = !resource_.empty();
    tree_->reader().list(directory_.directory, first, [&](const TreeEntry& entry) {
        if ((entry.attributes.type == FileType::Directory) == is_file) {
            return true;
        }
        const auto& name = entry.attributes.name;
        return is_file ? visit(concat(name, suffix_of(form_)), make_child(entry))
                       : visit(name, make_child(entry));
    });
}

}  // namespace backup::view
