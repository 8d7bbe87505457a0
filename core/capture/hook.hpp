// SPDX-License-Identifier: Apache-2.0
// Commands that an application wants to be run around the reading of its volumes, as annotations of
// its pods and rules of a policy say it. Knows no cluster and runs nothing; docs/hooks.md.
#pragma once

#include "core/base/json.hpp"
#include "core/model/selector.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace backup::capture {

inline constexpr std::chrono::seconds kHookTimeout{30};
/// As Velero 1.19: https://github.com/velero-io/velero/pull/10125
inline constexpr std::chrono::hours kLongestHookTimeout{4};
/// Of a command whose output is stored: a dump of a large database takes its time.
inline constexpr std::chrono::hours kOutputTimeout{24};

/// One command. With a `problem` it was meant, but cannot be run.
struct HookSpec {
    std::string container;             // empty: the pod's default one
    std::vector<std::string> command;  // program and arguments
    std::chrono::milliseconds timeout = kHookTimeout;
    bool may_fail = false;  // on-error is Continue
    std::string origin;     // "annotation kubectl-backup/pre-hook", "hooks[0] of the policy"
    std::string problem;

    bool operator==(const HookSpec&) const = default;
};

struct HookSet {
    std::vector<HookSpec> pre;
    std::vector<HookSpec> post;

    bool is_empty() const { return pre.empty() && post.empty(); }

    bool operator==(const HookSet&) const = default;
};

/// A command whose standard output is stored as a file of the point.
struct OutputSpec {
    HookSpec hook;
    std::string extension;  // ".sql", or empty

    bool operator==(const OutputSpec&) const = default;
};

/// What the rules may ask about a pod.
struct HookSubject {
    std::string ns;
    model::Labels labels;
    model::Labels annotations;
    /// "Pod" and the kinds it belongs to: "ReplicaSet", "Deployment".
    std::vector<std::string> kinds;
};

/// All that is given must hold; of a list one entry.
struct HookMatch {
    std::vector<std::string> namespaces;  // globs
    std::optional<model::LabelSelector> selector;
    std::vector<std::string> kinds;  // of the pod's owner, without regard to case

    bool operator==(const HookMatch&) const = default;
};

struct HookRule {
    HookMatch match;
    HookSet hooks;
    std::string name;  // for people: "hooks[0] of the policy"

    bool operator==(const HookRule&) const = default;
};

/// `hooks:` of a policy: a list of {match: {namespaces, selector, kinds}, container, pre, post}.
/// Throws InvalidArgument with the place and, for an unknown member, "did you mean". `first` is the
/// place of the first one in the policy.
std::vector<HookRule> parse_hook_rules(const Json& hooks, std::size_t first = 0);

bool matches(const HookMatch& match, const HookSubject& pod);

/// What a pod is to do.
struct PodHooks {
    HookSet hooks;
    std::optional<OutputSpec> output;
    std::vector<std::string> warnings;  // marks that contradict each other or are not understood

    bool operator==(const PodHooks&) const = default;
};

/// One source decides about pre and post together: our annotations, else Velero's, else the first
/// rule that matches. (A pre of one and a post of another would not fit.) An annotation that cannot
/// be read becomes a HookSpec with a problem: an application that is not frozen as it wanted must
/// not look as if it was. Never throws.
PodHooks find_pod_hooks(const HookSubject& pod, const std::vector<HookRule>& rules);

/// Whether any of the annotations is one that find_pod_hooks reads.
bool has_hook_marks(const model::Labels& annotations);

/// Words of a command line as a POSIX shell splits them (quotes and backslashes, no expansion):
/// k8up's commands are written so. Throws InvalidArgument when a quote is not closed.
std::vector<std::string> split_words(std::string_view text);

}  // namespace backup::capture
