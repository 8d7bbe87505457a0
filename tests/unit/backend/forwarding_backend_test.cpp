// SPDX-License-Identifier: Apache-2.0
#include "core/backend/forwarding_backend.hpp"

#include "core/backend/memory_backend.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

#include <array>
#include <string>
#include <vector>

using namespace backup;
using namespace backup::backend;
using namespace backup::testing;

namespace {

/// Notes what passes; refuses when it was told to.
class Gate : public ForwardingBackend {
  public:
    using ForwardingBackend::ForwardingBackend;

    std::vector<StorageCall> passed;
    bool is_closed = false;

  protected:
    void pass(StorageCall call,
              std::string_view /*blob*/,
              const std::function<void()>& effect) override {
        if (is_closed) {
            throw Error(ErrorCode::Forbidden, "closed");
        }
        passed.push_back(call);
        effect();
    }
};

/// Every call of a backend that asks the storage.
std::vector<std::function<void(Backend&)>> all_calls() {
    return {[](Backend& to) { to.create("packs")->write({}); },
            [](Backend& to) { to.create("packs")->commit("packs/b"); },
            [](Backend& to) { to.put("packs/c", as_bytes("x")); },
            [](Backend& to) { to.sync(); },
            [](Backend& to) { to.get("packs/a"); },
            [](Backend& to) { to.open("packs/a"); },
            [](Backend& to) {
                std::array<std::byte, 2> out{};
                to.get_range("packs/a", 1, out);
            },
            [](Backend& to) { to.size("packs/a"); },
            [](Backend& to) { to.exists("packs/a"); },
            [](Backend& to) { to.list("packs", [](const BlobInfo&) {}); },
            [](Backend& to) { to.remove("packs/a"); }};
}

}  // namespace

TEST_CASE("each call of the storage passes once and has its effect") {
    MemoryBackend memory;
    Gate gate(memory);
    gate.put("packs/a", as_bytes("content"));
    const auto writer = gate.create("packs");
    writer->write(as_bytes("written"));
    writer->commit("packs/b");
    gate.sync();
    CHECK(as_text(gate.get("packs/a")) == "content");
    std::array<std::byte, 3> out{};
    gate.get_range("packs/a", 1, out);
    CHECK(as_text(out) == "ont");
    gate.open("packs/b")->read(4, out);
    CHECK(as_text(out) == "ten");
    CHECK(gate.size("packs/b") == 7);
    CHECK(gate.exists("packs/b"));
    CHECK_FALSE(gate.exists("packs/none"));
    CHECK(error_code_of([&] {
              gate.put("packs/b", {}, true);
              return 0;
          }) == ErrorCode::AlreadyExists);
    std::size_t listed = 0;
    gate.list("packs", [&listed](const BlobInfo&) { ++listed; });
    CHECK(listed == 2);
    gate.remove("packs/a");
    CHECK_FALSE(memory.exists("packs/a"));
    CHECK(gate.location() == memory.location());
    using enum StorageCall;
    CHECK(gate.passed == std::vector{Put,
                                     Create,
                                     Write,
                                     Commit,
                                     Sync,
                                     Get,
                                     Read,
                                     Open,
                                     Read,
                                     Size,
                                     Exists,
                                     Exists,
                                     Put,
                                     List,
                                     Remove});
}

TEST_CASE("what does not pass has no effect") {
    MemoryBackend memory;
    memory.put("packs/a", as_bytes("content"));
    Gate gate(memory);
    const auto reader = gate.open("packs/a");
    const auto writer = gate.create("packs");
    gate.is_closed = true;
    for (const auto& call : all_calls()) {
        CHECK(error_code_of([&] {
                  call(gate);
                  return 0;
              }) == ErrorCode::Forbidden);
    }
    std::array<std::byte, 2> out{};
    CHECK(error_code_of([&] {
              reader->read(0, out);
              return 0;
          }) == ErrorCode::Forbidden);
    CHECK(error_code_of([&] {
              writer->commit("packs/b");
              return 0;
          }) == ErrorCode::Forbidden);
    CHECK(memory.exists("packs/a"));
    CHECK_FALSE(memory.exists("packs/b"));
    CHECK_FALSE(memory.exists("packs/c"));
}
