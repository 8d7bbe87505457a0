// SPDX-License-Identifier: Apache-2.0
#include "tests/contract/backend_contract.hpp"

#include "core/base/task_group.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/seeded_random.hpp"

#include <map>
#include <string>
#include <vector>

namespace backup::testing {

namespace {

using backend::Backend;

std::map<std::string, std::uint64_t> list_all(Backend& backend, std::string_view folder) {
    std::map<std::string, std::uint64_t> found;
    backend.list(folder, [&found](const backend::BlobInfo& info) {
        CHECK(found.emplace(info.name, info.size).second);
    });
    return found;
}

template <typename Action>
ErrorCode code_of(Action action) {
    return error_code_of([&] {
        action();
        return 0;
    });
}

void put_and_get(Backend& backend) {
    SeededRandom random;
    const auto bytes = random.bytes(100'000);
    backend.put("packs/ab/abcd", bytes);
    backend.sync();
    CHECK(backend.get("packs/ab/abcd") == bytes);
    CHECK(backend.size("packs/ab/abcd") == bytes.size());
    CHECK(backend.exists("packs/ab/abcd"));

    Bytes piece(1000);
    backend.get_range("packs/ab/abcd", 99'000, piece);
    CHECK(std::equal(piece.begin(), piece.end(), bytes.begin() + 99'000));
    backend.get_range("packs/ab/abcd", bytes.size(), {});

    backend.put("config", {});
    CHECK(backend.get("config").empty());
    CHECK(backend.size("config") == 0);
}

void refuses_what_is_not_there(Backend& backend) {
    backend.put("config", as_bytes("0123456789"));
    CHECK_FALSE(backend.exists("keys/none"));
    CHECK(code_of([&] { backend.get("keys/none"); }) == ErrorCode::NotFound);
    CHECK(code_of([&] { backend.size("keys/none"); }) == ErrorCode::NotFound);
    Bytes room(4);
    CHECK(code_of([&] { backend.get_range("keys/none", 0, room); }) == ErrorCode::NotFound);
    CHECK(code_of([&] { backend.get_range("config", 7, room); }) == ErrorCode::CorruptData);
    CHECK(code_of([&] { backend.get_range("config", 11, {}); }) == ErrorCode::CorruptData);
    CHECK(code_of([&] { backend.get_range("config", ~std::uint64_t{0}, room); }) ==
          ErrorCode::CorruptData);
    backend.remove("keys/none");
}

void never_overwrites(Backend& backend) {
    backend.put("points/a", as_bytes("first"), true);
    CHECK(code_of([&] { backend.put("points/a", as_bytes("second"), true); }) ==
          ErrorCode::AlreadyExists);
    backend.put("points/a", as_bytes("third"));
    CHECK(as_text(backend.get("points/a")) == "first");

    const auto writer = backend.create("points");
    writer->write(as_bytes("fourth"));
    writer->commit("points/a");
    CHECK(as_text(backend.get("points/a")) == "first");

    backend.remove("points/a");
    CHECK_FALSE(backend.exists("points/a"));
    backend.put("points/a", as_bytes("fifth"), true);
    CHECK(as_text(backend.get("points/a")) == "fifth");
}

void shows_streamed_blobs_only_when_committed(Backend& backend) {
    SeededRandom random;
    const auto bytes = random.bytes(300'000);
    {
        const auto writer = backend.create("packs");
        writer->write(ByteView(bytes).first(100'000));
        CHECK(list_all(backend, "packs").empty());
        writer->write(ByteView(bytes).subspan(100'000));
        writer->commit("packs/cd/cdef");
    }
    backend.sync();
    CHECK(backend.get("packs/cd/cdef") == bytes);
    {
        const auto dropped = backend.create("packs");
        dropped->write(bytes);
    }
    {
        const auto top = backend.create("");
        top->write(as_bytes("x"));
        top->commit("config");
    }
    CHECK(list_all(backend, "packs") ==
          std::map<std::string, std::uint64_t>{{"packs/cd/cdef", bytes.size()}});
    CHECK(backend.get("config").size() == 1);
}

void lists_a_folder(Backend& backend) {
    std::map<std::string, std::uint64_t> expected;
    for (unsigned i = 0; i < 300; ++i) {
        const auto name = "packs/" + std::to_string(10 + i % 7) + "/" + std::to_string(i);
        backend.put(name, Bytes(i));
        expected.emplace(name, i);
    }
    backend.put("packs2", {});
    backend.put("index/a", Bytes(3));
    backend.put("config", Bytes(3));
    CHECK(list_all(backend, "packs") == expected);
    CHECK(list_all(backend, "index").size() == 1);
    CHECK(list_all(backend, "points").empty());
    CHECK(list_all(backend, "packs/10").size() == 43);
}

void refuses_names(Backend& backend) {
    for (const auto* name : {"",
                             "/",
                             "a/",
                             "/a",
                             "a//b",
                             "..",
                             "../x",
                             "a/../b",
                             "a/./b",
                             ".",
                             ".a",
                             "tmp-1",
                             "a/tmp-b",
                             "a b",
                             "a\n",
                             "\xc3\xa4",
                             "a\\b"}) {
        CHECK(code_of([&] { backend.put(name, {}); }) == ErrorCode::InvalidArgument);
        CHECK(code_of([&] { backend.get(name); }) == ErrorCode::InvalidArgument);
        CHECK(code_of([&] { backend.remove(name); }) == ErrorCode::InvalidArgument);
        CHECK(code_of([&] { backend.list(name, [](const auto&) {}); }) ==
              ErrorCode::InvalidArgument);
    }
    CHECK(code_of([&] { backend.put(std::string(256, 'a'), {}); }) == ErrorCode::InvalidArgument);
    const auto writer = backend.create("packs");
    CHECK(code_of([&] { writer->commit("../x"); }) == ErrorCode::InvalidArgument);
}

void serves_threads(Backend& backend) {
    backend.put("config", Bytes(10));
    TaskGroup threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.start([&backend, thread](const std::stop_token&) {
            for (int i = 0; i < 20; ++i) {
                const auto name = "packs/" + std::to_string(i) + "/" + std::to_string(thread);
                backend.put(name, Bytes(100));
                backend.get(name);
                backend.sync();
            }
        });
    }
    threads.wait();
    CHECK(list_all(backend, "packs").size() == 80);
}

}  // namespace

void check_backend_contract(const std::function<std::unique_ptr<backend::Backend>()>& make) {
    const std::map<std::string, void (*)(Backend&)> parts{
        {"put and get", put_and_get},
        {"refuses what is not there", refuses_what_is_not_there},
        {"never overwrites", never_overwrites},
        {"shows streamed blobs only when committed", shows_streamed_blobs_only_when_committed},
        {"lists a folder", lists_a_folder},
        {"refuses names", refuses_names},
        {"serves threads", serves_threads}};
    for (const auto& [name, check] : parts) {
        INFO(name);
        const auto backend = make();
        CHECK_FALSE(backend->location().empty());
        check(*backend);
    }
}

}  // namespace backup::testing
