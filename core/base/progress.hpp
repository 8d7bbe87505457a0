// SPDX-License-Identifier: Apache-2.0
// What long work tells about itself. The layers call it, plugin/output draws it; no layer prints.
#pragma once

#include <cstdint>
#include <string_view>

namespace backup {

/// Called from any thread; must be cheap.
class Progress {
  public:
    virtual ~Progress() = default;
    /// A new stage begins: "objects", "volume shop/data-shop-0".
    virtual void stage(std::string_view name) = 0;
    /// How much is known to be ahead; may grow. 0: unknown.
    virtual void expect(std::uint64_t items, std::uint64_t bytes) = 0;
    virtual void advance(std::uint64_t items, std::uint64_t bytes) = 0;
    /// One line for the person ("starting mover pod in shop").
    virtual void note(std::string_view text) = 0;
};

class NullProgress : public Progress {
  public:
    void stage(std::string_view) override {}

    void expect(std::uint64_t, std::uint64_t) override {}

    void advance(std::uint64_t, std::uint64_t) override {}

    void note(std::string_view) override {}
};

}  // namespace backup
