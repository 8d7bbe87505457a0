// SPDX-License-Identifier: Apache-2.0
// Writes a tree through a mover with write access: the client half of a WriteTask (docs/mover.md
// section 5).
#pragma once

#include "core/content/compression.hpp"
#include "core/volume/protocol.hpp"
#include "core/volume/tree_sink.hpp"

#include <stop_token>

namespace backup::volume {

/// Sends the tree in batches. finish() returns when the mover has written everything and made it
/// durable. Any call may throw the mover's own error.
class ChannelSink : public TreeSink {
  public:
    ChannelSink(Channel& channel, const WriteTask& task, std::stop_token stop);

    void begin_directory(const model::FileEntry& entry) override;
    void end_directory() override;
    void begin_file(const model::FileEntry& entry) override;
    void write(ByteView bytes) override;
    void skip(std::uint64_t hole_bytes) override;
    void end_file() override;
    void abandon_file(std::string_view reason) override;
    void add(const model::FileEntry& entry) override;
    void add_link(const model::FileEntry& entry, std::string_view target) override;
    /// Also ends the channel.
    SinkResult finish() override;

  private:
    ByteWriter& item(std::uint8_t kind);
    void flush();
    void send(Message message);

    Channel& channel_;
    std::stop_token stop_;
    ByteWriter batch_;
    content::Compressor compressor_;
};

}  // namespace backup::volume
