// SPDX-License-Identifier: Apache-2.0
#include "core/restore/copy_into_pod.hpp"

#include "core/base/error.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/kube/exec_stream.hpp"
#include "core/restore/restore_volume.hpp"
#include "core/restore/tar_sink.hpp"
#include "core/restore/write_tree.hpp"
#include "core/volume/mover_api.hpp"
#include "core/volume/pod_mover.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>

namespace backup::restore {

namespace {

std::string normal_path(std::string_view path) {
    const std::filesystem::path normal = std::filesystem::path(path).lexically_normal();
    if (!normal.is_absolute()) {
        throw Error(ErrorCode::InvalidArgument,
                    concat("'", printable(path), "' is not an absolute path in the container"));
    }
    const std::string text = normal.string();
    return text.size() > 1 && text.back() == '/' ? text.substr(0, text.size() - 1) : text;
}

std::string default_container(const Json& pod) {
    const auto marked =
        pod.text_at({"metadata", "annotations", "kubectl.kubernetes.io/default-container"});
    if (!marked.empty()) {
        return marked;
    }
    const Json* containers = pod.find_path({"spec", "containers"});
    return containers != nullptr && containers->is_array() && !containers->items().empty()
               ? containers->items().front().text_at({"name"})
               : std::string();
}

const Json& get_container(const Json& pod, const std::string& wanted) {
    const std::string name = wanted.empty() ? default_container(pod) : wanted;
    for (const std::string_view kind : {"containers", "initContainers", "ephemeralContainers"}) {
        const Json* list = pod.find_path({"spec", kind});
        if (list == nullptr || !list->is_array()) {
            continue;
        }
        for (const Json& container : list->items()) {
            if (container.text_at({"name"}) == name) {
                return container;
            }
        }
    }
    throw Error(ErrorCode::KubeNotFound,
                concat("pod ",
                       pod.text_at({"metadata", "name"}),
                       " has no container '",
                       printable(name),
                       "'"));
}

/// Below `mount`, without the slash; empty optional: the path is elsewhere.
std::optional<std::string> below_mount(std::string_view path, std::string mount) {
    while (mount.size() > 1 && mount.back() == '/') {
        mount.pop_back();
    }
    if (path == mount) {
        return std::string();
    }
    const std::string prefix = mount == "/" ? mount : mount + "/";
    if (path.substr(0, prefix.size()) != prefix) {
        return std::nullopt;
    }
    return std::string(path.substr(prefix.size()));
}

struct FoundMount {
    const Json* mount = nullptr;
    std::string below;
};

/// The innermost mount the path lies on.
std::optional<FoundMount> find_mount(const Json& container, std::string_view path) {
    const Json* mounts = container.find("volumeMounts");
    std::optional<FoundMount> found;
    if (mounts == nullptr || !mounts->is_array()) {
        return found;
    }
    for (const Json& mount : mounts->items()) {
        auto below = below_mount(path, mount.text_at({"mountPath"}));
        if (below && (!found || below->size() < found->below.size())) {
            found = FoundMount{&mount, std::move(*below)};
        }
    }
    return found;
}

std::optional<std::string> claim_of_volume(const Json& pod, const std::string& name) {
    const Json* volumes = pod.find_path({"spec", "volumes"});
    if (volumes == nullptr || !volumes->is_array()) {
        return std::nullopt;
    }
    for (const Json& volume : volumes->items()) {
        if (volume.text_at({"name"}) != name) {
            continue;
        }
        const auto claim = volume.text_at({"persistentVolumeClaim", "claimName"});
        if (!claim.empty()) {
            return claim;
        }
        if (volume.find("ephemeral") != nullptr) {
            return concat(pod.text_at({"metadata", "name"}), "-", name);
        }
    }
    return std::nullopt;
}

std::string join_paths(const std::string& first, const std::string& second) {
    return first.empty() ? second : second.empty() ? first : concat(first, "/", second);
}

PodCopyResult copy_by_mover(volume::PodMover& mover,
                            const ClaimPath& place,
                            const PodCopy& copy,
                            const std::stop_token& stop) {
    volume::WriteTask task;
    task.path = mover.path_of(place.claim);
    task.below = place.below;
    task.name = copy.name;
    task.options.overwrites = true;
    PodCopyResult result;
    result.used_mover = true;
    {
        const auto channel = mover.open_channel();
        result.written = with_context(
            [&copy] { return concat(copy.ns, "/", copy.pod, ":", printable(copy.path)); },
            [&] {
                return restore_volume_to_mover(copy.node, *channel, task, copy.progress, stop);
            });
    }
    mover.close();
    return result;
}

kube::ExecOptions exec_options(const PodCopy& copy,
                               std::vector<std::string> command,
                               const std::stop_token& stop) {
    kube::ExecOptions options;
    options.ns = copy.ns;
    options.pod = copy.pod;
    options.container = copy.container;
    options.command = std::move(command);
    options.stop = stop;
    return options;
}

/// nullopt: no "test" can be run in the container.
std::optional<bool> is_directory_there(kube::Client& client,
                                       const PodCopy& copy,
                                       const std::string& path,
                                       const std::stop_token& stop) {
    int code = -1;
    const auto failure = failure_of([&] {
        code = kube::open_exec(client, exec_options(copy, {"test", "-d", path}, stop))->wait();
    });
    if (failure && failure->code() != ErrorCode::ExecFailed) {
        throw *failure;
    }
    return code == 0 || code == 1 ? std::optional(code == 0) : std::nullopt;
}

/// Counts, and hands on when there is where to.
class CountingSink : public ByteSink {
  public:
    explicit CountingSink(ByteSink* out = nullptr) : out_(out) {}

    void write(ByteView bytes) override {
        count_ += bytes.size();
        if (out_ != nullptr) {
            out_->write(bytes);
        }
    }

    std::uint64_t count() const { return count_; }

  private:
    ByteSink* out_;
    std::uint64_t count_ = 0;
};

struct TarPlace {
    std::string directory;
    std::string name;
};

/// Where the archive is unpacked. What cannot be asked in the container is taken for a new name.
TarPlace find_tar_place(kube::Client& client,
                        const PodCopy& copy,
                        const std::string& path,
                        const std::stop_token& stop) {
    if (path == "/" || is_directory_there(client, copy, path, stop).value_or(false)) {
        return {path, copy.name};
    }
    const std::filesystem::path target = path;
    const auto parent = target.parent_path().string();
    if (parent != "/" && !is_directory_there(client, copy, parent, stop).value_or(true)) {
        throw Error(ErrorCode::NotFound,
                    concat("there is no directory ",
                           printable(parent),
                           " in container ",
                           copy.container,
                           " of ",
                           copy.ns,
                           "/",
                           copy.pod));
    }
    return {parent, target.filename().string()};
}

std::uint64_t measure_archive(const PodCopy& copy,
                              const std::string& name,
                              const std::stop_token& stop) {
    CountingSink counter;
    TarSink sink(counter);
    TreeWriter writer(sink, stop);
    writer.leave_out_content();
    writer.write_alone(copy.node, name);
    sink.finish();
    return counter.count();
}

struct TarRun {
    std::unique_ptr<kube::ExecStream> exec;
    std::uint64_t archive_bytes = 0;  // that it waits for; 0: until the end of its input
};

/// v4 has no way to end the input, and BusyBox tar reads on behind the end mark: there it gets
/// exactly as many bytes as the archive will have.
TarRun start_tar(kube::Client& client,
                 const PodCopy& copy,
                 const TarPlace& place,
                 const std::stop_token& stop) {
    TarRun run;
    run.exec = kube::open_exec(client,
                               exec_options(copy, {"tar", "xf", "-", "-C", place.directory}, stop));
    if (run.exec->can_close_input()) {
        return run;
    }
    // What cannot be run is told best by an exec that is only waited for.
    run.exec = kube::open_exec(
        client, exec_options(copy, {"sh", "-c", "command -v tar && command -v head"}, stop));
    if (run.exec->wait() != 0) {
        throw Error(ErrorCode::ExecFailed, "the container has no tar or no head");
    }
    run.archive_bytes = measure_archive(copy, place.name, stop);
    run.exec = kube::open_exec(client,
                               exec_options(copy,
                                            {"sh",
                                             "-c",
                                             "head -c \"$1\" | tar xf - -C \"$2\"",
                                             "sh",
                                             std::to_string(run.archive_bytes),
                                             place.directory},
                                            stop));
    return run;
}

volume::SinkResult send_archive(TarRun& run,
                                const PodCopy& copy,
                                const TarPlace& place,
                                const std::stop_token& stop) {
    CountingSink counter(&run.exec->input());
    TarSink sink(counter);
    TreeWriter writer(sink, stop, copy.progress);
    writer.write_alone(copy.node, place.name);
    volume::SinkResult result = writer.finish();
    // A file that turned out to be damaged is missing in the archive.
    constexpr std::uint64_t kPiece = 64U << 10U;
    const Bytes zeros(kPiece);
    while (counter.count() < run.archive_bytes) {
        const auto piece = std::min(kPiece, run.archive_bytes - counter.count());
        counter.write(ByteView(zeros).first(static_cast<std::size_t>(piece)));
    }
    run.exec->close_input();
    return result;
}

PodCopyResult copy_by_tar(kube::Client& client,
                          const PodCopy& copy,
                          const std::string& path,
                          const std::stop_token& stop) {
    const auto place = find_tar_place(client, copy, path, stop);
    TarRun run = start_tar(client, copy, place, stop);
    PodCopyResult result;
    const auto failure = failure_of([&] { result.written = send_archive(run, copy, place, stop); });
    if (failure && failure->code() != ErrorCode::ExecFailed) {
        throw *failure;
    }
    const int code = run.exec->wait();
    if (code != 0 || failure) {
        result.written.add_problem(
            concat("tar in ", copy.ns, "/", copy.pod),
            concat("ended with exit code ", code, ": ", printable(trim(run.exec->error_text()))));
    }
    return result;
}

[[noreturn]] void refuse(const PodCopy& copy,
                         const std::string& path,
                         const std::optional<Error>& mover_failure,
                         const Error& tar_failure) {
    std::string reason = mover_failure
                             ? concat("no mover could be started (", mover_failure->what(), ")")
                             : std::string("it does not lie on a PersistentVolumeClaim");
    throw Error(ErrorCode::Unsupported,
                concat("cannot write ",
                       printable(path),
                       " in ",
                       copy.ns,
                       "/",
                       copy.pod,
                       ": ",
                       reason,
                       ", and tar cannot be run in the container (",
                       tar_failure.what(),
                       ")"))
        .hint("copy to a path on a PersistentVolumeClaim, or to this machine");
}

}  // namespace

std::optional<ClaimPath> find_claim_path(const Json& pod,
                                         const std::string& container,
                                         std::string_view path) {
    const std::string normal = normal_path(path);
    const auto found = find_mount(get_container(pod, container), normal);
    if (!found) {
        return std::nullopt;
    }
    const auto claim = claim_of_volume(pod, found->mount->text_at({"name"}));
    if (!claim) {
        return std::nullopt;
    }
    if (!found->mount->text_at({"subPathExpr"}).empty()) {
        throw Error(ErrorCode::Unsupported,
                    concat(printable(normal),
                           " is mounted with a subPathExpr: its place in the ",
                           "volume is not known"));
    }
    ClaimPath place;
    place.claim = *claim;
    place.below = join_paths(found->mount->text_at({"subPath"}), found->below);
    place.is_read_only = found->mount->bool_at({"readOnly"});
    return place;
}

PodCopyResult copy_into_pod(kube::Client& client,
                            const volume::MoverProgram& program,
                            PodCopy copy,
                            std::stop_token stop) {
    const std::string path = normal_path(copy.path);
    const volume::MoverApi api;
    kube::CallOptions call;
    call.stop = stop;
    const Json pod = client.get({api.pods, copy.ns, copy.pod}, call);
    if (copy.container.empty()) {
        copy.container = default_container(pod);
    }
    const auto place = find_claim_path(pod, copy.container, path);
    std::optional<Error> mover_failure;
    if (place) {
        volume::PodMoverRequest request;
        request.ns = copy.ns;
        request.claims = {place->claim};
        request.access = volume::VolumeAccess::Write;
        request.owner = copy.owner;
        request.image = copy.mover_image;
        request.progress = copy.progress;
        request.stop = stop;
        std::optional<volume::PodMover> mover;
        mover_failure = failure_of([&] { mover.emplace(client, program, request); });
        if (mover) {
            return copy_by_mover(*mover, *place, copy, stop);
        }
        if (mover_failure->code() == ErrorCode::Interrupted) {
            throw *mover_failure;
        }
    }
    PodCopyResult result;
    const auto tar_failure = failure_of([&] { result = copy_by_tar(client, copy, path, stop); });
    if (tar_failure && tar_failure->code() == ErrorCode::ExecFailed) {
        refuse(copy, path, mover_failure, *tar_failure);
    }
    if (tar_failure) {
        throw *tar_failure;
    }
    return result;
}

}  // namespace backup::restore
