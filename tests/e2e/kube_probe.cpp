// SPDX-License-Identifier: Apache-2.0
// Looks at a real cluster through core/kube, for people and for end-to-end tests:
//   kube_probe version | discover | list [RESOURCE] [NAMESPACE] | wait NAMESPACE POD
//   kube_probe exec NAMESPACE POD COMMAND...          (stdin and stdout are the command's)
//   kube_probe echo NAMESPACE POD MEBIBYTES [v4]      (random bytes through `cat`, compared)
#include "core/base/file_descriptor.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/kube/access_review.hpp"
#include "core/kube/discovery.hpp"
#include "core/kube/exec_stream.hpp"
#include "core/kube/kubeconfig.hpp"
#include "core/kube/list.hpp"
#include "core/kube/watch.hpp"
#include "core/model/object.hpp"

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <unistd.h>

namespace {

using namespace backup;

using Words = std::vector<std::string>;

double seconds_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

int show_discovery(kube::Client& client) {
    const auto begin = std::chrono::steady_clock::now();
    const auto discovery = kube::discover(client);
    for (const auto& resource : discovery.resources) {
        std::cout << resource.name() << " " << resource.api_version() << " " << resource.kind
                  << (resource.namespaced ? " namespaced" : "") << "\n";
    }
    for (const auto& problem : discovery.problems) {
        std::cerr << "problem: " << problem.subject << ": " << problem.message << "\n";
    }
    std::cerr << discovery.resources.size() << " resources, " << discovery.other_versions.size()
              << " other versions, " << seconds_since(begin) << " s\n";
    return discovery.problems.empty() ? 0 : 3;
}

void list_one(kube::Client& client, const model::ApiResource& resource, const std::string& ns) {
    kube::ListOptions options;
    options.ns = resource.namespaced ? ns : "";
    kube::ListHandler handler;
    handler.on_item = [&](std::string_view item) {
        const model::Object object(resource, std::string(item));
        std::cout << model::format_object_key(object.key()) << " " << object.uid() << " "
                  << object.resource_version() << "\n";
    };
    const auto result = kube::list_objects(client, resource, options, handler);
    std::cerr << resource.name() << ": " << result.count << " objects, " << result.bytes
              << " bytes, " << result.pages << " pages, at " << result.resource_version << "\n";
}

int list(kube::Client& client, const Words& words) {
    const auto begin = std::chrono::steady_clock::now();
    const auto discovery = kube::discover(client);
    const auto ns = words.size() > 1 ? words[1] : std::string();
    if (!words.empty()) {
        list_one(client, discovery.get(words[0]), ns);
        return 0;
    }
    for (const auto& resource : discovery.resources) {
        if (resource.can("list")) {
            list_one(client, resource, ns);
        }
    }
    std::cerr << seconds_since(begin) << " s\n";
    return 0;
}

int wait_for_pod(kube::Client& client, const Words& words) {
    const auto discovery = kube::discover(client);
    kube::WaitOptions options;
    options.what = "pod " + words.at(1) + " running";
    options.timeout = std::chrono::seconds(60);
    const kube::ObjectRef pod{discovery.get("pods"), words.at(0), words.at(1)};
    kube::wait_until(
        client,
        pod,
        [](const Json* object) {
            return object != nullptr && object->text_at({"status", "phase"}) == "Running";
        },
        options);
    return 0;
}

kube::ExecOptions exec_options(const Words& words) {
    kube::ExecOptions options;
    options.ns = words.at(0);
    options.pod = words.at(1);
    options.on_error_text = [](std::string_view text) { std::cerr << text; };
    return options;
}

int run_command(kube::Client& client, const Words& words) {
    auto options = exec_options(words);
    options.command.assign(words.begin() + 2, words.end());
    const auto exec = kube::open_exec(client, options);
    TaskGroup feeder;
    feeder.start([&exec](const std::stop_token&) {
        Bytes buffer(64U << 10U);
        while (const auto count = read_up_to(STDIN_FILENO, buffer, "stdin")) {
            exec->input().write(ByteView(buffer).first(count));
        }
        exec->close_input();
    });
    Bytes buffer(64U << 10U);
    while (const auto count = exec->output().read(buffer)) {
        write_all(STDOUT_FILENO, ByteView(buffer).first(count), "stdout");
    }
    const int code = exec->wait();
    feeder.wait();
    return code;
}

int echo(kube::Client& client, const Words& words) {
    auto options = exec_options(words);
    const std::uint64_t total = std::stoull(words.at(2)) << 20U;
    options.command = {"head", "-c", std::to_string(total)};
    if (words.size() > 3) {
        options.subprotocols = {words[3] + ".channel.k8s.io"};
    }
    SystemRandom random;
    const auto block = random.bytes(1U << 20U);
    const auto exec = kube::open_exec(client, options);
    const auto begin = std::chrono::steady_clock::now();
    TaskGroup feeder;
    feeder.start([&](const std::stop_token&) {
        for (std::uint64_t sent = 0; sent < total; sent += block.size()) {
            exec->input().write(block);
        }
    });
    std::uint64_t received = 0;
    Bytes buffer(256U << 10U);
    bool is_equal = true;
    while (const auto count = exec->output().read(buffer)) {
        for (std::size_t i = 0; i < count;) {
            const auto at = (received + i) % block.size();
            const auto part = std::min(count - i, block.size() - at);
            is_equal = is_equal && std::memcmp(buffer.data() + i, block.data() + at, part) == 0;
            i += part;
        }
        received += count;
    }
    feeder.wait();
    const auto took = seconds_since(begin);
    const int code = exec->wait();
    std::cout << exec->subprotocol() << ": " << received << " of " << total << " bytes, "
              << (is_equal ? "equal" : "DIFFERENT") << ", exit code " << code << ", " << took
              << " s, " << static_cast<double>(received) / took / 1e6 << " MB/s each way\n";
    return is_equal && received == total ? code : 1;
}

int run(const std::string& verb, const Words& words) {
    kube::Overrides overrides;
    kube::Environment environment;
    environment.variable = [](std::string_view name) -> std::optional<std::string> {
        const char* value = std::getenv(std::string(name).c_str());
        return value == nullptr ? std::nullopt : std::optional<std::string>(value);
    };
    const Log log([](std::string_view line) { std::cerr << line << "\n"; },
                  std::getenv("PROBE_DEBUG") == nullptr ? LogLevel::Warn : LogLevel::Debug);
    kube::ClientOptions options;
    options.log = &log;
    kube::Client client(kube::load_cluster_config(overrides, environment), options);
    if (verb == "version") {
        std::cout << client.server_version().text << "\n";
        return 0;
    }
    if (verb == "discover") {
        return show_discovery(client);
    }
    if (verb == "list") {
        return list(client, words);
    }
    if (verb == "wait") {
        return wait_for_pod(client, words);
    }
    if (verb == "exec") {
        return run_command(client, words);
    }
    if (verb == "echo") {
        return echo(client, words);
    }
    std::cerr << "see the head of kube_probe.cpp\n";
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    const Words words(argv + 1, argv + argc);
    try {
        return words.empty() ? 2 : run(words[0], Words(words.begin() + 1, words.end()));
    } catch (const Error& error) {
        std::cerr << "error: " << error.what() << "\nhint: " << error.hint()
                  << "\ncode: " << info_of(error.code()).name << "\n";
        return error.exit_code();
    }
}
