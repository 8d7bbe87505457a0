// SPDX-License-Identifier: Apache-2.0
#include "core/restore/copy_into_pod.hpp"

#include "core/base/json.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

using namespace backup;
using backup::restore::ClaimPath;
using backup::restore::find_claim_path;
using backup::testing::error_code_of;

namespace {

Json pod() {
    return parse_json(R"json({
      "metadata": {"name": "db-0",
                   "annotations": {"kubectl.kubernetes.io/default-container": "db"}},
      "spec": {
        "volumes": [
          {"name": "data", "persistentVolumeClaim": {"claimName": "data-db-0"}},
          {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}},
          {"name": "config", "configMap": {"name": "settings"}}],
        "containers": [
          {"name": "sidecar"},
          {"name": "db", "volumeMounts": [
            {"name": "data", "mountPath": "/var/lib/db", "subPath": "v1/main"},
            {"name": "config", "mountPath": "/var/lib/db/conf"},
            {"name": "scratch", "mountPath": "/scratch/", "readOnly": true},
            {"name": "data", "mountPath": "/odd", "subPathExpr": "$(POD_NAME)"}]}],
        "initContainers": [
          {"name": "init", "volumeMounts": [{"name": "data", "mountPath": "/"}]}]}})json");
}

}  // namespace

TEST_CASE("a path on a claim is found through the innermost mount") {
    CHECK(find_claim_path(pod(), "", "/var/lib/db/a/../b") ==
          ClaimPath{"data-db-0", "v1/main/b", false});
    CHECK(find_claim_path(pod(), "db", "/var/lib/db/") == ClaimPath{"data-db-0", "v1/main", false});
    CHECK(find_claim_path(pod(), "db", "/scratch/x") == ClaimPath{"db-0-scratch", "x", true});
    CHECK(find_claim_path(pod(), "init", "/etc/x") == ClaimPath{"data-db-0", "etc/x", false});
}

TEST_CASE("a path beside the claims is on none") {
    CHECK_FALSE(find_claim_path(pod(), "db", "/var/lib/db/conf/x"));
    CHECK_FALSE(find_claim_path(pod(), "db", "/var/lib/database"));
    CHECK_FALSE(find_claim_path(pod(), "db", "/tmp/x"));
    CHECK_FALSE(find_claim_path(pod(), "sidecar", "/var/lib/db/x"));
}

TEST_CASE("what cannot be answered is an error") {
    CHECK(error_code_of([] { return find_claim_path(pod(), "nobody", "/x"); }) ==
          ErrorCode::KubeNotFound);
    CHECK(error_code_of([] { return find_claim_path(pod(), "db", "relative"); }) ==
          ErrorCode::InvalidArgument);
    CHECK(error_code_of([] { return find_claim_path(pod(), "db", "/odd/x"); }) ==
          ErrorCode::Unsupported);
}
