// SPDX-License-Identifier: Apache-2.0
#include "core/capture/import_directory.hpp"

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/capture/capture_volume.hpp"
#include "core/model/fit_ledger.hpp"
#include "core/repository/tree_names.hpp"

#include <algorithm>
#include <chrono>

namespace backup::capture {

namespace {

struct Previous {
    std::string point;
    std::unique_ptr<repository::TreeReader> tree;
    repository::TreeEntry volume;
};

std::optional<Previous> find_in(const ImportContext& context,
                                const DirectoryImport& options,
                                const repository::PointRecord& point) {
    auto tree = repository::TreeReader::open(context.chunks, point);
    repository::DirectoryRef directory = tree->root();
    std::optional<repository::TreeEntry> entry;
    for (const std::string_view name : {repository::kVolumesDirectory,
                                        std::string_view(options.name_space),
                                        std::string_view(options.claim)}) {
        entry = tree->find(directory, name);
        if (!entry) {
            return std::nullopt;
        }
        directory = entry->directory;
    }
    return Previous{point.point.id, std::move(tree), std::move(*entry)};
}

/// The newest point in which the volume is.
std::optional<Previous> find_previous(const ImportContext& context,
                                      const DirectoryImport& options) {
    auto points =
        repository::list_points(context.repository, [](const std::string&, const Error&) {});
    std::reverse(points.begin(), points.end());
    for (const repository::PointRecord& point : points) {
        std::optional<Previous> found;
        // A damaged point costs time, not the backup: the one before it serves too.
        const auto damage = failure_of([&] { found = find_in(context, options, point); });
        if (found && !damage) {
            return found;
        }
    }
    return std::nullopt;
}

model::FileEntry plain_directory(std::string_view name, std::int64_t time_ns) {
    model::FileEntry entry;
    entry.name = name;
    entry.type = model::FileType::Directory;
    entry.mode = 0755;
    entry.mtime_ns = time_ns;
    return entry;
}

repository::BuiltTree build_tree(repository::Writer& writer,
                                 const DirectoryImport& options,
                                 const CapturedVolume& volume,
                                 std::int64_t time_ns) {
    repository::TreeBuilder builder(writer);
    builder.begin_directory(plain_directory({}, time_ns));
    builder.begin_directory(plain_directory(repository::kVolumesDirectory, time_ns));
    builder.begin_directory(plain_directory(options.name_space, time_ns));
    add_volume(builder, options.claim, volume);
    builder.end_directory();
    builder.end_directory();
    builder.end_directory();
    return builder.finish();
}

repository::PointRecord commit(repository::Writer& writer,
                               const DirectoryImport& options,
                               const CapturedVolume& volume,
                               repository::PointRecord record) {
    const auto time_ns = record.point.created.time_since_epoch().count();
    const auto tree = build_tree(writer, options, volume, time_ns);
    model::Ledger ledger;
    ledger.volumes.push_back(volume.record);
    model::fit_ledger(ledger);
    record.point.status = ledger.status();
    record.point.namespaces = {options.name_space};
    record.point.statistics.volumes = 1;
    record.point.statistics.files = volume.record.files;
    record.point.statistics.directories = volume.record.directories;
    record.point.statistics.bytes = volume.record.bytes;
    record.root = tree.root;
    record.pages = writer.add_stream(repository::encode_page_table(tree.pages));
    record.ledger = writer.add_stream(as_bytes(format_json(model::to_json(ledger))));
    return writer.commit(std::move(record));
}

void check_names(const DirectoryImport& options) {
    for (const std::string& name : {options.name_space, options.claim}) {
        if (!model::is_valid_name(name)) {
            throw Error(ErrorCode::InvalidArgument,
                        concat("'", printable(name), "' cannot be the name of a volume"))
                .hint("say --as NAMESPACE/NAME");
        }
    }
}

}  // namespace

ImportedDirectory import_directory(const ImportContext& context,
                                   const DirectoryImport& options,
                                   std::stop_token stop) {
    check_names(options);
    repository::PointRecord record;
    record.point = options.point;
    record.point.created = context.clock.now();
    auto previous = find_previous(context, options);
    repository::Writer writer(
        context.repository,
        context.chunks,
        context.random,
        context.clock,
        {options.compression_level, options.verify_writes, true, options.unsound_packs});
    VolumeCapture capture{
        context.repository,
        writer,
        context.clock,
        {options.path, options.is_block_device, options.crosses_file_systems, {}, options.exclude},
        std::nullopt,
        options.compression_level,
        false,
        options.progress};
    if (previous) {
        capture.previous = PreviousVolume{previous->tree.get(), previous->volume};
        record.point.previous = previous->point;
    }
    CapturedVolume volume = capture_directory(capture, std::move(stop));
    volume.record.name_space = options.name_space;
    volume.record.claim = options.claim;
    volume.record.method = "directory";
    volume.record.consistency = "none";
    ImportedDirectory result;
    result.record = commit(writer, options, volume, std::move(record));
    result.volume = std::move(volume.record);
    return result;
}

}  // namespace backup::capture
