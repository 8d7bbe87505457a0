// SPDX-License-Identifier: Apache-2.0
// The programs in a namespace: immutable ConfigMaps named by their content, shared by all movers
// there. Knows nothing of pods but who still uses the ConfigMaps.
#pragma once

#include "core/base/clock.hpp"
#include "core/kube/client.hpp"
#include "core/volume/mover_owner.hpp"
#include "core/volume/mover_program.hpp"

#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace backup::volume {

/// One ConfigMap holds at most 1 MiB of data.
inline constexpr std::size_t kLargestPart = 1'040'000;

struct ProgramMap {
    std::string name;
    std::vector<std::pair<std::string, ByteView>> files;  // "loader", "mover.00", ...
};

/// In the order in which the parts belong together. Throws Unsupported when the loader is too
/// large.
std::vector<ProgramMap> split_program(const MoverProgram& program);

class MoverParts {
  public:
    MoverParts(kube::Client& client, const MoverProgram& program, std::string ns, MoverOwner owner);

    const std::string& digest() const { return digest_; }

    std::vector<std::string> names() const;

    /// Creates what is missing and proves what is there; cheap when nothing has changed since the
    /// last time. Throws MoverFailed when a ConfigMap of that name holds something else: a foreign
    /// program must not run with our keys.
    void ensure(TimePoint now, const std::stop_token& stop);

    /// Removes them unless a pod other than `own_pod` uses them. Whoever is starting one right now
    /// misses them for a moment and makes them again (ensure).
    void remove_unused(std::string_view own_pod, const std::stop_token& stop);

  private:
    struct Entry {
        ProgramMap map;
        std::string uid;  // of the ConfigMap that was proved
    };

    void ensure_one(Entry& entry, TimePoint now, const std::stop_token& stop);
    std::optional<std::string> find_uid(const std::string& name, const std::stop_token& stop);
    void prove(Entry& entry, const std::stop_token& stop);
    Json document_of(const ProgramMap& map, TimePoint now) const;
    bool is_used_by_others(std::string_view own_pod, const std::stop_token& stop);

    kube::Client& client_;
    std::string ns_;
    MoverOwner owner_;
    std::string digest_;
    std::vector<Entry> entries_;
};

}  // namespace backup::volume
