// SPDX-License-Identifier: Apache-2.0
#include "core/kube/credentials.hpp"

#include "core/base/file_descriptor.hpp"
#include "core/base/json.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/temp_dir.hpp"

using namespace backup;
using namespace backup::kube;
using testing::error_code_of;
using testing::error_of;
using testing::FakeClock;

namespace {

/// A credential plugin that prints what it is told to.
struct FakePlugin {
    std::vector<ProcessOptions> runs;
    ProcessResult result;

    CredentialsOptions options() {
        CredentialsOptions options;
        options.run = [this](const ProcessOptions& process) {
            runs.push_back(process);
            return result;
        };
        return options;
    }

    void print(std::string_view status) {
        result.output =
            R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",)"
            R"("status":)" +
            std::string(status) + "}";
    }
};

ClusterConfig with_plugin() {
    ClusterConfig config;
    config.server = "https://kube";
    config.tls.ca_pem = "CA";
    ExecPlugin plugin;
    plugin.api_version = "client.authentication.k8s.io/v1";
    plugin.command = "login";
    plugin.arguments = {"--now"};
    plugin.environment = {{"A", "b"}};
    plugin.install_hint = "install login\x1b[0m";
    config.exec = plugin;
    return config;
}

}  // namespace

TEST_CASE("token, basic, nothing") {
    FakeClock clock;
    ClusterConfig config;
    CHECK(Credentials(config, clock).current().authorization.empty());
    config.username = "u";
    config.password = "p";
    CHECK(Credentials(config, clock).current().authorization == "Basic dTpw");
    config.token = "t";
    Credentials credentials(config, clock);
    CHECK(credentials.current().authorization == "Bearer t");
    CHECK_FALSE(credentials.renew(credentials.current().generation));
    config.token = "t\r\nX: y";
    CHECK(error_code_of([&] { return Credentials(config, clock).current(); }) ==
          ErrorCode::KubeconfigInvalid);
}

TEST_CASE("a token file is read again after a minute, or after a 401") {
    const testing::TempDir directory;
    const auto path = directory.path() / "token";
    write_file_atomically(path, as_bytes("one\n"));
    FakeClock clock;
    ClusterConfig config;
    config.token_file = path;
    Credentials credentials(config, clock);
    CHECK(credentials.current().authorization == "Bearer one");
    write_file_atomically(path, as_bytes("two"));
    CHECK(credentials.current().authorization == "Bearer one");
    clock.advance(std::chrono::seconds(60));
    CHECK(credentials.current().authorization == "Bearer two");

    CHECK_FALSE(credentials.renew(credentials.current().generation));
    write_file_atomically(path, as_bytes("three"));
    CHECK(credentials.renew(credentials.current().generation));
    CHECK(credentials.current().authorization == "Bearer three");

    std::filesystem::remove(path);
    clock.advance(std::chrono::minutes(5));
    CHECK(credentials.current().authorization == "Bearer three");
}

TEST_CASE("impersonation headers") {
    FakeClock clock;
    ClusterConfig config;
    config.impersonation = {"eve", "7", {"a", "b"}, {{"example.com/x y", {"v"}}}};
    CHECK(Credentials(config, clock).impersonation_headers() ==
          net::Headers{{"Impersonate-User", "eve"},
                       {"Impersonate-Uid", "7"},
                       {"Impersonate-Group", "a"},
                       {"Impersonate-Group", "b"},
                       {"Impersonate-Extra-example.com%2Fx%20y", "v"}});
    config.impersonation.user = "a\nb";
    CHECK(error_code_of([&] { return Credentials(config, clock).current(); }) ==
          ErrorCode::KubeconfigInvalid);
}

TEST_CASE("a plugin runs once, until its credential expires or is refused") {
    FakeClock clock("2026-11-20T10:00:00Z");
    FakePlugin plugin;
    plugin.print(R"({"token":"one","expirationTimestamp":"2026-11-20T11:00:00Z"})");
    Credentials credentials(with_plugin(), clock, plugin.options());
    CHECK(credentials.current().authorization == "Bearer one");
    CHECK(credentials.current().authorization == "Bearer one");
    REQUIRE(plugin.runs.size() == 1);
    CHECK(plugin.runs[0].command == std::vector<std::string>{"login", "--now"});
    CHECK(plugin.runs[0].environment.at("A") == "b");
    CHECK_FALSE(plugin.runs[0].inherit_stdin);
    const auto info = parse_json(plugin.runs[0].environment.at("KUBERNETES_EXEC_INFO"));
    CHECK(info.text_at({"kind"}) == "ExecCredential");
    CHECK(info.text_at({"apiVersion"}) == "client.authentication.k8s.io/v1");
    CHECK(info.find_path({"spec", "cluster"}) == nullptr);

    clock.advance(std::chrono::minutes(61));
    plugin.print(R"({"token":"two"})");
    CHECK(credentials.current().authorization == "Bearer two");
    const auto generation = credentials.current().generation;
    CHECK(credentials.renew(generation));
    CHECK(plugin.runs.size() == 3);
    // Another thread was refused with the same old credential: it is not fetched a third time.
    CHECK(credentials.renew(generation));
    CHECK(plugin.runs.size() == 3);
}

TEST_CASE("cluster information is given only when asked for") {
    FakeClock clock;
    FakePlugin plugin;
    plugin.print(R"({"clientCertificateData":"C","clientKeyData":"K"})");
    auto config = with_plugin();
    config.exec->provide_cluster_info = true;
    config.exec_cluster_config = Json::object({{"x", 1}});
    Credentials credentials(config, clock, plugin.options());
    CHECK(credentials.current().certificate_pem == "C");
    CHECK(credentials.current().key_pem == "K");
    const auto info = parse_json(plugin.runs.at(0).environment.at("KUBERNETES_EXEC_INFO"));
    CHECK(info.text_at({"spec", "cluster", "server"}) == "https://kube");
    CHECK(info.text_at({"spec", "cluster", "certificate-authority-data"}) == "Q0E=");
    CHECK(info.integer_at({"spec", "cluster", "config", "x"}) == 1);
}

TEST_CASE("a terminal is needed by some plugins") {
    FakeClock clock;
    FakePlugin plugin;
    plugin.print(R"({"token":"t"})");
    auto config = with_plugin();
    config.exec->interactive_mode = InteractiveMode::Always;
    CHECK(error_code_of([&] { return Credentials(config, clock, plugin.options()).current(); }) ==
          ErrorCode::Unauthorized);
    auto options = plugin.options();
    options.is_interactive = true;
    CHECK(Credentials(config, clock, options).current().authorization == "Bearer t");
    CHECK(plugin.runs.at(0).inherit_stdin);
}

TEST_CASE("a plugin that fails") {
    FakeClock clock;
    FakePlugin plugin;
    plugin.print(GENERATE(as<std::string>{}, "{}", R"({"clientCertificateData":"C"})", "null"));
    CHECK(error_code_of([&] {
              return Credentials(with_plugin(), clock, plugin.options()).current();
          }) == ErrorCode::Unauthorized);
    plugin.result.exit_code = 3;
    const auto error =
        error_of([&] { return Credentials(with_plugin(), clock, plugin.options()).current(); });
    CHECK_THAT(std::string(error.what()), testing::contains("exit code 3"));
    CHECK_THAT(std::string(error.hint()), testing::contains("install login"));
    CHECK(error.hint().find('\x1b') == std::string_view::npos);
}
