// SPDX-License-Identifier: Apache-2.0
// Where a repository's bytes lie: named blobs that are written once and never changed. A backend
// knows nothing of what is in them. All functions may be called from any thread at the same time.
#pragma once

#include "core/base/bytes.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace backup::backend {

struct BlobInfo {
    std::string name;
    std::uint64_t size = 0;
    std::int64_t modified_seconds = 0;  // since 1970, by the storage's own clock
};

/// A blob being written. It appears under its name only by commit(); destroyed before that, it
/// leaves nothing a reader would see. One thread at a time.
class BlobWriter {
  public:
    virtual ~BlobWriter() = default;
    virtual void write(ByteView bytes) = 0;
    /// Makes the blob visible under `name`, durable after the next sync(). A blob of that name that
    /// is already there stays as it is: names are content-derived, so it is the same.
    virtual void commit(std::string_view name) = 0;
};

/// A blob that is read piece by piece: keeps what makes the next piece cheap (an open file). Any
/// thread.
class BlobReader {
  public:
    virtual ~BlobReader() = default;
    /// Exactly out.size() bytes at `offset`; throws NotFound, or CorruptData when the blob is
    /// shorter. A blob that was removed since may still be readable.
    virtual void read(std::uint64_t offset, std::span<std::byte> out) = 0;
};

/// Names are relative paths of [a-z0-9A-Z._-] components, "packs/ab/abcd...", no "." or "..".
class Backend {
  public:
    virtual ~Backend() = default;

    /// For people: "/backups/repo", "memory".
    virtual std::string location() const = 0;

    /// `folder` is where the blob will lie ("packs/ab" is not known yet: "packs"), empty: at the
    /// top. The writer must not outlive this.
    virtual std::unique_ptr<BlobWriter> create(std::string_view folder) = 0;

    /// Writes a whole blob. With `exclusive`, throws AlreadyExists when the name is taken.
    virtual void put(std::string_view name, ByteView bytes, bool exclusive = false) = 0;

    /// Everything committed, put or removed before is durable when this returns (a barrier), and so
    /// is what list() said about blobs directly in its folder, whoever wrote or removed them. An
    /// error means: do not go on to anything that relies on those blobs. Once it failed it fails
    /// for ever: the kernel forgets that it lost bytes as soon as it has said so.
    virtual void sync() = 0;

    /// Whole blob; throws NotFound.
    virtual Bytes get(std::string_view name) = 0;

    /// Exactly out.size() bytes at `offset`; throws NotFound, or CorruptData when the blob is
    /// shorter.
    virtual void get_range(std::string_view name,
                           std::uint64_t offset,
                           std::span<std::byte> out) = 0;

    /// For many ranges of one blob. Throws NotFound. The reader must not outlive this.
    virtual std::unique_ptr<BlobReader> open(std::string_view name);

    /// Size of the blob; throws NotFound.
    virtual std::uint64_t size(std::string_view name) = 0;
    virtual bool exists(std::string_view name) = 0;

    /// Every blob whose name begins with `folder`/, in no order. Throws when the list is not
    /// complete: an error must never look like "nothing there" (restic issue 4612).
    virtual void list(std::string_view folder, const std::function<void(BlobInfo)>& visit) = 0;

    /// Missing is fine.
    virtual void remove(std::string_view name) = 0;

    /// Whether a list shows every blob whose put had returned. Where it may lag behind (network
    /// file systems cache names), what is removed after a list has to be given time.
    virtual bool lists_at_once() { return true; }

    /// Gives up the room that was kept for work on a full disk; returns its size, 0 when there is
    /// none.
    virtual std::uint64_t release_reserve() { return 0; }

    /// Keeps such room again, if there is any to keep. Never fails for the lack of it.
    virtual void restore_reserve() {}
};

/// A blob name as said above; a component that begins with "." or "tmp-" is not one.
bool is_blob_name(std::string_view name);
/// Throws InvalidArgument when it is not.
void check_blob_name(std::string_view name);

}  // namespace backup::backend
