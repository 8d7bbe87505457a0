// SPDX-License-Identifier: Apache-2.0
#include "core/capture/link_log.hpp"

#include "tests/support/catch.hpp"

using namespace backup;
using namespace backup::capture;

namespace {

std::string number(std::size_t i) {
    return std::to_string(i);
}

/// Everything that links can hold.
Links make_full(std::size_t i) {
    Links links;
    links.key = {"pods", "shop", "web-" + number(i)};
    links.needs = {{{"secrets", "shop", "web"}, "volumes.secret.secretName"},
                   {{"nodes", "", ""}, std::string(5000, 'n')}};
    links.owners = {{"apps", "ReplicaSet", "web-5d8f"}};
    links.attached_to = {{{"services", "shop", "web"}, "routes requests to it"}};
    links.groups = {{"serviceaccounts", "shop", "*"}};
    links.scales = KindRef{"apps", "Deployment", "web"};
    links.scales_why = "scales it";
    links.selects = model::parse_label_selector("a=b,c notin (d,e),!f");
    links.selects_why = "selects its pods";
    links.pod_labels = model::Labels{{"app", "web"}, {"ordinal", number(i)}};
    links.makes = model::parse_label_selector("app=web");
    links.is_made = true;
    return links;
}

/// As most pods of a cluster: ten of each application.
Links make_pod(std::size_t i) {
    const auto app = "service-" + number(i / 10);
    Links links;
    links.key = {"pods", "shop", app + "-5d8f9c7b64-" + number(i)};
    for (const auto* const why : {"volumes.configMap.name",
                                  "containers.env.valueFrom.configMapKeyRef.name",
                                  "containers.envFrom.configMapRef.name"}) {
        links.needs.push_back({{"configmaps", "shop", app}, why});
    }
    links.needs.push_back({{"serviceaccounts", "shop", app}, "serviceAccountName"});
    links.owners = {{"apps", "ReplicaSet", app + "-5d8f9c7b64"}};
    links.pod_labels = model::Labels{{"app.kubernetes.io/name", app},
                                     {"app.kubernetes.io/part-of", "shop"},
                                     {"pod-template-hash", "5d8f9c7b64"}};
    links.is_made = true;
    return links;
}

std::vector<Links> drain(LinkLog& log) {
    std::vector<Links> all;
    log.drain([&all](const Links& links) { all.push_back(links); });
    return all;
}

}  // namespace

TEST_CASE("packed links come back as they were, once", "[link_log]") {
    LinkLog log;
    CHECK(log.empty());
    log.add(make_full(1));
    log.add({});
    log.add(make_full(2));
    CHECK_FALSE(log.empty());
    CHECK(drain(log) == std::vector<Links>{make_full(1), {}, make_full(2)});
    CHECK(log.empty());
    CHECK(drain(log).empty());
}

TEST_CASE("logs are merged in order, small ones and large ones", "[link_log]") {
    constexpr std::size_t many = 30'000;  // more than one part
    LinkLog log;
    log.add(make_full(0));
    LinkLog small;
    small.add(make_full(1));
    LinkLog large;
    for (std::size_t i = 0; i < many; ++i) {
        large.add(make_pod(i));
    }
    log.merge(std::move(small));
    log.merge(std::move(large));
    log.add(make_full(2));
    const auto all = drain(log);
    REQUIRE(all.size() == many + 3);
    CHECK(all[0] == make_full(0));
    CHECK(all[1] == make_full(1));
    for (std::size_t i = 0; i < many; ++i) {
        REQUIRE(all[i + 2] == make_pod(i));
    }
    CHECK(all.back() == make_full(2));
}

TEST_CASE("a pod among many like it takes less than two hundred bytes", "[link_log]") {
    constexpr std::size_t many = 10'000;
    LinkLog log;
    for (std::size_t i = 0; i < many; ++i) {
        log.add(make_pod(i));
    }
    CHECK(log.bytes() < 200 * many);
}
