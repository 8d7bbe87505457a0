// SPDX-License-Identifier: Apache-2.0
#include "core/volume/mover_owner.hpp"

#include "core/base/file_descriptor.hpp"
#include "core/base/json.hpp"
#include "core/base/process.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <system_error>
#include <unistd.h>

namespace backup::volume {

namespace {

constexpr std::size_t kRunIdBytes = 8;
constexpr std::size_t kLongestAnnotation = 4096;

std::string read_text(const std::string& path) {
    std::string text;
    // Without /proc nothing can be proved about processes; that is no reason not to run.
    failure_of([&] { text = std::string(trim(as_text(read_file(path, 1U << 16U)))); });
    return text;
}

std::string pid_namespace() {
    std::error_code problem;
    const auto target = std::filesystem::read_symlink("/proc/self/ns/pid", problem);
    return problem ? std::string() : target.string();
}

std::uint64_t parse_number(std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

/// 0 when it cannot be read.
std::uint64_t start_time_of(std::int64_t pid) {
    constexpr std::size_t kStartTimeField = 19;  // counted from the state, which is field 3
    const auto stat = read_text(concat("/proc/", pid, "/stat"));
    // The name of the program stands in parentheses and may hold spaces and parentheses itself.
    const auto end_of_name = stat.rfind(')');
    if (end_of_name == std::string::npos || end_of_name + 2 > stat.size()) {
        return 0;
    }
    const auto fields = split(std::string_view(stat).substr(end_of_name + 2), ' ');
    return fields.size() > kStartTimeField ? parse_number(fields[kStartTimeField]) : 0;
}

bool is_same_place(const MoverOwner& owner, const MoverOwner& self) {
    return !owner.boot_id.empty() && !owner.pid_namespace.empty() && owner.pid > 0 &&
           owner.boot_id == self.boot_id && owner.pid_namespace == self.pid_namespace &&
           owner.host == self.host;
}

}  // namespace

MoverOwner make_mover_owner(Random& random) {
    MoverOwner owner;
    owner.run_id = to_hex(random.bytes(kRunIdBytes));
    owner.host = host_name();
    owner.boot_id = read_text("/proc/sys/kernel/random/boot_id");
    owner.pid_namespace = pid_namespace();
    owner.pid = ::getpid();
    owner.start_time = start_time_of(owner.pid);
    return owner;
}

std::string format_owner(const MoverOwner& owner) {
    return format_json(Json::object({{"host", owner.host},
                                     {"boot", owner.boot_id},
                                     {"pidNamespace", owner.pid_namespace},
                                     {"pid", owner.pid},
                                     {"started", owner.start_time}}));
}

MoverOwner parse_owner(std::string_view run_id, std::string_view annotation) {
    MoverOwner owner;
    owner.run_id = run_id;
    const auto json = annotation.size() > kLongestAnnotation ? std::nullopt : find_json(annotation);
    if (!json) {
        return owner;
    }
    owner.host = json->text_at({"host"});
    owner.boot_id = json->text_at({"boot"});
    owner.pid_namespace = json->text_at({"pidNamespace"});
    owner.pid = json->integer_at({"pid"});
    owner.start_time = static_cast<std::uint64_t>(json->integer_at({"started"}));
    return owner;
}

OwnerState state_of(const MoverOwner& owner, const MoverOwner& self) {
    if (!is_same_place(owner, self)) {
        return OwnerState::Unknown;
    }
    // The signal tells it even where /proc hides the processes of other users.
    if (::kill(static_cast<pid_t>(owner.pid), 0) != 0 && errno == ESRCH) {
        return OwnerState::Dead;
    }
    const auto start_time = start_time_of(owner.pid);
    const bool is_another = start_time != 0 && start_time != owner.start_time;
    return is_another ? OwnerState::Dead : OwnerState::Alive;
}

}  // namespace backup::volume
