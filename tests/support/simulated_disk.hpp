// SPDX-License-Identifier: Apache-2.0
// A file system in memory that promises no more than POSIX does: what was not synced may be gone,
// torn or zeros after a power cut, each name and each file for itself. It writes down every step,
// so that a test can stop a run behind each of them. Any thread.
#pragma once

#include "core/backend/file_system.hpp"
#include "core/base/synchronized.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace backup::testing {

/// A call that changes the disk or makes a change durable.
struct DiskStep {
    enum class Kind { Create, Write, SyncFile, Link, Rename, Unlink, MakeDirectory, SyncDirectory };

    Kind kind{};
    std::string path;  // of a file: the one it was created under
    std::string to;    // Link, Rename
    Bytes bytes;       // Write

    std::string describe() const;
};

/// What is left of bytes that were written and not synced.
enum class Survival { Nothing, Half, Zeros, All };

/// What the power cut leaves, asked once for each unsynced thing.
struct PowerCut {
    /// Of a name with `count` changes since its directory was synced: how many of them are on the
    /// disk, 0 to count.
    std::function<std::size_t(const std::string& path, std::size_t count)> name;
    std::function<Survival(const std::string& path)> data;
};

class SimulatedDisk : public backend::FileSystem {
  public:
    /// Has the directory "/disk" and nothing else.
    SimulatedDisk();
    ~SimulatedDisk() override;

    int create(const Path& path, unsigned mode, std::unique_ptr<backend::NewFile>& file) override;
    int open(const Path& path, std::unique_ptr<backend::OpenFile>& file) override;
    int link(const Path& from, const Path& to) override;
    int rename_without_overwriting(const Path& from, const Path& to) override;
    int rename(const Path& from, const Path& to) override;
    int unlink(const Path& path) override;
    int make_directory(const Path& path, unsigned mode) override;
    int sync_directory(const Path& path) override;
    int stat(const Path& path, backend::FileInfo& info) override;
    int list(const Path& directory, std::vector<std::string>& names) override;

    /// Asked before each step, under the disk's lock: not 0 makes the step fail with that number. A
    /// failed write leaves half of its bytes. After a failed sync of a file its bytes are lost
    /// though they can still be read, and the next sync succeeds: that is what Linux does.
    void fail_when(std::function<int(const DiskStep&)> hook);

    /// A disk that lies: these steps succeed and do nothing.
    void ignore_when(std::function<bool(const DiskStep&)> lie);

    std::vector<DiskStep> steps() const;
    std::size_t count_steps() const;
    /// Does what a recorded step did. Failed steps are not recorded.
    void replay(const DiskStep& step);

    /// The names that changed since their directories were synced.
    std::vector<std::string> list_unsynced_names() const;
    /// The disk as it comes back; everything on it is durable.
    std::shared_ptr<SimulatedDisk> after_power_cut(const PowerCut& cut) const;
    /// Equal for disks that hold the same files (temporary ones do not count).
    std::string fingerprint() const;

    void advance(std::int64_t seconds);

  private:
    struct Node;
    using NodePointer = std::shared_ptr<Node>;
    struct State;
    class File;
    class Reader;
    class Survivors;

    static void visit(const Node& node,
                      const std::string& path,
                      const std::function<void(const std::string&, const Node&)>& visitor);
    int change(State& state, DiskStep step);
    static int apply(State& state, const DiskStep& step);
    static void lose(State& state, const DiskStep& step);

    std::unique_ptr<Synchronized<State>> state_;
};

}  // namespace backup::testing
