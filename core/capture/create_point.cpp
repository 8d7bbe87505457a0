// SPDX-License-Identifier: Apache-2.0
#include "core/capture/create_point.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/capture/claim_volumes.hpp"
#include "core/capture/point_tree.hpp"
#include "core/capture/survey.hpp"
#include "core/repository/writer.hpp"

#include <algorithm>
#include <utility>

namespace backup::capture {

namespace {

std::uint64_t count_bytes(const ObjectsByNamespace& objects) {
    std::uint64_t bytes = 0;
    for (const auto& [ns, resources] : objects) {
        for (const auto& [resource, names] : resources) {
            for (const auto& [name, object] : names) {
                bytes += object.bytes;
            }
        }
    }
    return bytes;
}

model::PointStatistics count(const Survey& survey, const std::vector<ClaimVolume>& volumes) {
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
                  {options.compression_level, true}) {}

    CreatedPoint make(const std::stop_token& stop) {
        record_.point = options_.point;
        survey_ = survey_cluster({context_.client,
                                  options_.scope,
                                  [this] { return make_sink(); },
                                  context_.progress,
                                  options_.lists_at_once},
                                 stop);
        read_volumes(stop);
        build_tree();
        return commit(stop);
    }

  private:
    std::unique_ptr<ObjectSink> make_sink() {
        return make_object_sink(context_.repository, writer_, options_.compression_level);
    }

    void read_volumes(const std::stop_token& stop) {
        PreviousPoints previous(context_.repository, context_.chunks, survey_.cluster);
        record_.point.previous = previous.newest_id(survey_.namespaces);
        const bool is_any_planned =
            std::any_of(survey_.volumes.begin(), survey_.volumes.end(), [](const auto& volume) {
                return !volume.method.empty();
            });
        if (is_any_planned) {
            context_.progress.stage("volumes");
        }
        volumes_ = capture_claims({context_.client,
                                   context_.program,
                                   volume::make_mover_owner(context_.random),
                                   context_.repository,
                                   writer_,
                                   context_.clock,
                                   previous,
                                   context_.progress,
                                   options_.mover_image,
                                   options_.compression_level,
                                   options_.volumes_at_once},
                                  survey_.volumes,
                                  stop);
    }

    void build_tree() {
        const auto time_ns = record_.point.created.time_since_epoch().count();
        const auto resources = format_json(describe_resources(survey_.resources));
        const auto sink = make_sink();
        const StoredObject stored{time_ns, resources.size(), sink->store(resources)};
        sink->flush();
        const auto tree = build_point_tree(writer_, {survey_.objects, volumes_, stored, time_ns});
        record_.root = tree.root;
        record_.pages = writer_.add_stream(repository::encode_page_table(tree.pages));
    }

    CreatedPoint commit(const std::stop_token& stop) {
        CreatedPoint created;
        created.ledger = std::move(survey_.ledger);
        for (const auto& volume : volumes_) {
            created.ledger.volumes.push_back(volume.record);
        }
        record_.point.status = created.ledger.status();
        record_.point.cluster = survey_.cluster;
        record_.point.namespaces = survey_.namespaces;
        record_.point.statistics = count(survey_, volumes_);
        record_.ledger = writer_.add_stream(as_bytes(format_json(model::to_json(created.ledger))));
        throw_if_stopped(stop);
        context_.progress.stage("commit");
        created.record = writer_.commit(std::move(record_));
        return created;
    }

    const CreateContext& context_;
    const CreateOptions& options_;
    repository::Writer writer_;
    repository::PointRecord record_;
    Survey survey_;
    std::vector<ClaimVolume> volumes_;
};

}  // namespace

CreatedPoint create_point(const CreateContext& context,
                          const CreateOptions& options,
                          std::stop_token stop) {
    return PointMaker(context, options).make(stop);
}

}  // namespace backup::capture
