// SPDX-License-Identifier: Apache-2.0
// Takes groups of frames from a mover into the repository, proved first when the mover is not this
// process.
#pragma once

#include "core/base/queue.hpp"
#include "core/base/task_group.hpp"
#include "core/content/hash.hpp"
#include "core/repository/writer.hpp"

namespace backup::capture {

/// Decodes the group and throws CorruptData unless every chunk has the id its bytes have.
void verify_group(const content::FrameGroup& group,
                  content::ChunkHasher& hasher,
                  content::Decompressor& decompressor);

class ReceivedGroups {
  public:
    ReceivedGroups(repository::Writer& writer,
                   const content::SecretKey& chunk_id_key,
                   bool verifies)
        : writer_(writer),
          chunk_id_key_(chunk_id_key),
          verifies_(verifies) {}

    /// With `verifies`, two tasks prove and store; their errors come out of tasks.wait().
    void start(TaskGroup& tasks);

    /// Waits while those before are not done.
    void add(content::FrameGroup group, const std::stop_token& stop);

    /// No more come.
    void close() { queue_.close(); }

  private:
    void work(const std::stop_token& stop);

    repository::Writer& writer_;
    const content::SecretKey& chunk_id_key_;
    bool verifies_;
    BoundedQueue<content::FrameGroup> queue_{4};
};

}  // namespace backup::capture
