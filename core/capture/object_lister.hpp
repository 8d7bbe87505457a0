// SPDX-License-Identifier: Apache-2.0
// One list of one kind: asked for at the moment of the run, compared with the previous point where
// versions prove that objects are the same, and fetched where they do not. Knows neither the order
// of lists nor what becomes of a refusal.
#pragma once

#include "core/base/progress.hpp"
#include "core/capture/list_moment.hpp"
#include "core/capture/object_taker.hpp"
#include "core/capture/previous_objects.hpp"
#include "core/kube/list.hpp"

#include <functional>
#include <optional>
#include <string>

namespace backup::capture {

/// What is given must outlive the calls. Safe to use from many threads.
struct ListerContext {
    kube::Client& client;
    const ObjectTaker& taker;
    const KindVersions& versions;
    ListMoment& moment;
    PreviousObjects* previous;  // nullptr: everything is fetched
    Progress& progress;
};

struct ObjectListing {
    const model::ApiResource& resource;
    kube::ListOptions options;  // resource_version is chosen here
    /// Only objects that somebody needs; empty: the rules decide.
    std::function<bool(const Json&)> is_needed = {};
    std::string why = {};  // those are needed
};

struct ListedObjects {
    Findings findings;  // also those of a list that failed half-way
    std::uint64_t stored = 0;
    std::uint64_t unchanged = 0;  // of them, taken over from the previous point
    std::string resource_version;
    bool is_consistent = true;
    std::optional<Error> failure;
};

ListedObjects list_and_take(const ListerContext& context,
                            const ObjectListing& listing,
                            ObjectSink& sink);

}  // namespace backup::capture
