// SPDX-License-Identifier: Apache-2.0
#include "core/repository/blob_name.hpp"

#include "tests/support/catch.hpp"

using namespace backup;
using namespace backup::repository;

namespace {

const std::string kHex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

}  // namespace

TEST_CASE("names of blobs are made and read") {
    const auto digest = content::sha256(as_bytes("abc"));
    CHECK(pack_name(digest) == "packs/ba/" + kHex);
    CHECK(index_name(digest) == "index/" + kHex);
    CHECK(point_name(parse_rfc3339("2026-11-20T10:00:00Z"), digest) ==
          "points/20261120T100000Z-" + kHex);
    CHECK(slot_name(as_bytes("abc")) == "keys/" + kHex.substr(0, 32));

    CHECK(find_pack_digest(pack_name(digest)) == digest);
    CHECK(find_index_digest(index_name(digest)) == digest);
    const auto point = find_point_name("points/20261120T100000Z-" + kHex);
    REQUIRE(point);
    CHECK(point->time == "20261120T100000Z");
    CHECK(point->digest == digest);
}

TEST_CASE("other names are not taken for blobs") {
    auto upper = kHex;
    upper[1] = 'A';
    for (const auto& name : {"packs/bb/" + kHex,
                             "packs/" + kHex,
                             "packs/ba/" + kHex + "0",
                             "packs/ba/" + upper,
                             "index/ba/" + kHex,
                             std::string("packs/ba/")}) {
        INFO(name);
        CHECK_FALSE(find_pack_digest(name));
    }
    for (const auto& name : {"index/" + kHex.substr(1),
                             "index/" + upper,
                             "indexx/" + kHex,
                             "index" + kHex,
                             std::string("index/")}) {
        INFO(name);
        CHECK_FALSE(find_index_digest(name));
    }
    for (const auto& name : {"points/" + kHex,
                             "points/20261120T100000Z" + kHex,
                             "points/2026112xT100000Z-" + kHex,
                             "points/20261120T100000-" + kHex,
                             "points/20261120T100000Z-" + upper}) {
        INFO(name);
        CHECK_FALSE(find_point_name(name));
    }
}
