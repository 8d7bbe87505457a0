// SPDX-License-Identifier: Apache-2.0
#include "core/capture/object_collector.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/capture/closure.hpp"
#include "core/capture/decision.hpp"
#include "core/capture/learn_versions.hpp"
#include "core/capture/references.hpp"
#include "core/kube/refusal.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <deque>
#include <iterator>
#include <tuple>
#include <utility>

namespace backup::capture {

namespace {

/// So many lists are tried for the newest version when a person may not read them all.
constexpr std::size_t kMostProbes = 5;

constexpr std::string_view kNeeded = "needed by other objects of the point";
/// Who may not list a kind gets such objects as they are when it is their turn.
constexpr std::string_view kNeededAndRead =
    "needed by other objects of the point; read one by one, later than the lists";

/// Listed before the others: endpoints are judged by their services, and volumes are read soon
/// after their claims and pods were seen.
constexpr std::array<std::string_view, 3> kFirst = {"services", "pods", "persistentvolumeclaims"};

bool is_first(const model::ApiResource& resource) {
    return std::find(kFirst.begin(), kFirst.end(), resource.name()) != kFirst.end();
}

/// What one list can fail with while the others still make sense.
bool is_failure_of_one(ErrorCode code) {
    switch (code) {
        case ErrorCode::Forbidden:
        case ErrorCode::KubeNotFound:
        case ErrorCode::KubeConflict:
        case ErrorCode::KubeExpired:
        case ErrorCode::KubeThrottled:
        case ErrorCode::KubeServerError:
        case ErrorCode::KubeInvalid:
        case ErrorCode::InvalidArgument:
        case ErrorCode::TimedOut:
        case ErrorCode::Unsupported:
            return true;
        default:
            return false;
    }
}

std::string text_of(const Error& error) {
    const std::string hint(error.hint());
    return printable(hint.empty() ? error.what() : concat(error.what(), " (", hint, ")"));
}

}  // namespace

ObjectCollector::ObjectCollector(CollectorContext context)
    : context_(std::move(context)),
      taker_(context_.scope, context_.namespaces),
      finder_(context_.client, versions_, moment_) {}

CollectedObjects ObjectCollector::collect(const std::stop_token& stop) {
    versions_ =
        learn_kind_versions(context_.client, context_.discovery, context_.server_version, stop);
    taker_.set_kind_versions(&versions_);
    list_scope(stop);
    if (auto access = access_.lock(); !access->was_granted && access->first_refusal) {
        throw Error(std::move(*access->first_refusal));
    }
    list_needed(stop);
    follow_links(stop);
    want_definitions();
    fetch_wanted(stop);
    take_namespaces(stop);
    note_skips();
    return std::move(*result_.lock());
}

void ObjectCollector::list_scope(const std::stop_token& stop) {
    std::vector<ListJob> first;
    std::vector<ListJob> others;
    for (const auto& resource : context_.discovery.resources) {
        add_jobs(resource, is_first(resource) ? first : others);
    }
    find_moment(first.empty() ? others : first, stop);
    run_lists(std::move(first), stop);
    selecting_services_ = result_.lock()->findings.selecting_services;
    taker_.set_selecting_services(&selecting_services_);
    run_lists(std::move(others), stop);
}

/// What all lists are read at. The previous point counts only when the cluster is not older than
/// it: after a restore of its storage, versions come again for other content.
void ObjectCollector::find_moment(const std::vector<ListJob>& jobs, const std::stop_token& stop) {
    std::string version;
    for (std::size_t i = 0; i < jobs.size() && i < kMostProbes && version.empty(); ++i) {
        if (versions_.shares_storage(*jobs[i].resource)) {
            version = find_newest_version(context_.client, *jobs[i].resource, jobs[i].ns, stop);
        }
    }
    moment_.offer(version);
    std::uint64_t now = 0;
    const auto parsed = std::from_chars(version.data(), version.data() + version.size(), now);
    const bool is_number =
        parsed.ec == std::errc{} && parsed.ptr == version.data() + version.size();
    if (context_.previous != nullptr &&
        (!is_number || now < context_.previous->highest_version())) {
        context_.previous = nullptr;
    }
}

void ObjectCollector::add_jobs(const model::ApiResource& resource, std::vector<ListJob>& jobs) {
    const Decision decision = decide_resource(resource, context_.scope);
    if (decision.is_out()) {
        // What can only be created (reviews, bindings) is no state.
        const bool is_state = resource.can("get") || resource.can("list");
        if (decision.skip != model::SkipReason::None && is_state) {
            model::ListRecord record;
            record.resource = resource.name();
            record.outcome = model::Outcome::Skipped;
            record.reason = decision.skip;
            record.message = decision.message;
            result_.lock()->lists.push_back(std::move(record));
        }
        return;
    }
    if (decision.verdict == Verdict::Related) {
        return;
    }
    if (!resource.namespaced || context_.namespaces.prefers_wide_lists) {
        jobs.push_back({&resource, {}, {}, {}});
        return;
    }
    for (const auto& ns : context_.namespaces.names) {
        jobs.push_back({&resource, ns, {}, {}});
    }
}

void ObjectCollector::in_parallel(const Work& work, const std::stop_token& stop) {
    TaskGroup tasks(stop);
    for (unsigned i = 0; i < context_.workers; ++i) {
        tasks.start([&](const std::stop_token& token) {
            const auto sink = context_.make_sink();
            work(*sink, token);
            sink->flush();
        });
    }
    tasks.wait();
}

void ObjectCollector::run_lists(std::vector<ListJob> jobs, const std::stop_token& stop) {
    Synchronized<std::deque<ListJob>> waiting(std::deque<ListJob>(
        std::make_move_iterator(jobs.begin()), std::make_move_iterator(jobs.end())));
    const auto next = [&waiting]() -> std::optional<ListJob> {
        auto queue = waiting.lock();
        if (queue->empty()) {
            return std::nullopt;
        }
        ListJob job = std::move(queue->front());
        queue->pop_front();
        return job;
    };
    in_parallel(
        [&](ObjectSink& sink, const std::stop_token& token) {
            while (const auto job = next()) {
                throw_if_stopped(token);
                for (auto& more : run_list(*job, sink, token)) {
                    waiting.lock()->push_back(std::move(more));
                }
            }
        },
        stop);
}

kube::ListOptions ObjectCollector::options_for(const ListJob& job,
                                               const std::stop_token& stop) const {
    kube::ListOptions options;
    options.ns = job.ns;
    options.stop = stop;
    const auto& selectors = context_.scope.selectors;
    // Services are wanted whole: they say which endpoints are generated.
    const auto name = job.resource->name();
    // What may belong to a chosen object has to be seen, whatever its labels.
    if (selectors.size() == 1 && !job.is_needed && name != "services" && !has_links(name)) {
        options.label_selector = model::format_label_selector(selectors.front());
    }
    return options;
}

/// Lists to be run instead, when this one was not allowed over the whole cluster.
std::vector<ObjectCollector::ListJob> ObjectCollector::run_list(const ListJob& job,
                                                                ObjectSink& sink,
                                                                const std::stop_token& stop) {
    auto listed = list_and_take(
        {context_.client, taker_, versions_, moment_, context_.previous, context_.progress},
        {*job.resource, options_for(job, stop), job.is_needed, job.why},
        sink);
    model::ListRecord record;
    record.resource = job.resource->name();
    record.scope = job.is_wide() ? "*" : job.ns;
    record.count = listed.stored;
    record.unchanged = listed.unchanged;
    record.resource_version = listed.resource_version;
    record.is_consistent = listed.is_consistent;
    if (!listed.is_consistent) {
        record.message =
            "it expired, or objects changed, while it was read: its parts are of different moments";
    }
    result_.lock()->findings.merge(std::move(listed.findings));
    if (listed.failure) {
        return note_failure(job, *listed.failure, std::move(record));
    }
    access_.lock()->was_granted = true;
    if (job.is_needed) {
        record.message = kNeeded;
    }
    if (!job.is_needed || listed.stored > 0) {
        result_.lock()->lists.push_back(std::move(record));
    }
    return {};
}

std::vector<ObjectCollector::ListJob> ObjectCollector::note_failure(const ListJob& job,
                                                                    const Error& failure,
                                                                    model::ListRecord record) {
    if (!is_failure_of_one(failure.code())) {
        throw Error(failure);
    }
    const bool is_forbidden = failure.code() == ErrorCode::Forbidden;
    if (is_forbidden && job.is_needed) {
        result_.lock()->warnings.push_back(concat(
            record.resource, " that belong to the namespaces are not stored: ", text_of(failure)));
        return {};
    }
    if (is_forbidden && job.is_wide()) {
        std::vector<ListJob> each;
        for (const auto& ns : context_.namespaces.names) {
            each.push_back({job.resource, ns, {}, {}});
        }
        return each;
    }
    if (is_forbidden) {
        auto access = access_.lock();
        if (!access->first_refusal) {
            access->first_refusal = failure;
        }
    }
    record.outcome = model::Outcome::Failed;
    record.reason = kube::reason_of(failure);
    record.message = text_of(failure);
    result_.lock()->lists.push_back(std::move(record));
    return {};
}

/// As of the moment of all lists; they were chosen before there was one.
void ObjectCollector::take_namespaces(const std::stop_token& stop) {
    const auto* resource = find_resource("namespaces");
    if (resource == nullptr || decide_resource(*resource, context_.scope).is_out()) {
        return;
    }
    const bool only_with_objects = context_.scope.is_narrow() && context_.scope.spans_cluster();
    Names names;
    for (const auto& object : context_.namespaces.objects) {
        const auto& name = object.key().name;
        if (!only_with_objects || result_.lock()->findings.objects.contains(name) ||
            is_selected(read_facts(object), context_.scope)) {
            names.insert(name);
        }
    }
    constexpr std::string_view why = "the namespace was chosen";
    if (context_.scope.spans_cluster()) {
        const auto is_needed = [&names](const Json& object) {
            return names.contains(object.text_at({"metadata", "name"}));
        };
        run_lists({{resource, {}, is_needed, std::string(why)}}, stop);
        return;
    }
    const auto sink = context_.make_sink();
    for (const auto& name : names) {
        fetch({resource->name(), {}, name}, {{}, std::string(why)}, *sink, stop);
    }
    sink->flush();
}

void ObjectCollector::list_needed(const std::stop_token& stop) {
    const Names namespaces = context_.namespaces.names;
    const Names accounts = result_.lock()->findings.service_accounts;
    const auto binds = [&](const Json& binding) {
        return binds_service_account(binding, accounts, namespaces);
    };
    const auto is_served = [&](const Json& object) { return is_served_from(object, namespaces); };

    struct Needed {
        std::string_view resource;
        std::function<bool(const Json&)> is_needed;
        std::string_view why;
    };

    constexpr std::string_view served = "served from a chosen namespace";
    const std::array<Needed, 4> wanted = {{
        {"clusterrolebindings.rbac.authorization.k8s.io", binds, "binds a stored service account"},
        {"validatingwebhookconfigurations.admissionregistration.k8s.io", is_served, served},
        {"mutatingwebhookconfigurations.admissionregistration.k8s.io", is_served, served},
        {"apiservices.apiregistration.k8s.io", is_served, served},
    }};
    // With a narrow scope it is not known yet what they can belong to.
    const auto remember = [this](std::string_view resource) {
        return [this, name = std::string(resource)](const Json& object) {
            const model::ObjectKey key{name, {}, object.text_at({"metadata", "name"})};
            result_.lock()->findings.candidates.add(links_of(name, key, object));
            return false;
        };
    };
    std::vector<ListJob> jobs;
    for (const auto& [name, is_needed, why] : wanted) {
        const auto* resource = find_resource(name);
        if (resource != nullptr &&
            decide_resource(*resource, context_.scope).verdict == Verdict::Related) {
            jobs.push_back({resource, {}, is_needed, std::string(why)});
            if (context_.scope.is_narrow()) {
                jobs.back().is_needed = remember(name);
            }
        }
    }
    run_lists(std::move(jobs), stop);
}

void ObjectCollector::follow_links(const std::stop_token& stop) {
    Closure closure(Closure::make_resolve(context_.discovery.resources));
    for (;;) {
        {
            auto result = result_.lock();
            auto& findings = result->findings;
            findings.links.drain([&closure](const Links& links) { closure.add(links); });
            findings.candidates.drain([&closure](const Links& links) { closure.consider(links); });
            auto wanted = closure.take_wanted();
            if (wanted.empty()) {
                return;
            }
            findings.wanted.merge(wanted);
        }
        fetch_wanted(stop);
    }
}

void ObjectCollector::want_definitions() {
    auto result = result_.lock();
    for (const auto& [ns, resources] : result->findings.objects) {
        for (const auto& [name, objects] : resources) {
            const auto* resource = find_resource(name);
            if (resource != nullptr && may_be_custom(resource->group)) {
                result->findings.wanted.try_emplace(
                    {"customresourcedefinitions.apiextensions.k8s.io", "", name},
                    Edge{{name, ns, objects.first_name()}, "defines its kind"});
            }
        }
    }
}

void ObjectCollector::fetch_wanted(const std::stop_token& stop) {
    for (;;) {
        Synchronized<std::deque<std::pair<model::ObjectKey, Edge>>> waiting;
        {
            auto result = result_.lock();
            for (const auto& [key, edge] : std::exchange(result->findings.wanted, {})) {
                if (!contains(result->findings.objects, key) && looked_at_.insert(key).second) {
                    waiting.lock()->emplace_back(key, edge);
                }
            }
        }
        if (waiting.lock()->empty()) {
            return;
        }
        in_parallel(
            [&](ObjectSink& sink, const std::stop_token& token) {
                for (;;) {
                    std::pair<model::ObjectKey, Edge> next;
                    {
                        auto queue = waiting.lock();
                        if (queue->empty()) {
                            return;
                        }
                        next = std::move(queue->front());
                        queue->pop_front();
                    }
                    throw_if_stopped(token);
                    fetch(next.first, next.second, sink, token);
                }
            },
            stop);
    }
}

void ObjectCollector::fetch(const model::ObjectKey& key,
                            const Edge& edge,
                            ObjectSink& sink,
                            const std::stop_token& stop) {
    const auto* resource = find_resource(key.resource);
    if (resource == nullptr || decide_resource(*resource, context_.scope).is_out() ||
        (!key.ns.empty() && !context_.namespaces.names.contains(key.ns))) {
        return;
    }
    FoundObject found;
    if (const auto failure = failure_of([&] { found = finder_.find(*resource, key, stop); })) {
        const auto subject = format_object_key(key);
        auto result = result_.lock();
        if (failure->code() == ErrorCode::Forbidden) {
            result->warnings.push_back(
                concat(subject, " is ", kNeeded, ", but not stored: ", text_of(*failure)));
        } else if (is_failure_of_one(failure->code())) {
            result->problems.push_back({subject, text_of(*failure)});
        } else {
            throw Error(*failure);
        }
        return;
    }
    Findings findings;
    if (!found.object ||
        !taker_.take(*resource, *found.object, {Asked::ByNeed, edge}, sink, findings)) {
        result_.lock()->findings.merge(std::move(findings));
        return;
    }
    context_.progress.advance(1, found.object->bytes().size());
    auto result = result_.lock();
    result->findings.merge(std::move(findings));
    const auto message = found.resource_version.empty() ? kNeededAndRead : kNeeded;
    auto& lists = result->lists;
    const auto known = std::find_if(lists.begin(), lists.end(), [&](const auto& record) {
        return record.resource == key.resource && record.scope == key.ns &&
               record.resource_version == found.resource_version && record.message == message;
    });
    auto& record = known == lists.end() ? lists.emplace_back() : *known;
    record.resource = key.resource;
    record.scope = key.ns;
    record.resource_version = found.resource_version;
    record.message = message;
    ++record.count;
}

void ObjectCollector::note_skips() {
    auto result = result_.lock();
    auto& conflicts = result->findings.conflicts;
    std::move(conflicts.begin(), conflicts.end(), std::back_inserter(result->warnings));
    for (const auto& [key, skipped] : result->findings.skipped) {
        model::ListRecord record;
        record.resource = key.resource;
        record.scope = key.ns;
        record.outcome = model::Outcome::Skipped;
        record.reason = key.reason;
        record.count = skipped.count;
        record.message = describe_skipped(skipped);
        result->lists.push_back(std::move(record));
    }
    std::sort(result->lists.begin(), result->lists.end(), [](const auto& a, const auto& b) {
        return std::tie(a.scope, a.resource, a.outcome, a.reason) <
               std::tie(b.scope, b.resource, b.outcome, b.reason);
    });
}

const model::ApiResource* ObjectCollector::find_resource(std::string_view name) const {
    const auto& resources = context_.discovery.resources;
    const auto found =
        std::find_if(resources.begin(), resources.end(), [name](const auto& resource) {
            return resource.name() == name;
        });
    return found == resources.end() ? nullptr : &*found;
}

}  // namespace backup::capture
