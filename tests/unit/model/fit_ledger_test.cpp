// SPDX-License-Identifier: Apache-2.0
#include "core/model/fit_ledger.hpp"

#include "core/base/text.hpp"
#include "core/model/ledger_findings.hpp"
#include "tests/support/catch.hpp"

using namespace backup;
using namespace backup::model;

namespace {

constexpr LedgerBounds kTight{8192, 1000};

bool fits(const Ledger& ledger, const LedgerBounds& bounds = {}) {
    const auto text = format_json(to_json(ledger));
    const bool is_read = find_json(text, {.values = bounds.values}).has_value();
    return is_read && text.size() <= bounds.bytes;
}

Ledger fitted(Ledger ledger, const LedgerBounds& bounds) {
    fit_ledger(ledger, bounds);
    CHECK(fits(ledger, bounds));
    return ledger;
}

ListRecord list_of(const std::string& resource) {
    ListRecord list;
    list.resource = resource;
    list.scope = "a-namespace-of-some-length";
    list.count = 1234;
    list.resource_version = "123456789";
    return list;
}

VolumeRecord volume_with(std::size_t paths) {
    VolumeRecord volume;
    volume.name_space = "shop";
    volume.claim = "data-0";
    volume.method = "live";
    volume.rule = "no snapshots for its class";
    volume.files_unreadable = 5000;
    volume.files_changed = 6000;
    volume.unreadable.assign(paths, "a/path/to/some/file: Permission denied");
    volume.changed.assign(paths, "a/path/to/some/file");
    return volume;
}

}  // namespace

TEST_CASE("what a large cluster writes is far within the bounds") {
    Ledger ledger;
    // 300 kinds in 100 namespaces, each listed by itself.
    ledger.lists.assign(30'000, list_of("horizontalpodautoscalers.autoscaling"));
    ledger.volumes.assign(5000, volume_with(5));
    ledger.problems.assign(
        100'000,
        {"secrets in namespace a-namespace-of-some-length",
         "the server has asked for the client to provide credentials, after three tries"});
    const auto before = ledger;
    fit_ledger(ledger);
    CHECK(ledger == before);
    CHECK(fits(ledger));
    const auto json = to_json(ledger);
    INFO(count_values(json) << " values, " << format_json(json).size() << " bytes");
    CHECK(count_values(json) < LedgerBounds{}.values / 2);
    CHECK(format_json(json).size() < LedgerBounds{}.bytes / 2);
}

TEST_CASE("paths go before records, and the counters tell of them") {
    Ledger ledger;
    ledger.lists.assign(3, list_of("pods"));
    ledger.volumes.assign(2, volume_with(1000));
    const auto cut = fitted(ledger, kTight);
    CHECK(cut.lists == ledger.lists);
    REQUIRE(cut.volumes.size() == 2);
    CHECK(cut.volumes[0].files_unreadable == 5000);
    CHECK(cut.volumes[0].files_changed == 6000);
    CHECK(cut.volumes[0].unreadable.size() == 10);
    CHECK(cut.volumes[0].changed.size() == 10);
    CHECK(cut.warnings.empty());
    CHECK(cut.status() == ledger.status());
}

TEST_CASE("of what a hook printed the end stays, of a message the beginning, in whole characters") {
    HookRecord hook;
    hook.pod = "db-0";
    for (int i = 0; i < 10'000; ++i) {
        hook.output += "\u00e4";
    }
    hook.message = hook.output;
    hook.output += "the end";
    Ledger ledger;
    ledger.hooks = {hook};
    ledger.problems = {{"x", "y" + hook.message}};
    ledger.warnings = {"yy" + hook.message};
    const auto cut = fitted(ledger, kTight);
    REQUIRE(cut.hooks.size() == 1);
    CHECK(cut.hooks[0].output.size() > 900);
    CHECK(cut.hooks[0].output.substr(cut.hooks[0].output.size() - 7) == "the end");
    CHECK(cut.hooks[0].message.substr(0, 2) == "\u00e4");
    CHECK(cut.hooks[0].message.substr(cut.hooks[0].message.size() - 3) == "...");
    for (const auto& text : {cut.hooks[0].output,
                             cut.hooks[0].message,
                             cut.problems.at(0).message,
                             cut.warnings.at(0)}) {
        CHECK(is_utf8(text));
    }
}

TEST_CASE("records that go are counted, the worst stay") {
    Ledger ledger;
    ledger.lists.assign(20'000, list_of("pods"));
    ledger.lists.push_back(list_of("secrets"));
    ledger.lists.back().outcome = Outcome::Failed;
    ledger.lists.back().reason = SkipReason::Forbidden;
    ledger.problems.assign(12'000, {"something", "went wrong"});
    ledger.warnings.assign(15'000, "careful");
    const auto cut = fitted(ledger, kTight);
    REQUIRE(cut.lists.size() == 10);
    CHECK(cut.lists[0].resource == "secrets");
    CHECK(cut.status() == ledger.status());
    CHECK(cut.problems.size() == 10);
    REQUIRE(cut.warnings.size() == 13);
    CHECK(cut.warnings[10] == "and 19991 more lists: more than a ledger holds");
    CHECK(cut.warnings[11] == "and 11990 more problems: more than a ledger holds");
    CHECK(cut.warnings[12] == "and 14990 more warnings: more than a ledger holds");
}

TEST_CASE("a ledger of too many values is cut though its text is short") {
    Ledger ledger;
    ledger.warnings.assign(2000, "");
    const auto cut = fitted(ledger, {1U << 20U, 1500});
    CHECK(cut.warnings.size() == 1001);
    CHECK(cut.warnings.back() == "and 1000 more warnings: more than a ledger holds");
}
