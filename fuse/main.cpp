// SPDX-License-Identifier: Apache-2.0
// kubectl-backup-mount: wiring only.
#include "core/backend/open_backend.hpp"
#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/log.hpp"
#include "core/base/process.hpp"
#include "core/base/text.hpp"
#include "core/repository/chunk_store.hpp"
#include "core/repository/secret_handover.hpp"
#include "core/view/resolve.hpp"
#include "fuse/background.hpp"
#include "fuse/error_journal.hpp"
#include "fuse/mount_point.hpp"
#include "fuse/mounted_view.hpp"
#include "fuse/options.hpp"
#include "fuse/plugin_handover.hpp"
#include "fuse/session.hpp"

#include <iostream>
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

void run(const Options& options, Background& background) {
    Log log([](std::string_view line) { std::cerr << concat(line, "\n"); });
    if (!options.log.empty()) {
        log.configure(options.log);
    }
    const auto backend = backend::open_backend(options.repository);
    const auto mount_point = check_mount_point(options.mount_point, backend->location());
    const auto repository = repository::open_repository(*backend, find_secret(options));
    repository::ChunkStore chunks(repository, {.frame_cache_bytes = options.cache_bytes});
    SystemClock clock;
    ErrorJournal journal(clock, log);
    view::RepositoryView view(
        repository,
        chunks,
        {.uid = ::getuid(),
         .gid = ::getgid(),
         .namespaces = options.namespaces,
         .points = find_point_ids(options, repository, clock)},
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
           .threads = std::thread::hardware_concurrency() + 1},
          [&background] { background.report_ready(); });
}

int report(const Error& error, Background& background) {
    std::cerr << "error: " << error.what() << '\n';
    if (!error.hint().empty()) {
        std::cerr << "hint: " << error.hint() << '\n';
    }
    std::cerr.flush();
    background.report_failure(error.exit_code());
    return error.exit_code();
}

int run_program(std::span<const std::string> words) {
    auto background = Background::none();
    try {
        if (is_for_plugin(words)) {
            hand_to_plugin(words);
        }
        const auto options = parse_options(words);
        if (options.shows_help) {
            std::cout << help_text();
            return 0;
        }
        if (!options.in_foreground) {
            background = Background::start();
        }
        run(options, background);
        return 0;
    } catch (const Error& error) {
        return report(error, background);
    } catch (const std::exception& unexpected) {
        return report(Error(ErrorCode::Internal, unexpected.what()), background);
    }
}

}  // namespace

}  // namespace backup::fuse

int main(int argc, char** argv) {
    backup::forbid_core_files();
    const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    return backup::fuse::run_program(words);
}
