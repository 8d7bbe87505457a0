// SPDX-License-Identifier: Apache-2.0
#include "core/capture/volume_plan.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

namespace backup::capture {

namespace {

/// A ReadOnlyMany claim from a snapshot costs nothing with CephFS (a shallow copy), and with
/// drivers whose owner says so. Source: ceph-csi
/// docs/design/proposals/cephfs-snapshot-shallow-ro-vol.md
bool copies_read_only(const std::string& driver,
                      const volume::SnapshotClass* snapshot_class,
                      const StorageClassFacts& storage_class) {
    return driver == "cephfs.csi.ceph.com" || driver.ends_with(".cephfs.csi.ceph.com") ||
           storage_class.copies_read_only ||
           (snapshot_class != nullptr && snapshot_class->copies_read_only);
}

std::string why_unread(const VolumeFacts& facts) {
    return concat("a volume of type ",
                  facts.type,
                  facts.driver.empty() ? "" : concat(" (", printable(facts.driver), ")"),
                  " that no claim stands for is read only when its pod or a policy names it");
}

/// The same for volumes that are one: a share that many pods have is read, or told, once. CSI makes
/// one for each pod; that nobody asked for them is told once, too.
std::string identity_of(const NamedPodVolume& named, const model::VolumeRecord& record) {
    const bool is_own = named.source.empty() || (!named.facts.driver.empty() &&
                                                 record.reason != model::SkipReason::OnlyWhenNamed);
    return concat(named.ns, "/", is_own ? record.claim : named.source);
}

/// Which pod stands for those that share a volume: the smallest.
int rank_of(const model::VolumeRecord& record) {
    if (!record.method.empty()) {
        return 0;
    }
    if (record.outcome == model::Outcome::Failed) {
        return 1;
    }
    return record.reason == model::SkipReason::OnlyWhenNamed ? 3 : 2;
}

class Planner {
  public:
    Planner(const VolumeSurvey& survey, const VolumeRights& rights, const Scope& scope)
        : survey_(survey),
          rights_(rights),
          scope_(scope) {}

    PlannedVolume plan_claim(const StoredClaim& claim) {
        const auto key = concat(claim.key.ns, "/", claim.key.name);
        VolumeSituation situation;
        situation.facts = facts_of(claim);
        situation.volume = claim.volume;
        situation.nodes = survey_.nodes;
        situation.is_use_known = !survey_.blind_namespaces.contains(claim.key.ns);
        const auto* persistent = find(survey_.volumes, situation.volume);
        add_volume(situation, persistent);
        if (const auto* use = find(survey_.claims, key)) {
            situation.uses = use->uses;
            situation.facts.named_by = use->named_by;
            situation.facts.excluded_by = use->excluded_by;
        }
        if (persistent == nullptr) {
            guess_driver(situation.facts);
        }
        const auto choice = choose_volume(situation.facts, scope_.volume_rules);
        const auto snapshot_class = add_snapshot(situation, choice);
        add_rights(situation, snapshot_class);
        auto planned = start(situation, choice);
        if (planned.record.method == "snapshot" || planned.record.method == "clone") {
            add_copy(planned, situation, snapshot_class);
        }
        return planned;
    }

    std::vector<PlannedVolume> plan_pod_volumes() {
        std::map<std::string, PlannedVolume> chosen;
        for (const auto& named : survey_.pod_volumes) {
            auto planned = plan_pod_volume(named);
            const bool is_scratch = named.source.empty();
            if (is_scratch && planned.record.reason == model::SkipReason::OnlyWhenNamed) {
                continue;
            }
            const auto [place, is_new] =
                chosen.try_emplace(identity_of(named, planned.record), planned);
            if (!is_new && rank_of(planned.record) < rank_of(place->second.record)) {
                place->second = std::move(planned);
            }
        }
        std::vector<PlannedVolume> volumes;
        for (auto& [identity, planned] : chosen) {
            volumes.push_back(std::move(planned));
        }
        return volumes;
    }

    std::vector<std::string> warnings;

  private:
    PlannedVolume plan_pod_volume(const NamedPodVolume& named) {
        VolumeSituation situation;
        situation.facts = named.facts;
        situation.facts.phase = "Bound";
        situation.is_volume_known = true;
        situation.uses = {{named.pod, "", true, false}};
        const auto choice = choose_volume(named.facts, scope_.volume_rules);
        auto planned = start(situation, choice);
        if (named.outcome != model::Outcome::Protected && choice.action != VolumeAction::Skip) {
            planned.record.outcome = named.outcome;
            planned.record.reason = named.reason;
            planned.record.message = named.message;
            planned.record.method.clear();
            planned.record.missing_rules.clear();
        }
        if (planned.record.reason == model::SkipReason::OnlyWhenNamed) {
            planned.record.message = why_unread(named.facts);
        }
        // No Kubernetes name has this character: it cannot be the name of a claim.
        planned.record.claim = concat(named.pod, "~", named.volume);
        planned.pod = named.pod;
        planned.pod_volume = named.volume;
        return planned;
    }

    template <typename Value>
    static const Value* find(const std::map<std::string, Value>& map, const std::string& key) {
        const auto found = map.find(key);
        return found == map.end() ? nullptr : &found->second;
    }

    static VolumeFacts facts_of(const StoredClaim& claim) {
        VolumeFacts facts;
        facts.ns = claim.key.ns;
        facts.claim = claim.key.name;
        facts.labels = claim.labels;
        facts.annotations = claim.annotations;
        facts.bytes = claim.bytes;
        facts.storage_class = claim.storage_class;
        facts.access_modes = claim.access_modes;
        facts.is_block = claim.is_block;
        facts.phase = claim.phase;
        return facts;
    }

    static void add_volume(VolumeSituation& situation, const PersistentVolumeFacts* volume) {
        if (volume == nullptr) {
            return;
        }
        situation.is_volume_known = true;
        situation.has_node_affinity = volume->has_node_affinity;
        situation.facts.type = volume->type;
        situation.facts.driver = volume->driver;
        situation.facts.attributes = volume->attributes;
        situation.facts.nfs_server = volume->nfs_server;
        situation.facts.nfs_path = volume->nfs_path;
    }

    /// Who may not look at PersistentVolumes still sees who provisioned a claim; it is a CSI driver
    /// when there are snapshot classes for it.
    void guess_driver(VolumeFacts& facts) const {
        for (const auto mark : volume::kProvisionerMarks) {
            const auto found = facts.annotations.find(mark);
            if (found != facts.annotations.end() &&
                std::ranges::find(
                    survey_.snapshot_classes, found->second, &volume::SnapshotClass::driver) !=
                    survey_.snapshot_classes.end()) {
                facts.driver = found->second;
                return;
            }
        }
    }

    const volume::SnapshotClass* add_snapshot(VolumeSituation& situation,
                                              const VolumeChoice& choice) const {
        const auto& facts = situation.facts;
        situation.snapshot_problem = survey_.snapshot_problem;
        if (!situation.snapshot_problem.empty() || facts.driver.empty()) {
            return nullptr;
        }
        const auto chosen = volume::choose_snapshot_class(
            survey_.snapshot_classes,
            {facts.driver, choice.snapshot_class, choice.rule, facts.annotations});
        situation.snapshot_problem = chosen.problem;
        situation.snapshot_rule = chosen.rule;
        if (chosen.snapshot_class != nullptr) {
            situation.snapshot_class = chosen.snapshot_class->name;
        }
        return chosen.snapshot_class;
    }

    StorageClassFacts storage_class_of(const VolumeSituation& situation) const {
        const auto* found = find(survey_.storage_classes, situation.facts.storage_class);
        return found == nullptr ? StorageClassFacts{} : *found;
    }

    static void append(std::vector<std::string>& to,
                       const std::vector<kube::Permission>& permissions) {
        const auto texts = format_permissions(permissions);
        to.insert(to.end(), texts.begin(), texts.end());
    }

    void add_rights(VolumeSituation& situation, const volume::SnapshotClass* snapshot_class) const {
        const auto& ns = situation.facts.ns;
        if (const auto* denied = find(rights_.snapshot, ns)) {
            append(situation.snapshot_denied, *denied);
        }
        if (const auto* denied = find(rights_.clone, ns)) {
            append(situation.clone_denied, *denied);
        }
        if (snapshot_class != nullptr && snapshot_class->deletion_policy == "Retain") {
            append(situation.snapshot_denied, rights_.contents);
        }
        // Who does not know must be able to remove what a class keeps.
        if (storage_class_of(situation).keeps_volumes || !survey_.are_storage_classes_known) {
            append(situation.snapshot_denied, rights_.volumes);
            append(situation.clone_denied, rights_.volumes);
        }
    }

    PlannedVolume start(const VolumeSituation& situation, const VolumeChoice& choice) {
        auto method = choose_method(situation, scope_.volumes, choice);
        PlannedVolume planned;
        auto& record = planned.record;
        record.name_space = situation.facts.ns;
        record.claim = situation.facts.claim;
        record.capacity_bytes = situation.facts.bytes.value_or(0);
        record.outcome = method.outcome;
        record.reason = method.reason;
        record.message = std::move(method.message);
        record.rule = std::move(method.rule);
        record.method = to_text(method.method);
        const auto* denied = find(rights_.mover, situation.facts.ns);
        if (denied != nullptr && method.method != VolumeMethod::None) {
            deny(record, *denied);
        }
        planned.include = choice.include;
        planned.exclude = choice.exclude;
        planned.may_fall_back = method.may_fall_back;
        planned.node = std::move(method.node);
        std::move(method.warnings.begin(), method.warnings.end(), std::back_inserter(warnings));
        return planned;
    }

    void add_copy(PlannedVolume& planned,
                  const VolumeSituation& situation,
                  const volume::SnapshotClass* snapshot_class) const {
        const auto& facts = situation.facts;
        const auto storage_class = storage_class_of(situation);
        const bool is_snapshot = planned.record.method == "snapshot";
        planned.copy.method =
            is_snapshot ? volume::CopyMethod::Snapshot : volume::CopyMethod::Clone;
        planned.copy.snapshot_class = is_snapshot ? situation.snapshot_class : "";
        auto& claim = planned.copy.claim;
        claim.storage_class = facts.storage_class;
        claim.access_modes = facts.access_modes;
        claim.is_block = facts.is_block;
        claim.bytes = facts.bytes.value_or(0);
        claim.waits_for_pod = storage_class.waits_for_pod;
        claim.node = situation.uses.empty() ? "" : situation.uses.front().node;
        if (is_snapshot && copies_read_only(facts.driver, snapshot_class, storage_class)) {
            claim.access_modes = {"ReadOnlyMany"};
        }
    }

    const VolumeSurvey& survey_;
    const VolumeRights& rights_;
    const Scope& scope_;
};

VolumeNamespaces namespaces_of(const VolumePlans& plans, const VolumeSurvey& survey) {
    VolumeNamespaces namespaces;
    for (const auto& volume : plans.volumes) {
        const auto& record = volume.record;
        if (!record.method.empty()) {
            namespaces.read.insert(record.name_space);
        }
        if (record.method == "snapshot" || record.method == "clone") {
            namespaces.copied.insert(record.name_space);
        }
    }
    namespaces.keeps_contents = std::ranges::any_of(
        survey.snapshot_classes, [](const auto& one) { return one.deletion_policy == "Retain"; });
    namespaces.keeps_volumes = !survey.are_storage_classes_known ||
                               std::ranges::any_of(survey.storage_classes, [](const auto& one) {
                                   return one.second.keeps_volumes;
                               });
    return namespaces;
}

}  // namespace

VolumePlans plan_volumes(const std::vector<StoredClaim>& claims,
                         const VolumeSurvey& survey,
                         const VolumeRights& rights,
                         const Scope& scope) {
    VolumePlans plans;
    Planner planner(survey, rights, scope);
    for (const auto& claim : claims) {
        plans.volumes.push_back(planner.plan_claim(claim));
    }
    for (auto& planned : planner.plan_pod_volumes()) {
        plans.volumes.push_back(std::move(planned));
    }
    std::ranges::sort(plans.volumes, {}, [](const PlannedVolume& volume) {
        return std::tie(volume.record.name_space, volume.record.claim);
    });
    plans.warnings = std::move(planner.warnings);
    plans.warnings.insert(plans.warnings.end(), survey.warnings.begin(), survey.warnings.end());
    plans.problems = survey.problems;
    return plans;
}

VolumePlans plan_volumes(const VolumePlanContext& context,
                         const std::vector<StoredClaim>& claims,
                         const std::stop_token& stop) {
    if (context.scope.volumes == VolumeMode::None) {
        return plan_volumes(claims, {}, {}, context.scope);
    }
    const auto survey = survey_volumes(
        {context.client, context.namespaces, context.objects, !context.scope.volume_rules.empty()},
        claims,
        stop);
    // First as if everything were allowed: only the rights that this needs are asked for.
    const auto wanted = plan_volumes(claims, survey, {}, context.scope);
    const auto rights = check_volume_rights(context.client, namespaces_of(wanted, survey), stop);
    return plan_volumes(claims, survey, rights, context.scope);
}

}  // namespace backup::capture
