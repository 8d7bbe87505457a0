// SPDX-License-Identifier: Apache-2.0
#include "core/capture/claim_failure.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/capture/volume_rights.hpp"
#include "core/kube/refusal.hpp"
#include "core/volume/mover_api.hpp"
#include "core/volume/mover_node.hpp"

#include <utility>

namespace backup::capture {

namespace {

using model::SkipReason;

std::string text_of(const Error& failure) {
    const std::string hint(failure.hint());
    return printable(hint.empty() ? failure.what() : concat(failure.what(), " (", hint, ")"));
}

class Inquiry {
  public:
    Inquiry(kube::Client& client, const ClaimJob& job, const std::stop_token& stop)
        : client_(client),
          job_(job),
          record_(job.result->record),
          stop_(stop) {}

    void run(const Error& failure) {
        record_.outcome = model::Outcome::Failed;
        if (record_.reason == SkipReason::None) {
            record_.reason = kube::reason_of(failure);
        }
        record_.message = text_of(failure);
        if (record_.reason == SkipReason::HookFailed) {
            return;
        }
        // It is only the better explanation.
        static_cast<void>(failure_of([this] { look_closer(); }));
        static_cast<void>(failure_of([this] { name_missing_rules(); }));
        throw_if_stopped(stop_);
    }

  private:
    void look_closer() {
        if (is_source_gone()) {
            return;
        }
        if (record_.reason == SkipReason::MoverFailed && job_.has_no_mover) {
            explain_missing_mover();
        }
    }

    /// The API server is asked rather than the error, which may be in a mover's words: what one
    /// that runs may not do is no right of the cluster.
    void name_missing_rules() {
        if (record_.reason == SkipReason::Forbidden && (job_.has_no_mover || job_.failure)) {
            record_.missing_rules =
                find_missing_rules(client_, record_.name_space, is_read_inside_pod(job_), stop_);
        }
    }

    bool is_source_gone() {
        const volume::MoverApi api;
        const bool is_claim = job_.plan->pod.empty();
        const auto source = client_.find({is_claim ? api.claims : api.pods,
                                          record_.name_space,
                                          is_claim ? record_.claim : job_.plan->pod},
                                         {.subresource = {}, .stop = stop_});
        const std::string what = is_claim ? "the claim" : "its pod";
        const bool is_leaving =
            !source || !source->text_at({"metadata", "deletionTimestamp"}).empty();
        if (is_leaving && is_namespace_leaving()) {
            record_.reason = SkipReason::NamespaceTerminating;
            record_.message =
                concat("the namespace was deleted while the backup ran: ", record_.message);
            return true;
        }
        if (!source) {
            skip(SkipReason::DeletedMeanwhile, concat(what, " was deleted while the backup ran"));
            return true;
        }
        const bool is_why = record_.reason == SkipReason::MoverFailed ||
                            record_.reason == SkipReason::SnapshotFailed;
        if (is_leaving && is_why) {
            skip(SkipReason::Terminating, concat(what, " is being deleted: ", record_.message));
            return true;
        }
        return false;
    }

    /// Then nobody let the volume go for itself: the point lacks what it was made for. Who may not
    /// read the namespace is not told.
    bool is_namespace_leaving() {
        bool is_leaving = false;
        static_cast<void>(failure_of([&] {
            const volume::MoverApi api;
            const auto found = client_.find({api.namespaces, "", record_.name_space},
                                            {.subresource = {}, .stop = stop_});
            is_leaving = !found || !found->text_at({"metadata", "deletionTimestamp"}).empty();
        }));
        return is_leaving;
    }

    void skip(SkipReason reason, std::string message) {
        record_.outcome = model::Outcome::Skipped;
        record_.reason = reason;
        record_.message = std::move(message);
    }

    void explain_missing_mover() {
        const bool is_shared_refused =
            record_.message.find("ReadWriteOncePod") != std::string::npos;
        if (job_.facts && job_.facts->is_exclusive && (job_.facts->consumer || is_shared_refused)) {
            record_.reason = SkipReason::InUse;
            return;
        }
        if (const auto trouble = find_trouble()) {
            record_.reason = SkipReason::NodeUnavailable;
            if (record_.message.find(trouble->text) == std::string::npos) {
                record_.message += concat("; ", trouble->text);
            }
        }
    }

    std::optional<volume::NodeTrouble> find_trouble() {
        if (!job_.plan->node.empty()) {
            return volume::find_node_trouble(client_, job_.plan->node, stop_);
        }
        return job_.facts ? volume::find_trouble_of(client_, {*job_.facts}, stop_) : std::nullopt;
    }

    kube::Client& client_;
    const ClaimJob& job_;
    model::VolumeRecord& record_;
    const std::stop_token& stop_;
};

}  // namespace

void record_failure(kube::Client& client,
                    const ClaimJob& job,
                    const Error& failure,
                    const std::stop_token& stop) {
    Inquiry(client, job, stop).run(failure);
}

}  // namespace backup::capture
