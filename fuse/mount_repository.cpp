// SPDX-License-Identifier: Apache-2.0
#include "fuse/mount_repository.hpp"

#include "core/backend/backend.hpp"
#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/log.hpp"
#include "core/base/text.hpp"
#include "core/repository/chunk_store.hpp"
#include "core/repository/secret_handover.hpp"
#include "core/view/resolve.hpp"
#include "fuse/error_journal.hpp"
#include "fuse/mount_point.hpp"
#include "fuse/mounted_view.hpp"
#include "fuse/patient_backend.hpp"
#include "fuse/session.hpp"

#include <thread>
#include <unistd.h>

namespace backup::fuse {

namespace {

repository::Secret find_secret(const Options& options) {
    if (options.secret_descriptor) {
        return repository::take_secret(FileDescriptor(*options.secret_descriptor));
    }
    repository::Secret secret;
    constexpr std::uint64_t kLongest = 64U << 10U;
    if (options.key_file) {
        secret.key_file =
            repository::parse_key_file(as_text(read_file(*options.key_file, kLongest)));
    } else {
        secret.passphrase =
            std::string(trim(as_text(read_file(*options.passphrase_file, kLongest))));
    }
    return secret;
}

std::string status_text(const Options& options,
                        const view::RepositoryView& view,
                        const repository::ChunkStore& chunks,
                        const ErrorJournal& journal) {
    const auto counters = chunks.counters();
    return concat("pid: ",  // `umount` waits for it
                  ::getpid(),
                  "\nrepository: ",
                  options.repository,
                  "\npoints: ",
                  view.points()->size(),
                  "\nerrors: ",
                  journal.count(),
                  "\nframes decoded: ",
                  counters.frames_decoded,
                  "\nframe cache hits: ",
                  counters.frame_cache_hits,
                  "\nbytes fetched: ",
                  counters.bytes_fetched,
                  "\n");
}

/// What --point named, pinned: a mount of "latest" stays with the point that was latest then.
std::vector<std::string> find_point_ids(const Options& options,
                                        const repository::Repository& repository,
                                        Clock& clock) {
    std::vector<std::string> ids;
    if (!options.points.empty()) {
        const auto points = repository::list_points(repository);
        for (const auto& name : options.points) {
            ids.push_back(view::resolve_point(points, name, clock.now()).point.id);
        }
    }
    return ids;
}

}  // namespace

void mount_repository(backend::Backend& storage,
                      const Options& options,
                      Log& log,
                      const std::function<void()>& on_ready) {
    const auto mount_point = check_mount_point(options.mount_point, storage.location());
    PatientBackend backend(storage);
    const auto repository = repository::open_repository(backend, find_secret(options));
    const auto processors = std::thread::hardware_concurrency();
    // A quarter of it is for directories.
    const auto page_cache_bytes = options.cache_bytes / 4;
    repository::ChunkStoreOptions store;
    store.frame_cache_bytes = options.cache_bytes - page_cache_bytes;
    store.prefetch_threads = repository::usual_prefetch_threads();
    SystemClock clock;
    ErrorJournal journal(clock, log);
    // The other segments lead to what can be restored: it may be all that is left.
    store.on_damaged_index = [&journal](const auto& /*blob*/, const Error& error) {
        journal.add(Error(error.code(),
                          concat(error.what(),
                                 "; what only this part of the index names cannot be found "
                                 "('kubectl backup repo repair' makes it again)")));
    };
    repository::ChunkStore chunks(repository, store);
    view::RepositoryView view(
        repository,
        chunks,
        {.uid = ::getuid(),
         .gid = ::getgid(),
         .namespaces = options.namespaces,
         .points = find_point_ids(options, repository, clock),
         .page_cache_bytes = page_cache_bytes},
        {{"errors", [&journal] { return journal.text(); }},
         {"status", [&] { return status_text(options, view, chunks, journal); }}});
    std::vector<Problem> problems;
    view.refresh(&problems);
    for (const auto& problem : problems) {
        journal.add(Error(problem.code, concat(problem.subject, ": ", problem.message)));
    }
    // A name that was mistyped must not look like an empty backup.
    if (!options.namespaces.empty() && !view.root()->find("latest")) {
        throw Error(ErrorCode::PointNotFound,
                    concat("no recovery point holds ", join(options.namespaces, " or ")));
    }
    MountedView mounted(view, journal, options.allow_other);
    serve(mounted,
          {.mount_point = mount_point,
           .allow_other = options.allow_other,
           .threads = processors + 1 + MountedView::kWaitingPlaces},
          on_ready);
}

}  // namespace backup::fuse
