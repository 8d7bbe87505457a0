// SPDX-License-Identifier: Apache-2.0
#include "core/volume/mover_parts.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/kube/list.hpp"
#include "core/volume/mover_api.hpp"

#include <algorithm>

namespace backup::volume {

namespace {

constexpr std::string_view kLoaderFile = "loader";

/// mover.00 and so on: the loader counts them the same way.
std::string part_name(std::size_t number) {
    return concat("mover.", number / 10, number % 10);
}

void throw_foreign(const std::string& ns, const std::string& name) {
    throw Error(ErrorCode::MoverFailed,
                concat("ConfigMap ",
                       name,
                       " in namespace ",
                       ns,
                       " does not hold what this program puts there"))
        .hint(concat("look who made it, then: kubectl delete configmap -n ", ns, " ", name));
}

}  // namespace

std::vector<ProgramMap> split_program(const MoverProgram& program) {
    if (program.loader.size() > kLargestPart) {
        throw Error(ErrorCode::Unsupported,
                    concat("the mover's loader has ",
                           program.loader.size(),
                           " bytes and does not fit in a ConfigMap"));
    }
    const auto digest = short_digest(program);
    std::vector<ProgramMap> maps;
    const auto add_map = [&] {
        maps.push_back({concat("kubectl-backup-mover-", digest, "-", maps.size()), {}});
    };
    add_map();
    maps.back().files.emplace_back(kLoaderFile, program.loader);
    std::size_t room = kLargestPart - program.loader.size();
    auto rest = program.packed_mover;
    for (std::size_t number = 0; !rest.empty(); ++number) {
        if (room == 0) {
            add_map();
            room = kLargestPart;
        }
        const auto size = std::min(room, rest.size());
        maps.back().files.emplace_back(part_name(number), rest.first(size));
        rest = rest.subspan(size);
        room -= size;
    }
    return maps;
}

MoverParts::MoverParts(kube::Client& client,
                       const MoverProgram& program,
                       std::string ns,
                       MoverOwner owner)
    : client_(client),
      ns_(std::move(ns)),
      owner_(std::move(owner)),
      digest_(short_digest(program)) {
    for (auto& map : split_program(program)) {
        entries_.push_back({std::move(map), {}});
    }
}

std::vector<std::string> MoverParts::names() const {
    std::vector<std::string> names;
    for (const auto& entry : entries_) {
        names.push_back(entry.map.name);
    }
    return names;
}

Json MoverParts::document_of(const ProgramMap& map, TimePoint now) const {
    Json data = Json::object();
    for (const auto& [file, bytes] : map.files) {
        data[file] = to_base64(bytes);
    }
    return Json::object(
        {{"apiVersion", "v1"},
         {"kind", "ConfigMap"},
         {"metadata",
          Json::object({{"name", map.name},
                        {"namespace", ns_},
                        {"labels",
                         Json::object({{std::string(kManagedByLabel), kManagedBy},
                                       {std::string(kComponentLabel), kMoverComponent},
                                       {std::string(kRunLabel), owner_.run_id},
                                       {std::string(kProgramLabel), digest_}})},
                        {"annotations",
                         Json::object({{std::string(kOwnerAnnotation), format_owner(owner_)},
                                       {std::string(kCreatedAnnotation), format_rfc3339(now)}})}})},
         {"immutable", true},
         {"binaryData", std::move(data)}});
}

std::optional<std::string> MoverParts::find_uid(const std::string& name,
                                                const std::stop_token& stop) {
    const MoverApi api;
    kube::ApiRequest request;
    request.path = kube::resource_path(api.config_maps, ns_, name);
    request.accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    request.asked = {"get", "", api.config_maps.plural, ns_, name};
    request.stop = stop;
    const auto response = client_.exchange(request);
    constexpr int kForbidden = 403;
    constexpr int kNotFound = 404;
    // Who may not look may still be allowed to create.
    if (response.status == kNotFound || response.status == kForbidden) {
        return std::nullopt;
    }
    if (response.status / 100 != 2) {
        throw kube::api_error(response, request.asked);
    }
    return parse_json(response.body).text_at({"metadata", "uid"});
}

void MoverParts::prove(Entry& entry, const std::stop_token& stop) {
    const MoverApi api;
    const auto found = client_.find({api.config_maps, ns_, entry.map.name}, {.stop = stop});
    if (!found) {
        return;
    }
    const Json* data = found->find("binaryData");
    const bool is_sealed = found->bool_at({"immutable"}) && data != nullptr && data->is_object() &&
                           data->members().size() == entry.map.files.size();
    const auto is_equal = [&](const auto& file) {
        return data->text_at({file.first}) == to_base64(file.second);
    };
    if (!is_sealed || !std::ranges::all_of(entry.map.files, is_equal)) {
        throw_foreign(ns_, entry.map.name);
    }
    entry.uid = found->text_at({"metadata", "uid"});
}

void MoverParts::ensure_one(Entry& entry, TimePoint now, const std::stop_token& stop) {
    const MoverApi api;
    const auto uid = find_uid(entry.map.name, stop);
    if (uid && !entry.uid.empty() && *uid == entry.uid) {
        return;
    }
    if (uid) {
        prove(entry, stop);
        return;
    }
    throw_if_stopped(stop);
    const auto failure = failure_of([&] {
        // Without stop: a request given up half-way may still be served after the clean-up.
        const auto made = client_.create({api.config_maps, ns_, {}}, document_of(entry.map, now));
        entry.uid = made.text_at({"metadata", "uid"});
    });
    if (!failure) {
        return;
    }
    if (failure->code() != ErrorCode::AlreadyExists) {
        throw Error(*failure);
    }
    if (entry.uid.empty()) {
        prove(entry, stop);
    }
}

void MoverParts::ensure(TimePoint now, const std::stop_token& stop) {
    for (auto& entry : entries_) {
        ensure_one(entry, now, stop);
    }
}

bool MoverParts::is_used_by_others(std::string_view own_pod, const std::stop_token& stop) {
    const MoverApi api;
    kube::ListOptions options;
    options.ns = ns_;
    options.label_selector = concat(kMoverSelector, ",", kProgramLabel, "=", digest_);
    options.stop = stop;
    bool is_used = false;
    const auto failure = failure_of([&] {
        kube::list_objects(client_,
                           api.pods,
                           options,
                           {[&](std::string_view item) {
                                const auto pod = parse_json(item);
                                const auto phase = pod.text_at({"status", "phase"});
                                is_used =
                                    is_used || (pod.text_at({"metadata", "name"}) != own_pod &&
                                                phase != "Succeeded" && phase != "Failed");
                            },
                            {}});
    });
    // Who may not list the pods cannot know; a mover that still needs them makes them again.
    if (failure && failure->code() != ErrorCode::Forbidden) {
        throw Error(*failure);
    }
    return is_used;
}

void MoverParts::remove_unused(std::string_view own_pod, const std::stop_token& stop) {
    if (is_used_by_others(own_pod, stop)) {
        return;
    }
    const MoverApi api;
    for (const auto& entry : entries_) {
        kube::DeleteOptions options;
        options.stop = stop;
        client_.remove({api.config_maps, ns_, entry.map.name}, options);
    }
}

}  // namespace backup::volume
