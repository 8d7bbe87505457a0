// SPDX-License-Identifier: Apache-2.0
// An object that this run makes in the cluster and takes away again: marked with its owner, so that
// `cleanup` finds it when the run was killed. Knows nothing of what kind it is.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/json.hpp"
#include "core/kube/client.hpp"
#include "core/volume/mover_owner.hpp"

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

namespace backup::volume {

/// All names of temporary claims and snapshots begin so; then a random part.
inline constexpr std::string_view kTemporaryPrefix = "kubectl-backup-copy-";

/// "kubectl-backup-copy-" and 16 hexadecimal digits: nobody else calls an object that.
bool is_temporary_name(std::string_view name);

/// What the objects of a run have in common; outlives them.
struct TemporaryContext {
    kube::Client& client;
    const MoverOwner& owner;
    Clock& clock;
};

using Milliseconds = std::chrono::milliseconds;

/// Labels and annotations by which `cleanup` knows whose it is.
Json owner_marks(const TemporaryContext& context);

/// Asks again and again, with pauses that grow to two seconds, until `is_done` (which gets the time
/// that went by) is true. False when the limit is reached first. Throws Interrupted.
bool wait_for(const TemporaryContext& context,
              Milliseconds limit,
              const std::stop_token& stop,
              const std::function<bool(Milliseconds elapsed)>& is_done);

/// Runs a clean-up that must happen after Ctrl-C too, but must not hang: it gets a stop of its own.
void run_limited(std::chrono::seconds limit,
                 const std::function<void(const std::stop_token&)>& action);

/// One thread at a time.
class TemporaryObject {
  public:
    TemporaryObject(const TemporaryContext& context,
                    const model::ApiResource& resource,
                    std::string ns);
    /// Removes it; problems are only logged.
    ~TemporaryObject();
    TemporaryObject(const TemporaryObject&) = delete;
    TemporaryObject& operator=(const TemporaryObject&) = delete;

    /// `spec`, and more annotations of the object. Throws what the API server says.
    void create(Json spec, Json annotations, const std::stop_token& stop);

    const std::string& name() const { return name_; }

    /// "volumesnapshot shop/kubectl-backup-copy-..."
    std::string text() const;

    /// Whether there is, or may be, something to remove.
    bool is_made() const { return is_made_; }

    /// It is not removed by this object any more; `cleanup` finds it.
    void leave() { is_made_ = false; }

    /// Null when it is not there (any more), or when another one has its name.
    Json find(const std::stop_token& stop) const;
    /// The same; throws MoverFailed when it is not there.
    Json get(const std::stop_token& stop) const;

    /// Deletes it and waits until it is gone; `while_there` is called with each look that still
    /// finds it. Throws TimedOut when it is still there at the limit: the cluster goes on removing
    /// it then.
    void remove(Milliseconds limit,
                const std::stop_token& stop,
                const std::function<void(Milliseconds elapsed)>& while_there = {});

  private:
    const TemporaryContext context_;
    model::ApiResource resource_;
    std::string ns_;
    std::string name_;
    std::string uid_;
    bool is_made_ = false;
};

}  // namespace backup::volume
