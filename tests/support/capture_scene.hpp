// SPDX-License-Identifier: Apache-2.0
// An API server and a repository in memory, and backups from one into the other.
#pragma once

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/capture/create_point.hpp"
#include "core/capture/plan.hpp"
#include "core/repository/tree_reader.hpp"
#include "tests/support/fake_api_server.hpp"
#include "tests/support/faulty_backend.hpp"
#include "tests/support/test_repository.hpp"

#include <memory>
#include <string>

namespace backup::testing {

struct CaptureScene {
    CaptureScene() {
        server.add_namespace("shop", R"("uid":"ns-shop")");
        server.add("serviceaccounts", "shop", "default");
    }

    capture::ScopeFlags flags_for_shop() const {
        capture::ScopeFlags flags;
        flags.namespaces = {"shop"};
        return flags;
    }

    capture::CreatedPoint create(const capture::ScopeFlags& flags, std::stop_token stop = {}) {
        kube::Client client(config(), client_options());
        const auto repository = open_tiny_repository(backend, key);
        repository::ChunkStore chunks(repository);
        clock.advance(std::chrono::minutes(1));
        capture::CreateOptions options;
        options.scope = capture::make_scope(flags, "default");
        options.point.name = concat("point-", ++made);
        options.point.created = clock.now();
        options.lists_at_once = 3;
        NullProgress progress;
        const volume::MoverProgram no_program;
        return capture::create_point(
            {client, no_program, repository, chunks, random, clock, progress}, options, stop);
    }

    capture::Plan plan(const capture::ScopeFlags& flags) {
        kube::Client client(config(), client_options());
        NullProgress progress;
        return capture::make_plan(client, capture::make_scope(flags, "default"), progress, {});
    }

    /// Everything in the tree that is a file, by path.
    Files files_of(const capture::CreatedPoint& created) {
        const auto repository = open_tiny_repository(backend, key);
        repository::ChunkStore chunks(repository);
        const auto tree = repository::TreeReader::open(chunks, created.record);
        Files files;
        read_below(*tree, tree->root(), "", files);
        return files;
    }

    static void read_below(repository::TreeReader& tree,
                           const repository::DirectoryRef& directory,
                           const std::string& path,
                           Files& files) {
        tree.list(directory, 0, [&](const repository::TreeEntry& entry) {
            const auto& attributes = entry.attributes;
            if (attributes.type == model::FileType::Directory) {
                read_below(tree, entry.directory, path + attributes.name + "/", files);
            } else {
                Bytes bytes(attributes.size);
                tree.read(entry, 0, bytes);
                files[path + attributes.name] = std::move(bytes);
            }
            return true;
        });
    }

    std::size_t count_points() {
        return repository::list_points(open_tiny_repository(backend, key)).size();
    }

    static kube::ClusterConfig config() {
        kube::ClusterConfig config;
        config.server = "https://kube";
        return config;
    }

    kube::ClientOptions client_options() {
        kube::ClientOptions options;
        options.make_transport = server.maker();
        options.clock = &clock;
        options.reconnect = {1, std::chrono::milliseconds(0), std::chrono::milliseconds(0)};
        options.most_throttled_retries = throttled_retries;
        options.sleep = [](std::chrono::nanoseconds, const std::stop_token& stop) {
            return !stop.stop_requested();
        };
        return options;
    }

    FakeApiServer server;
    SeededRandom random;
    FakeClock clock;
    FaultyBackend backend;  // fails only when told to
    repository::KeyFile key = init_tiny_repository(backend, random, clock);
    int made = 0;
    int throttled_retries = 0;
};

}  // namespace backup::testing
