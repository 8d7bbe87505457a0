// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/scope_flags.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/capture/policy_source.hpp"
#include "core/kube/client.hpp"
#include "plugin/context.hpp"

#include <array>
#include <istream>
#include <string>
#include <utility>

namespace backup::plugin {

namespace {

std::vector<Flag> namespace_flags() {
    using enum FlagKind;
    return {
        {"namespace",
         'n',
         List,
         "NAMESPACE",
         "",
         "a namespace, also as a glob (team-*); may be repeated or a comma list",
         ""},
        {"all-namespaces",
         'A',
         Switch,
         "",
         "",
         "all namespaces but those of the control plane, and the cluster-wide objects",
         ""},
        {"exclude-namespace", 0, List, "NAMESPACE", "", "leave these out; names or globs", ""},
        {"namespace-selector",
         0,
         Repeated,
         "SELECTOR",
         "",
         "namespaces with these labels; repeated: any of them",
         ""},
        {"namespace-annotation",
         0,
         Repeated,
         "KEY[=VALUE]",
         "",
         "namespaces with this annotation; repeated: any of them",
         ""},
    };
}

std::vector<Flag> content_flags() {
    using enum FlagKind;
    return {
        {"selector",
         'l',
         Repeated,
         "SELECTOR",
         "",
         "only objects with these labels, and what they need; repeated: any of them",
         ""},
        {"annotation",
         0,
         Repeated,
         "KEY[=VALUE]",
         "",
         "only objects with this annotation, and what they need; repeated: any of them",
         ""},
        {"annotated", 0, Switch, "", "", "short for --annotation kubectl-backup/include=true", ""},
        {"include-resource",
         0,
         List,
         "KIND",
         "",
         "only these kinds: deploy, deployments.apps, a group, *.example.org",
         ""},
        {"exclude-resource", 0, List, "KIND", "", "all kinds but these", ""},
        {"cluster-resources",
         0,
         Text,
         "WHICH",
         "auto",
         "cluster-wide objects: auto takes those that the stored objects need, all, none",
         "",
         {"auto", "all", "none"}},
        {"volumes",
         0,
         Text,
         "HOW",
         "auto",
         "files of volumes: auto, snapshot (or else clone; never what is in use), clone (by the "
         "CSI "
         "driver), live (read while in use), none (the claims alone)",
         "",
         {"auto", "snapshot", "clone", "live", "none"}},
        {"policy",
         0,
         Text,
         "FILE",
         "",
         "a policy: all of these flags, and rules for volumes and hooks; also "
         "configmap/NAMESPACE/NAME, and - for standard input",
         "",
         {},
         Completes::File},
    };
}

std::string read_input(std::istream& in) {
    std::string text;
    std::array<char, 4096> piece{};
    while (in.read(piece.data(), piece.size()) || in.gcount() > 0) {
        text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
        if (text.size() > capture::kPolicyLimitBytes) {
            throw Error(ErrorCode::InvalidArgument, "--policy -: standard input is too long");
        }
    }
    return text;
}

/// What was typed; the rest is empty.
capture::ScopeFlags typed_flags(const ParsedCommand& arguments) {
    capture::ScopeFlags flags;
    flags.namespaces = arguments.list("namespace");
    flags.all_namespaces = arguments.is_on("all-namespaces");
    flags.exclude_namespaces = arguments.list("exclude-namespace");
    flags.namespace_selectors = arguments.list("namespace-selector");
    flags.namespace_annotations = arguments.list("namespace-annotation");
    flags.selectors = arguments.list("selector");
    flags.annotations = arguments.list("annotation");
    flags.annotated = arguments.is_on("annotated");
    flags.include_resources = arguments.list("include-resource");
    flags.exclude_resources = arguments.list("exclude-resource");
    const auto typed = [&arguments](std::string_view flag) {
        return arguments.is_given(flag) ? arguments.text(flag) : std::string();
    };
    flags.cluster_resources = typed("cluster-resources");
    flags.volumes = typed("volumes");
    return flags;
}

}  // namespace

std::vector<Flag> scope_flags() {
    auto flags = namespace_flags();
    for (auto& flag : content_flags()) {
        flags.push_back(std::move(flag));
    }
    return flags;
}

capture::Policy read_policy(Context& context) {
    const auto path = context.arguments().find_text("policy");
    if (!path) {
        return {};
    }
    const auto load = [&] {
        return *path == "-"
                   ? capture::parse_policy(read_input(context.app().in))
                   : capture::load_policy(*path, context.cluster(), context.app().stop_token());
    };
    auto policy = with_context([] { return std::string("--policy"); }, load);
    for (const auto& warning : policy.warnings) {
        context.warn(concat("--policy: ", warning));
    }
    return policy;
}

capture::Scope read_scope(Context& context, const capture::Policy& policy) {
    auto scope =
        capture::make_scope(capture::override_scope(policy.scope, typed_flags(context.arguments())),
                            context.cluster().config().default_namespace);
    scope.filters = policy.filters;
    scope.volume_rules = policy.volumes;
    return scope;
}

}  // namespace backup::plugin
