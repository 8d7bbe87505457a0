// SPDX-License-Identifier: Apache-2.0
// Which namespaces of a cluster a scope means. A person who may only look into one namespace need
// not be allowed to list them all.
#pragma once

#include "core/capture/findings.hpp"
#include "core/capture/scope.hpp"
#include "core/kube/client.hpp"

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace backup::capture {

struct ChosenNamespaces {
    Names names;
    /// Those whose Namespace object carries an annotation of Scope::annotations: all in them is in.
    Names annotated;
    /// The Namespace objects of those that may be read.
    std::vector<model::Object> objects;
    /// Those that were left out although they were meant, with the reason.
    std::vector<model::ListRecord> skipped;
    std::vector<std::string> warnings;
    /// There are so many of all that lists over the whole cluster cost less than one for each.
    bool prefers_wide_lists = false;
};

/// Throws KubeNotFound ("did you mean") when a namespace does not exist, Forbidden when a pattern
/// is given but namespaces may not be listed, NotFound when none is left to back up.
ChosenNamespaces choose_namespaces(kube::Client& client,
                                   const model::ApiResource& namespaces,
                                   const Scope& scope,
                                   std::stop_token stop);

}  // namespace backup::capture
