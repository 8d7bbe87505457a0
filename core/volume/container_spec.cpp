// SPDX-License-Identifier: Apache-2.0
#include "core/volume/container_spec.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <array>

namespace backup::volume {

namespace {

const Json::Array& items_at(const Json& document, std::initializer_list<std::string_view> path) {
    static const Json::Array kNone;
    const Json* found = document.find_path(path);
    return found != nullptr && found->is_array() ? found->items() : kNone;
}

const Json* find_mount(const Json& container, std::string_view list, std::string_view volume) {
    for (const auto& mount : items_at(container, {list})) {
        const bool is_part =
            !mount.text_at({"subPath"}).empty() || !mount.text_at({"subPathExpr"}).empty();
        if (mount.text_at({"name"}) == volume && !is_part) {
            return &mount;
        }
    }
    return nullptr;
}

/// Without what a kubelet does not need either: "/data/" is "/data".
std::string_view plain(std::string_view path) {
    while (path.size() > 1 && path.ends_with('/')) {
        path.remove_suffix(1);
    }
    return path;
}

/// What a kubelet and a container runtime put into every container, whatever its manifest says.
constexpr std::array<std::string_view, 4> kAlwaysMounted{
    "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/termination-log"};

std::vector<std::string> mounts_below(const Json& container, std::string_view root) {
    std::vector<std::string> paths;
    const auto begin = concat(plain(root) == "/" ? "" : plain(root), "/");
    const auto add = [&](std::string_view path) {
        const auto below = plain(path);
        if (below.starts_with(begin) && below.size() > begin.size()) {
            paths.emplace_back(below.substr(begin.size()));
        }
    };
    for (const auto& mount : items_at(container, {"volumeMounts"})) {
        add(mount.text_at({"mountPath"}));
    }
    std::for_each(kAlwaysMounted.begin(), kAlwaysMounted.end(), add);
    add(container.text_at({"terminationMessagePath"}));
    return paths;
}

void add_place(std::vector<VolumePlace>& places,
               const Json& pod,
               const Json& container,
               std::string_view volume) {
    VolumePlace place;
    place.container = container.text_at({"name"});
    place.image = container.text_at({"image"});
    place.is_running = state_of_container(pod, place.container).state == "running";
    if (const auto* mount = find_mount(container, "volumeMounts", volume)) {
        place.path = mount->text_at({"mountPath"});
        place.other_volumes = mounts_below(container, place.path);
    } else if (const auto* device = find_mount(container, "volumeDevices", volume)) {
        place.path = device->text_at({"devicePath"});
        place.is_block = true;
    }
    if (!place.path.empty()) {
        places.push_back(std::move(place));
    }
}

/// Tries each directory with a program of its own: one that forbids programs would eat the real
/// one. Once opened, the file need not be there any more to be run.
constexpr std::string_view kStartScript = R"(umask 077
export OPENSSL_CONF=/dev/null OPENSSL_MODULES=/nonexistent
for d in /tmp /var/tmp /run /dev/shm "$TMPDIR"; do
  [ -n "$d" ] && [ -d "$d" ] || continue
  f="$d/.kubectl-backup-mover-$$"
  if (printf '#!/bin/sh\nexit 0\n' >"$f" && chmod 700 "$f" && "$f") 2>/dev/null; then
    [ -d /tmp/.kubectl-backup ] && echo $$ >>/tmp/.kubectl-backup/movers
    printf "$3"
    head -c "$1" >"$f" && exec 3<"$f" && rm -f "$f" && printf "$2" && exec /proc/self/fd/3
    rm -f "$f"
    exit 71
  fi
  rm -f "$f" 2>/dev/null
done
echo "no directory of this container can hold a program" >&2
exit 72)";

constexpr std::string_view kWaitScript = R"(mkdir -p /tmp/.kubectl-backup
n=0
while [ $n -lt 300 ] && [ ! -e /tmp/.kubectl-backup/end ]; do
  sleep 1
  n=$((n+1))
  for p in $(cat /tmp/.kubectl-backup/movers 2>/dev/null); do [ -d /proc/$p ] && n=0; done
done)";

Json names(std::initializer_list<const char*> texts) {
    Json list = Json::array();
    for (const char* text : texts) {
        list.push_back(text);
    }
    return list;
}

Json security_of(const EphemeralPlan& plan) {
    Json context = Json::object({{"allowPrivilegeEscalation", false},
                                 {"capabilities", Json::object({{"drop", names({"ALL"})}})},
                                 {"seccompProfile", Json::object({{"type", "RuntimeDefault"}})}});
    if (plan.is_root) {
        context["runAsUser"] = 0;
        context["runAsNonRoot"] = false;
        context["capabilities"]["add"] = names({"DAC_OVERRIDE"});
    }
    return context;
}

Json environment_of(const MoverOwner& owner) {
    return Json::array({Json::object({{"name", kRunVariable}, {"value", owner.run_id}}),
                        Json::object({{"name", kOwnerVariable}, {"value", format_owner(owner)}})});
}

std::string variable_of(const Json& container, std::string_view name) {
    for (const auto& variable : items_at(container, {"env"})) {
        if (variable.text_at({"name"}) == name) {
            return variable.text_at({"value"});
        }
    }
    return "";
}

ContainerState read_state(const Json& status) {
    for (const auto* name : {"running", "waiting", "terminated"}) {
        if (const auto* state = status.find_path({"state", name})) {
            const auto message = state->text_at({"message"});
            return {name,
                    printable(
                        concat(state->text_at({"reason"}), message.empty() ? "" : ": ", message))};
        }
    }
    return {};
}

}  // namespace

bool has_volume(const Json& pod, std::string_view volume) {
    const auto& volumes = items_at(pod, {"spec", "volumes"});
    return std::ranges::any_of(volumes,
                               [&](const Json& item) { return item.text_at({"name"}) == volume; });
}

std::vector<VolumePlace> find_places(const Json& pod, std::string_view volume) {
    std::vector<VolumePlace> places;
    for (const auto* list : {"containers", "initContainers"}) {
        for (const auto& container : items_at(pod, {"spec", list})) {
            add_place(places, pod, container, volume);
        }
    }
    std::ranges::stable_partition(places, [](const auto& place) { return place.is_running; });
    return places;
}

ContainerState state_of_container(const Json& pod, std::string_view container) {
    for (const auto* list :
         {"containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"}) {
        for (const auto& status : items_at(pod, {"status", list})) {
            if (status.text_at({"name"}) == container) {
                return read_state(status);
            }
        }
    }
    return {};
}

bool may_run(const Json& pod, std::string_view ephemeral) {
    const auto& containers = items_at(pod, {"spec", "ephemeralContainers"});
    const bool is_there = std::ranges::any_of(
        containers, [&](const Json& item) { return item.text_at({"name"}) == ephemeral; });
    const auto state = state_of_container(pod, ephemeral);
    const bool is_starting =
        state.why.empty() || state.why == "ContainerCreating" || state.why == "PodInitializing";
    return is_there && (state.state == "running" || (state.state != "terminated" && is_starting));
}

std::vector<MoverContainer> find_mover_containers(const Json& pod) {
    std::vector<MoverContainer> found;
    const auto phase = pod.text_at({"status", "phase"});
    if (phase == "Succeeded" || phase == "Failed") {
        return found;
    }
    for (const auto& container : items_at(pod, {"spec", "ephemeralContainers"})) {
        auto name = container.text_at({"name"});
        if (name.starts_with(kEphemeralPrefix) && may_run(pod, name)) {
            found.push_back({std::move(name),
                             parse_owner(variable_of(container, kRunVariable),
                                         variable_of(container, kOwnerVariable))});
        }
    }
    return found;
}

std::vector<std::string> start_command(std::uint64_t program_bytes) {
    return {"sh",
            "-c",
            std::string(kStartScript),
            "kubectl-backup",
            std::to_string(program_bytes),
            concat(kReadyLine.substr(0, kReadyLine.size() - 1), R"(\n)"),
            concat(kSendLine.substr(0, kSendLine.size() - 1), R"(\n)")};
}

std::string ephemeral_path(std::string_view volume, bool is_block) {
    return concat(is_block ? "/devices/" : "/volumes/", volume);
}

Json make_ephemeral_patch(const EphemeralPlan& plan) {
    Json container = Json::object({{"name", plan.name},
                                   {"image", plan.image},
                                   {"imagePullPolicy", "IfNotPresent"},
                                   {"command", Json::array({"sh", "-c", kWaitScript})},
                                   {"env", environment_of(plan.owner)},
                                   {"securityContext", security_of(plan)}});
    const auto path = ephemeral_path(plan.volume, plan.is_block);
    if (plan.is_block) {
        container["volumeDevices"] =
            Json::array({Json::object({{"name", plan.volume}, {"devicePath", path}})});
    } else {
        container["volumeMounts"] = Json::array(
            {Json::object({{"name", plan.volume}, {"mountPath", path}, {"readOnly", true}})});
    }
    return Json::object(
        {{"spec", Json::object({{"ephemeralContainers", Json::array({std::move(container)})}})}});
}

std::vector<std::string> end_command() {
    return {"sh", "-c", ": >/tmp/.kubectl-backup/end"};
}

}  // namespace backup::volume
