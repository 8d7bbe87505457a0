// SPDX-License-Identifier: Apache-2.0
#include "core/repository/page_encoder.hpp"

#include "core/base/error.hpp"
#include "core/repository/page_codec.hpp"

#include <unordered_map>

namespace backup::repository {
namespace {

using model::FileType;

std::string encode_xattrs(const std::vector<model::Xattr>& xattrs) {
    ByteWriter out;
    out.number(static_cast<std::uint16_t>(xattrs.size()));
    for (const auto& xattr : xattrs) {
        out.number(static_cast<std::uint16_t>(xattr.name.size()));
        out.number(static_cast<std::uint32_t>(xattr.value.size()));
        out.bytes(as_bytes(xattr.name));
        out.bytes(as_bytes(xattr.value));
    }
    return std::string(as_text(out.view()));
}

std::uint8_t flags_of(const model::FileEntry& entry) {
    return static_cast<std::uint8_t>((entry.changed_while_read ? 1U : 0U) |
                                     (entry.content_unreadable ? 2U : 0U) |
                                     (entry.is_racy ? 4U : 0U) | (entry.has_link_group ? 8U : 0U));
}

struct ContentFields {
    ContentKind kind = ContentKind::None;
    std::uint32_t a = 0;
    std::uint32_t b = 0;
};

class PageEncoder {
  public:
    Bytes encode(const std::vector<const DirectoryDraft*>& directories) {
        for (const auto* directory : directories) {
            add(*directory);
        }
        ByteWriter page;
        page.bytes(as_bytes("KBT1"));
        page.number(static_cast<std::uint32_t>(directories.size()));
        page.number(entry_count_);
        page.number(slice_count_);
        page.number(static_cast<std::uint32_t>(references_.size() / kPageReferenceBytes));
        page.number(extent_count_);
        page.number(static_cast<std::uint32_t>(heap_.size()));
        page.number(std::uint32_t{0});
        page.bytes(directories_.view());
        page.bytes(entries_.view());
        page.bytes(slices_.view());
        page.bytes(references_.view());
        page.bytes(extents_.view());
        page.bytes(as_bytes(heap_));
        if (page.size() > kPageLimitBytes) {
            throw Error(ErrorCode::Internal, "a directory page grew over the limit");
        }
        return page.take();
    }

  private:
    void add(const DirectoryDraft& directory) {
        directories_.number(entry_count_);
        directories_.number(static_cast<std::uint32_t>(directory.entries.size()));
        directories_.number(slice_count_);
        directories_.number(static_cast<std::uint32_t>(directory.slices.size()));
        directories_.number(directory.subdirectories);
        directories_.number(std::uint32_t{0});
        directories_.number(directory.all_entries);
        for (const auto& entry : directory.entries) {
            add(entry);
        }
        for (const auto& slice : directory.slices) {
            add(slice);
        }
        ++directory_count_;
    }

    void add(const EntryDraft& entry) {
        const auto& attributes = entry.attributes;
        const auto content = add_content(entry);
        ++entry_count_;
        entries_.number(store(attributes.name));
        entries_.number(static_cast<std::uint16_t>(attributes.name.size()));
        entries_.number(static_cast<std::uint8_t>(attributes.type));
        entries_.number(flags_of(attributes));
        entries_.number(attributes.mode);
        entries_.number(attributes.uid);
        entries_.number(attributes.gid);
        entries_.number(attributes.link_count);
        entries_.number(attributes.size);
        entries_.number(static_cast<std::uint64_t>(attributes.mtime_ns));
        entries_.number(static_cast<std::uint64_t>(attributes.ctime_ns));
        entries_.number(attributes.inode);
        entries_.number(static_cast<std::uint8_t>(content.kind));
        entries_.number(entry.depth);
        entries_.number(std::uint16_t{0});
        entries_.number(content.a);
        entries_.number(content.b);
        entries_.number(attributes.xattrs.empty() ? 0U : add_xattrs(attributes.xattrs) + 1U);
    }

    void add(const SliceDraft& slice) {
        ++slice_count_;
        slices_.number(store(slice.first_name));
        slices_.number(static_cast<std::uint32_t>(slice.first_name.size()));
        slices_.number(reference(slice.target));
        slices_.number(slot(slice.target));
        slices_.number(slice.entries);
        slices_.number(std::uint32_t{0});
    }

    ContentFields add_content(const EntryDraft& entry) {
        const auto& content = entry.content;
        switch (entry.attributes.type) {
            case FileType::Directory:
                return {ContentKind::Directory, reference(entry.target), slot(entry.target)};
            case FileType::Symlink:
                return stored(ContentKind::Link, entry.attributes.link_target);
            case FileType::CharacterDevice:
            case FileType::BlockDevice:
                return {ContentKind::Device,
                        entry.attributes.device_major,
                        entry.attributes.device_minor};
            case FileType::Fifo:
            case FileType::Socket:
                return {};
            case FileType::Regular:
                break;
        }
        if (!content.extents.empty()) {
            return add_extents(content.extents);
        }
        return content.inline_bytes.empty() ? ContentFields{}
                                            : stored(ContentKind::Inline, content.inline_bytes);
    }

    ContentFields stored(ContentKind kind, const std::string& bytes) {
        return {kind, store(bytes), static_cast<std::uint32_t>(bytes.size())};
    }

    ContentFields add_extents(const std::vector<Extent>& extents) {
        const auto first = extent_count_;
        for (const auto& extent : extents) {
            extents_.bytes(extent.chunk.bytes);
            extents_.number(extent.end);
            ++extent_count_;
        }
        return {ContentKind::Extents, first, static_cast<std::uint32_t>(extents.size())};
    }

    std::uint32_t store(const std::string& bytes) {
        const auto at = static_cast<std::uint32_t>(heap_.size());
        heap_ += bytes;
        return at;
    }

    // Labels of a security module stand on every file and are the same on most.
    std::uint32_t add_xattrs(const std::vector<model::Xattr>& xattrs) {
        auto encoded = encode_xattrs(xattrs);
        const auto known = xattrs_.find(encoded);
        if (known != xattrs_.end()) {
            return known->second;
        }
        const auto at = store(encoded);
        xattrs_.emplace(std::move(encoded), at);
        return at;
    }

    std::uint32_t reference(const PageTarget& target) {
        if (!target.page) {
            return kThisPage;
        }
        const auto next = static_cast<std::uint32_t>(references_.size() / kPageReferenceBytes);
        const auto [at, is_new] = numbers_.emplace(*target.page, next);
        if (is_new) {
            references_.bytes(target.page->bytes);
        }
        return at->second;
    }

    std::uint32_t slot(const PageTarget& target) const {
        return target.page ? target.slot : directory_count_ + target.slot;
    }

    ByteWriter directories_;
    ByteWriter entries_;
    ByteWriter slices_;
    ByteWriter references_;
    ByteWriter extents_;
    std::string heap_;
    std::uint32_t directory_count_ = 0;
    std::uint32_t entry_count_ = 0;
    std::uint32_t slice_count_ = 0;
    std::uint32_t extent_count_ = 0;
    std::unordered_map<content::ShortId, std::uint32_t> numbers_;
    std::unordered_map<std::string, std::uint32_t> xattrs_;
};

}  // namespace

std::size_t encoded_bytes(const EntryDraft& entry) {
    const auto& attributes = entry.attributes;
    auto sum = kEntryBytes + attributes.name.size() + attributes.link_target.size() +
               entry.content.inline_bytes.size() + entry.content.extents.size() * kExtentBytes;
    for (const auto& xattr : attributes.xattrs) {
        constexpr std::size_t kLengths = 6;
        sum += kLengths + xattr.name.size() + xattr.value.size();
    }
    return attributes.type == FileType::Directory ? sum + kPageReferenceBytes : sum;
}

Bytes encode_page(const std::vector<const DirectoryDraft*>& directories) {
    return PageEncoder().encode(directories);
}

}  // namespace backup::repository
