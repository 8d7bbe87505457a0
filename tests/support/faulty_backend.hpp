// SPDX-License-Identifier: Apache-2.0
// A backend in memory that fails where a test asks for it, and that can lose power: what no sync()
// confirmed is then gone, or not.
#pragma once

#include "core/backend/forwarding_backend.hpp"
#include "core/backend/memory_backend.hpp"
#include "core/base/error_code.hpp"
#include "tests/support/seeded_random.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <set>
#include <string>

namespace backup::testing {

enum class Fault {
    None,
    Before,  // the call does nothing and throws
    After,   // the call does its work and throws all the same
    Torn,    // a write takes half of its bytes and throws; other calls: Before
    Once,    // Before, and what is called later succeeds: a network that stumbled
};

/// There before what forwards to it.
struct FaultyStorage {
    backend::MemoryBackend memory;
};

class FaultyBackend : private FaultyStorage, public backend::ForwardingBackend {
  public:
    /// `clock`: as of a MemoryBackend.
    explicit FaultyBackend(Clock* clock = nullptr)
        : FaultyStorage{backend::MemoryBackend(clock)},
          ForwardingBackend(memory) {}

    /// Each call counts, also those of blob writers. From call `number` on (the first is 1) every
    /// call throws `code`, that one in the manner of `fault`; with Fault::Once only that one.
    void fail_from(std::uint64_t number, Fault fault, ErrorCode code = ErrorCode::Io);

    void heal() { fail_from(0, Fault::None); }

    /// The call `number` is late: `meanwhile` is done first, on whatever thread makes the call. It
    /// may use blobs(), which neither counts nor fails.
    void delay(std::uint64_t number, std::function<void()> meanwhile);

    /// The same storage as others see it.
    backend::Backend& blobs() { return memory; }

    std::uint64_t calls() const { return calls_; }

    void count_from_zero() { calls_ = 0; }

    /// Of the blobs that no sync() confirmed each one stays or vanishes: a blob is durable before
    /// it gets its name, so it is there in full or not at all. Likewise removed ones may be back.
    void lose_power(SeededRandom& random);

    std::string location() const override { return "memory that fails"; }

    std::unique_ptr<backend::BlobWriter> create(std::string_view folder) override;
    void put(std::string_view name, ByteView bytes, bool exclusive = false) override;
    void sync() override;
    void remove(std::string_view name) override;

  protected:
    /// What changes nothing: it fails before it is done.
    void pass(backend::StorageCall call,
              std::string_view blob,
              const std::function<void()>& effect) override;

  private:
    class Writer;

    /// Counts; throws at once, or returns what the call has to do at its end.
    Fault begin_call();
    void end_call(Fault fault);
    void note_unsynced(std::string_view name);

    struct Unsynced {
        std::set<std::string, std::less<>> added;
        std::map<std::string, Bytes> removed;
    };

    Synchronized<Unsynced> unsynced_;
    std::atomic<std::uint64_t> calls_{0};
    std::uint64_t failing_call_ = 0;
    std::uint64_t delayed_call_ = 0;
    std::function<void()> meanwhile_;
    Fault fault_ = Fault::None;
    ErrorCode code_ = ErrorCode::Io;
};

}  // namespace backup::testing
