// SPDX-License-Identifier: Apache-2.0
// Threads that make, fill and end the files of a local restore while another one walks the tree and
// makes directories. What waits for them is bounded by files and bytes.
#pragma once

#include "core/base/progress.hpp"
#include "core/base/queue.hpp"
#include "core/base/task_group.hpp"
#include "core/model/file_entry.hpp"
#include "core/restore/copy_content.hpp"
#include "core/view/node.hpp"
#include "core/volume/directory_target.hpp"

#include <cstdint>
#include <mutex>
#include <stop_token>
#include <vector>

namespace backup::restore {

class FileCrew {
  public:
    explicit FileCrew(std::stop_token stop, Progress* progress = nullptr);
    ~FileCrew();
    FileCrew(const FileCrew&) = delete;
    FileCrew& operator=(const FileCrew&) = delete;

    /// One thread. `entry` is that of the node, under its own name. Throws what a worker met.
    void write(volume::DirectoryTargetPointer directory,
               view::NodePointer node,
               model::FileEntry entry);

    /// All files are written and all directories let go when it returns; nothing comes after it.
    /// Throws what a worker met.
    void finish();

  private:
    struct File {
        volume::DirectoryTargetPointer directory;
        view::NodePointer node;
        model::FileEntry entry;
    };

    using Batch = std::vector<File>;

    void send_batch();
    void work(const std::stop_token& stop);
    void write_file(File& file, view::ContentReading& reading, const std::stop_token& stop);

    std::stop_token stop_;
    Progress* progress_;
    Batch batch_;
    std::uint64_t batch_bytes_ = 0;
    BoundedQueue<Batch> batches_;
    // Held by the worker whose file is read ahead: two would push each other out of the cache.
    std::mutex reading_ahead_;
    TaskGroup workers_;  // last: its threads use all above
};

}  // namespace backup::restore
