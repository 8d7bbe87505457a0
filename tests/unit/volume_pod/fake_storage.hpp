// SPDX-License-Identifier: Apache-2.0
// What a snapshot controller, a provisioner and the garbage collection of a cluster do, on FakeApi:
// at once, or after so many looks, or not at all.
#pragma once

#include "core/base/text.hpp"
#include "core/volume/temporary_object.hpp"
#include "tests/unit/volume_pod/fake_api.hpp"

#include <string>

namespace backup::testing {

struct FakeStorage {
    explicit FakeStorage(FakeApi& fake) : api(fake) {
        api.refuse = [this](const net::Request& request, const std::string& path) {
            return before(request, path);
        };
        api.on_delete = [this](const std::string& path) { after_delete(path); };
    }

    static bool is_snapshot(const std::string& path) {
        return path.find("/volumesnapshots/") != std::string::npos;
    }

    static bool is_claim(const std::string& path) {
        return path.find("/persistentvolumeclaims/") != std::string::npos;
    }

    std::optional<net::Response> before(const net::Request& request, const std::string& path) {
        if (!refused.empty() && (request.method + " " + path).find(refused) != std::string::npos) {
            return FakeApi::status(403, "Forbidden", "no");
        }
        if (request.method == "GET" && api.find(path) && is_snapshot(path)) {
            serve_snapshot(path);
        }
        if (request.method == "GET" && api.find(path) && is_claim(path)) {
            serve_claim(path);
        }
        return is_snapshot(path) && api.find(path) ? finish(request, path) : std::nullopt;
    }

    /// What an API server makes of finalizers.
    std::optional<net::Response> finish(const net::Request& request, const std::string& path) {
        if (request.method == "DELETE" && !finalizers.empty()) {
            api.change(path, [this](Json& json) {
                json["metadata"]["deletionTimestamp"] = "2026-11-20T10:00:00Z";
                json["metadata"]["resourceVersion"] = "7";
                json["metadata"]["finalizers"] = finalizers;
            });
            after_delete(path);
            return FakeApi::status(200, "", "");
        }
        if (request.method == "PATCH" &&
            request.body.find("\"finalizers\":[]") != std::string::npos) {
            api.erase(path);
            return FakeApi::status(200, "", "");
        }
        return std::nullopt;
    }

    void serve_snapshot(const std::string& path) {
        const auto object = *api.find(path);
        if (!error.empty()) {
            api.change(path, [this](Json& json) { json["status"]["error"]["message"] = error; });
            return;
        }
        if (snapshot_looks-- > 0 || object.find_path({"status", "readyToUse"}) != nullptr) {
            return;
        }
        const auto uid = object.text_at({"metadata", "uid"});
        const auto content = "snapcontent-" + uid;
        api.put(
            kContents + content,
            Json::object(
                {{"spec",
                  Json::object(
                      {{"deletionPolicy", deletion_policy},
                       {"volumeSnapshotRef",
                        Json::object({{"name", object.text_at({"metadata", "name"})},
                                      {"namespace", "shop"},
                                      {"uid", reference_uid.empty() ? uid : reference_uid}})}})}}));
        api.change(path, [&](Json& json) {
            auto& status = json["status"];
            status["boundVolumeSnapshotContentName"] = content;
            status["creationTime"] = "2026-11-20T10:00:00Z";
            status["readyToUse"] = true;
            status["restoreSize"] = "2Gi";
        });
    }

    void serve_claim(const std::string& path) {
        const auto object = *api.find(path);
        const bool is_temporary = object.find_path({"spec", "dataSource"}) != nullptr;
        if (!is_temporary || !provisions || !object.text_at({"spec", "volumeName"}).empty()) {
            return;
        }
        if (volume_looks-- > 0) {
            api.change(path, [](Json& json) {
                json["metadata"]["annotations"]["volume.kubernetes.io/storage-provisioner"] = "csi";
            });
            return;
        }
        const auto volume = "pvc-" + object.text_at({"metadata", "uid"});
        api.put(kVolumes + volume,
                Json::object(
                    {{"spec",
                      Json::object(
                          {{"persistentVolumeReclaimPolicy", reclaim_policy},
                           {"claimRef",
                            Json::object({{"name", object.text_at({"metadata", "name"})},
                                          {"namespace", "shop"},
                                          {"uid", object.text_at({"metadata", "uid"})}})}})}}));
        api.change(path, [&](Json& json) {
            json["spec"]["volumeName"] = volume;
            json["status"]["phase"] = "Bound";
        });
    }

    /// What belongs to it goes, unless it is to be kept.
    void after_delete(const std::string& path) {
        const auto name = path.substr(path.rfind('/') + 1);
        if (!cleans_up) {
            return;
        }
        if (is_snapshot(path)) {
            drop(
                kContents, {"spec", "volumeSnapshotRef", "name"}, name, {"spec", "deletionPolicy"});
        }
        if (is_claim(path)) {
            drop(kVolumes,
                 {"spec", "claimRef", "name"},
                 name,
                 {"spec", "persistentVolumeReclaimPolicy"});
        }
    }

    void drop(const std::string& prefix,
              std::initializer_list<std::string_view> reference,
              const std::string& name,
              std::initializer_list<std::string_view> policy) {
        for (const auto& each : api.names(prefix)) {
            const auto object = *api.find(prefix + each);
            if (object.text_at(reference) == name && object.text_at(policy) == "Delete") {
                api.erase(prefix + each);
            }
        }
    }

    /// Everything a copy consists of.
    std::vector<std::string> rest() const {
        auto names = api.names(kSnapshots);
        for (const auto& prefix : {kContents, kClaims, kVolumes}) {
            for (const auto& name : api.names(prefix)) {
                names.push_back(name);
            }
        }
        return names;
    }

    inline static const std::string kGroup = "/apis/snapshot.storage.k8s.io/v1/";
    inline static const std::string kSnapshots = kGroup + "namespaces/shop/volumesnapshots/";
    inline static const std::string kContents = kGroup + "volumesnapshotcontents/";
    inline static const std::string kClaims = "/api/v1/namespaces/shop/persistentvolumeclaims/";
    inline static const std::string kClasses = "/apis/storage.k8s.io/v1/storageclasses/";
    inline static const std::string kVolumes = "/api/v1/persistentvolumes/";

    FakeApi& api;
    std::string error;          // of the snapshot controller
    std::string refused;        // part of "VERB path" that is forbidden
    std::string reference_uid;  // that the content has instead of the snapshot's
    std::string deletion_policy = "Delete";
    std::string reclaim_policy = "Delete";
    Json::Array finalizers;  // of snapshots; nobody takes them off
    int snapshot_looks = 0;  // until it is ready
    int volume_looks = 0;    // until a claim has its volume; it is being made from the first on
    bool provisions = true;
    bool cleans_up = true;
};

}  // namespace backup::testing
