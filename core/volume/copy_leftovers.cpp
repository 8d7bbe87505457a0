// SPDX-License-Identifier: Apache-2.0
#include "core/volume/copy_leftovers.hpp"

#include "core/base/json.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/kube/list.hpp"
#include "core/volume/late_volume.hpp"
#include "core/volume/snapshot_api.hpp"
#include "core/volume/snapshot_end.hpp"
#include "core/volume/temporary_object.hpp"

#include <algorithm>
#include <utility>

namespace backup::volume {

namespace {

constexpr std::string_view kLayer = "volume";

struct Copy {
    Json object;
    MoverOwner owner;
    std::string ns;
    std::string name;
    std::string uid;
};

Copy read_copy(Json object) {
    Copy copy;
    copy.ns = object.text_at({"metadata", "namespace"});
    copy.name = object.text_at({"metadata", "name"});
    copy.uid = object.text_at({"metadata", "uid"});
    copy.owner = parse_owner(object.text_at({"metadata", "labels", kRunLabel}),
                             object.text_at({"metadata", "annotations", kOwnerAnnotation}));
    copy.object = std::move(object);
    return copy;
}

class CopyCleaner {
  public:
    CopyCleaner(kube::Client& client,
                const CleanUpOptions& options,
                const CopyJudge& judge,
                CleanUpResult& result)
        : client_(client),
          options_(options),
          judge_(judge),
          result_(result) {}

    void run() {
        const auto namespaces =
            options_.namespaces.empty() ? std::vector<std::string>{""} : options_.namespaces;
        for (const auto& ns : namespaces) {
            // Claims first: a snapshot stays as long as a claim is made from it.
            for (const auto& claim : list_made(storage_.claims, ns)) {
                settle(storage_.claims, claim, judge(claim), [&] { release_volume(claim); });
            }
            for (const auto& snapshot : list_made(snapshots_.snapshots, ns)) {
                remove_snapshot(snapshot);
            }
        }
        wait_until_gone();
        // Who may not list these has only made such that go by themselves.
        for (const auto& content : list(snapshots_.contents, "", "").copies) {
            look_at_content(content);
        }
        for (const auto& volume : list(storage_.volumes, "", "").copies) {
            look_at_volume(volume);
        }
        wait_until_gone();
    }

  private:
    struct Removed {
        const model::ApiResource* resource;
        std::string ns;
        std::string name;
        std::string uid;
        std::string content;  // that a snapshot is bound to
    };

    /// With its content: the storage's part goes later.
    void remove_snapshot(const Copy& snapshot) {
        std::string bound;
        std::optional<Removed> content;
        auto verdict = needed_.contains(concat(snapshot.ns, "/", snapshot.name))
                           ? CopyVerdict{false, "a claim that stays is made from it"}
                           : judge(snapshot);
        settle(snapshots_.snapshots, snapshot, std::move(verdict), [&] {
            const auto settled = options_.dry_run
                                     ? snapshot.object
                                     : end_.let_settle(snapshot.ns, snapshot.name, options_.stop);
            bound = settled.text_at({"status", "boundVolumeSnapshotContentName"});
            content = release_content(bound);
        });
        if (options_.dry_run || !result_.leftovers.back().is_removed) {
            return;
        }
        removed_.back().content = bound;
        if (content) {
            awaited_.insert(content->uid);
            removed_.push_back(std::move(*content));
        }
    }

    static void add(std::vector<Copy>& copies, Json object, bool is_named_so_itself) {
        auto copy = read_copy(std::move(object));
        if (!is_named_so_itself || is_temporary_name(copy.name)) {
            copies.push_back(std::move(copy));
        }
    }

    struct Listed {
        std::vector<Copy> copies;
        std::optional<Error> refusal;
    };

    /// Where it cannot be looked there may be some: of this user's earlier rights, or of others.
    std::vector<Copy> list_made(const model::ApiResource& resource, const std::string& ns) {
        auto listed = list(resource, ns, kMoverSelector);
        if (listed.refusal && listed.refusal->code() == ErrorCode::Forbidden &&
            is_served(resource)) {
            result_.problems.push_back(
                leftover_problem(ns.empty() ? resource.plural + " of all namespaces"
                                            : concat(resource.plural, " in namespace ", ns),
                                 *listed.refusal));
        }
        return std::move(listed.copies);
    }

    /// The rights are looked at first: a kind that the cluster does not have is refused as well.
    /// Its group everybody may ask for (system:discovery).
    bool is_served(const model::ApiResource& resource) {
        if (resource.group.empty()) {
            return true;
        }
        kube::ApiRequest request;
        request.path = concat("/apis/", resource.group);
        request.asked = {"get", resource.group, "", "", ""};
        request.stop = options_.stop;
        return client_.exchange(request).status != 404;
    }

    Listed list(const model::ApiResource& resource,
                const std::string& ns,
                std::string_view selector) {
        std::vector<Copy> copies;
        kube::ListOptions options;
        options.ns = ns;
        options.label_selector = selector;
        options.stop = options_.stop;
        const auto failure = failure_of([&] {
            kube::list_objects(client_,
                               resource,
                               options,
                               {[&](std::string_view item) {
                                    // All of a cluster's volumes come by here.
                                    if (item.find(kTemporaryPrefix) != std::string_view::npos) {
                                        add(copies, parse_json(item), !selector.empty());
                                    }
                                },
                                [&] { copies.clear(); }});
        });
        if (!failure) {
            return {std::move(copies), std::nullopt};
        }
        if (failure->code() != ErrorCode::Forbidden && failure->code() != ErrorCode::KubeNotFound) {
            throw Error(*failure);
        }
        client_.log().info(kLayer,
                           concat("cannot look for ", resource.plural, ": ", failure->message()));
        return {{}, failure};
    }

    CopyVerdict judge(const Copy& copy) const {
        if (const auto verdict = judge_.judge_owner(copy.owner)) {
            return *verdict;
        }
        const auto host = copy.owner.host.empty() ? "an unknown machine" : copy.owner.host;
        if (options_.force) {
            return {true, concat("forced, although it belongs to a run on ", host)};
        }
        TimePoint since{};
        const auto created = copy.object.text_at({"metadata", "creationTimestamp"});
        const auto failure = failure_of([&] { since = parse_rfc3339(created); });
        if (!failure && judge_.clock.now() - since < options_.copies_older_than) {
            return {false, concat("it belongs to a run on ", host, " (--force removes it)")};
        }
        return {true, concat("the run on ", host, " that made it must be over")};
    }

    static Leftover make_leftover(const model::ApiResource& resource,
                                  const Copy& copy,
                                  CopyVerdict verdict) {
        return {to_lower(resource.kind),
                copy.ns,
                copy.name,
                copy.owner.run_id,
                copy.owner.host,
                verdict.is_dead,
                std::move(verdict.reason)};
    }

    template <typename Release>
    void settle(const model::ApiResource& resource,
                const Copy& copy,
                CopyVerdict verdict,
                Release&& release) {
        auto leftover = make_leftover(resource, copy, std::move(verdict));
        if (leftover.is_removed) {
            const auto failure = failure_of([&] {
                release();
                remove(resource, copy);
            });
            note(leftover, failure);
        }
        result_.leftovers.push_back(std::move(leftover));
    }

    void note(Leftover& leftover, const std::optional<Error>& failure) {
        if (!failure) {
            return;
        }
        if (failure->code() == ErrorCode::Interrupted) {
            throw Error(*failure);
        }
        leftover.is_removed = false;
        leftover.reason = "it could not be removed";
        result_.problems.push_back(leftover_problem(
            concat(leftover.kind, " ", leftover.ns, leftover.ns.empty() ? "" : "/", leftover.name),
            *failure));
    }

    void remove(const model::ApiResource& resource, const Copy& copy) {
        kube::DeleteOptions options;
        options.uid = copy.uid;
        options.dry_run = options_.dry_run;
        options.stop = options_.stop;
        client_.remove({resource, copy.ns, copy.name}, options);
        if (!options_.dry_run) {
            removed_.push_back({&resource, copy.ns, copy.name, copy.uid, ""});
        }
    }

    std::optional<Json> find(const model::ApiResource& resource,
                             const std::string& ns,
                             const std::string& name) {
        return client_.find({resource, ns, name}, {.subresource = {}, .stop = options_.stop});
    }

    /// Whoever may not look at cluster-wide objects has only made such that go by themselves.
    std::optional<Json> find_if_allowed(const model::ApiResource& resource,
                                        const std::string& name) {
        std::optional<Json> found;
        const auto failure = failure_of([&] { found = find(resource, "", name); });
        if (failure && failure->code() != ErrorCode::Forbidden) {
            throw Error(*failure);
        }
        return found;
    }

    void patch(const model::ApiResource& resource, const std::string& name, Json spec) {
        kube::WriteOptions options;
        options.dry_run = options_.dry_run;
        options.stop = options_.stop;
        client_.patch({resource, "", name},
                      kube::PatchType::Merge,
                      Json::object({{"spec", std::move(spec)}}),
                      options);
    }

    /// All claims together are waited for as long as the caller has time for.
    Json let_settle(const Copy& claim) {
        if (options_.dry_run) {
            return claim.object;
        }
        const auto passed = judge_.clock.steady_now() - begin_;
        const auto left = options_.gone_limit - std::chrono::duration_cast<Milliseconds>(passed);
        auto settled = let_volume_come(
            {client_, options_.self, judge_.clock}, claim.object, left, options_.stop);
        if (settled || options_.force) {
            return settled ? std::move(*settled) : claim.object;
        }
        needed_.insert(concat(claim.ns, "/", claim.object.text_at({"spec", "dataSource", "name"})));
        throw Error(ErrorCode::TimedOut, std::string(kVolumeIsComing))
            .hint("run cleanup again when the storage answers; --force does not wait for it");
    }

    void release_volume(const Copy& claim) {
        const auto name = let_settle(claim).text_at({"spec", "volumeName"});
        const auto volume = name.empty() ? std::nullopt : find_if_allowed(storage_.volumes, name);
        if (volume && volume->text_at({"spec", "persistentVolumeReclaimPolicy"}) == "Retain") {
            patch(storage_.volumes,
                  name,
                  Json::object({{"persistentVolumeReclaimPolicy", "Delete"}}));
        }
    }

    /// What goes with the snapshot; nothing when there is none, or it may not be looked at.
    std::optional<Removed> release_content(const std::string& name) {
        const auto content =
            name.empty() ? std::nullopt : find_if_allowed(snapshots_.contents, name);
        if (content && content->text_at({"spec", "deletionPolicy"}) == "Retain") {
            patch(snapshots_.contents, name, Json::object({{"deletionPolicy", "Delete"}}));
        }
        if (!content) {
            return std::nullopt;
        }
        return Removed{&snapshots_.contents, "", name, content->text_at({"metadata", "uid"}), ""};
    }

    bool is_in_reach(const std::string& ns) const {
        return options_.namespaces.empty() ||
               std::ranges::find(options_.namespaces, ns) != options_.namespaces.end();
    }

    /// True when the object for which a cluster-wide one was made is gone, or somebody else's.
    bool is_orphan(const model::ApiResource& resource, const Json& reference) {
        const auto ns = reference.text_at({"namespace"});
        const auto name = reference.text_at({"name"});
        if (!is_temporary_name(name) || !is_in_reach(ns)) {
            return false;
        }
        const auto found = find(resource, ns, name);
        return !found || found->text_at({"metadata", "uid"}) != reference.text_at({"uid"});
    }

    /// One that nobody says belongs to a living run: the object that did is gone.
    CopyVerdict judge_orphan(const Copy& copy, std::string_view what) const {
        if (!copy.owner.run_id.empty()) {
            return judge(copy);
        }
        return {true, concat("its ", what, " is gone")};
    }

    static bool is_going(const Copy& copy) {
        return !copy.object.text_at({"metadata", "deletionTimestamp"}).empty();
    }

    void look_at_content(const Copy& content) {
        const Json* reference = content.object.find_path({"spec", "volumeSnapshotRef"});
        if (reference == nullptr || !is_orphan(snapshots_.snapshots, *reference)) {
            return;
        }
        if (is_going(content)) {
            await_content(content);
            return;
        }
        settle(snapshots_.contents, content, judge_orphan(content, "snapshot"), [&] {
            patch(snapshots_.contents, content.name, Json::object({{"deletionPolicy", "Delete"}}));
        });
    }

    /// Deleted already, by whomever; only the storage is not done.
    void await_content(const Copy& content) {
        if (awaited_.contains(content.uid)) {
            return;
        }
        result_.leftovers.push_back({to_lower(snapshots_.contents.kind),
                                     "",
                                     content.name,
                                     content.owner.run_id,
                                     content.owner.host,
                                     true,
                                     "its snapshot is gone, and the storage is removing it"});
        if (!options_.dry_run) {
            removed_.push_back({&snapshots_.contents, "", content.name, content.uid, ""});
        }
    }

    /// A volume is not deleted itself: its provisioner does that, and the storage with it.
    void look_at_volume(const Copy& volume) {
        const Json* reference = volume.object.find_path({"spec", "claimRef"});
        const bool is_kept =
            volume.object.text_at({"spec", "persistentVolumeReclaimPolicy"}) == "Retain";
        if (reference == nullptr || !is_kept || is_going(volume) ||
            !is_orphan(storage_.claims, *reference)) {
            return;
        }
        auto leftover = make_leftover(storage_.volumes, volume, judge_orphan(volume, "claim"));
        if (leftover.is_removed) {
            note(leftover, failure_of([&] {
                     patch(storage_.volumes,
                           volume.name,
                           Json::object({{"persistentVolumeReclaimPolicy", "Delete"}}));
                 }));
        }
        result_.leftovers.push_back(std::move(leftover));
    }

    /// Controllers take them away: they are only promised to go until they are gone.
    void wait_until_gone() {
        const TemporaryContext context{client_, options_.self, judge_.clock};
        const auto limit = options_.gone_limit;
        const bool are_gone = wait_for(context, limit, options_.stop, [this](Milliseconds) {
            std::erase_if(removed_, [this](const Removed& removed) {
                const auto found = find(*removed.resource, removed.ns, removed.name);
                return !found || found->text_at({"metadata", "uid"}) != removed.uid;
            });
            for (const auto& removed : removed_) {
                if (removed.resource == &snapshots_.contents) {
                    end_.nudge(removed.name);
                } else if (removed.resource == &snapshots_.snapshots) {
                    end_.let_go(removed.ns, removed.name, removed.content);
                }
            }
            return removed_.empty();
        });
        if (are_gone) {
            return;
        }
        for (const auto& removed : std::exchange(removed_, {})) {
            result_.problems.push_back({concat(to_lower(removed.resource->kind),
                                               " ",
                                               removed.ns,
                                               removed.ns.empty() ? "" : "/",
                                               removed.name),
                                        "it is still being removed",
                                        ErrorCode::TimedOut});
        }
    }

    kube::Client& client_;
    const CleanUpOptions& options_;
    const CopyJudge& judge_;
    CleanUpResult& result_;
    StorageApi storage_;
    SnapshotApi snapshots_;
    std::vector<Removed> removed_;
    const std::chrono::steady_clock::time_point begin_ = judge_.clock.steady_now();
    std::set<std::string> needed_;   // "namespace/name" of what claims that stay are made from
    std::set<std::string> awaited_;  // contents that go with the snapshots that were removed
    SnapshotEnd end_{{client_, options_.self, judge_.clock}};
};

}  // namespace

void clean_copies(kube::Client& client,
                  const CleanUpOptions& options,
                  const CopyJudge& judge,
                  CleanUpResult& result) {
    CopyCleaner(client, options, judge, result).run();
}

}  // namespace backup::volume
