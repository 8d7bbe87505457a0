// SPDX-License-Identifier: Apache-2.0
// Who waits for whom: libfuse's workers serve the kernel; the watcher thread looks for new points
// and tells the kernel to forget the lists that changed. It must never be called from a worker: a
// notification waits for the directory's lock, which the kernel holds while a worker answers.
#define FUSE_USE_VERSION 312

#include "fuse/session.hpp"

#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/retry.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "fuse/operations.hpp"
#include "fuse/reply.hpp"

#include <fuse_lowlevel.h>

#include <csignal>
#include <memory>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <vector>

namespace backup::fuse {

namespace {

struct EndSession {
    void operator()(fuse_session* session) const {
        fuse_session_unmount(session);
        fuse_remove_signal_handlers(session);
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
    if (fuse_set_signal_handlers(session.get()) != 0) {
        throw Error(ErrorCode::MountFailed, "cannot handle signals");
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
    struct stat facts {};

    if (::stat(mount_point.c_str(), &facts) != 0) {
        return;
    }
    const auto path =
        concat("/sys/class/bdi/", major(facts.st_dev), ':', minor(facts.st_dev), "/read_ahead_kb");
    const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (file) {
        constexpr std::string_view kKibibytes = "1024";
        static_cast<void>(::write(file.get(), kKibibytes.data(), kKibibytes.size()));
    }
}

/// Signals are for the thread that waits in the session's loop: those that are started while this
/// lives get none.
class BlockedSignals {
  public:
    BlockedSignals() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, &before_);
    }

    BlockedSignals(const BlockedSignals&) = delete;
    BlockedSignals& operator=(const BlockedSignals&) = delete;

    ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_{};
};

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

void watch(MountedView& view,
           fuse_session* session,
           const SessionOptions& options,
           const std::stop_token& stop) {
    raise_read_ahead(options.mount_point);
    while (sleep_for(options.refresh_interval, stop)) {
        errno_after([&view](const Error& error) { view.journal().add(error); },
                    [&] { forget_stale(view, session, stop); });
    }
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
    const auto session = open_session(view, options);
    on_ready();
    TaskGroup watcher;
    {
        const BlockedSignals blocked;
        watcher.start(
            [&](const std::stop_token& stop) { watch(view, session.get(), options, stop); });
    }
    const LoopConfig loop;
    fuse_loop_cfg_set_max_threads(loop.config, options.threads);
    fuse_loop_cfg_set_idle_threads(loop.config, options.threads);
    fuse_loop_cfg_set_clone_fd(loop.config, 1);
    fuse_session_loop_mt(session.get(), loop.config);
    watcher.request_stop();
    watcher.wait();
}

}  // namespace backup::fuse
