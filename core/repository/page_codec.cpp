// SPDX-License-Identifier: Apache-2.0
#include "core/repository/page_codec.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <cstring>

namespace backup::repository {
namespace {

using model::FileType;

constexpr std::uint8_t kChangedWhileRead = 1;
constexpr std::uint8_t kContentUnreadable = 2;
constexpr std::uint8_t kRacy = 4;
constexpr std::uint8_t kLinkGroup = 8;
constexpr std::uint32_t kModeBits = 07777;

[[noreturn]] void damaged(const std::string& what) {
    throw Error(ErrorCode::CorruptData, concat("damaged directory page: ", what));
}

content::ShortId load_id(const std::byte* at) {
    content::ShortId id;
    std::memcpy(id.bytes.data(), at, id.bytes.size());
    return id;
}

bool fits_type(FileType type, ContentKind content) {
    switch (type) {
        case FileType::Regular:
            return content == ContentKind::None || content == ContentKind::Inline ||
                   content == ContentKind::Extents;
        case FileType::Directory:
            return content == ContentKind::Directory;
        case FileType::Symlink:
            return content == ContentKind::Link;
        case FileType::Fifo:
        case FileType::Socket:
            return content == ContentKind::None;
        case FileType::CharacterDevice:
        case FileType::BlockDevice:
            return content == ContentKind::Device;
    }
    return false;
}

}  // namespace

Extent decode_extent(const std::byte* at) {
    return {load_id(at), load_le<std::uint64_t>(at + kPageReferenceBytes)};
}

PageView::PageView(ByteView bytes) : bytes_(bytes) {
    if (bytes.size() < kPageHeaderBytes || bytes.size() > kPageLimitBytes) {
        damaged(concat("impossible length ", bytes.size()));
    }
    if (as_text(bytes.first(4)) != "KBT1") {
        damaged("wrong magic");
    }
    const auto header = [&](std::size_t at) { return load_le<std::uint32_t>(bytes.data() + at); };
    directories_ = header(4);
    entries_ = header(8);
    slices_ = header(12);
    references_ = header(16);
    extents_ = header(20);
    heap_bytes_ = header(24);
    // 32-bit counts times small sizes: no overflow in 64 bits.
    entries_at_ = kPageHeaderBytes + std::size_t{directories_} * kDirectoryBytes;
    slices_at_ = entries_at_ + std::size_t{entries_} * kEntryBytes;
    references_at_ = slices_at_ + std::size_t{slices_} * kSliceBytes;
    extents_at_ = references_at_ + std::size_t{references_} * kPageReferenceBytes;
    heap_at_ = extents_at_ + std::size_t{extents_} * kExtentBytes;
    if (heap_at_ + heap_bytes_ != bytes.size()) {
        damaged("its tables do not fill it");
    }
    check_directories();
}

void PageView::check_directories() const {
    std::uint64_t next_entry = 0;
    std::uint64_t next_slice = 0;
    for (std::uint32_t slot = 0; slot < directories_; ++slot) {
        const auto record = directory(slot);
        if (record.first_entry != next_entry || record.first_slice != next_slice) {
            damaged(concat("directory ", slot, " is out of order"));
        }
        if (record.entries != 0 && record.slices != 0) {
            damaged(concat("directory ", slot, " has entries and slices"));
        }
        next_entry += record.entries;
        next_slice += record.slices;
        if (next_entry > entries_ || next_slice > slices_) {
            damaged(concat("directory ", slot, " is larger than its page"));
        }
        check_entries(record, slot);
        check_slices(record, slot);
    }
    if (next_entry != entries_ || next_slice != slices_) {
        damaged("it holds entries of no directory");
    }
}

void PageView::check_slices(const DirectoryRecord& directory, std::uint32_t slot) const {
    std::string_view before;
    std::uint64_t sum = 0;
    for (std::uint32_t i = 0; i < directory.slices; ++i) {
        const auto number = directory.first_slice + i;
        const auto* at = bytes_.data() + slices_at_ + std::size_t{number} * kSliceBytes;
        check_heap(load_le<std::uint32_t>(at), load_le<std::uint32_t>(at + 4), "a slice's name");
        const auto record = slice(number);
        check_reference(record.page, record.slot, slot);
        if (!model::is_valid_name(record.first_name) || (i > 0 && record.first_name <= before)) {
            damaged(concat("slices of directory ", slot, " are out of order"));
        }
        if (record.entries == 0) {
            damaged(concat("directory ", slot, " has an empty slice"));
        }
        before = record.first_name;
        sum += record.entries;
    }
    if (directory.slices != 0 && sum != directory.all_entries) {
        damaged(concat("directory ", slot, " counts its entries wrong"));
    }
}

void PageView::check_entries(const DirectoryRecord& directory, std::uint32_t slot) const {
    std::string_view before;
    std::uint32_t subdirectories = 0;
    for (std::uint32_t i = 0; i < directory.entries; ++i) {
        const auto number = directory.first_entry + i;
        check_entry(number, slot);
        const auto record = entry(number);
        if (i > 0 && record.name <= before) {
            damaged(concat("entries of directory ", slot, " are out of order"));
        }
        before = record.name;
        subdirectories += record.type == FileType::Directory ? 1U : 0U;
    }
    if (directory.slices == 0 && (directory.all_entries != directory.entries ||
                                  directory.subdirectories != subdirectories)) {
        damaged(concat("directory ", slot, " counts its entries wrong"));
    }
}

void PageView::check_entry(std::uint32_t number, std::uint32_t slot) const {
    const auto* at = bytes_.data() + entries_at_ + std::size_t{number} * kEntryBytes;
    check_heap(load_le<std::uint32_t>(at), load_le<std::uint16_t>(at + 4), "a name");
    const auto type = std::to_integer<std::uint8_t>(at[6]);
    const auto content = std::to_integer<std::uint8_t>(at[56]);
    if (type < static_cast<std::uint8_t>(FileType::Regular) ||
        type > static_cast<std::uint8_t>(FileType::BlockDevice) ||
        content > static_cast<std::uint8_t>(ContentKind::Device) ||
        !fits_type(static_cast<FileType>(type), static_cast<ContentKind>(content))) {
        damaged(concat("entry ", number, " has an impossible type"));
    }
    const auto record = entry(number);
    if (!model::is_valid_name(record.name)) {
        damaged(concat("entry ", number, " has an impossible name"));
    }
    switch (record.content) {
        case ContentKind::None:
            if (record.type == FileType::Regular && record.size != 0 &&
                (record.flags & kContentUnreadable) == 0) {
                damaged(concat("entry ", number, " lacks its content"));
            }
            break;
        case ContentKind::Inline:
            check_heap(record.a, record.b, "inline content");
            if (record.b != record.size || record.b > kInlineLimitBytes) {
                damaged(concat("entry ", number, " has inline content of an impossible size"));
            }
            break;
        case ContentKind::Extents:
            check_extents(record);
            break;
        case ContentKind::Directory:
            check_reference(record.a, record.b, slot);
            break;
        case ContentKind::Link:
            check_link(record, number);
            break;
        case ContentKind::Device:
            break;
    }
    if (const auto xattrs = load_le<std::uint32_t>(at + 68); xattrs != 0) {
        check_heap(xattrs - 1, 0, "extended attributes");
    }
}

void PageView::check_link(const EntryRecord& entry, std::uint32_t number) const {
    check_heap(entry.a, entry.b, "a link target");
    if (entry.b > kLinkTargetLimitBytes ||
        heap(entry.a, entry.b).find('\0') != std::string_view::npos) {
        damaged(concat("entry ", number, " has an impossible link target"));
    }
}

void PageView::check_extents(const EntryRecord& entry) const {
    if (entry.depth > kExtentDepthLimit || entry.b == 0 || entry.b > kExtentsInPage ||
        std::uint64_t{entry.a} + entry.b > extents_) {
        damaged("extents outside of it, or too many");
    }
    std::uint64_t end = 0;
    for (std::uint32_t i = 0; i < entry.b; ++i) {
        const auto next = extent(entry.a + i).end;
        if (next <= end) {
            damaged("extents out of order");
        }
        end = next;
    }
    if (end != entry.size) {
        damaged("extents of another size than their file");
    }
}

// A reference to this page must lead to a later slot: no chain of directories returns to itself.
void PageView::check_reference(std::uint32_t page, std::uint32_t slot, std::uint32_t from) const {
    const auto is_fine =
        page == kThisPage ? slot > from && slot < directories_ : page < references_;
    if (!is_fine) {
        damaged(concat("directory ", from, " refers to a place that cannot be"));
    }
}

void PageView::check_heap(std::uint32_t offset, std::uint32_t length, std::string_view what) const {
    if (std::uint64_t{offset} + length > heap_bytes_) {
        damaged(concat(what, " lies outside of it"));
    }
}

DirectoryRecord PageView::directory(std::uint32_t number) const {
    const auto* at = bytes_.data() + kPageHeaderBytes + std::size_t{number} * kDirectoryBytes;
    DirectoryRecord record;
    record.first_entry = load_le<std::uint32_t>(at);
    record.entries = load_le<std::uint32_t>(at + 4);
    record.first_slice = load_le<std::uint32_t>(at + 8);
    record.slices = load_le<std::uint32_t>(at + 12);
    record.subdirectories = load_le<std::uint32_t>(at + 16);
    record.all_entries = load_le<std::uint64_t>(at + 24);
    return record;
}

EntryRecord PageView::entry(std::uint32_t number) const {
    const auto* at = bytes_.data() + entries_at_ + std::size_t{number} * kEntryBytes;
    EntryRecord record;
    record.name = heap(load_le<std::uint32_t>(at), load_le<std::uint16_t>(at + 4));
    record.type = static_cast<FileType>(at[6]);
    record.flags = std::to_integer<std::uint8_t>(at[7]);
    record.size = load_le<std::uint64_t>(at + 24);
    record.content = static_cast<ContentKind>(at[56]);
    record.depth = std::to_integer<std::uint8_t>(at[57]);
    record.a = load_le<std::uint32_t>(at + 60);
    record.b = load_le<std::uint32_t>(at + 64);
    return record;
}

std::string_view PageView::entry_name(std::uint32_t number) const {
    const auto* at = bytes_.data() + entries_at_ + std::size_t{number} * kEntryBytes;
    return heap(load_le<std::uint32_t>(at), load_le<std::uint16_t>(at + 4));
}

SliceRecord PageView::slice(std::uint32_t number) const {
    const auto* at = bytes_.data() + slices_at_ + std::size_t{number} * kSliceBytes;
    SliceRecord record;
    record.first_name = heap(load_le<std::uint32_t>(at), load_le<std::uint32_t>(at + 4));
    record.page = load_le<std::uint32_t>(at + 8);
    record.slot = load_le<std::uint32_t>(at + 12);
    record.entries = load_le<std::uint32_t>(at + 16);
    return record;
}

std::string_view PageView::first_name(const DirectoryRecord& directory) const {
    return directory.slices != 0 ? slice(directory.first_slice).first_name
                                 : entry_name(directory.first_entry);
}

std::string_view PageView::last_name(const DirectoryRecord& directory) const {
    return directory.slices != 0 ? slice(directory.first_slice + directory.slices - 1).first_name
                                 : entry_name(directory.first_entry + directory.entries - 1);
}

content::ShortId PageView::page_reference(std::uint32_t number) const {
    return load_id(bytes_.data() + references_at_ + std::size_t{number} * kPageReferenceBytes);
}

Extent PageView::extent(std::uint32_t number) const {
    return decode_extent(bytes_.data() + extents_at_ + std::size_t{number} * kExtentBytes);
}

std::string_view PageView::heap(std::uint32_t offset, std::uint32_t length) const {
    return as_text(bytes_.subspan(heap_at_ + offset, length));
}

model::FileEntry PageView::decode_entry(std::uint32_t number) const {
    const auto* at = bytes_.data() + entries_at_ + std::size_t{number} * kEntryBytes;
    const auto record = entry(number);
    model::FileEntry out;
    out.name = std::string(record.name);
    out.type = record.type;
    out.mode = load_le<std::uint32_t>(at + 8) & kModeBits;
    out.uid = load_le<std::uint32_t>(at + 12);
    out.gid = load_le<std::uint32_t>(at + 16);
    out.link_count = load_le<std::uint32_t>(at + 20);
    out.size = record.size;
    out.mtime_ns = static_cast<std::int64_t>(load_le<std::uint64_t>(at + 32));
    out.ctime_ns = static_cast<std::int64_t>(load_le<std::uint64_t>(at + 40));
    out.inode = load_le<std::uint64_t>(at + 48);
    out.changed_while_read = (record.flags & kChangedWhileRead) != 0;
    out.content_unreadable = (record.flags & kContentUnreadable) != 0;
    out.is_racy = (record.flags & kRacy) != 0;
    out.has_link_group = (record.flags & kLinkGroup) != 0;
    if (record.content == ContentKind::Device) {
        out.device_major = record.a;
        out.device_minor = record.b;
    }
    if (record.content == ContentKind::Link) {
        out.link_target = std::string(heap(record.a, record.b));
    }
    out.xattrs = decode_xattrs(load_le<std::uint32_t>(at + 68));
    return out;
}

std::vector<model::Xattr> PageView::decode_xattrs(std::uint32_t at) const {
    std::vector<model::Xattr> out;
    if (at == 0) {
        return out;
    }
    ByteReader in(bytes_.subspan(heap_at_ + (at - 1)), "extended attributes");
    const auto count = in.number<std::uint16_t>();
    std::size_t total = 0;
    for (std::uint16_t i = 0; i < count; ++i) {
        const auto name_length = in.number<std::uint16_t>();
        const auto value_length = in.number<std::uint32_t>();
        total += std::size_t{name_length} + value_length;
        if (count > kXattrCountLimit || name_length > kXattrNameLimitBytes ||
            total > kXattrLimitBytes) {
            damaged("more extended attributes than an entry can have");
        }
        model::Xattr xattr;
        xattr.name = std::string(as_text(in.bytes(name_length)));
        xattr.value = std::string(as_text(in.bytes(value_length)));
        if (xattr.name.empty() || xattr.name.find('\0') != std::string::npos ||
            (!out.empty() && xattr.name <= out.back().name)) {
            damaged("extended attributes out of order");
        }
        out.push_back(std::move(xattr));
    }
    return out;
}

}  // namespace backup::repository
