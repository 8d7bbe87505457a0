// SPDX-License-Identifier: Apache-2.0
#include "tests/model/sleeping_threads.hpp"

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <unistd.h>

namespace backup::model_test {

namespace {

/// How often each thread has stopped running so far, by its number.
using Stops = std::map<std::string, std::string>;

/// Empty: the thread runs, or wants to.
std::optional<std::string> stops_of_sleeping(const std::filesystem::path& thread) {
    std::ifstream status(thread / "status");
    std::string line;
    std::string stops;
    bool sleeps = false;
    while (std::getline(status, line)) {
        sleeps = sleeps || line.starts_with("State:\tS");
        if (line.find("ctxt_switches:") != std::string::npos) {
            stops += line;
        }
    }
    return sleeps ? std::optional(stops) : std::nullopt;
}

std::optional<Stops> find_all_asleep() {
    const auto self = std::to_string(gettid());
    Stops stops;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
        auto number = thread.path().filename().string();
        if (number == self) {
            continue;
        }
        auto found = stops_of_sleeping(thread.path());
        if (!found) {
            return std::nullopt;
        }
        stops.emplace(std::move(number), std::move(*found));
    }
    return stops;
}

}  // namespace

void wait_until_others_sleep() {
    // One look is not enough: a thread looked at last may have woken one looked at first. When
    // nobody has run between two looks, all slept when the first of them ended.
    auto before = find_all_asleep();
    while (true) {
        auto now = find_all_asleep();
        if (before && before == now) {
            return;
        }
        before = std::move(now);
        std::this_thread::yield();
    }
}

}  // namespace backup::model_test
