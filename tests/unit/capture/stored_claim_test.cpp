// SPDX-License-Identifier: Apache-2.0
#include "core/capture/stored_claim.hpp"

#include "tests/support/catch.hpp"

using namespace backup;
using namespace backup::capture;

namespace {

StoredClaim read(std::string_view spec, std::string_view status) {
    const auto document = parse_json(
        std::string(R"({"metadata":{"name":"data","namespace":"shop","labels":{"app":"web"},)") +
        R"("annotations":{"note":"kept",)"
        R"("kubectl.kubernetes.io/last-applied-configuration":"{\"long\":\"text\"}"}},)" +
        R"("spec":)" + std::string(spec) + R"(,"status":)" + std::string(status) + "}");
    ObjectFacts facts;
    facts.key = {"persistentvolumeclaims", "shop", "data"};
    for (const auto& [name, value] : document.find_path({"metadata", "annotations"})->members()) {
        facts.annotations[std::string(name)] = value.string();
    }
    return read_claim(facts, document);
}

}  // namespace

TEST_CASE("what a plan asks of a claim is kept, and no more") {
    const auto claim =
        read(R"({"volumeName":"pv-1","storageClassName":"fast","volumeMode":"Block",)"
             R"("accessModes":["ReadWriteOnce","ReadOnlyMany"],)"
             R"("resources":{"requests":{"storage":"1Gi"}}})",
             R"({"phase":"Bound","capacity":{"storage":"2Gi"}})");
    CHECK(claim.key == model::ObjectKey{"persistentvolumeclaims", "shop", "data"});
    CHECK(claim.annotations == model::Labels{{"note", "kept"}});
    CHECK(claim.volume == "pv-1");
    CHECK(claim.bytes == 2ULL << 30U);
    CHECK(claim.storage_class == "fast");
    CHECK(claim.access_modes == std::vector<std::string>{"ReadWriteOnce", "ReadOnlyMany"});
    CHECK(claim.is_block);
    CHECK(claim.phase == "Bound");
}

TEST_CASE("a claim without a volume has what it asks for") {
    const auto claim = read(R"({"resources":{"requests":{"storage":"1Gi"}}})", "{}");
    CHECK(claim.volume.empty());
    CHECK(claim.bytes == 1ULL << 30U);
    CHECK_FALSE(claim.is_block);
    CHECK(read("{}", "{}").bytes == std::nullopt);
    CHECK(read(R"({"accessModes":"no list"})", R"({"capacity":{"storage":"much"}})").bytes ==
          std::nullopt);
}
