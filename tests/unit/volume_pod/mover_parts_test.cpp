// SPDX-License-Identifier: Apache-2.0
#include "core/volume/mover_parts.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/volume_pod/fake_api.hpp"

#include <algorithm>

using namespace backup;
using namespace backup::volume;
using testing::FakeApi;

namespace {

const std::string kMaps = "/api/v1/namespaces/shop/configmaps/";
const Bytes kLoader(900'000, std::byte{1});
const Bytes kMover(2'000'000, std::byte{2});
const MoverProgram kProgram{"amd64", kLoader, kMover};

MoverParts make_parts(FakeApi& api) {
    MoverOwner owner;
    owner.run_id = "run1";
    return MoverParts(api.client, kProgram, "shop", owner);
}

std::size_t posts(const FakeApi& api) {
    return static_cast<std::size_t>(std::ranges::count_if(
        api.lines, [](const auto& line) { return line.starts_with("POST"); }));
}

void add_mover(FakeApi& api, const std::string& name, const std::string& phase) {
    auto pod =
        parse_json(R"({"metadata":{"labels":{"app.kubernetes.io/managed-by":"kubectl-backup",)"
                   R"("app.kubernetes.io/component":"mover"}},"status":{}})");
    pod["metadata"]["labels"][kProgramLabel] = short_digest(kProgram);
    pod["status"]["phase"] = phase;
    api.put("/api/v1/namespaces/shop/pods/" + name, pod);
}

}  // namespace

TEST_CASE("a program is cut into ConfigMaps that may exist") {
    const auto maps = split_program(kProgram);
    REQUIRE(maps.size() == 3);
    Bytes joined;
    int number = 0;
    for (const auto& map : maps) {
        std::size_t size = 0;
        for (const auto& [file, bytes] : map.files) {
            size += bytes.size();
            if (file != "loader") {
                CHECK(file == "mover.0" + std::to_string(number++));
                append(joined, bytes);
            }
        }
        CHECK(size <= 1U << 20U);
    }
    CHECK(joined == kMover);
    CHECK(maps[0].name == "kubectl-backup-mover-" + short_digest(kProgram) + "-0");
    const Bytes huge(kLargestPart + 1);
    CHECK(testing::error_code_of([&] {
              return split_program({"amd64", huge, kMover});
          }) == ErrorCode::Unsupported);
}

TEST_CASE("parts are made once and found again") {
    FakeApi api;
    auto parts = make_parts(api);
    parts.ensure(api.clock.now(), {});
    CHECK(api.names(kMaps) == parts.names());
    const auto made = api.find(kMaps + parts.names().front());
    REQUIRE(made);
    CHECK(made->bool_at({"immutable"}));
    CHECK(made->text_at({"metadata", "labels", kRunLabel}) == "run1");
    CHECK(made->text_at({"binaryData", "loader"}) == to_base64(kLoader));
    parts.ensure(api.clock.now(), {});
    make_parts(api).ensure(api.clock.now(), {});
    CHECK(posts(api) == 3);
}

TEST_CASE("a part that another run has taken away is made again") {
    FakeApi api;
    auto parts = make_parts(api);
    parts.ensure(api.clock.now(), {});
    make_parts(api).remove_unused("", {});
    CHECK(api.names(kMaps).empty());
    parts.ensure(api.clock.now(), {});
    CHECK(api.names(kMaps).size() == 3);
}

TEST_CASE("a foreign program under our name is not used") {
    const auto change = GENERATE("binaryData", "immutable", "more");
    FakeApi api;
    auto parts = make_parts(api);
    parts.ensure(api.clock.now(), {});
    const auto path = kMaps + parts.names().back();
    auto object = *api.find(path);
    if (change == std::string("binaryData")) {
        object["binaryData"].members().front().second = to_base64(as_bytes("evil"));
    } else if (change == std::string("immutable")) {
        object["immutable"] = false;
    } else {
        object["binaryData"]["mover.99"] = to_base64(as_bytes("evil"));
    }
    api.put(path, object);
    CHECK(testing::error_code_of([&] {
              parts.ensure(api.clock.now(), {});
              return 0;
          }) == ErrorCode::MoverFailed);
    CHECK(testing::error_code_of([&] {
              make_parts(api).ensure(api.clock.now(), {});
              return 0;
          }) == ErrorCode::MoverFailed);
}

TEST_CASE("parts stay while another mover lives") {
    FakeApi api;
    auto parts = make_parts(api);
    parts.ensure(api.clock.now(), {});
    add_mover(api, "own", "Running");
    add_mover(api, "other", "Pending");
    parts.remove_unused("own", {});
    CHECK(api.names(kMaps).size() == 3);
    add_mover(api, "other", "Succeeded");
    parts.remove_unused("own", {});
    CHECK(api.names(kMaps).empty());
}

TEST_CASE("who may only create and delete can use movers too") {
    FakeApi api;
    api.refuse = [](const net::Request& request, const std::string&) {
        return request.method == "GET" ? std::optional(FakeApi::status(403, "Forbidden", "no"))
                                       : std::nullopt;
    };
    auto parts = make_parts(api);
    parts.ensure(api.clock.now(), {});
    parts.ensure(api.clock.now(), {});
    CHECK(api.names(kMaps).size() == 3);
    parts.remove_unused("own", {});
    CHECK(api.names(kMaps).empty());
}
