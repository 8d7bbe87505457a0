// SPDX-License-Identifier: Apache-2.0
#include "core/kube/kubeconfig.hpp"

#include "core/base/file_descriptor.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/temp_dir.hpp"

using namespace backup;
using namespace backup::kube;
using testing::error_code_of;
using testing::error_of;

namespace {

constexpr std::string_view kTwo = R"(
apiVersion: v1
kind: Config
current-context: dev
clusters:
- name: one
  cluster: {server: https://one:6443/, certificate-authority-data: Q0E=, tls-server-name: kube}
- name: two
  cluster: {server: https://two:6443/k8s/c-1, insecure-skip-tls-verify: true, proxy-url: socks5://p:1}
users:
- name: anna
  user: {token: secret, as: root, as-groups: [a, b], as-user-extra: {k: [v]}}
- name: bert
  user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ}
contexts:
- name: dev
  context: {cluster: one, user: anna, namespace: shop}
- name: prod
  context: {cluster: two, user: bert}
)";

Environment environment(std::map<std::string, std::string> variables = {}) {
    Environment environment;
    environment.variable =
        [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
        const auto found = variables.find(std::string(name));
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
    return environment;
}

ClusterConfig resolve(const Overrides& overrides, std::string_view text = kTwo) {
    return resolve_cluster(parse_kubeconfig(text, "/etc/kube"), overrides, environment());
}

void write(const std::filesystem::path& path, std::string_view text) {
    write_file_atomically(path, as_bytes(text));
}

std::string minimal(const std::string& name) {
    return "clusters: [{name: c, cluster: {server: 'https://" + name +
           "'}}]\ncontexts: [{name: " + name +
           ", context: {cluster: c}}]\ncurrent-context: " + name + "\n";
}

}  // namespace

TEST_CASE("the current context") {
    const auto config = resolve({});
    CHECK(config.context == "dev");
    CHECK(config.cluster == "one");
    CHECK(config.user == "anna");
    CHECK(config.server == "https://one:6443");
    CHECK(config.default_namespace == "shop");
    CHECK(config.is_namespace_explicit);
    CHECK(config.tls.ca_pem == "CA");
    CHECK(config.tls.server_name == "kube");
    CHECK(config.token == "secret");
    CHECK(config.impersonation.user == "root");
    CHECK(config.impersonation.groups == std::vector<std::string>{"a", "b"});
    CHECK(config.impersonation.extra.at("k") == std::vector<std::string>{"v"});
}

TEST_CASE("another context keeps a path prefix and has the default namespace") {
    Overrides overrides;
    overrides.context = "prod";
    const auto config = resolve(overrides);
    CHECK(config.server == "https://two:6443/k8s/c-1");
    CHECK(config.default_namespace == "default");
    CHECK_FALSE(config.is_namespace_explicit);
    CHECK(config.tls.insecure);
    CHECK(config.proxy_url == "socks5://p:1");
    CHECK(config.tls.certificate_pem == "CERT");
    CHECK(config.tls.key_pem == "KEY");
}

TEST_CASE("flags lie over the file") {
    Overrides overrides;
    overrides.cluster = "two";
    overrides.ns = "other";
    overrides.token = "flag";
    overrides.server = "https://three";
    overrides.insecure_skip_tls_verify = true;
    overrides.impersonation.user = "eve";
    const auto config = resolve(overrides);
    CHECK(config.server == "https://three");
    CHECK(config.default_namespace == "other");
    CHECK(config.token == "flag");
    CHECK(config.impersonation.user == "eve");
}

TEST_CASE("--server drops the file's server name, --insecure its authority") {
    Overrides overrides;
    overrides.server = "https://three";
    CHECK(resolve(overrides).tls.server_name.empty());
    overrides.tls_server_name = "given";
    CHECK(resolve(overrides).tls.server_name == "given");
    overrides.insecure_skip_tls_verify = true;
    CHECK(resolve(overrides).tls.ca_pem.empty());
    CHECK(resolve(overrides).tls.insecure);
}

TEST_CASE("a certificate authority given as a flag ends insecure") {
    const testing::TempDir directory;
    write(directory.path() / "ca.pem", "FLAG");
    Overrides overrides;
    overrides.context = "prod";
    overrides.certificate_authority = (directory.path() / "ca.pem").string();
    const auto config = resolve(overrides);
    CHECK(config.tls.ca_pem == "FLAG");
    CHECK_FALSE(config.tls.insecure);
}

TEST_CASE("an unknown context is met with a proposal") {
    Overrides overrides;
    overrides.context = "prdo";
    const auto error = error_of([&] { return resolve(overrides); });
    CHECK(error.code() == ErrorCode::KubeconfigInvalid);
    CHECK_THAT(std::string(error.what()), testing::contains("context 'prdo' does not exist"));
    CHECK_THAT(std::string(error.hint()), testing::contains("prod"));
}

TEST_CASE("credentials never go to a plain http server") {
    Overrides overrides;
    overrides.server = "http://one";
    const auto config = resolve(overrides);
    CHECK(config.token.empty());
    CHECK(config.impersonation.is_empty());
}

TEST_CASE("duplicate names are an error") {
    CHECK(error_code_of([] {
              return parse_kubeconfig("users: [{name: a, user: {}}, {name: a, user: {}}]", "/");
          }) == ErrorCode::KubeconfigInvalid);
}

TEST_CASE("an empty file is an empty configuration, unknown fields are ignored") {
    CHECK(parse_kubeconfig("", "/").clusters.empty());
    CHECK(parse_kubeconfig("# nothing\n", "/").clusters.empty());
    CHECK(parse_kubeconfig("x: 1\npreferences: {}\nclusters: null\n", "/").clusters.empty());
}

TEST_CASE("relative paths belong to the directory of the file") {
    const auto kubeconfig = parse_kubeconfig(R"(
clusters: [{name: c, cluster: {certificate-authority: pki/ca.crt}}]
users:
- name: u
  user: {client-certificate: a.crt, client-key: /k, tokenFile: ../token}
- name: e
  user: {exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: ./bin/login, args: [1, b],
                env: [{name: A, value: b}]}}
- name: p
  user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: login, interactiveMode: Never}}
)",
                                             "/etc/kube");
    CHECK(kubeconfig.clusters.at("c").ca_file == "/etc/kube/pki/ca.crt");
    const auto& user = kubeconfig.users.at("u");
    CHECK(user.certificate_file == "/etc/kube/a.crt");
    CHECK(user.key_file == "/k");
    CHECK(user.token_file == "/etc/token");
    const auto& plugin = kubeconfig.users.at("e").exec.value();
    CHECK(plugin.command == "/etc/kube/bin/login");
    CHECK(plugin.arguments == std::vector<std::string>{"1", "b"});
    CHECK(plugin.environment.at(0).second == "b");
    CHECK(plugin.interactive_mode == InteractiveMode::IfAvailable);
    CHECK(kubeconfig.users.at("p").exec->command == "login");
    CHECK(kubeconfig.users.at("p").exec->interactive_mode == InteractiveMode::Never);
}

TEST_CASE("exec that cannot be right") {
    const auto fields =
        GENERATE(as<std::string>{},
                 "apiVersion: client.authentication.k8s.io/v1alpha1, command: a",
                 "apiVersion: client.authentication.k8s.io/v1, command: a",
                 "apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never",
                 "command: a");
    CHECK(error_code_of([&] {
              return parse_kubeconfig("users: [{name: u, user: {exec: {" + fields + "}}}]", "/");
          }) == ErrorCode::KubeconfigInvalid);
}

TEST_CASE("a user's own token, name or certificate comes before exec") {
    const std::string text = R"(
current-context: x
clusters: [{name: c, cluster: {server: 'https://c'}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: a}}}]
)";
    CHECK(resolve({}, text).exec);
    Overrides overrides;
    overrides.token = "t";
    CHECK_FALSE(resolve(overrides, text).exec);
}

TEST_CASE("contradictions are refused") {
    const auto user =
        GENERATE(as<std::string>{},
                 "{client-certificate: /a, client-certificate-data: QQ==, client-key: /b}",
                 "{client-certificate-data: QQ==}",
                 "{client-key-data: QQ==}",
                 "{token: a, username: b}",
                 "{as-uid: '1'}",
                 "{auth-provider: {name: gcp}}");
    const auto text =
        "current-context: x\nclusters: [{name: c, cluster: {server: 'https://c'}}]\n"
        "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
        "users: [{name: u, user: " +
        user + "}]\n";
    CAPTURE(user);
    CHECK(error_code_of([&] { return resolve({}, text); }) == ErrorCode::KubeconfigInvalid);
}

TEST_CASE("several files: the first that names an entry wins, whole") {
    const testing::TempDir directory;
    const auto a = (directory.path() / "a").string();
    const auto b = (directory.path() / "b").string();
    write(a, minimal("first"));
    write(b, minimal("second") + "users: [{name: u, user: {token: t}}]\n");
    const auto list = a + "::" + directory.path().string() + "/missing:" + a + ":" + b;
    const auto merged = load_kubeconfig({}, environment({{"KUBECONFIG", list}}));
    CHECK(merged.current_context == "first");
    CHECK(merged.clusters.at("c").server == "https://first");
    CHECK(merged.contexts.size() == 2);
    CHECK(merged.users.size() == 1);

    Overrides overrides;
    overrides.kubeconfig = b;
    CHECK(load_cluster_config(overrides, environment({{"KUBECONFIG", a}})).server ==
          "https://second");
    overrides.kubeconfig = b + "x";
    CHECK(error_code_of([&] { return load_kubeconfig(overrides, environment()); }) ==
          ErrorCode::NotFound);
}

TEST_CASE("without a list it is the one in the home directory") {
    const testing::TempDir directory;
    std::filesystem::create_directories(directory.path() / ".kube");
    write(directory.path() / ".kube" / "config", minimal("home"));
    CHECK(load_cluster_config({}, environment({{"HOME", directory.path().string()}})).server ==
          "https://home");
}

TEST_CASE("nothing configured") {
    CHECK(error_code_of([] { return load_cluster_config({}, environment()); }) ==
          ErrorCode::KubeconfigInvalid);
    CHECK(load_cluster_config({}, environment({{"KUBERNETES_MASTER", "http://m:1"}})).server ==
          "http://m:1");
}

TEST_CASE("inside a pod it is the service account") {
    const testing::TempDir directory;
    write(directory.path() / "token", "t");
    write(directory.path() / "ca.crt", "CA");
    write(directory.path() / "namespace", "pods-own\n");
    auto inside =
        environment({{"KUBERNETES_SERVICE_HOST", "fd00::1"}, {"KUBERNETES_SERVICE_PORT", "443"}});
    inside.service_account_directory = directory.path();
    const auto config = load_cluster_config({}, inside);
    CHECK(config.server == "https://[fd00::1]:443");
    CHECK(config.tls.ca_pem == "CA");
    CHECK(config.token_file == directory.path() / "token");
    CHECK(config.default_namespace == "pods-own");
}
