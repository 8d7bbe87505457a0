// SPDX-License-Identifier: Apache-2.0
#include "core/view/volume_files.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/view/inode_numbers.hpp"
#include "core/view/view_state.hpp"

#include <algorithm>

namespace backup::view {

using model::FileType;

repository::TreeReader& VolumeFile::reader() const {
    return *part_->reader;
}

std::uint64_t VolumeFile::most_entries() const {
    return part_->most_entries;
}

std::uint64_t VolumeFile::stated_bytes() const {
    return part_->stated_bytes;
}

std::uint64_t VolumeFile::most_bytes() const {
    return part_->most_bytes;
}

std::uint64_t VolumeFile::held_bytes() const {
    const auto& attributes = entry_.attributes;
    auto sum = sizeof(VolumeFile) + attributes.name.size() + attributes.link_target.size();
    for (const auto& xattr : attributes.xattrs) {
        sum += sizeof(xattr) + xattr.name.size() + xattr.value.size();
    }
    return sum;
}

std::shared_ptr<VolumeFile> VolumeFile::without_attributes() const {
    auto entry = entry_;
    entry.attributes = {};
    entry.attributes.type = entry_.attributes.type;
    return std::make_shared<VolumeFile>(part_, std::move(entry));
}

NodePointer lean_directory(const NodePointer& directory) {
    const auto* file = dynamic_cast<const VolumeFile*>(directory.get());
    return file != nullptr && !file->entry().attributes.xattrs.empty() ? file->without_attributes()
                                                                       : directory;
}

std::uint64_t VolumeFile::inode() const {
    const auto& attributes = entry_.attributes;
    if (shares_number()) {
        return make_link_group_inode(part_->number, attributes.inode);
    }
    const auto position = attributes.has_link_group && attributes.inode != 0
                              ? part_->get_facts()->first_name_of(attributes.inode, entry_.position)
                              : entry_.position;
    return make_tree_inode(part_->number, position);
}

bool VolumeFile::shares_number() const {
    const auto& attributes = entry_.attributes;
    return attributes.has_link_group && attributes.inode != 0 && fits_link_group(attributes.inode);
}

NodeInfo VolumeFile::info() {
    NodeInfo out{entry_.attributes, 0};
    out.attributes.inode = inode();
    switch (entry_.attributes.type) {
        case FileType::Directory:
            out.attributes.link_count = 2 + reader().summarize(entry_.directory).subdirectories;
            break;
        case FileType::Symlink:
            out.attributes.size = entry_.attributes.link_target.size();
            break;
        case FileType::Regular:
            out.allocated_bytes = reader().allocated_bytes(entry_);
            break;
        default:
            break;
    }
    out.attributes.link_count = std::max(out.attributes.link_count, 1U);
    return out;
}

NodePointer VolumeFile::find(std::string_view name) {
    if (!is_directory()) {
        return nullptr;
    }
    auto found = reader().find(entry_.directory, name);
    return found ? std::make_shared<VolumeFile>(part_, std::move(*found)) : nullptr;
}

void VolumeFile::list(std::uint64_t first, const Visit& visit) {
    if (!is_directory()) {
        return;
    }
    reader().list(entry_.directory, first, [&](const repository::TreeEntry& entry) {
        return visit(entry.attributes.name, std::make_shared<VolumeFile>(part_, entry));
    });
}

std::size_t VolumeFile::read(std::uint64_t offset, std::span<std::byte> out) {
    return with_context([&] { return printable(entry_.attributes.name); },
                        [&] { return reader().read(entry_, offset, out); });
}

std::uint64_t VolumeFile::piece_end(std::uint64_t offset) {
    return with_context([&] { return printable(entry_.attributes.name); },
                        [&] { return reader().piece_end(entry_, offset); });
}

ByteChain VolumeFile::collect(std::uint64_t offset, std::uint64_t size) {
    return with_context([&] { return printable(entry_.attributes.name); },
                        [&] { return reader().collect(entry_, offset, size); });
}

bool VolumeFile::may_have_access_lists() {
    const auto facts = part_->find_facts();
    return facts == nullptr || facts->has_access_lists;
}

void VolumeFile::survey() {
    part_->get_facts();
}

std::optional<std::uint64_t> VolumeFile::seek_data(std::uint64_t offset) {
    return reader().seek_data(entry_, offset);
}

std::uint64_t VolumeFile::seek_hole(std::uint64_t offset) {
    return reader().seek_hole(entry_, offset);
}

}  // namespace backup::view
