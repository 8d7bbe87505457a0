// SPDX-License-Identifier: Apache-2.0
// `kubectl backup create`: the objects and volumes of a scope become a recovery point.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/progress.hpp"
#include "core/base/random.hpp"
#include "core/capture/scope.hpp"
#include "core/capture/survey_hooks.hpp"
#include "core/kube/client.hpp"
#include "core/repository/chunk_store.hpp"
#include "core/repository/point_store.hpp"
#include "core/volume/mover_program.hpp"

#include <set>
#include <stop_token>
#include <string>

namespace backup::capture {

struct CreateContext {
    kube::Client& client;
    const volume::MoverProgram& program;
    const repository::Repository& repository;
    repository::ChunkStore& chunks;
    Random& random;
    Clock& clock;
    Progress& progress;
};

struct CreateOptions {
    Scope scope;
    model::RecoveryPoint point;     // name, created, description, tags, host, program
    std::string mover_image;        // empty: one that is on the cluster node
    model::SeverityRules severity;  // of the policy
    HookFlags hooks;
    int compression_level = 1;
    /// Every frame that is made here is decoded and compared before it is stored. (What movers send
    /// is proved in any case.)
    bool verify_writes = true;
    unsigned lists_at_once = 8;
    unsigned volumes_at_once = 4;
    // Bytes a second; 0: as fast as it goes.
    std::uint64_t upload_limit = 0;  // into the repository, all together
    std::uint64_t read_limit = 0;    // from all volumes together
    /// Packs known to be damaged: what is in them is stored again.
    std::set<content::Digest> unsound_packs = {};
};

struct CreatedPoint {
    repository::PointRecord record;  // committed
    model::Ledger ledger;
};

/// What could not be protected is in the ledger. Throws, and leaves no point and nothing in the
/// cluster, when a namespace is missing, nothing may be listed, the server is gone, the repository
/// cannot be written, or stop was asked. What was stored by then stays, so that the next run need
/// not send it again.
CreatedPoint create_point(const CreateContext& context,
                          const CreateOptions& options,
                          std::stop_token stop);

}  // namespace backup::capture
