// SPDX-License-Identifier: Apache-2.0
// A Client on a FakeTransport whose pauses take no time.
#pragma once

#include "core/kube/client.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_transport.hpp"

namespace backup::testing {

inline model::ApiResource pods() {
    model::ApiResource resource;
    resource.version = "v1";
    resource.kind = "Pod";
    resource.plural = "pods";
    resource.singular = "pod";
    resource.namespaced = true;
    return resource;
}

inline kube::ClusterConfig token_config() {
    kube::ClusterConfig config;
    config.server = "https://kube/prefix";
    config.token = "t";
    return config;
}

struct FakeCluster {
    explicit FakeCluster(kube::ClusterConfig config = plain()) : client(config, options()) {}

    static kube::ClusterConfig plain() {
        kube::ClusterConfig config;
        config.server = "https://kube";
        return config;
    }

    kube::ClientOptions options() {
        kube::ClientOptions options;
        options.make_transport = fake.maker();
        options.clock = &clock;
        options.reconnect = {3, std::chrono::milliseconds(0), std::chrono::milliseconds(0)};
        options.credentials.run = [this](const ProcessOptions&) { return plugin; };
        options.sleep = [this](std::chrono::nanoseconds duration, const std::stop_token& stop) {
            slept += duration;
            clock.advance(duration);
            return !stop.stop_requested();
        };
        return options;
    }

    FakeTransport fake;
    FakeClock clock;
    ProcessResult plugin;
    std::chrono::nanoseconds slept{0};
    kube::Client client;
};

}  // namespace backup::testing
