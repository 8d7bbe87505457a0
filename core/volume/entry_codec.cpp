// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/volume/protocol.hpp"

namespace backup::volume {

namespace {

constexpr std::size_t kMostXattrs = 4096;

constexpr unsigned kLinkGroup = 1;
constexpr unsigned kUnreadable = 2;
constexpr unsigned kRacy = 4;
constexpr unsigned kChanged = 8;

enum class WalkKind : std::uint8_t { Entry = 1, DirectoryEnd = 2, Problem = 3 };

// What a problem is.
constexpr std::uint8_t kNote = 0;
constexpr std::uint8_t kLoss = 1;
constexpr std::uint8_t kFileSystem = 2;

std::uint8_t flags_of(const model::FileEntry& entry) {
    unsigned flags = 0;
    flags |= entry.has_link_group ? kLinkGroup : 0U;
    flags |= entry.content_unreadable ? kUnreadable : 0U;
    flags |= entry.is_racy ? kRacy : 0U;
    flags |= entry.changed_while_read ? kChanged : 0U;
    return static_cast<std::uint8_t>(flags);
}

[[noreturn]] void corrupt(std::string what) {
    throw Error(ErrorCode::CorruptData, std::move(what));
}

void decode_xattrs(ByteReader& in, model::FileEntry& entry) {
    const auto count = in.number<std::uint16_t>();
    if (count > kMostXattrs) {
        corrupt("entry with too many extended attributes");
    }
    for (std::size_t i = 0; i < count; ++i) {
        model::Xattr xattr;
        xattr.name = in.sized_text();
        xattr.value = in.sized_text();
        if (xattr.name.empty() || xattr.name.size() > 255 || xattr.value.size() > (64U << 10U) ||
            (i > 0 && xattr.name <= entry.xattrs.back().name)) {
            corrupt("entry with invalid extended attributes");
        }
        entry.xattrs.push_back(std::move(xattr));
    }
}

void check(const model::FileEntry& entry, bool may_be_root) {
    const bool is_named = model::is_valid_name(entry.name) || (may_be_root && entry.name.empty());
    if (!is_named) {
        corrupt(concat("entry with an invalid name: ", printable(entry.name)));
    }
    if (entry.type < model::FileType::Regular || entry.type > model::FileType::BlockDevice ||
        (entry.mode & ~07777U) != 0) {
        corrupt("entry of an unknown type or mode");
    }
    if (entry.link_target.size() > 4096 || entry.link_target.find('\0') != std::string::npos) {
        corrupt("symbolic link with an invalid target");
    }
}

EntryItem decode_entry_item(ByteReader& in, bool may_be_root) {
    EntryItem item;
    item.entry = decode_entry(in, may_be_root);
    if (const auto same_as = in.number<std::uint64_t>(); same_as != 0) {
        item.same_as = same_as - 1;
    }
    item.problem = in.sized_text();
    return item;
}

WalkProblem decode_problem(ByteReader& in) {
    WalkProblem problem;
    problem.path = in.sized_text();
    problem.message = in.sized_text();
    switch (in.number<std::uint8_t>()) {
        case kNote:
            problem.is_loss = false;
            break;
        case kLoss:
            break;
        case kFileSystem:
            problem.is_loss = false;
            problem.is_file_system = true;
            break;
        default:
            corrupt("batch of entries with an unknown kind of problem");
    }
    return problem;
}

}  // namespace

void encode_entry(ByteWriter& out, const model::FileEntry& entry) {
    out.number(static_cast<std::uint8_t>(entry.type));
    out.number(flags_of(entry));
    out.number(entry.mode);
    out.number(entry.uid);
    out.number(entry.gid);
    out.number(entry.link_count);
    out.number(entry.device_major);
    out.number(entry.device_minor);
    out.number(entry.size);
    out.number(static_cast<std::uint64_t>(entry.mtime_ns));
    out.number(static_cast<std::uint64_t>(entry.ctime_ns));
    out.number(entry.inode);
    out.sized(entry.name);
    out.sized(entry.link_target);
    out.number(static_cast<std::uint16_t>(entry.xattrs.size()));
    for (const model::Xattr& xattr : entry.xattrs) {
        out.sized(xattr.name);
        out.sized(xattr.value);
    }
}

model::FileEntry decode_entry(ByteReader& in, bool may_be_root) {
    model::FileEntry entry;
    entry.type = static_cast<model::FileType>(in.number<std::uint8_t>());
    const auto flags = in.number<std::uint8_t>();
    entry.has_link_group = (flags & kLinkGroup) != 0;
    entry.content_unreadable = (flags & kUnreadable) != 0;
    entry.is_racy = (flags & kRacy) != 0;
    entry.changed_while_read = (flags & kChanged) != 0;
    entry.mode = in.number<std::uint32_t>();
    entry.uid = in.number<std::uint32_t>();
    entry.gid = in.number<std::uint32_t>();
    entry.link_count = in.number<std::uint32_t>();
    entry.device_major = in.number<std::uint32_t>();
    entry.device_minor = in.number<std::uint32_t>();
    entry.size = in.number<std::uint64_t>();
    entry.mtime_ns = static_cast<std::int64_t>(in.number<std::uint64_t>());
    entry.ctime_ns = static_cast<std::int64_t>(in.number<std::uint64_t>());
    entry.inode = in.number<std::uint64_t>();
    entry.name = in.sized_text();
    entry.link_target = in.sized_text();
    decode_xattrs(in, entry);
    check(entry, may_be_root);
    return entry;
}

Message encode_entries(const std::vector<WalkItem>& items) {
    ByteWriter out;
    for (const WalkItem& item : items) {
        if (const auto* entry = std::get_if<EntryItem>(&item)) {
            out.number(static_cast<std::uint8_t>(WalkKind::Entry));
            encode_entry(out, entry->entry);
            out.number(entry->same_as ? *entry->same_as + 1 : std::uint64_t{0});
            out.sized(entry->problem);
        } else if (const auto* problem = std::get_if<WalkProblem>(&item)) {
            out.number(static_cast<std::uint8_t>(WalkKind::Problem));
            out.sized(problem->path);
            out.sized(problem->message);
            out.number(problem->is_file_system ? kFileSystem : problem->is_loss ? kLoss : kNote);
        } else {
            out.number(static_cast<std::uint8_t>(WalkKind::DirectoryEnd));
        }
    }
    return Message{static_cast<std::uint8_t>(MessageType::Entries), out.take(), {}};
}

std::vector<WalkItem> decode_entries(const Message& message) {
    ByteReader in(message.payload, "batch of entries");
    std::vector<WalkItem> items;
    while (in.remaining() > 0) {
        switch (static_cast<WalkKind>(in.number<std::uint8_t>())) {
            case WalkKind::Entry:
                items.emplace_back(decode_entry_item(in, true));
                break;
            case WalkKind::DirectoryEnd:
                items.emplace_back(DirectoryEnd{});
                break;
            case WalkKind::Problem:
                items.emplace_back(decode_problem(in));
                break;
            default:
                corrupt("batch of entries with an unknown item");
        }
    }
    return items;
}

}  // namespace backup::volume
