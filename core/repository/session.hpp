// SPDX-License-Identifier: Apache-2.0
// The sign a writer leaves while it works, so that a collection waits for it: docs/format.md
// section 9. No lock: sessions never wait for each other, and one that is overtaken notices it when
// it commits. No clock is trusted for that.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/random.hpp"
#include "core/repository/gc_generation.hpp"

#include <atomic>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace backup::repository {

class Session {
  public:
    /// Announces itself. List packs only after this: what it does not condemn and a list shows then
    /// stays until it ends. `random` must be safe to be used from any thread; all references must
    /// outlive this. A damaged record of a collection throws, and nothing is left of the session.
    /// With `on_damaged` it is told, and the session says that it knows no collection, so that each
    /// waits for it: is_condemned() may not know them all then.
    Session(const Repository& repository,
            Random& random,
            Clock& clock,
            OnDamagedGeneration on_damaged = {});
    /// Without commit() or end(): as end(), with errors dropped.
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    const std::string& id() const { return joined_.id; }

    /// A collection was under way at its start: then the index must not be compacted.
    bool saw_collection() const { return joined_.saw_collection; }

    /// Nothing new may rely on such a pack.
    bool is_condemned(const content::Digest& pack) const;

    /// To be called now and then, from any thread: every few minutes it renews the sign.
    void keep_alive();

    /// Makes the point appear: the only way a point comes into a repository. `packs`: every pack it
    /// relies on, durable by now. Throws Incomplete when one of them is gone, or a collection took
    /// the session for dead and condemned one, or this run slept over its ticket until others had
    /// completed the point and deleted it, or it decayed and they removed content: the point it has
    /// put is taken back then. A failure to clean up behind a point that is there is none.
    void commit(const std::string& point_name,
                ByteView point,
                std::span<const content::Digest> packs);

    /// Ends without a point.
    void end();

  private:
    struct Joined {
        std::string id;
        std::vector<content::Digest> condemned;  // sorted
        bool saw_collection = false;
        std::uint64_t beats = 0;  // only the last one is there
    };

    Joined join() const;
    void leave(const Joined& joined) const;
    void remove_sleepers() const;
    bool put_ticket(const std::string& point_name, ByteView point) const;
    void rejoin(std::span<const content::Digest> packs);
    bool has_all(const Joined& joined, std::span<const content::Digest> packs) const;
    void check_own_point(const std::string& point_name,
                         std::span<const content::Digest> packs) const;
    void take_back(const std::string& point_name) const;

    const Repository& repository_;
    Random& random_;
    Clock& clock_;
    const OnDamagedGeneration on_damaged_;
    std::mutex beat_mutex_;
    std::atomic<std::int64_t> next_beat_;  // steady clock
    Joined joined_;
    std::optional<content::Digest> ticket_point_;  // a ticket for it was put, or may have been
    bool is_ended_ = false;
};

}  // namespace backup::repository
