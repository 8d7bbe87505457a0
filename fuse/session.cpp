// SPDX-License-Identifier: Apache-2.0
// Who waits for whom: libfuse's workers serve the kernel; the watcher thread looks for new points
// and tells the kernel to forget the lists that changed. It must never be called from a worker: a
// notification waits for the directory's lock, which the kernel holds while a worker answers. For
// the same reason the watcher gets the signals: it ends the loop when it asks the kernel nothing
// any more.
#define FUSE_USE_VERSION 312

#include "fuse/session.hpp"

#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/retry.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "fuse/end_signals.hpp"
#include "fuse/mount_point.hpp"
#include "fuse/operations.hpp"
#include "fuse/reply.hpp"

#include <fuse_lowlevel.h>

#include <fcntl.h>
#include <memory>
#include <pthread.h>
#include <unistd.h>
#include <vector>

namespace backup::fuse {

namespace {

struct EndSession {
    void operator()(fuse_session* session) const {
        fuse_session_unmount(session);
        fuse_session_destroy(session);
    }
};

using Session = std::unique_ptr<fuse_session, EndSession>;

std::string mount_options(const SessionOptions& options) {
    // Without allow_other nobody but the one who mounted gets in, and that person holds the key of
    // all this: owners and modes are then for looking at. With it the kernel checks them.
    return concat("ro,nosuid,nodev,fsname=kubectl-backup,subtype=kubectl-backup,max_read=1048576",
                  options.allow_other ? ",allow_other,default_permissions" : "");
}

Session open_session(MountedView& view, const SessionOptions& options) {
    std::string program = "kubectl-backup-mount";
    std::string flag = "-o";
    auto chosen = mount_options(options);
    std::vector<char*> words = {program.data(), flag.data(), chosen.data()};
    fuse_args args = {static_cast<int>(words.size()), words.data(), 0};
    const auto& table = operations();
    Session session(fuse_session_new(&args, &table, sizeof(table), &view));
    fuse_opt_free_args(&args);
    if (!session) {
        throw Error(ErrorCode::MountFailed, "libfuse refused to start");
    }
    if (fuse_session_mount(session.get(), options.mount_point.c_str()) != 0) {
        throw Error(ErrorCode::MountFailed,
                    concat("cannot mount on ", options.mount_point.string()))
            .hint(options.allow_other
                      ? "other users need user_allow_other in /etc/fuse.conf; is fuse3 installed?"
                      : "is fuse3 installed, and may you use /dev/fuse?");
    }
    return session;
}

/// The kernel offers 128 KiB; reading ahead further makes sequential reads several times faster.
/// Only root may raise it: elsewhere it stays.
void raise_read_ahead(const std::filesystem::path& mount_point) {
    const auto device = find_mounted_device(mount_point);
    const auto path = concat("/sys/class/bdi/", device.value_or("none"), "/read_ahead_kb");
    const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (file) {
        constexpr std::string_view kKibibytes = "1024";
        static_cast<void>(::write(file.get(), kKibibytes.data(), kKibibytes.size()));
    }
}

void forget_stale(MountedView& view, fuse_session* session, const std::stop_token& stop) {
    for (const auto& stale : view.refresh()) {
        if (stop.stop_requested()) {
            return;
        }
        if (stale.name.empty()) {
            fuse_lowlevel_notify_inval_inode(session, stale.inode, 0, 0);
        } else {
            fuse_lowlevel_notify_inval_entry(
                session, stale.inode, stale.name.data(), stale.name.size());
        }
    }
}

struct Watched {
    MountedView& view;
    fuse_session* session;
    const SessionOptions& options;
    pthread_t loop;  // the thread that is in the session's loop
};

void watch(const Watched& watched, const EndSignals& signals, const std::stop_token& stop) {
    raise_read_ahead(watched.options.mount_point);
    while (!signals.wait(watched.options.refresh_interval, stop)) {
        errno_after([&watched](const Error& error) { watched.view.journal().add(error); },
                    [&] { forget_stale(watched.view, watched.session, stop); });
    }
    watched.view.end();
    // The loop waits where only a signal reaches it, and one that came a moment early would be
    // lost.
    constexpr std::chrono::milliseconds kPause{10};
    do {
        fuse_session_exit(watched.session);
        EndSignals::interrupt(watched.loop);
    } while (sleep_for(kPause, stop));
}

struct LoopConfig {
    fuse_loop_config* config = fuse_loop_cfg_create();
    LoopConfig() = default;
    LoopConfig(const LoopConfig&) = delete;
    LoopConfig& operator=(const LoopConfig&) = delete;

    ~LoopConfig() { fuse_loop_cfg_destroy(config); }
};

}  // namespace

void serve(MountedView& view,
           const SessionOptions& options,
           const std::function<void()>& on_ready) {
    const EndSignals signals;
    const auto session = open_session(view, options);
    on_ready();
    TaskGroup watcher;
    const Watched watched{view, session.get(), options, pthread_self()};
    watcher.start([&](const std::stop_token& stop) { watch(watched, signals, stop); });
    const LoopConfig loop;
    fuse_loop_cfg_set_max_threads(loop.config, options.threads);
    fuse_loop_cfg_set_idle_threads(loop.config, options.threads);
    fuse_loop_cfg_set_clone_fd(loop.config, 1);
    fuse_session_loop_mt(session.get(), loop.config);
    watcher.request_stop();
    // When the loop ended by itself, the watcher may still wait for an answer of it.
    fuse_session_unmount(session.get());
    watcher.wait();
    // What is still being fetched has nobody to be told to, but must be done with the session
    // before it goes.
    view.end();
    view.io().stop();
}

}  // namespace backup::fuse
