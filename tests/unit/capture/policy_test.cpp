// SPDX-License-Identifier: Apache-2.0
#include "core/capture/policy.hpp"

#include "core/base/text.hpp"
#include "core/capture/policy_source.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/fake_api_server.hpp"
#include "tests/support/temp_dir.hpp"

#include <fstream>

using namespace backup;
using namespace backup::capture;
using backup::testing::error_code_of;
using backup::testing::error_of;

namespace {

constexpr std::string_view kHead = "apiVersion: kubectl-backup/v1\nkind: Policy\n";  // two lines

Policy parse(const std::string& body) {
    return parse_policy(std::string(kHead) + body);
}

std::string failure(const std::string& body) {
    const auto error = error_of([&] { return parse(body); });
    CHECK(error.code() == ErrorCode::InvalidArgument);
    return error.hint().empty() ? std::string(error.what())
                                : concat(error.what(), " | ", error.hint());
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a policy holds everything the flags say and more", "[policy]") {
    const auto policy = parse(R"(
metadata: {name: nightly}
scope:
  namespaces: [shop, 'team-*']
  excludeNamespaces: team-test
  namespaceSelectors: [env=prod, {matchLabels: {tier: gold}}]
  namespaceAnnotations: owner=me
  selectors:
    - app in (web, db)
    - matchExpressions: [{key: keep, operator: Exists}, {key: x, operator: NotIn, values: [1, b]}]
  annotations: [kubectl-backup/include=true]
  includeResources: [deployments, secrets]
  excludeResources: [events]
  clusterResources: All
  volumes: snapshot
filters:
  - namespaces: [shop]
    objects:
      - kinds: [configmaps]
        names: [app-*]
        excludeNames: [app-tmp]
        selectors: app=web
      - {}
  - objects: [{kinds: storageclasses, names: fast}]
volumes:
  - name: databases
    match:
      size: ">=10Gi"
      storageClasses: [fast]
      drivers: [ebs.csi.aws.com]
      selector: app=db
      namespaces: [shop]
      claims: [data-*]
      accessModes: [RWO, ReadWriteMany]
      volumeMode: block
      types: [csi]
      phases: [Bound]
      attributes: {tier: gold, iops: 100}
    action: snapshot
    snapshotClass: daily
  - exclude: ['*.tmp', cache]
    include: data
  - match: {nfs: {server: 10.0.0.1, path: /export}}
    action: skip
hooks:
  - match: {selector: app=db}
    container: db
    pre: {command: [/bin/freeze], timeout: 10s, onError: Fail}
    post: {command: thaw}
severity: {FilesChanged: ok}
notify: https://example.com/hook
)");
    const auto& scope = policy.scope;
    CHECK(scope.namespaces == Texts{"shop", "team-*"});
    CHECK(scope.exclude_namespaces == Texts{"team-test"});
    CHECK(scope.namespace_selectors == Texts{"env=prod", "tier=gold"});
    CHECK(scope.namespace_annotations == Texts{"owner=me"});
    CHECK(scope.selectors == Texts{"app in (db,web)", "keep,x notin (1,b)"});
    CHECK(scope.annotations == Texts{"kubectl-backup/include=true"});
    CHECK(scope.include_resources == Texts{"deployments", "secrets"});
    CHECK(scope.exclude_resources == Texts{"events"});
    CHECK(scope.cluster_resources == "all");
    CHECK(scope.volumes == "snapshot");

    REQUIRE(policy.filters.size() == 2);
    CHECK(policy.filters[0].namespaces == Texts{"shop"});
    REQUIRE(policy.filters[0].kinds.size() == 2);
    CHECK(policy.filters[0].kinds[0].names == Texts{"app-*"});
    CHECK(policy.filters[0].kinds[0].exclude_names == Texts{"app-tmp"});
    CHECK(policy.filters[0].kinds[0].selectors.size() == 1);
    CHECK(policy.filters[0].kinds[1] == KindFilter());
    CHECK(policy.filters[1].namespaces.empty());

    REQUIRE(policy.volumes.size() == 3);
    const auto& first = policy.volumes[0];
    CHECK(first.name == "policy databases");
    CHECK(first.action == VolumeAction::Snapshot);
    CHECK(first.snapshot_class == "daily");
    CHECK(first.match.size->from == 10ULL << 30U);
    CHECK(first.match.access_modes == Texts{"ReadWriteOnce", "ReadWriteMany"});
    CHECK(first.match.is_block == true);
    CHECK(first.match.attributes == model::Labels{{"tier", "gold"}, {"iops", "100"}});
    CHECK(policy.volumes[1].name == "policy volumes[1]");
    CHECK(policy.volumes[1].action == VolumeAction::Auto);
    CHECK(policy.volumes[1].include == Texts{"data"});
    CHECK(policy.volumes[1].exclude == Texts{"*.tmp", "cache"});
    CHECK(policy.volumes[2].match.nfs_path == "/export");
    CHECK(policy.volumes[2].action == VolumeAction::Skip);

    REQUIRE(policy.hooks.size() == 1);
    CHECK(policy.hooks[0].name == "hooks[0] of the policy");
    CHECK(policy.hooks[0].hooks.pre.size() == 1);
    CHECK(policy.severity.of("FilesChanged") == model::Severity::Ok);
    CHECK(policy.notify == "https://example.com/hook");
    CHECK(policy.warnings.empty());
}

TEST_CASE("a policy may be empty, and null is nothing", "[policy]") {
    CHECK(parse("").volumes.empty());
    const auto policy = parse("scope:\nvolumes: ~\nhooks: null\nfilters:\nseverity:\nnotify:\n");
    CHECK(policy.scope.namespaces.empty());
    CHECK(policy.scope.cluster_resources == "auto");
}

TEST_CASE("sizes of volume rules", "[policy]") {
    const auto size = [](const std::string& text) {
        return *parse("volumes: [{action: skip, match: {size: '" + text + "'}}]")
                    .volumes.front()
                    .match.size;
    };
    constexpr std::uint64_t gi = 1ULL << 30U;
    CHECK(size(">=10Gi") == SizeRange{10 * gi});
    CHECK(size("> 10Gi") == SizeRange{10 * gi + 1});
    CHECK(size("<=1Ti") == SizeRange{0, 1024 * gi});
    CHECK(size("<1Gi") == SizeRange{0, gi - 1});
    CHECK(size("1Gi..100Gi") == SizeRange{gi, 100 * gi});
    CHECK(size("1Gi..") == SizeRange{gi});
    CHECK(size("..1G") == SizeRange{0, 1'000'000'000});
    CHECK(size("5Gi") == SizeRange{5 * gi, 5 * gi});
}

TEST_CASE("an unknown word is answered with its line and the nearest known one", "[policy]") {
    CHECK(failure("scopes: {}\n") == "line 3: scopes: unknown member | did you mean 'scope'?");
    CHECK(failure("scope:\n  namespace: [shop]\n") ==
          "line 4: scope.namespace: unknown member of scope | did you mean 'namespaces'?");
    CHECK(failure("volumes:\n- action: skip\n- match:\n    sizes: 1Gi\n  action: skip\n") ==
          "line 6: volumes[1].match.sizes: unknown member of volumes[1].match | did you mean "
          "'size'?");
    CHECK(failure("volumes: [{action: snapshto}]") ==
          "line 3: volumes[0].action: unknown value 'snapshto' | did you mean 'snapshot'?");
    CHECK(
        failure("volumes:\n- action: skip\n  match: {types: [csi, emptydirs]}\n") ==
        "line 5: volumes[0].match.types[1]: unknown value 'emptydirs' | did you mean 'emptyDir'?");
    CHECK(failure("scope: {clusterResources: some}") ==
          "line 3: scope.clusterResources: unknown value 'some' | one of auto, all, none");
    CHECK(failure("severity:\n  FilesChange: ok\n").starts_with("line 4: severity.FilesChange: "));
    CHECK(failure("severity:\n  FilesChange: ok\n").ends_with("did you mean 'FilesChanged'?"));
    CHECK(failure("hooks:\n- pre: {command: x}\n- pre: {comand: x}\n")
              .starts_with("line 5: hooks[1]: pre: unknown member 'comand'"));
}

TEST_CASE("what does not make sense is refused with its line", "[policy]") {
    const auto [body, expected] = GENERATE(table<std::string, std::string>({
        {"scope: []", "line 3: scope: a map was expected, but this is a list"},
        {"scope: {namespaces: {a: b}}",
         "line 3: scope.namespaces: text was expected, but this is a map"},
        {"scope: {namespaces: [Shop]}",
         "line 3: scope.namespaces: --namespace: 'Shop' is no namespace"},
        {"scope:\n  selectors: [a=b, '=x']\n", "line 4: scope.selectors[1]: "},
        {"scope: {selectors: ['']}", "line 3: scope.selectors[0]: it is empty"},
        {"scope: {selectors: [{matchLabels: {}}]}", "line 3: scope.selectors[0]: it is empty"},
        {"scope: {annotations: ['a b=c']}", "line 3: scope.annotations: --annotation: "},
        {"scope: {namespaces: shop, allNamespaces: true}",
         "line 3: scope: --all-namespaces and --namespace exclude each other"},
        {"scope: {annotated: 1}", "line 3: scope.annotated: true or false was expected"},
        {"volumes: {}", "line 3: volumes: a list was expected, but this is a map"},
        {"volumes: [skip]", "line 3: volumes[0]: a map was expected, but this is text"},
        {"volumes: [{match: {size: 1Gi}}]", "line 3: volumes[0]: it does nothing"},
        {"volumes: [{action: skip, exclude: [a]}]",
         "line 3: volumes[0]: nothing is read of a volume that is skipped"},
        {"volumes: [{action: live, snapshotClass: x}]",
         "line 3: volumes[0]: a live read makes no snapshot"},
        {"volumes: [{action: skip, match: {size: 2Gi..1Gi}}]",
         "line 3: volumes[0].match.size: the first size is larger than the second"},
        {"volumes: [{action: skip, match: {size: <0}}]",
         "line 3: volumes[0].match.size: no volume is that small"},
        {"volumes: [{action: skip, match: {size: huge}}]",
         "line 3: volumes[0].match.size: 'huge' is no size"},
        {"volumes: [{action: skip, match: {accessModes: [RWY]}}]",
         "line 3: volumes[0].match.accessModes[0]: unknown value 'RWY'"},
        {"volumes: [{action: skip, match: {selector: {matchExpressions: [{key: a}]}}}]",
         "line 3: volumes[0].match.selector.matchExpressions[0]: a key and an operator are needed"},
        {"volumes:\n- action: skip\n  match:\n    selector:\n      matchExpressions:\n"
         "      - {key: a, operator: In}\n",
         "line 8: volumes[0].match.selector.matchExpressions[0]: the operator needs values"},
        {"filters: [{namespaces: [a]}]", "line 3: filters[0]: it has no objects"},
        {"notify: ftp://example.com", "line 3: notify: it is no address"},
        {"notify: hunter2", "line 3: notify: it is no address"},
    }));
    CAPTURE(body, expected);
    const auto text = failure(body);
    CAPTURE(text);
    CHECK(text.starts_with(expected));
    CHECK(text.find("hunter2") == std::string::npos);
}

TEST_CASE("what is no policy at all", "[policy]") {
    const auto refused = [](std::string_view text) {
        return std::string(error_of([&] { return parse_policy(text); }).what());
    };
    CHECK(refused("") == "this is no policy");
    CHECK(refused("just text") == "line 1: this is no policy");
    CHECK(refused("[1, 2]") == "line 1: this is no policy");
    CHECK(refused("kind: Deployment\napiVersion: apps/v1\n") ==
          "line 1: kind: kind has to be Policy");
    CHECK(refused("scope: {}") == "line 1: kind has to be Policy");
    CHECK(refused("kind: Policy\n") == "line 1: apiVersion has to be kubectl-backup/v1");
    CHECK(refused("kind: Policy\napiVersion: kubectl-backup/v2\n") ==
          "line 2: apiVersion: apiVersion has to be kubectl-backup/v1");
    CHECK(refused("a: [").starts_with("not valid YAML at line 1"));
    CHECK(refused("a: \xff").find("UTF-8") != std::string::npos);
    CHECK(refused(std::string(kPolicyLimitBytes + 1, ' ')).starts_with("larger than"));
}

TEST_CASE("hostile policies end in a short, printable error", "[policy]") {
    const std::string long_name(200'000, 'x');
    const auto text = failure("'" + long_name + "': 1\n");
    CHECK(text.size() < 600);
    CHECK(failure("\"\\e[2J\": 1\n").find('\x1b') == std::string::npos);
    CHECK(failure("volumes: [{action: \"\\e[2J\"}]").find('\x1b') == std::string::npos);
    std::string laughs = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
    for (char name = 'b'; name < 'k'; ++name) {
        laughs += std::string(1, name) + ": &" + name + " [";
        for (int i = 0; i < 10; ++i) {
            laughs += "*" + std::string(1, static_cast<char>(name - 1)) + ", ";
        }
        laughs += "]\n";
    }
    CHECK(failure(laughs).find("aliases stand for too much") != std::string::npos);
    std::string deep = "scope: ";
    for (int i = 0; i < 5000; ++i) {
        deep += "{scope: ";
    }
    CHECK_FALSE(failure(deep).empty());
}

TEST_CASE("a second document is refused", "[policy]") {
    const std::string body = "notify: https://example.com\n";
    const std::string head(kHead);
    CHECK(std::string(error_of([&] {
                          return parse_policy(head + body + "---\n" + head);
                      }).what()) == "line 5: a second document; a policy is one");
    CHECK(parse_policy("# a policy\n---\n" + head + body + "---\n# the end\n...\n").notify ==
          "https://example.com");
    CHECK(parse_policy("--- # first\n" + head + "...\n").notify.empty());
}

TEST_CASE("lines are right behind anchors and merges", "[policy]") {
    CHECK(failure("volumes:\n- &one\n  action: skip\n  bad: 1\n- *one\n")
              .starts_with("line 6: volumes[0].bad"));
    CHECK(
        failure("volumes:\n- <<: {action: skip, bad: 1}\n").starts_with("line 4: volumes[0].bad"));
}

TEST_CASE("a ConfigMap may hold the policy", "[policy]") {
    const std::string map =
        "kind: ConfigMap\napiVersion: v1\ndata:\n  policy.yaml: |\n"
        "    apiVersion: kubectl-backup/v1\n    kind: Policy\n"
        "    notify: https://example.com\n";
    CHECK(parse_policy(map).notify == "https://example.com");
    const auto refused = [](const std::string& text) {
        return std::string(error_of([&] { return parse_policy(text); }).what());
    };
    CHECK(refused(map + "    scoop: 1\n") ==
          "line 4: data.policy.yaml: line 4: scoop: unknown member");
    CHECK(refused(map + "  more: x\n").find("has 2") != std::string::npos);
    CHECK(refused("kind: ConfigMap\n").find("has 0") != std::string::npos);
    // No ConfigMap in a ConfigMap in a ConfigMap.
    CHECK(refused("kind: ConfigMap\ndata:\n  a: |\n    kind: ConfigMap\n    data: {a: x}\n")
              .find("kind has to be Policy") != std::string::npos);
}

TEST_CASE("flags replace what the policy says", "[policy]") {
    ScopeFlags policy;
    policy.namespaces = {"shop"};
    policy.selectors = {"app=web"};
    policy.annotations = {"a=b"};
    policy.exclude_resources = {"secrets"};
    policy.cluster_resources = "none";
    policy.volumes = "live";
    ScopeFlags flags;
    flags.cluster_resources = "";
    flags.volumes = "";
    auto result = override_scope(policy, flags);
    CHECK(result.namespaces == Texts{"shop"});
    CHECK(result.cluster_resources == "none");
    CHECK(result.volumes == "live");

    flags.all_namespaces = true;
    flags.selectors = {"app=db"};
    flags.annotated = true;
    flags.volumes = "auto";
    result = override_scope(policy, flags);
    CHECK(result.all_namespaces);
    CHECK(result.namespaces.empty());
    CHECK(result.selectors == Texts{"app=db"});
    CHECK(result.annotated);
    CHECK(result.annotations.empty());
    CHECK(result.exclude_resources == Texts{"secrets"});
    CHECK(result.volumes == "auto");

    policy.namespaces = {};
    policy.all_namespaces = true;
    ScopeFlags one;
    one.namespaces = {"data"};
    CHECK_FALSE(override_scope(policy, one).all_namespaces);
    CHECK(override_scope(policy, one).namespaces == Texts{"data"});
}

TEST_CASE("a policy is loaded from a file or from the cluster", "[policy]") {
    testing::FakeApiServer server;
    server.add_namespace("velero");
    kube::ClusterConfig config;
    config.server = "https://kube";
    kube::ClientOptions options;
    options.make_transport = server.maker();
    kube::Client client(config, options);
    const auto refused = [&](const std::string& source) {
        return error_of([&] { return load_policy(source, client, {}); });
    };

    const testing::TempDir directory;
    const auto path = directory.path() / "policy.yaml";
    std::ofstream(path) << kHead << "notify: https://example.com\n";
    CHECK(load_policy(path.string(), client, {}).notify == "https://example.com");
    std::ofstream(path) << kHead << "scoop: 1\n";
    CHECK(std::string(refused(path.string()).what()) ==
          "policy " + path.string() + ": line 3: scoop: unknown member");
    CHECK(refused((directory.path() / "none.yaml").string()).code() == ErrorCode::NotFound);

    server.add("configmaps",
               "velero",
               "volumes",
               "",
               R"("data":{"policy":"version: v1\nvolumePolicies:\n- action: {type: skip}\n"})");
    CHECK(load_policy("configmap/velero/volumes", client, {}).volumes.size() == 1);
    CHECK(load_policy("cm/velero/volumes", client, {}).volumes.size() == 1);
    CHECK(refused("configmap/velero/none").code() == ErrorCode::KubeNotFound);
    CHECK(refused("configmap/velero").code() == ErrorCode::Usage);
    server.add("configmaps", "velero", "broken", "", R"("data":{"policy":"version: v2\n"})");
    CHECK(std::string(refused("configmap/velero/broken").what()) ==
          "policy configmap/velero/broken: data.policy: line 1: version: version has to be v1");
}
