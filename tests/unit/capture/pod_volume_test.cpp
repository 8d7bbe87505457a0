// SPDX-License-Identifier: Apache-2.0
#include "core/capture/pod_volume.hpp"

#include "core/base/json.hpp"
#include "tests/support/catch.hpp"

using namespace backup;
using namespace backup::capture;

TEST_CASE("kinds of volumes that no claim stands for") {
    using enum PodVolumeKind;
    CHECK(kind_of_pod_volume("nfs", "") == Stored);
    CHECK(kind_of_pod_volume("csi", "share") == Stored);
    CHECK(kind_of_pod_volume("csi", "secrets-store.csi.k8s.io") == Shown);
    CHECK(kind_of_pod_volume("secret", "") == Shown);
    CHECK(kind_of_pod_volume("emptyDir", "") == Scratch);
    CHECK(kind_of_pod_volume("hostPath", "") == OfNode);
    CHECK(kind_of_pod_volume("", "") == Unknown);
    CHECK(find_source_type(parse_json(R"({"name":"v","cephfs":{}})")) == "cephfs");
    CHECK(find_source_type(parse_json(R"({"name":"v","later":{}})")).empty());
}

TEST_CASE("the text of a pod tells whether data may be behind it") {
    CHECK(may_have_stored_volume(R"({"spec":{"volumes":[{"name":"v","nfs":{"server":"nas"}}]}})"));
    CHECK(may_have_stored_volume("{\"volumes\": [{\"csi\" :\n  {\"driver\": \"d\"}}]}"));
    for (const auto* pod : {"",
                            "{",
                            ":{",
                            "\":{",
                            R"({"name":"nfs","emptyDir":{}})",
                            R"({"nfs":"text"})",
                            R"({"f:nfs":{".":{}}})",
                            R"({"volumes":[{"persistentVolumeClaim":{"claimName":"csi"}}]})"}) {
        CAPTURE(pod);
        CHECK_FALSE(may_have_stored_volume(pod));
    }
}
