// SPDX-License-Identifier: Apache-2.0
// Turns a walk into numbered batches of entries for the client and keeps the regular files of each
// batch until the client has said which of them it wants.
#pragma once

#include "core/base/synchronized.hpp"
#include "core/volume/budget.hpp"
#include "core/volume/directory_walker.hpp"
#include "core/volume/file_reader.hpp"
#include "core/volume/protocol.hpp"

#include <unordered_map>
#include <utility>

namespace backup::volume {

class EntrySender : public WalkVisitor {
  public:
    /// `batches_ahead`: so many are sent before the client is done with the first; fewer than the
    /// protocol allows, because what runs ahead is held in memory on both sides.
    EntrySender(Channel& channel, std::uint64_t batches_ahead, std::stop_token stop)
        : channel_(channel),
          stop_(std::move(stop)),
          window_(batches_ahead) {}

    // The walking thread.
    void begin_directory(model::FileEntry entry, std::string problem) override;
    void file(model::FileEntry entry, std::string_view directory) override;
    void end_directory() override;
    void problem(std::string path, std::string message, bool is_loss) override;
    void file_system_left_out(std::string path) override;
    /// Sends what is collected.
    void flush();

    // The receiving thread; neither waits.
    /// The files the client wants of a batch; throws CorruptData when the answer fits no batch.
    std::vector<FileToRead> take_wanted(const Wanted& wanted);
    /// The client is done with so many batches.
    void release(std::uint64_t batches);

  private:
    struct Announced {
        std::uint16_t position = 0;
        FileToRead file;
    };

    struct LinkGroup {
        std::uint64_t first = 0;
        std::uint32_t names_left = 0;
    };

    void make_room();
    void add(EntryItem item);
    std::optional<std::uint64_t> first_name_of(const model::FileEntry& entry);
    void announce(const model::FileEntry& entry, std::string_view directory);

    Channel& channel_;
    std::stop_token stop_;
    Budget window_;
    Synchronized<std::unordered_map<std::uint64_t, std::vector<Announced>>> announced_;
    std::uint64_t released_ = 0;

    std::vector<WalkItem> items_;
    std::vector<Announced> files_;
    std::size_t bytes_ = 0;
    std::uint16_t entries_ = 0;
    std::uint64_t next_number_ = 0;
    std::uint64_t next_batch_ = 0;
    std::shared_ptr<const std::string> directory_;
    std::unordered_map<std::uint64_t, LinkGroup> links_;
};

}  // namespace backup::volume
