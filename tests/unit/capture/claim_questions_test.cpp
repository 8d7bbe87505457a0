// SPDX-License-Identifier: Apache-2.0
// What the API server is asked before the first volume is read.
#include "core/capture/claim_volumes.hpp"
#include "tests/support/capture_scene.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/meeting.hpp"

#include <algorithm>
#include <mutex>

using namespace backup;
using namespace backup::capture;
using backup::testing::CaptureScene;

namespace {

/// Live claims that nobody uses. None of their movers starts.
struct Fixture {
    void add(const std::string& ns, int count) {
        for (int i = 0; i < count; ++i) {
            const auto name = concat("claim-", i);
            scene.server.add("persistentvolumeclaims",
                             ns,
                             name,
                             "",
                             R"("spec":{"volumeName":"pv"},"status":{"phase":"Bound"})");
            auto& plan = plans.emplace_back();
            plan.record.name_space = ns;
            plan.record.claim = name;
            plan.record.method = "live";
        }
    }

    /// What had been asked when the first mover was started.
    std::vector<std::string> read() {
        const auto repository = testing::open_tiny_repository(scene.backend, scene.key);
        kube::Client client(CaptureScene::config(), scene.client_options());
        repository::ChunkStore chunks(repository);
        repository::Writer writer(repository, chunks, scene.random, scene.clock);
        PreviousPoints previous(repository, chunks, {});
        NullProgress progress;
        const volume::MoverProgram no_program;
        ClaimVolumesContext context{
            client, no_program, {}, repository, writer, scene.clock, previous, progress, ""};
        context.at_once = 1;
        std::vector<std::string> asked;
        context.start_mover = [&](const MoverOrder&,
                                  const std::stop_token&) -> std::unique_ptr<volume::Mover> {
            if (asked.empty()) {
                asked = scene.server.asked();
            }
            throw Error(ErrorCode::Forbidden, "no movers here");
        };
        capture_claims(context, plans, {});
        return asked;
    }

    CaptureScene scene;
    std::vector<PlannedVolume> plans;
};

}  // namespace

TEST_CASE("a thousand claims of a namespace cost a few questions before the first is read") {
    Fixture fixture;
    fixture.add("shop", 1'000);
    const auto asked = fixture.read();
    CAPTURE(asked.size());
    CHECK(asked.size() <= 4);
    CHECK(std::count(asked.begin(), asked.end(), "list pods shop") == 1);
}

TEST_CASE("one claim among many others is asked for itself") {
    Fixture fixture;
    fixture.add("shop", 10);
    fixture.plans.resize(1);
    const auto asked = fixture.read();
    CHECK(std::count(asked.begin(), asked.end(), "list persistentvolumeclaims shop") == 0);
    CHECK(asked.size() == 2);
}

TEST_CASE("several namespaces are looked at at the same time") {
    Fixture fixture;
    testing::Meeting meeting(3);
    for (const auto* ns : {"a", "b", "c"}) {
        fixture.scene.server.add_namespace(ns);
        fixture.add(ns, 1);
    }
    fixture.scene.server.on_list([&](const std::string&) { meeting.arrive(); });
    CHECK(fixture.read().size() == 6);
    CHECK(meeting.has_met());
}
