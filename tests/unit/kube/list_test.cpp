// SPDX-License-Identifier: Apache-2.0
#include "core/kube/list.hpp"

#include "core/base/text.hpp"
#include "core/kube/list_splitter.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/kube/fake_cluster.hpp"

using namespace backup;
using namespace backup::kube;
using testing::error_code_of;
using testing::FakeCluster;

namespace {

const std::string kPath = "GET /api/v1/namespaces/shop/pods";

std::string page(const std::string& items, const std::string& next = "") {
    return R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"77","continue":")" +
           next + R"("},"items":[)" + items + "]}\n";
}

std::string expired(const std::string& next) {
    return R"({"kind":"Status","code":410,"reason":"Expired","metadata":{"continue":")" + next +
           R"("}})";
}

struct Listing {
    explicit Listing(FakeCluster& cluster, ListOptions options = {}, bool may_restart = true) {
        options.ns = "shop";
        ListHandler handler;
        handler.on_item = [this](std::string_view item) { items.emplace_back(item); };
        if (may_restart) {
            handler.on_restart = [this] {
                ++restarts;
                items.clear();
            };
        }
        result = list_objects(cluster.client, testing::pods(), options, handler);
    }

    std::vector<std::string> items;
    int restarts = 0;
    ListResult result;
};

using Items = std::vector<std::string>;

}  // namespace

TEST_CASE("a list is cut into the exact bytes of its items") {
    const std::string body =
        R"({"items":[ {"a": 1.0} ,{"b":"]"}],"metadata":{"resourceVersion":"5","continue":"c",)"
        R"("remainingItemCount":3}})";
    const auto cut = split_list(body);
    CHECK(cut.items == std::vector<std::string_view>{R"({"a": 1.0})", R"({"b":"]"})"});
    CHECK(cut.resource_version == "5");
    CHECK(cut.continue_token == "c");
    CHECK(cut.remaining_item_count == 3);
    CHECK(split_list(R"({"metadata":{},"items":null})").items.empty());
}

TEST_CASE("what is no list") {
    const auto text = GENERATE(as<std::string>{},
                               "",
                               "[]",
                               "{}",
                               R"({"items":{}})",
                               R"({"items":[1]})",
                               R"({"items":[[]]})",
                               R"({"items":[],"items":[]})",
                               R"({"items":[{}]} x)",
                               R"({"items":[{}])",
                               R"({"metadata":{"continue":1},"items":[]})");
    CAPTURE(text);
    CHECK(error_code_of([&] { return split_list(text).items.size(); }) ==
          ErrorCode::InvalidArgument);
}

TEST_CASE("pages follow each other") {
    FakeCluster cluster;
    cluster.fake.on(kPath + "?limit=500", {200, page(R"({"n":1},{"n":2})", "next"), {}, {}});
    cluster.fake.on(kPath + "?limit=500&continue=next", {200, page(R"({"n":3})"), {}, {}});
    const Listing listing(cluster);
    CHECK(listing.items == Items{R"({"n":1})", R"({"n":2})", R"({"n":3})"});
    CHECK(listing.result.count == 3);
    CHECK(listing.result.bytes == 21);
    CHECK(listing.result.pages == 2);
    CHECK(listing.result.resource_version == "77");
    CHECK(listing.result.is_consistent);
}

TEST_CASE("selectors and an exact version are asked for") {
    FakeCluster cluster;
    cluster.fake.on(kPath, {200, page(""), {}, {}});
    ListOptions options;
    options.label_selector = "app=web,x in (a)";
    options.field_selector = "status.phase=Running";
    options.resource_version = "42";
    options.page_size = 10;
    const Listing listing(cluster, options);
    CHECK(cluster.fake.lines().at(0) ==
          kPath +
              "?limit=10&labelSelector=app%3Dweb%2Cx%20in%20%28a%29&"
              "fieldSelector=status.phase%3DRunning&resourceVersion=42&"
              "resourceVersionMatch=Exact");
    CHECK(listing.result.resource_version == "42");
}

TEST_CASE("an expired token starts the list again, twice at most, then it goes on newer") {
    FakeCluster cluster;
    cluster.fake.on(kPath + "?limit=500", {200, page(R"({"n":1})", "old"), {}, {}});
    cluster.fake.on(kPath + "?limit=500&continue=old", {410, expired("newer"), {}, {}});
    cluster.fake.on(kPath + "?limit=500&continue=newer", {200, page(R"({"n":9})"), {}, {}});
    const Listing listing(cluster);
    CHECK(listing.restarts == 2);
    CHECK(listing.items == Items{R"({"n":1})", R"({"n":9})"});
    CHECK(listing.result.count == 2);
    CHECK_FALSE(listing.result.is_consistent);
    const Listing at_once(cluster, {}, false);
    CHECK(at_once.items == Items{R"({"n":1})", R"({"n":9})"});
    CHECK_FALSE(at_once.result.is_consistent);
}

TEST_CASE("an exact version that is gone is an error") {
    FakeCluster cluster;
    cluster.fake.on(kPath, {410, expired("newer"), {}, {}});
    ListOptions options;
    options.resource_version = "1";
    CHECK(error_code_of([&] { return Listing(cluster, options).restarts; }) ==
          ErrorCode::KubeExpired);
}

TEST_CASE("an exact version that the server has not seen is waited for, then an error too") {
    const auto* body = GENERATE(
        R"({"kind":"Status","message":"Too large resource version: 99, current: 7"})",
        R"({"kind":"Status","message":"etcdserver: mvcc: required revision is a future revision"})");
    FakeCluster cluster;
    cluster.fake.on(kPath, {504, body, {{"retry-after", "1"}}, {}});
    ListOptions options;
    options.resource_version = "99";
    CHECK(error_code_of([&] { return Listing(cluster, options).restarts; }) ==
          ErrorCode::KubeExpired);
    CHECK(cluster.fake.requests().size() == 11);
    // A cache that lags behind catches up.
    FakeCluster busy;
    busy.fake.on(kPath, {504, body, {{"retry-after", "1"}}, {}});
    busy.fake.on(kPath, {200, page(R"({"n":1})"), {}, {}});
    CHECK(Listing(busy, options).items == Items{R"({"n":1})"});
}

TEST_CASE("storage that gives up counts as a slow page") {
    FakeCluster cluster;
    cluster.fake.on(kPath + "?limit=500",
                    {500,
                     R"({"kind":"Status","code":500,"message":"rpc: context deadline exceeded"})",
                     {},
                     {}});
    cluster.fake.on(kPath + "?limit=100", {200, page(R"({"n":1})"), {}, {}});
    CHECK(Listing(cluster).items == Items{R"({"n":1})"});
}

TEST_CASE("a server that is being restarted is asked again") {
    FakeCluster cluster;
    cluster.fake.on(kPath, {503, "{}", {}, {}});
    cluster.fake.on(kPath, {502, "<html>", {}, {}});
    cluster.fake.on(kPath, {200, page(R"({"n":1})"), {}, {}});
    CHECK(Listing(cluster).items == Items{R"({"n":1})"});
    CHECK(cluster.slept == std::chrono::seconds(3));
    FakeCluster down;
    down.fake.on(kPath, {503, "{}", {}, {}});
    CHECK(error_code_of([&] { return Listing(down).restarts; }) == ErrorCode::KubeServerError);
    CHECK(down.fake.requests().size() == 3);
}

TEST_CASE("pages that are too large shrink to single items") {
    FakeCluster cluster;
    const Error large = Error(ErrorCode::Unsupported, "too large");
    for (const auto* limit : {"500", "100", "25", "5"}) {
        cluster.fake.on(kPath + "?limit=" + limit, {0, "", {}, large});
    }
    cluster.fake.on(kPath + "?limit=1", {200, page(R"({"n":1})"), {}, {}});
    CHECK(Listing(cluster).items == Items{R"({"n":1})"});
    FakeCluster hopeless;
    hopeless.fake.on(kPath, {0, "", {}, large});
    CHECK(error_code_of([&] { return Listing(hopeless).restarts; }) == ErrorCode::Unsupported);
    CHECK(hopeless.fake.requests().size() == 5);
}

TEST_CASE("metadata is asked for, and a page whole where it is not enough") {
    FakeCluster cluster;
    const auto metadata = [](const std::string& items, const std::string& next) {
        auto text = page(items, next);
        return text.replace(text.find("PodList"), 7, "PartialObjectMetadataList");
    };
    cluster.fake.on(kPath + "?limit=500", {200, metadata(R"({"m":1},{"m":2})", "a"), {}, {}});
    cluster.fake.on(kPath + "?limit=500&continue=a", {200, metadata(R"({"m":3})", "b"), {}, {}});
    cluster.fake.on(kPath + "?limit=1&continue=a", {200, page(R"({"w":3})", "b"), {}, {}});
    cluster.fake.on(kPath + "?limit=500&continue=b", {200, metadata(R"({"m":4})", ""), {}, {}});
    std::vector<std::string> got;
    ListHandler handler;
    handler.on_item = [&](std::string_view item) { got.push_back(concat("whole ", item)); };
    handler.on_metadata = [&](const std::vector<std::string_view>& items) {
        if (items.front() == R"({"m":3})") {
            return PageVerdict::Whole;
        }
        got.push_back(concat("metadata of ", items.size()));
        return PageVerdict::Taken;
    };
    std::vector<std::string> begun;
    handler.on_begin = [&](const std::string& version) { begun.push_back(version); };
    ListOptions options;
    options.ns = "shop";
    const auto result = list_objects(cluster.client, testing::pods(), options, handler);
    CHECK(got == Items{"metadata of 2", R"(whole {"w":3})", "metadata of 1"});
    CHECK(result.count == 4);
    CHECK(result.pages == 3);
    CHECK(result.metadata_pages == 2);
    CHECK(begun == Items{"77"});
    const auto accept = *net::find_header(cluster.fake.requests()[0].headers, "accept");
    CHECK(accept ==
          "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,"
          "application/json");
    CHECK(*net::find_header(cluster.fake.requests()[2].headers, "accept") == "application/json");
}

TEST_CASE("when comparing does not pay the rest of a list comes whole") {
    FakeCluster cluster;
    auto text = page(R"({"m":1})", "a");
    text.replace(text.find("PodList"), 7, "PartialObjectMetadataList");
    cluster.fake.on(kPath + "?limit=500", {200, text, {}, {}});
    cluster.fake.on(kPath + "?limit=1", {200, page(R"({"w":1})", "a"), {}, {}});
    cluster.fake.on(kPath + "?limit=500&continue=a", {200, page(R"({"w":2})"), {}, {}});
    Items got;
    ListHandler handler;
    handler.on_item = [&](std::string_view item) { got.emplace_back(item); };
    handler.on_metadata = [](const auto&) { return PageVerdict::WholeFromNow; };
    ListOptions options;
    options.ns = "shop";
    list_objects(cluster.client, testing::pods(), options, handler);
    CHECK(got == Items{R"({"w":1})", R"({"w":2})"});
    CHECK(*net::find_header(cluster.fake.requests()[2].headers, "accept") == "application/json");
}

TEST_CASE("a server without metadata lists gives whole objects") {
    FakeCluster cluster;
    cluster.fake.on(kPath, {200, page(R"({"w":1})"), {}, {}});
    Items got;
    ListHandler handler;
    handler.on_item = [&](std::string_view item) { got.emplace_back(item); };
    handler.on_metadata = [](const auto&) -> PageVerdict { throw Error(ErrorCode::Internal, "x"); };
    ListOptions options;
    options.ns = "shop";
    list_objects(cluster.client, testing::pods(), options, handler);
    CHECK(got == Items{R"({"w":1})"});
}

TEST_CASE("slow pages shrink") {
    FakeCluster cluster;
    const Error slow = Error(ErrorCode::TimedOut, "slow").retryable();
    cluster.fake.on(kPath + "?limit=500", {0, "", {}, slow});
    cluster.fake.on(kPath + "?limit=100", {504, "{}", {}, {}});
    cluster.fake.on(kPath + "?limit=25", {200, page(R"({"n":1})", "c"), {}, {}});
    cluster.fake.on(kPath + "?limit=25&continue=c", {200, page(R"({"n":2})"), {}, {}});
    CHECK(Listing(cluster).items == Items{R"({"n":1})", R"({"n":2})"});
}

TEST_CASE("a page that stays slow is an error") {
    FakeCluster cluster;
    cluster.fake.on(kPath, {504, "{}", {}, {}});
    CHECK(error_code_of([&] { return Listing(cluster).restarts; }) == ErrorCode::TimedOut);
    CHECK(cluster.fake.requests().size() == 3);
}

TEST_CASE("a server that goes in circles is stopped") {
    FakeCluster cluster;
    cluster.fake.on(kPath, {200, page("", "same"), {}, {}});
    CHECK(error_code_of([&] { return Listing(cluster).restarts; }) == ErrorCode::KubeServerError);
    FakeCluster endless;
    endless.fake.on(kPath, {410, expired("again"), {}, {}});
    CHECK(error_code_of([&] { return Listing(endless).restarts; }) == ErrorCode::KubeExpired);
}

TEST_CASE("Forbidden says which list") {
    FakeCluster cluster;
    cluster.fake.on(kPath, {403, R"({"kind":"Status","message":"no"})", {}, {}});
    const auto error = testing::error_of([&] { return Listing(cluster).restarts; });
    CHECK(error.code() == ErrorCode::Forbidden);
    CHECK_THAT(std::string(error.hint()), testing::contains("verbs: [\"list\"]"));
}
