// SPDX-License-Identifier: Apache-2.0
// Following changes of objects, and waiting until one is in a wanted state.
#pragma once

#include "core/kube/client.hpp"

namespace backup::kube {

struct WatchOptions {
    std::string ns;    // empty: of the whole cluster
    std::string name;  // empty: all
    std::string label_selector;
    /// Changes after this one; empty: what there is comes first, as Added.
    std::string resource_version;
    std::chrono::seconds timeout{300};  // then the server ends it
    std::stop_token stop;
};

enum class WatchEventType { Added, Modified, Deleted, Bookmark };

struct WatchEvent {
    WatchEventType type = WatchEventType::Added;
    Json object;
};

enum class WatchEnd {
    Done,     // the callback had enough
    Timeout,  // the server ended it; go on from the last resourceVersion
    Expired,  // HTTP 410: get or list again
};

/// Runs on the calling thread. `on_event` answers false when it has seen enough.
WatchEnd watch(Client& client,
               const model::ApiResource& resource,
               const WatchOptions& options,
               const std::function<bool(const WatchEvent&)>& on_event);

struct WaitOptions {
    std::chrono::milliseconds timeout{300'000};
    std::string what = "the wanted state";  // for the message of TimedOut
    std::stop_token stop;
};

/// Gets and watches one object until `is_reached`, which sees nullptr when there is none. What the
/// predicate throws comes out. Returns the object (null when there is none); throws TimedOut.
Json wait_until(Client& client,
                const ObjectRef& object,
                const std::function<bool(const Json* object)>& is_reached,
                const WaitOptions& options = {});

}  // namespace backup::kube
