// SPDX-License-Identifier: Apache-2.0
// The links of many objects, packed: of hundreds of thousands of pods that say nearly the same, a
// hundred bytes each instead of some thousand. Knows nothing of what links mean.
#pragma once

#include "core/base/bytes.hpp"
#include "core/capture/links.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

namespace backup::capture {

class LinkLog {
  public:
    void add(const Links& links);

    /// What the other one has comes last.
    void merge(LinkLog&& other);

    /// Gives back each in order, and keeps none.
    void drain(const std::function<void(const Links& links)>& visit);

    bool empty() const { return bytes() == 0; }

    /// Memory that the packed links take.
    std::size_t bytes() const;

  private:
    /// Texts that came lately: they are written as their number.
    class Recent {
      public:
        static constexpr std::uint16_t kNone = 0xffff;

        std::uint16_t find(const std::string& text) const;
        const std::string& text(std::uint16_t number) const;
        void add(const std::string& text);

      private:
        std::vector<std::string> texts_;
        std::unordered_map<std::string, std::uint16_t> numbers_;
        std::size_t next_ = 0;
    };

    class Packer;
    class Unpacker;

    void end_part();

    std::vector<Bytes> parts_;
    ByteWriter last_;
    Recent recent_;  // of last_
};

}  // namespace backup::capture
