// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/ledger_page.hpp"

#include "core/base/text.hpp"
#include "tests/support/catch.hpp"

#include <sstream>

using namespace backup;
using namespace backup::plugin;
using namespace backup::model;
using backup::testing::contains;

namespace {

std::string page_of(const Ledger& ledger,
                    OutputFormat format = OutputFormat::Table,
                    bool colour = false) {
    std::ostringstream out;
    const Output output{out, format, true, colour};
    Page page(output);
    print_ledger(page, ledger);
    return out.str();
}

VolumeRecord good_volume(std::string claim) {
    VolumeRecord volume;
    volume.name_space = "shop";
    volume.claim = std::move(claim);
    volume.method = "live";
    volume.consistency = "crash";
    volume.files = 3;
    volume.bytes = 3U << 20U;
    volume.bytes_read = 2U << 20U;
    volume.bytes_sent = 1U << 20U;
    volume.duration_ms = 4000;
    return volume;
}

VolumeRecord volume_without_data(std::string claim, Outcome outcome, SkipReason reason) {
    VolumeRecord volume;
    volume.name_space = "shop";
    volume.claim = std::move(claim);
    volume.outcome = outcome;
    volume.reason = reason;
    return volume;
}

Ledger night_shift() {
    Ledger ledger;
    ledger.volumes = {good_volume("data"),
                      volume_without_data("db", Outcome::Failed, SkipReason::QuotaExceeded),
                      volume_without_data("new", Outcome::Skipped, SkipReason::Unbound),
                      volume_without_data("tmp", Outcome::Skipped, SkipReason::ExcludedByMark)};
    ledger.volumes[1].message = "pods \"m\" is forbidden: exceeded quota: full";
    ledger.volumes[2].message = "the claim has no volume yet";
    ListRecord secrets;
    secrets.resource = "secrets";
    secrets.scope = "shop";
    secrets.outcome = Outcome::Failed;
    secrets.reason = SkipReason::Forbidden;
    secrets.message = "no";
    ListRecord maps;
    maps.resource = "configmaps";
    maps.scope = "shop";
    maps.count = 7;
    ListRecord events;
    events.resource = "events";
    events.outcome = Outcome::Skipped;
    events.reason = SkipReason::NeverStored;
    ledger.lists = {maps, secrets, events};
    ledger.warnings = {"StorageClass fast may not be read"};
    return ledger;
}

}  // namespace

TEST_CASE("what is wrong comes first, with what mends it") {
    CHECK(page_of(night_shift()) ==
          R"(
Incomplete:
  volume shop/db: QuotaExceeded
      pods "m" is forbidden: exceeded quota: full
  secrets in namespace shop: Forbidden
      no

Warnings:
  volume shop/new: Unbound
      the claim has no volume yet
  StorageClass fast may not be read

Missing rights, as rules to be granted:
  in a Role of namespace shop:
    - {apiGroups: [""], resources: ["secrets"], verbs: ["list"]}

Volumes:
  CLAIM       OUTCOME     METHOD   CONSISTENCY   FILES   SIZE      TIME   RATE          NOTE
  shop/db     Failed                                                                    QuotaExceeded
  shop/new    Skipped                                                                   Unbound
  shop/data   Protected   live     crash         3       3.0 MiB   4s     512.0 KiB/s
  shop/tmp    Skipped                                                                   ExcludedByMark

Objects:
  RESOURCE     COUNT
  configmaps   7

Left out:
  NeverStored: events
)");
    CHECK(verdict_of(night_shift()) == "1 of 3 claims with data, 1 left out; 1 list failed");
}

TEST_CASE("green is only what is there and well") {
    const auto page = page_of(night_shift(), OutputFormat::Table, true);
    CHECK_THAT(page, contains("\x1b[32mProtected\x1b[0m"));
    CHECK_THAT(page, contains("\x1b[31mFailed\x1b[0m"));
    CHECK_THAT(page, contains("\x1b[33mSkipped\x1b[0m"));
    CHECK_THAT(page, contains("\x1b[2mSkipped\x1b[0m"));
    Ledger ledger;
    ledger.volumes = {good_volume("data")};
    ledger.volumes[0].files_unreadable = 1;
    CHECK(page_of(ledger, OutputFormat::Table, true).find("\x1b[32m") == std::string::npos);
}

TEST_CASE("a point that is well says so in few lines") {
    Ledger ledger;
    ledger.volumes = {good_volume("data")};
    CHECK(verdict_of(ledger) == "1 of 1 claim with data");
    CHECK_THAT(page_of(ledger), testing::starts_with("\nVolumes:\n"));
    CHECK(verdict_of({}).empty());
    CHECK(page_of({}).empty());
}

TEST_CASE("long lists are cut, and say so") {
    Ledger ledger;
    for (int i = 0; i < 100; ++i) {
        ledger.volumes.push_back(good_volume(concat("data-", i)));
        ledger.volumes.back().files_unreadable = 1;
        ledger.volumes.back().unreadable = {"/x: EIO"};
        ledger.warnings.push_back(concat("warning ", i));
    }
    const auto page = page_of(ledger);
    CHECK_THAT(page, contains("and 90 more of FilesUnreadable: -o wide shows them"));
    CHECK_THAT(page, contains("and 90 more of Warning: -o wide shows them"));
    CHECK_THAT(page, contains("and 60 more: -o wide shows them"));
    const auto lines = split(page, '\n').size();
    CHECK(lines < 100);
    const auto wide = page_of(ledger, OutputFormat::Wide);
    CHECK(wide.find("more") == std::string::npos);
    CHECK_THAT(wide, contains("warning 99"));
}

TEST_CASE("hooks: each with its end, and what a failed one said") {
    Ledger ledger;
    HookRecord hook;
    hook.name_space = "shop";
    hook.pod = "db-0";
    hook.container = "db";
    hook.command = {"/bin/sh", "-c", "freeze\x1b[31m"};
    hook.origin = "annotation";
    hook.duration_ms = 2000;
    hook.output = "fine\n";
    ledger.hooks = {hook, hook};
    ledger.hooks[1].phase = HookPhase::Post;
    ledger.hooks[1].outcome = HookOutcome::Failed;
    ledger.hooks[1].exit_code = 2;
    ledger.hooks[1].output = "cannot thaw\x1b[31m\n";
    const auto page = page_of(ledger);
    CHECK_THAT(page, contains("post hook of pod shop/db-0: HookFailed\n      exit code 2\n"));
    CHECK_THAT(page,
               contains("shop/db-0   db          post   Failed      2      2s     annotation   "
                        "/bin/sh -c freeze\\x1b[31m\n"));
    CHECK_THAT(page,
               contains("Output of the post hook of pod shop/db-0:\n  cannot thaw\\x1b[31m\n"));
    CHECK(page.find("fine") == std::string::npos);
    CHECK_THAT(page_of(ledger, OutputFormat::Wide), contains("fine"));
    CHECK(page.find('\x1b') == std::string::npos);
    CHECK(verdict_of(ledger) == "1 hook failed");
}

TEST_CASE("with -o wide every list with its moment") {
    const auto page = page_of(night_shift(), OutputFormat::Wide);
    CHECK_THAT(page, contains("RESOURCE     NAMESPACE   OUTCOME     COUNT   VERSION   NOTE\n"));
    CHECK_THAT(page, contains("Forbidden: no\n"));
}
