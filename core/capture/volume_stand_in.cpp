// SPDX-License-Identifier: Apache-2.0
#include "core/capture/volume_stand_in.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/volume/leftovers.hpp"

#include <utility>

namespace backup::capture {

namespace {

class CopyStandIn : public VolumeStandIn {
  public:
    CopyStandIn(const StandInContext& context, const PlannedVolume& plan)
        : context_(context),
          ns_(plan.record.name_space),
          source_(plan.record.claim),
          copy_({context.client, context.owner, context.clock},
                ns_,
                source_,
                plan.copy,
                context.limits) {}

    void cut(const std::stop_token& stop) { copy_.cut(stop); }

    const std::string& open(const std::stop_token& stop) override { return copy_.open(stop); }

    const std::string& claim() const override { return copy_.claim(); }

    volume::ClaimFacts facts(const std::stop_token& stop) const override {
        auto facts = volume::get_claim_facts(context_.client, ns_, source_, stop);
        facts.name = copy_.claim();
        facts.phase = "Pending";
        facts.binds_with_pod = true;
        facts.volume.clear();
        // Nobody else has the copy: where it can be reached the scheduler knows best, but beside
        // the application the image is there, and the storage was near.
        facts.is_shared = true;
        facts.is_exclusive = false;
        facts.is_on_some_nodes = false;
        return facts;
    }

    std::string find_complaint(const std::stop_token& stop) const override {
        return copy_.claim().empty() ? std::string() : copy_.find_complaint(stop);
    }

    void close() override { copy_.close(); }

  private:
    const StandInContext context_;
    const std::string ns_;
    const std::string source_;
    volume::ClaimCopy copy_;
};

}  // namespace

std::unique_ptr<VolumeStandIn> make_stand_in(const StandInContext& context,
                                             const PlannedVolume& plan,
                                             const std::stop_token& stop) {
    const auto& record = plan.record;
    context.progress.note(
        concat("making a ", record.method, " of volume ", record.name_space, "/", record.claim));
    auto stand_in = std::make_unique<CopyStandIn>(context, plan);
    const auto failure = failure_of([&] { stand_in->cut(stop); });
    if (!failure) {
        return stand_in;
    }
    const auto problem = failure_of([&] { stand_in->close(); });
    if (!problem) {
        throw Error(*failure);
    }
    const auto left = volume::leftover_problem({}, *problem).message;
    context.client.log().warn("capture", left);
    throw Error(failure->code(),
                concat(failure->what(), "; what was made could not be removed: ", left))
        .hint(std::string(failure->hint()));
}

}  // namespace backup::capture
