// SPDX-License-Identifier: Apache-2.0
// What the threads that write one tree into a directory share: the options, what was written, and
// what could not be. Any thread.
#pragma once

#include "core/base/synchronized.hpp"
#include "core/volume/restore_attributes.hpp"
#include "core/volume/tree_sink.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

namespace backup::volume {

class SinkLedger {
  public:
    explicit SinkLedger(const SinkOptions& given) : options(given), attributes(given) {}

    /// What one entry is called until it is complete, when something older may have its name.
    std::string make_working_name();

    /// One entry could not be written. Throws what ends the run: no space, a read-only file system.
    void fail(const std::string& path, std::string_view what, int error_number);
    /// What is there under the name, if anything, is not what the tree has.
    void give_up(const std::string& path, std::string reason);
    /// True also below a directory that could not be made.
    bool is_unmade(std::string_view path);

    void count_file(std::uint64_t bytes);

    void count_directory() { ++directories_; }

    SinkResult result();

    const SinkOptions options;
    AttributeRestorer attributes;

  private:
    struct Failures {
        SinkResult problems;
        /// Hashes of the paths that could not be written.
        std::unordered_set<std::size_t> unmade;
    };

    Synchronized<Failures> failures_;
    std::atomic<std::uint64_t> next_working_name_{0};
    std::atomic<std::uint64_t> files_{0};
    std::atomic<std::uint64_t> directories_{0};
    std::atomic<std::uint64_t> bytes_{0};
};

}  // namespace backup::volume
