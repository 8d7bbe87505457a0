// SPDX-License-Identifier: Apache-2.0
#include "core/capture/create_point.hpp"

#include "core/base/rate_limit.hpp"
#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/capture/claim_volumes.hpp"
#include "core/capture/point_tree.hpp"
#include "core/capture/survey.hpp"
#include "core/model/fit_ledger.hpp"
#include "core/repository/limited_repository.hpp"
#include "core/repository/writer.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace backup::capture {

namespace {

std::uint64_t count_bytes(const ObjectsByNamespace& objects) {
    std::uint64_t bytes = 0;
    for (const auto& [ns, resources] : objects) {
        for (const auto& [resource, names] : resources) {
            bytes += names.object_bytes();
        }
    }
    return bytes;
}

model::PointStatistics count(const Survey& survey,
                             const std::vector<ClaimVolume>& volumes,
                             const std::vector<CommandOutput>& outputs) {
    model::PointStatistics statistics;
    statistics.objects = count_objects(survey.objects);
    statistics.bytes = count_bytes(survey.objects);
    for (const auto& volume : volumes) {
        if (volume.captured) {
            ++statistics.volumes;
            statistics.files += volume.record.files;
            statistics.directories += volume.record.directories;
            statistics.bytes += volume.record.bytes;
        }
    }
    for (const auto& output : outputs) {
        ++statistics.files;
        statistics.bytes += output.bytes;
    }
    return statistics;
}

class PointMaker {
  public:
    PointMaker(const CreateContext& context, const CreateOptions& options)
        : context_(context),
          options_(options),
          writer_(context.repository,
                  context.chunks,
                  context.random,
                  context.clock,
                  {options.compression_level, options.verify_writes, true, options.unsound_packs}) {
    }

    CreatedPoint make(const std::stop_token& stop) {
        CreatedPoint created;
        const auto failure = failure_of([&] { created = make_or_throw(stop); });
        if (failure) {
            // Whatever stands in the way of that is no news beside the failure.
            static_cast<void>(failure_of([this] { writer_.keep(); }));
            throw Error(*failure);
        }
        return created;
    }

  private:
    CreatedPoint make_or_throw(const std::stop_token& stop) {
        record_.point = options_.point;
        survey_ = survey_cluster({context_.client,
                                  options_.scope,
                                  [this] { return make_sink(); },
                                  context_.progress,
                                  options_.lists_at_once,
                                  [this](const auto& cluster) { return find_objects(cluster); }},
                                 stop);
        plan_hooks(stop);
        store_outputs(stop);
        read_volumes(stop);
        build_tree();
        return commit(stop);
    }

    std::unique_ptr<ObjectSink> make_sink() {
        return make_object_sink(context_.repository, writer_, options_.compression_level);
    }

    std::unique_ptr<PreviousObjects> find_objects(const model::ClusterIdentity& cluster) {
        previous_ = std::make_unique<PreviousPoints>(context_.repository, context_.chunks, cluster);
        return std::make_unique<PreviousObjects>(previous_->records(), context_.chunks, writer_);
    }

    void plan_hooks(const std::stop_token& stop) {
        hooks_ = survey_hooks(context_.client, survey_, options_.scope, options_.hooks, stop);
        std::move(hooks_.warnings.begin(),
                  hooks_.warnings.end(),
                  std::back_inserter(survey_.ledger.warnings));
        std::move(hooks_.problems.begin(),
                  hooks_.problems.end(),
                  std::back_inserter(survey_.ledger.problems));
        runner_ = make_command_runner(context_.client);
    }

    HookGateContext hook_context() const { return {*runner_, context_.clock, context_.progress}; }

    /// Before anything is frozen: a dump may have to write.
    void store_outputs(const std::stop_token& stop) {
        if (hooks_.outputs.empty()) {
            return;
        }
        context_.progress.stage("commands");
        auto stored = capture::store_outputs({hook_context(),
                                              context_.repository,
                                              writer_,
                                              options_.compression_level,
                                              options_.volumes_at_once},
                                             hooks_.outputs,
                                             stop);
        outputs_ = std::move(stored.files);
        survey_.ledger.hooks = std::move(stored.records);
    }

    void read_volumes(const std::stop_token& stop) {
        PreviousPoints& previous = *previous_;
        record_.point.previous = previous.newest_id(survey_.namespaces);
        const bool is_any_planned =
            std::any_of(survey_.volumes.begin(), survey_.volumes.end(), [](const auto& volume) {
                return !volume.record.method.empty();
            });
        if (is_any_planned) {
            context_.progress.stage("volumes");
        }
        HookGate gate(hook_context(), hooks_);
        ClaimVolumesContext reading{context_.client,
                                    context_.program,
                                    volume::make_mover_owner(context_.random),
                                    context_.repository,
                                    writer_,
                                    context_.clock,
                                    previous,
                                    context_.progress,
                                    options_.mover_image,
                                    options_.compression_level,
                                    options_.volumes_at_once,
                                    options_.read_limit};
        reading.hooks = &gate;
        volumes_ = capture_claims(reading, survey_.volumes, stop);
        gate.finish();
        auto records = gate.take_records();
        auto unrun = find_unrun(hooks_, records);
        std::move(unrun.begin(), unrun.end(), std::back_inserter(records));
        std::move(records.begin(), records.end(), std::back_inserter(survey_.ledger.hooks));
    }

    void build_tree() {
        const auto time_ns = record_.point.created.time_since_epoch().count();
        const auto resources = format_json(describe_resources(survey_.resources));
        const auto sink = make_sink();
        const StoredObject stored{time_ns, resources.size(), sink->store(resources)};
        auto rules =
            store_point_rules({survey_.rules, survey_.resources, options_.scope, time_ns}, *sink);
        sink->flush();
        const auto tree = build_point_tree(
            writer_, {survey_.objects, volumes_, outputs_, stored, time_ns, std::move(rules)});
        record_.root = tree.root;
        record_.pages = writer_.add_stream(repository::encode_page_table(tree.pages));
    }

    CreatedPoint commit(const std::stop_token& stop) {
        CreatedPoint created;
        created.ledger = std::move(survey_.ledger);
        for (const auto& volume : volumes_) {
            created.ledger.volumes.push_back(volume.record);
            created.ledger.warnings.insert(
                created.ledger.warnings.end(), volume.warnings.begin(), volume.warnings.end());
        }
        created.ledger.severity = options_.severity;
        model::fit_ledger(created.ledger);
        record_.point.status = created.ledger.status();
        record_.point.cluster = survey_.cluster;
        record_.point.namespaces = survey_.namespaces;
        record_.point.statistics = count(survey_, volumes_, outputs_);
        record_.ledger = writer_.add_stream(as_bytes(format_json(model::to_json(created.ledger))));
        throw_if_stopped(stop);
        context_.progress.stage("commit");
        created.record = writer_.commit(std::move(record_));
        return created;
    }

    const CreateContext& context_;
    const CreateOptions& options_;
    repository::Writer writer_;
    std::unique_ptr<PreviousPoints> previous_;
    repository::PointRecord record_;
    Survey survey_;
    std::vector<ClaimVolume> volumes_;
    HookPlan hooks_;
    std::unique_ptr<CommandRunner> runner_;
    std::vector<CommandOutput> outputs_;
};

}  // namespace

CreatedPoint create_point(const CreateContext& context,
                          const CreateOptions& options,
                          std::stop_token stop) {
    if (options.upload_limit == 0) {
        return PointMaker(context, options).make(stop);
    }
    RateLimit limit(options.upload_limit, context.clock);
    const repository::LimitedRepository limited(context.repository, limit, stop);
    return PointMaker({context.client,
                       context.program,
                       limited.get(),
                       context.chunks,
                       context.random,
                       context.clock,
                       context.progress},
                      options)
        .make(stop);
}

}  // namespace backup::capture
