// SPDX-License-Identifier: Apache-2.0
#include "core/volume/container_mover.hpp"

#include "core/base/random.hpp"
#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/content/compression.hpp"
#include "core/kube/exec_stream.hpp"
#include "core/kube/watch.hpp"
#include "core/volume/container_spec.hpp"
#include "core/volume/mover_api.hpp"
#include "core/volume/pod_channel.hpp"

#include <optional>
#include <utility>

namespace backup::volume {

namespace {

constexpr std::uint64_t kLargestProgram = 64U << 20U;
constexpr std::chrono::seconds kStartLimit{120};
constexpr std::chrono::seconds kEndLimit{15};
constexpr std::size_t kNameBytes = 4;

/// Another way may work where this one does not.
bool is_about_the_container(const Error& error) {
    return error.code() == ErrorCode::MoverFailed || error.code() == ErrorCode::ExecFailed ||
           error.code() == ErrorCode::KubeServerError || error.code() == ErrorCode::KubeInvalid;
}

}  // namespace

struct ContainerMover::State {
    kube::Client& client;
    ContainerMoverRequest request;
    MoverApi api;
    Bytes program;
    VolumePlace place;
    std::string ephemeral;  // name of the container that was added; empty: none
    MoverIdentity identity = MoverIdentity::Consumer;
    std::unique_ptr<Channel> first;  // proves that the mover can be started; nobody has it yet

    State(kube::Client& api_client, const MoverProgram& mover, ContainerMoverRequest asked)
        : client(api_client),
          request(std::move(asked)),
          program(content::decompress_whole(mover.packed_mover, kLargestProgram)) {}

    kube::ObjectRef pod_ref() const { return {api.pods, request.ns, request.pod}; }

    std::string subject() const {
        return concat(
            "volume ", request.volume, " of pod ", request.pod, " in namespace ", request.ns);
    }

    Json get_pod() { return client.get(pod_ref(), {.subresource = {}, .stop = request.stop}); }

    void start();
    std::unique_ptr<Channel> open(const std::string& container);
    std::optional<Error> try_place(const VolumePlace& candidate);
    void throw_if_ended(const Json& pod) const;
    void start_ephemeral(const VolumePlace& model);
    void add_ephemeral(const VolumePlace& model);
    void wait_for_ephemeral();
};

std::unique_ptr<Channel> ContainerMover::State::open(const std::string& container) {
    PodChannelOptions options;
    options.ns = request.ns;
    options.pod = request.pod;
    options.container = container;
    options.command = start_command(program.size());
    options.program = program;
    options.send = kSendLine;
    options.ready = kReadyLine;
    options.stop = request.stop;
    return std::make_unique<PodChannel>(client, options);
}

/// Why the mover cannot be started there; nothing when it was.
std::optional<Error> ContainerMover::State::try_place(const VolumePlace& candidate) {
    auto failure = failure_of([&] { first = open(candidate.container); });
    if (!failure) {
        place = candidate;
        return std::nullopt;
    }
    if (!is_about_the_container(*failure)) {
        throw Error(*failure);
    }
    client.log().info("volume",
                      concat("no mover in container ",
                             candidate.container,
                             " of pod ",
                             request.pod,
                             ": ",
                             failure->message()));
    return failure;
}

void ContainerMover::State::start() {
    throw_if_stopped(request.stop);
    const auto pod = get_pod();
    if (!has_volume(pod, request.volume)) {
        throw Error(ErrorCode::MoverFailed, concat("there is no ", subject()));
    }
    const auto places = find_places(pod, request.volume);
    if (places.empty()) {
        throw Error(ErrorCode::MoverFailed,
                    concat("no container has all of ", subject(), ": nothing can be read"));
    }
    if (request.progress != nullptr) {
        request.progress->note(
            concat("starting a mover in pod ", request.pod, " of namespace ", request.ns));
    }
    std::string obstacle = "none of its containers runs";
    for (const auto& candidate : places) {
        if (!candidate.is_running) {
            continue;
        }
        const auto failure = try_place(candidate);
        if (!failure) {
            return;
        }
        obstacle = failure->message();
    }
    throw_if_ended(pod);
    const auto failure = failure_of([&] { start_ephemeral(places.front()); });
    if (failure && failure->code() == ErrorCode::KubeNotFound) {
        // Before Kubernetes 1.23.
        throw Error(ErrorCode::MoverFailed,
                    concat(subject(),
                           " cannot be read: ",
                           obstacle,
                           "; and the cluster has no ephemeral containers"));
    }
    if (failure) {
        throw Error(*failure);
    }
}

/// An ephemeral container of a pod that was evicted would never start.
void ContainerMover::State::throw_if_ended(const Json& pod) const {
    const auto phase = pod.text_at({"status", "phase"});
    if (phase == "Failed" || phase == "Succeeded") {
        throw Error(ErrorCode::MoverFailed,
                    concat(subject(),
                           " cannot be read: the pod has ended: ",
                           printable(pod.text_at({"status", "reason"}, phase)),
                           " ",
                           printable(pod.text_at({"status", "message"}))));
    }
}

void ContainerMover::State::start_ephemeral(const VolumePlace& model) {
    add_ephemeral(model);
    wait_for_ephemeral();
    VolumePlace added;
    added.container = ephemeral;
    added.path = ephemeral_path(request.volume, model.is_block);
    added.is_block = model.is_block;
    if (const auto failure = try_place(added)) {
        Error told(ErrorCode::MoverFailed,
                   concat(subject(), " cannot be read: ", failure->message()));
        throw std::move(told).hint(
            "name an image with a shell for the ephemeral container: --mover-image IMAGE");
    }
}

/// As root first, which reads everything; where that is refused, as the pod says.
void ContainerMover::State::add_ephemeral(const VolumePlace& model) {
    SystemRandom random;
    EphemeralPlan plan;
    plan.name = concat(kEphemeralPrefix, to_hex(random.bytes(kNameBytes)));
    plan.image = request.image.empty() ? model.image : request.image;
    plan.volume = request.volume;
    plan.is_block = model.is_block;
    plan.owner = request.owner;
    kube::WriteOptions options;
    options.subresource = "ephemeralcontainers";
    for (const bool is_root : {true, false}) {
        plan.is_root = is_root;
        throw_if_stopped(request.stop);
        // Without stop: a request given up half-way, or whose answer was lost, may still be served.
        ephemeral = plan.name;
        const auto failure = failure_of([&] {
            client.patch(
                pod_ref(), kube::PatchType::Strategic, make_ephemeral_patch(plan), options);
        });
        if (!failure) {
            identity = is_root ? MoverIdentity::Root : MoverIdentity::Consumer;
            return;
        }
        const bool may_help =
            failure->code() == ErrorCode::Forbidden || failure->code() == ErrorCode::KubeInvalid;
        if (may_help) {
            ephemeral.clear();
        }
        if (!is_root || !may_help) {
            throw Error(*failure);
        }
    }
}

void ContainerMover::State::wait_for_ephemeral() {
    kube::WaitOptions options;
    options.timeout = kStartLimit;
    options.what = concat("container ", ephemeral, " of pod ", request.pod);
    options.stop = request.stop;
    const auto is_reached = [this](const Json* pod) {
        if (pod == nullptr) {
            throw Error(ErrorCode::MoverFailed, concat("somebody has deleted pod ", request.pod));
        }
        const auto state = state_of_container(*pod, ephemeral);
        const bool is_starting =
            state.why.empty() || state.why == "ContainerCreating" || state.why == "PodInitializing";
        if (state.state == "terminated" || (state.state == "waiting" && !is_starting)) {
            throw Error(ErrorCode::MoverFailed,
                        concat("the ephemeral container for ", subject(), ": ", state.why))
                .hint("name an image with a shell for it: --mover-image IMAGE");
        }
        return state.state == "running";
    };
    const auto failure =
        failure_of([&] { kube::wait_until(client, pod_ref(), is_reached, options); });
    if (failure && failure->code() == ErrorCode::TimedOut) {
        // Not to be tried again: each attempt leaves an entry in the pod.
        throw Error(ErrorCode::MoverFailed, failure->message());
    }
    if (failure) {
        throw Error(*failure);
    }
}

void end_mover_container(kube::Client& client,
                         const std::string& ns,
                         const std::string& pod,
                         const std::string& container) {
    const MoverApi api;
    const auto document = client.find({api.pods, ns, pod});
    if (!document || !may_run(*document, container)) {
        return;
    }
    kube::ExecOptions options;
    options.ns = ns;
    options.pod = pod;
    options.container = container;
    options.command = end_command();
    options.silence_limit = kEndLimit;
    kube::open_exec(client, options)->wait();
}

ContainerMover::ContainerMover(kube::Client& client,
                               const MoverProgram& program,
                               ContainerMoverRequest request)
    : state_(std::make_unique<State>(client, program, std::move(request))) {
    const auto failure = failure_of([this] { state_->start(); });
    if (failure) {
        const auto problem = failure_of([this] { close(); });
        if (problem && state_->request.on_leftover) {
            state_->request.on_leftover(*problem);
        }
        throw Error(*failure);
    }
}

ContainerMover::~ContainerMover() {
    if (state_) {
        failure_of([this] { close(); });
    }
}

std::unique_ptr<Channel> ContainerMover::open_channel() {
    return state_->first ? std::exchange(state_->first, nullptr)
                         : state_->open(state_->place.container);
}

std::string ContainerMover::path_of(std::string_view) const {
    return state_->place.path;
}

bool ContainerMover::is_block(std::string_view) const {
    return state_->place.is_block;
}

std::vector<std::string> ContainerMover::other_volumes() const {
    return state_->place.other_volumes;
}

MoverEnd ContainerMover::find_end() {
    const auto pod =
        state_->client.find(state_->pod_ref(), {.subresource = {}, .stop = state_->request.stop});
    if (!pod) {
        return {true, true, concat("pod ", state_->request.pod, " is gone")};
    }
    const auto state = state_of_container(*pod, state_->place.container);
    if (state.state == "running") {
        return {};
    }
    return {true, false, concat("container ", state_->place.container, ": ", state.why)};
}

MoverIdentity ContainerMover::identity() const {
    return state_->identity;
}

void ContainerMover::close() {
    state_->first.reset();
    if (const auto container = std::exchange(state_->ephemeral, {}); !container.empty()) {
        end_mover_container(state_->client, state_->request.ns, state_->request.pod, container);
    }
}

}  // namespace backup::volume
