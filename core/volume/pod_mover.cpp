// SPDX-License-Identifier: Apache-2.0
#include "core/volume/pod_mover.hpp"

#include "core/base/retry.hpp"
#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "core/kube/refusal.hpp"
#include "core/kube/watch.hpp"
#include "core/volume/mover_api.hpp"
#include "core/volume/mover_image.hpp"
#include "core/volume/mover_node.hpp"
#include "core/volume/mover_parts.hpp"
#include "core/volume/mover_pod_state.hpp"
#include "core/volume/object_events.hpp"
#include "core/volume/pod_channel.hpp"

#include <algorithm>
#include <optional>

namespace backup::volume {

namespace {

using Milliseconds = std::chrono::milliseconds;

constexpr std::string_view kLayer = "volume";
constexpr std::string_view kEnforceLabel = "pod-security.kubernetes.io/enforce";
/// How often it is looked after what the pod needs while it starts.
constexpr Milliseconds kSlice{5'000};
/// A scheduler that says no for so long means it.
constexpr Milliseconds kUnschedulableLimit{60'000};
constexpr std::chrono::seconds kCloseLimit{30};
constexpr std::size_t kNameBytes = 5;

std::string refused_text(const Error& error) {
    return to_lower(error.message());
}

/// A rule of admission about what a pod may be, rather than about who may make pods or how many: a
/// more modest pod may pass.
bool is_about_security(const Error& error) {
    const auto text = refused_text(error);
    const bool is_refused =
        error.code() == ErrorCode::Forbidden || error.code() == ErrorCode::KubeInvalid;
    return is_refused && text.find("cannot create resource") == std::string::npos;
}

/// There may be room for less.
bool is_about_room(const Error& error) {
    return error.code() == ErrorCode::Forbidden &&
           kube::refusal_of(error.message()) == kube::Refusal::Quota;
}

Error with_hint(const Error& error, std::string hint) {
    Error told(error.code(), error.message());
    return std::move(told).hint(std::move(hint));
}

}  // namespace

struct PodMover::State {
    kube::Client& client;
    PodMoverRequest request;
    SystemClock own_clock;
    MoverApi api;
    MoverParts parts;
    std::string architecture;
    std::vector<ClaimFacts> claims;
    std::vector<MoverIdentity> identities;  // to try, the best first
    std::string pod;                        // empty: none may be there
    bool is_modest = false;                 // there was no room for its usual limits
    bool has_parts = false;

    State(kube::Client& api_client, const MoverProgram& program, PodMoverRequest asked)
        : client(api_client),
          request(std::move(asked)),
          parts(api_client, program, request.ns, request.owner),
          architecture(program.architecture) {}

    ~State() {
        const auto failure = failure_of([this] { close(); });
        if (failure) {
            client.log().warn(
                kLayer,
                concat("could not clean up in namespace ", request.ns, ": ", failure->what()));
        }
    }

    State(const State&) = delete;
    State& operator=(const State&) = delete;

    Clock& clock() { return request.clock == nullptr ? own_clock : *request.clock; }

    kube::ObjectRef pod_ref() const { return {api.pods, request.ns, pod}; }

    void find_claims();
    void check_claim(const ClaimFacts& claim) const;
    void find_identities();
    void start();
    bool start_with(const std::string& image, std::string& why);
    void create_pod(const std::string& image);
    Json pod_document(const std::string& image);
    PodState wait_for_pod();
    PodState look_at_pod(Milliseconds limit);
    std::optional<NodeTrouble> find_node_trouble();
    [[noreturn]] void give_up(const Error& failure);
    std::string describe_events();
    void remove_pod(const std::stop_token& stop);
    void close();
};

void PodMover::State::find_claims() {
    claims = request.facts.empty()
                 ? list_claim_facts(client, request.ns, request.claims, request.stop)
                 : request.facts;
    for (const auto& claim : claims) {
        check_claim(claim);
    }
    look_at_volumes(client, claims, request.stop);
}

void PodMover::State::check_claim(const ClaimFacts& claim) const {
    const auto subject = concat("claim ", claim.name, " in namespace ", request.ns);
    if (claim.phase == "Lost") {
        throw Error(ErrorCode::MoverFailed, concat(subject, " has lost its volume"));
    }
    if (claim.phase != "Bound" && request.access == VolumeAccess::Read && !claim.binds_with_pod) {
        throw Error(ErrorCode::MoverFailed,
                    concat(subject, " has no volume yet (", claim.phase, "): nothing to read"));
    }
    if (claim.is_exclusive && claim.consumer) {
        throw Error(ErrorCode::MoverFailed,
                    concat(subject,
                           " is ReadWriteOncePod and pod ",
                           claim.consumer->pod,
                           " uses it: no second pod can"))
            .hint("stop that pod for the time of the backup, or use a volume snapshot");
    }
}

/// Root reads everything, so it comes first where a policy may allow it. Who may not read the
/// namespace finds out by trying.
void PodMover::State::find_identities() {
    std::string level;
    const auto failure = failure_of([&] {
        const auto object = client.find({api.namespaces, {}, request.ns},
                                        {.subresource = {}, .stop = request.stop});
        if (object) {
            level = object->text_at({"metadata", "labels", kEnforceLabel});
        }
    });
    if (failure && failure->code() != ErrorCode::Forbidden) {
        throw Error(*failure);
    }
    identities = {MoverIdentity::Root, MoverIdentity::Consumer, MoverIdentity::Assigned};
    if (level == "restricted") {
        identities.erase(identities.begin());
    }
}

Json PodMover::State::pod_document(const std::string& image) {
    MoverPodPlan plan;
    plan.name = pod;
    plan.ns = request.ns;
    plan.claims = claims;
    plan.access = request.access;
    plan.identity = identities.front();
    plan.image = image;
    plan.architecture = architecture;
    plan.program_digest = parts.digest();
    plan.program_maps = parts.names();
    plan.owner = request.owner;
    plan.resources = is_modest ? kModestResources : request.resources;
    plan.created_at = clock().now();
    plan.longest_life = request.longest_life;
    plan.idle_limit = request.idle_limit;
    return make_mover_pod(plan);
}

/// Drops identities that are refused until one is taken, and limits for which there is no room.
void PodMover::State::create_pod(const std::string& image) {
    for (;;) {
        SystemRandom random;
        pod = concat("kubectl-backup-mover-", to_hex(random.bytes(kNameBytes)));
        throw_if_stopped(request.stop);
        // Without stop: a request given up half-way may still be served after the clean-up.
        const auto failure = failure_of([&] {
            client.create({api.pods, request.ns, {}}, pod_document(image));
        });
        if (!failure) {
            client.log().info(kLayer,
                              concat("made pod ",
                                     request.ns,
                                     "/",
                                     pod,
                                     " from image ",
                                     image,
                                     " as ",
                                     name_of(identities.front())));
            return;
        }
        if (is_about_room(*failure) && !is_modest) {
            client.log().info(
                kLayer, concat("a mover with its usual limits is refused: ", failure->message()));
            pod.clear();
            is_modest = true;
            continue;
        }
        if (is_about_room(*failure) || !is_about_security(*failure)) {
            throw Error(*failure);
        }
        if (identities.size() == 1) {
            throw with_hint(*failure,
                            concat("a policy forbids the mover pod in namespace ",
                                   request.ns,
                                   "; docs/mover-pod.md shows what it needs"));
        }
        client.log().info(
            kLayer,
            concat(
                "a mover as ", name_of(identities.front()), " is refused: ", failure->message()));
        pod.clear();
        identities.erase(identities.begin());
    }
}

PodState PodMover::State::look_at_pod(Milliseconds limit) {
    PodState state;
    kube::WaitOptions options;
    options.timeout = limit;
    options.what = concat("pod ", pod, " running");
    options.stop = request.stop;
    const auto failure = failure_of([&] {
        kube::wait_until(
            client,
            pod_ref(),
            [&](const Json* object) {
                state = object == nullptr ? PodState{PodProgress::Failed, "somebody has deleted it"}
                                          : state_of_pod(*object);
                return state.progress != PodProgress::Starting &&
                       state.progress != PodProgress::Unschedulable;
            },
            options);
    });
    if (failure && failure->code() != ErrorCode::TimedOut) {
        throw Error(*failure);
    }
    return state;
}

/// The state it ends with: Running, ContainerFailed, or any other when the time was up.
PodState PodMover::State::wait_for_pod() {
    const auto begin = clock().steady_now();
    auto schedulable = begin;
    for (;;) {
        auto state = look_at_pod(std::min(kSlice, request.start_limit));
        const auto now = clock().steady_now();
        const bool goes_on =
            state.progress == PodProgress::Starting || state.progress == PodProgress::Unschedulable;
        if (!goes_on) {
            return state;
        }
        // A pod that tolerates everything is sent to a cluster node that is not there, too.
        const auto trouble = find_node_trouble();
        if (state.progress != PodProgress::Unschedulable && !trouble) {
            schedulable = now;
        }
        if ((trouble && trouble->is_gone) || now - begin >= request.start_limit ||
            now - schedulable >= std::min(kUnschedulableLimit, request.start_limit)) {
            state.text += trouble ? concat("; ", trouble->text) : "";
            return state;
        }
        // Another run may have removed them when it ended.
        parts.ensure(clock().now(), request.stop);
    }
}

std::optional<NodeTrouble> PodMover::State::find_node_trouble() {
    std::optional<NodeTrouble> trouble;
    // It is only the better explanation.
    const auto failure =
        failure_of([&] { trouble = find_trouble_of(client, claims, request.stop); });
    if (failure && failure->code() == ErrorCode::Interrupted) {
        throw Error(*failure);
    }
    return trouble;
}

std::string PodMover::State::describe_events() {
    std::optional<std::vector<Json>> events;
    failure_of([&] { events = find_events(client, request.ns, pod, request.stop); });
    // Events are only the better explanation.
    const auto warning = events ? last_warning(*events) : std::string();
    return warning.empty() ? "" : concat(" (last event: ", warning, ")");
}

/// True when the mover runs; false when another image may help, and `why` not.
bool PodMover::State::start_with(const std::string& image, std::string& why) {
    create_pod(image);
    parts.ensure(clock().now(), request.stop);
    const auto state = wait_for_pod();
    if (state.progress == PodProgress::Running) {
        return true;
    }
    const auto text = concat("mover pod ",
                             pod,
                             " in namespace ",
                             request.ns,
                             " does not start: ",
                             state.text,
                             describe_events());
    if (state.progress != PodProgress::ContainerFailed) {
        // Evicted, deleted, refused by a kubelet: the next one may be luckier.
        throw Error(ErrorCode::MoverFailed, text)
            .hint(concat("see: kubectl get events -n ", request.ns))
            .retryable(state.progress == PodProgress::Failed);
    }
    client.log().info(kLayer, concat("image ", image, " does not do: ", text));
    why = concat(text, ", image ", image);
    remove_pod(request.stop);
    return false;
}

void PodMover::State::start() {
    throw_if_stopped(request.stop);
    find_claims();
    find_identities();
    if (request.progress != nullptr) {
        request.progress->note(concat("starting a mover pod in namespace ", request.ns));
    }
    has_parts = true;
    parts.ensure(clock().now(), request.stop);
    std::string why;
    if (!request.image.empty()) {
        if (start_with(request.image, why)) {
            return;
        }
    } else {
        NodeImages own_nodes;
        auto& nodes = request.node_images == nullptr ? own_nodes : *request.node_images;
        MoverImages images(client, nodes, request.ns, claims, request.stop);
        while (const auto image = images.find_next()) {
            if (start_with(*image, why)) {
                return;
            }
        }
    }
    throw Error(ErrorCode::MoverFailed, why)
        .hint("name an image that the cluster node has or can pull: --mover-image IMAGE");
}

void PodMover::State::remove_pod(const std::stop_token& stop) {
    if (pod.empty()) {
        return;
    }
    kube::DeleteOptions options;
    options.grace_period_seconds = 0;
    options.stop = stop;
    client.remove(pod_ref(), options);
    pod.clear();
}

/// After Ctrl-C too: so it has its own stop, asked when it takes too long.
void PodMover::State::close() {
    std::stop_source too_late;
    TaskGroup timer;
    timer.start([&too_late](const std::stop_token& stop) {
        if (sleep_for(kCloseLimit, stop)) {
            too_late.request_stop();
        }
    });
    remove_pod(too_late.get_token());
    if (std::exchange(has_parts, false)) {
        parts.remove_unused(pod, too_late.get_token());
    }
}

void PodMover::State::give_up(const Error& failure) {
    const auto problem = failure_of([this] { close(); });
    if (problem && request.on_leftover) {
        request.on_leftover(*problem);
        // It was tried, and is told.
        pod.clear();
        has_parts = false;
    }
    throw Error(failure);
}

PodMover::PodMover(kube::Client& client, const MoverProgram& program, PodMoverRequest request)
    : state_(std::make_unique<State>(client, program, std::move(request))) {
    if (const auto failure = failure_of([this] { state_->start(); })) {
        state_->give_up(*failure);
    }
}

PodMover::~PodMover() = default;
PodMover::PodMover(PodMover&&) noexcept = default;
PodMover& PodMover::operator=(PodMover&&) noexcept = default;

std::unique_ptr<Channel> PodMover::open_channel() {
    PodChannelOptions options;
    options.ns = state_->request.ns;
    options.pod = state_->pod;
    options.stop = state_->request.stop;
    return std::make_unique<PodChannel>(state_->client, options);
}

const ClaimFacts& PodMover::facts_of(std::string_view claim) const {
    const auto found = std::ranges::find_if(state_->claims,
                                            [&](const auto& facts) { return facts.name == claim; });
    if (found == state_->claims.end()) {
        throw Error(ErrorCode::Internal, concat("the mover does not have claim ", claim));
    }
    return *found;
}

std::string PodMover::path_of(std::string_view claim) const {
    return mover_path(facts_of(claim));
}

bool PodMover::is_block(std::string_view claim) const {
    return facts_of(claim).is_block;
}

const std::string& PodMover::pod_name() const {
    return state_->pod;
}

MoverEnd PodMover::find_end() {
    if (state_->pod.empty()) {
        return {true, false, "its pod was removed"};
    }
    const auto pod =
        state_->client.find(state_->pod_ref(), {.subresource = {}, .stop = state_->request.stop});
    return pod ? end_of_mover(*pod) : MoverEnd{true, false, "somebody has deleted its pod"};
}

MoverIdentity PodMover::identity() const {
    return state_->identities.front();
}

void PodMover::close() {
    state_->close();
}

}  // namespace backup::volume
