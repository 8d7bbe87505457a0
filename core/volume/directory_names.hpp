// SPDX-License-Identifier: Apache-2.0
// The names in a directory, in byte order. Knows nothing of what they name.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace backup::volume {

/// All names but "." and "..", each once. Memory: each name and five bytes more.
class DirectoryNames {
  public:
    DirectoryNames() = default;

    /// Reads the directory from its beginning. `problem` is set when the listing broke off. `steps`
    /// grows with each answer of the file system.
    DirectoryNames(int directory,
                   std::string& problem,
                   std::atomic<std::uint64_t>* steps = nullptr);

    bool is_at_end() const { return next_ == begins_.size(); }

    /// Stays valid until this object is assigned to or destroyed, also when it is moved from.
    const char* take_next() { return text_.data() + begins_[next_++]; }

    void clear() { next_ = begins_.size(); }

  private:
    void add(const char* name);
    void sort();

    std::vector<char> text_;  // each name ends with NUL
    std::vector<std::uint32_t> begins_;
    std::size_t next_ = 0;
};

}  // namespace backup::volume
