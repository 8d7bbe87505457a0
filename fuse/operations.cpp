// SPDX-License-Identifier: Apache-2.0
#define FUSE_USE_VERSION 312

#include "fuse/operations.hpp"

#include "core/base/task_group.hpp"
#include "fuse/attributes.hpp"
#include "fuse/mounted_view.hpp"
#include "fuse/reply.hpp"
#include "fuse/request.hpp"

#include <fuse_lowlevel.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>
#include <vector>

namespace backup::fuse {

namespace {

using view::Freshness;
using view::Node;
using view::NodePointer;

// A point never changes. Seconds; the kernel keeps what it knows as long as it has the memory.
constexpr double kForever = 1e9;
// Lists of points and what hangs on them.
constexpr double kForMoment = 1.0;
constexpr std::size_t kLongestRead = 1U << 20U;

MountedView& view_of(fuse_req_t request) {
    return *static_cast<MountedView*>(fuse_req_userdata(request));
}

double keep_for(const Node& node) {
    switch (node.freshness()) {
        case Freshness::Forever:
            return kForever;
        case Freshness::UntilPoint:
            return kForMoment;
        case Freshness::Now:
            break;
    }
    return 0;
}

fuse_entry_param to_entry(Node& node) {
    fuse_entry_param entry{};
    entry.ino = node.inode();
    entry.generation = 1;
    entry.attr = to_stat(node, node.info());
    entry.attr_timeout = keep_for(node);
    entry.entry_timeout = keep_for(node);
    return entry;
}

void lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
    answer(request, [=, name = std::string(name)](MountedView& view, Request& asked) {
        const auto directory = view.nodes().get(parent);
        const auto found = directory->find(name);
        fuse_entry_param entry{};
        if (found) {
            entry = to_entry(*found);
            view.nodes().remember(found);
        } else {
            // An entry without inode: the kernel remembers that there is none.
            entry.entry_timeout = keep_for(*directory);
        }
        if ((!asked.take() || fuse_reply_entry(request, &entry) != 0) && found) {
            // Who asked is gone, so the kernel counted no lookup.
            view.nodes().forget(entry.ino, 1);
        }
    });
}

void forget(fuse_req_t request, fuse_ino_t inode, std::uint64_t count) {
    view_of(request).nodes().forget(inode, count);
    fuse_reply_none(request);
}

void forget_multi(fuse_req_t request, std::size_t count, fuse_forget_data* forgets) {
    for (const auto& item : std::span(forgets, count)) {
        view_of(request).nodes().forget(item.ino, item.nlookup);
    }
    fuse_reply_none(request);
}

void getattr(fuse_req_t request, fuse_ino_t inode, fuse_file_info* /*unused*/) {
    answer(request, [=](MountedView& view, Request& asked) {
        const auto node = view.nodes().get(inode);
        const auto stat = to_stat(*node, node->info());
        if (asked.take()) {
            fuse_reply_attr(request, &stat, keep_for(*node));
        }
    });
}

void readlink(fuse_req_t request, fuse_ino_t inode) {
    answer(request, [=](MountedView& view, Request& asked) {
        const auto info = view.nodes().get(inode)->info();
        if (asked.take()) {
            fuse_reply_readlink(request, info.attributes.link_target.c_str());
        }
    });
}

// Nothing is kept for an open file, and no number ever gets other content. ENOSYS: the kernel need
// not ask again, and keeps what it read when the file is closed. (libfuse itself would answer 0,
// with which the kernel drops it.)
void open(fuse_req_t request, fuse_ino_t /*inode*/, fuse_file_info* /*file*/) {
    fuse_reply_err(request, ENOSYS);
}

void opendir(fuse_req_t request, fuse_ino_t /*inode*/, fuse_file_info* file) {
    if (view_of(request).kernel_opens_directories) {
        fuse_reply_err(request, ENOSYS);
        return;
    }
    // Linux before 5.1 would hand ENOSYS on to the program.
    file->keep_cache = 1;
    file->cache_readdir = 1;
    fuse_reply_open(request, file);
}

void read(fuse_req_t request,
          fuse_ino_t inode,
          std::size_t size,
          off_t offset,
          fuse_file_info* /*unused*/) {
    answer(request, [=](MountedView& view, Request& asked) {
        const auto chain = view.nodes().get(inode)->collect(static_cast<std::uint64_t>(offset),
                                                            std::min(size, kLongestRead));
        std::vector<iovec> pieces;
        pieces.reserve(chain.size());
        for (const auto& piece : chain) {
            // The kernel only reads it.
            pieces.push_back({const_cast<std::byte*>(piece.bytes.data()), piece.bytes.size()});
        }
        if (asked.take()) {
            fuse_reply_iov(request, pieces.data(), static_cast<int>(pieces.size()));
        }
    });
}

std::optional<std::uint64_t> find_data_or_hole(Node& file, std::uint64_t offset, bool data) {
    if (offset >= file.info().attributes.size) {
        return std::nullopt;
    }
    return data ? file.seek_data(offset) : file.seek_hole(offset);
}

void lseek(
    fuse_req_t request, fuse_ino_t inode, off_t offset, int whence, fuse_file_info* /*unused*/) {
    answer(request, [=](MountedView& view, Request& asked) {
        const auto found = find_data_or_hole(
            *view.nodes().get(inode), static_cast<std::uint64_t>(offset), whence == SEEK_DATA);
        if (!asked.take()) {
            return;
        }
        if (found) {
            fuse_reply_lseek(request, static_cast<off_t>(*found));
        } else {
            fuse_reply_err(request, ENXIO);
        }
    });
}

// Positions in a directory: "." and ".." come first, then the entries by number.
constexpr off_t kBehindDot = 1;
constexpr off_t kBehindDotDot = 2;
// The kernel finds ".." itself; the number in a listing is for show (as FUSE_UNKNOWN_INO).
constexpr fuse_ino_t kUnknownInode = 0xffffffff;

/// Collects as many entries as fit in the kernel's buffer.
class Listing {
  public:
    Listing(fuse_req_t request, MountedView& view, std::size_t size, bool is_plus)
        : request_(request),
          view_(view),
          buffer_(std::min(size, kLongestRead)),
          is_plus_(is_plus) {}

    Listing(const Listing&) = delete;
    Listing& operator=(const Listing&) = delete;

    /// What the kernel was not told of it does not forget.
    ~Listing() {
        for (const auto inode : told_) {
            view_.nodes().forget(inode, 1);
        }
    }

    bool is_empty() const { return used_ == 0; }

    /// False when it does not fit any more.
    bool add(const char* name, const NodePointer& node, off_t behind) {
        fuse_entry_param entry{};
        const bool is_described = is_plus_ && !node->is_costly_to_describe();
        const int problem = is_described ? try_to_describe(*node, entry) : 0;
        if (problem == EINTR) {
            throw Error(ErrorCode::Interrupted, "the listing has to wait");
        }
        if (!is_described || problem != 0) {
            // Without its number the kernel looks the entry up when somebody wants it: one that is
            // damaged must not hide the others.
            return add_name(name, node->inode(), file_type_bits(node->type()), behind);
        }
        if (!take(fuse_add_direntry_plus(request_, rest(), room(), name, &entry, behind))) {
            return false;
        }
        view_.nodes().remember(node);
        told_.push_back(entry.ino);
        return true;
    }

    /// Without attributes; the kernel counts no lookup for it.
    bool add_name(const char* name, fuse_ino_t inode, mode_t type, off_t behind) {
        fuse_entry_param entry{};
        entry.attr.st_ino = inode;
        entry.attr.st_mode = type;
        return take(is_plus_
                        ? fuse_add_direntry_plus(request_, rest(), room(), name, &entry, behind)
                        : fuse_add_direntry(request_, rest(), room(), name, &entry.attr, behind));
    }

    void reply() {
        if (fuse_reply_buf(request_, buffer_.data(), used_) == 0) {
            told_.clear();
        }
    }

  private:
    int try_to_describe(Node& node, fuse_entry_param& entry) {
        return errno_after([this](const Error& error) { view_.journal().add(error); },
                           [&] { entry = to_entry(node); });
    }

    char* rest() { return buffer_.data() + used_; }

    std::size_t room() const { return buffer_.size() - used_; }

    bool take(std::size_t needed) {
        if (needed > room()) {
            return false;
        }
        used_ += needed;
        return true;
    }

    fuse_req_t request_;
    MountedView& view_;
    std::vector<char> buffer_;
    std::size_t used_ = 0;
    bool is_plus_;
    std::vector<std::uint64_t> told_;
};

void fill(Listing& listing, Node& directory, fuse_ino_t inode, off_t offset) {
    if (offset < kBehindDot) {
        listing.add_name(".", inode, S_IFDIR, kBehindDot);
    }
    if (offset < kBehindDotDot) {
        listing.add_name("..", kUnknownInode, S_IFDIR, kBehindDotDot);
    }
    auto number = static_cast<std::uint64_t>(std::max<off_t>(0, offset - kBehindDotDot));
    directory.list(number, [&](std::string_view name, const NodePointer& node) {
        ++number;
        const std::string terminated(name);
        return listing.add(terminated.c_str(), node, static_cast<off_t>(number) + kBehindDotDot);
    });
}

void list(fuse_req_t request, fuse_ino_t inode, std::size_t size, off_t offset, bool is_plus) {
    answer(request, [=](MountedView& view, Request& asked) {
        const auto directory = view.nodes().get(inode);
        Listing listing(request, view, size, is_plus);
        const auto problem = failure_of([&] { fill(listing, *directory, inode, offset); });
        // What is before the damage can be shown; who asks for what follows gets the error.
        if (problem && (listing.is_empty() || problem->code() == ErrorCode::Interrupted)) {
            throw Error(*problem);
        }
        if (asked.take()) {
            listing.reply();
        }
    });
}

void readdir(fuse_req_t request,
             fuse_ino_t inode,
             std::size_t size,
             off_t offset,
             fuse_file_info* /*unused*/) {
    list(request, inode, size, offset, false);
}

void readdirplus(fuse_req_t request,
                 fuse_ino_t inode,
                 std::size_t size,
                 off_t offset,
                 fuse_file_info* /*unused*/) {
    list(request, inode, size, offset, true);
}

/// The size-then-content dance of getxattr(2) and listxattr(2).
void reply_sized(fuse_req_t request, std::string_view content, std::size_t room) {
    if (room == 0) {
        fuse_reply_xattr(request, content.size());
    } else if (room < content.size()) {
        fuse_reply_err(request, ERANGE);
    } else {
        fuse_reply_buf(request, content.data(), content.size());
    }
}

/// Why a file has no attribute of that name.
int lacks_xattr(MountedView& view, const NodePointer& node, std::string_view name) {
    // ls asks for the label of each file, and does not go on when there can be none at all.
    if (name == "security.selinux") {
        return ENOTSUP;
    }
    // Nor does it with access lists. Where the kernel checks them it remembers that there is none.
    return name.starts_with("system.posix_acl_") && !view.checks_permissions() &&
                   !view.may_have_access_lists(node)
               ? ENOTSUP
               : ENODATA;
}

void getxattr(fuse_req_t request, fuse_ino_t inode, const char* name, std::size_t room) {
    answer(request, [=, name = std::string(name)](MountedView& view, Request& asked) {
        const auto node = view.nodes().get(inode);
        const auto info = node->info();
        const auto& xattrs = info.attributes.xattrs;
        const auto found = std::find_if(
            xattrs.begin(), xattrs.end(), [&](const auto& xattr) { return xattr.name == name; });
        const int problem = found == xattrs.end() ? lacks_xattr(view, node, name) : 0;
        if (!asked.take()) {
            return;
        }
        if (problem != 0) {
            fuse_reply_err(request, problem);
        } else {
            reply_sized(request, found->value, room);
        }
    });
}

void listxattr(fuse_req_t request, fuse_ino_t inode, std::size_t room) {
    answer(request, [=](MountedView& view, Request& asked) {
        const auto info = view.nodes().get(inode)->info();
        std::string names;
        for (const auto& xattr : info.attributes.xattrs) {
            names += xattr.name;
            names += '\0';
        }
        if (asked.take()) {
            reply_sized(request, names, room);
        }
    });
}

void statfs(fuse_req_t request, fuse_ino_t /*inode*/) {
    answer(request, [=](MountedView& view, Request& asked) {
        constexpr unsigned kBlock = 4096;
        const auto totals = view.totals();
        struct statvfs out {};
        out.f_bsize = kBlock;
        out.f_frsize = kBlock;
        out.f_blocks = totals.bytes / kBlock;
        out.f_files = totals.files;
        out.f_namemax = 255;
        out.f_flag = ST_RDONLY;
        if (asked.take()) {
            fuse_reply_statfs(request, &out);
        }
    });
}

void want(fuse_conn_info& connection, unsigned capability) {
    if ((connection.capable & capability) != 0) {
        connection.want |= capability;
    }
}

void init(void* user_data, fuse_conn_info* connection) {
    auto& view = *static_cast<MountedView*>(user_data);
    // What each buys was measured: docs/performance.md and docs/adr/0007-fuse-low-level-api.md.
    want(*connection, FUSE_CAP_READDIRPLUS);
    want(*connection, FUSE_CAP_READDIRPLUS_AUTO);
    want(*connection, FUSE_CAP_EXPLICIT_INVAL_DATA);
    want(*connection, FUSE_CAP_CACHE_SYMLINKS);
    want(*connection, FUSE_CAP_PARALLEL_DIROPS);
    want(*connection, FUSE_CAP_ASYNC_READ);
    view.kernel_opens_directories = (connection->capable & FUSE_CAP_NO_OPENDIR_SUPPORT) != 0;
    if (view.checks_permissions()) {
        want(*connection, FUSE_CAP_POSIX_ACL);
    }
    connection->want &= ~static_cast<unsigned>(FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_SPLICE_READ |
                                               FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
    connection->max_read = kLongestRead;
    connection->max_readahead = std::max<unsigned>(connection->max_readahead, kLongestRead);
    connection->max_background = 64;
    connection->time_gran = 1;
}

}  // namespace

const fuse_lowlevel_ops& operations() {
    static const fuse_lowlevel_ops table = [] {
        fuse_lowlevel_ops ops{};
        ops.init = init;
        ops.lookup = lookup;
        ops.forget = forget;
        ops.forget_multi = forget_multi;
        ops.getattr = getattr;
        ops.readlink = readlink;
        ops.open = open;
        ops.opendir = opendir;
        ops.read = read;
        ops.lseek = lseek;
        ops.readdir = readdir;
        ops.readdirplus = readdirplus;
        ops.getxattr = getxattr;
        ops.listxattr = listxattr;
        ops.statfs = statfs;
        return ops;
    }();
    return table;
}

}  // namespace backup::fuse
