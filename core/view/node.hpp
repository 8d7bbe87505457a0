// SPDX-License-Identifier: Apache-2.0
// One thing in the tree that people see (docs/tree.md): the command line and the mount read the
// same nodes. Knows nothing of FUSE and prints nothing. All functions may be called from any
// thread.
#pragma once

#include "core/base/byte_chain.hpp"
#include "core/model/file_entry.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace backup::view {

class Node;
using NodePointer = std::shared_ptr<Node>;

/// How long what a node says stays true.
enum class Freshness {
    Forever,     // it belongs to a point
    UntilPoint,  // it lists points: until one comes or goes
    Now,         // it tells about the mount itself
};

struct NodeInfo {
    /// As stat(2) would tell: size of a link is the length of its target, link_count of a directory
    /// 2 + subdirectories. `inode` is the node's number in the view, not that at the source.
    model::FileEntry attributes;
    std::uint64_t allocated_bytes = 0;  // without holes
};

class Node {
  public:
    virtual ~Node() = default;

    virtual model::FileType type() const = 0;
    /// Stable for a point: the same after every mount. Names of one file share it.
    virtual std::uint64_t inode() const = 0;
    /// May have to read the object (the size of a manifest); throws CorruptData.
    virtual NodeInfo info() = 0;

    /// True when info() has to open what nobody may ever look into: a point, a namespace of it.
    virtual bool is_costly_to_describe() const { return false; }

    virtual Freshness freshness() const { return Freshness::Forever; }

    /// Memory it takes, about: for whoever keeps many of them.
    virtual std::uint64_t held_bytes() const { return 256; }

    /// True when RepositoryView::find_by_inode finds it again, so that nobody has to keep it.
    virtual bool is_found_by_inode() const { return false; }

    /// Of a directory; nullptr when there is no such name (and of anything else).
    virtual NodePointer find(std::string_view name);

    using Visit = std::function<bool(std::string_view name, const NodePointer& node)>;
    /// Of a directory: entries from number `first` on, in an order that stays, until `visit`
    /// returns false.
    virtual void list(std::uint64_t first, const Visit& visit);

    /// Of a regular file: short only at its end. Throws CorruptData, Io.
    virtual std::size_t read(std::uint64_t offset, std::span<std::byte> out);

    /// Where one read from `offset` should end, maybe behind the end of the file: who goes from its
    /// beginning to its end in such pieces has the names of all stored content proved.
    virtual std::uint64_t piece_end(std::uint64_t offset);

    /// The same bytes in pieces, of volumes without copying them; there, what follows is decoded
    /// ahead for those who go on in order.
    virtual ByteChain collect(std::uint64_t offset, std::uint64_t size);

    /// False when it is known that no file of the same volume has a POSIX access list.
    virtual bool may_have_access_lists() { return true; }

    /// Finds out, by reading all pages of the volume.
    virtual void survey() {}

    /// As lseek(2) with SEEK_DATA and SEEK_HOLE; nothing when there is no data behind `offset`.
    virtual std::optional<std::uint64_t> seek_data(std::uint64_t offset);
    virtual std::uint64_t seek_hole(std::uint64_t offset);

    bool is_directory() const { return type() == model::FileType::Directory; }
};

/// The whole content of a regular file; throws InvalidArgument when it is longer than the limit.
std::string read_text(Node& file, std::uint64_t limit_bytes = 64U << 20U);

}  // namespace backup::view
