// SPDX-License-Identifier: Apache-2.0
// A small repository in memory (or in a given backend) with tiny packs and frames, and points in
// it.
#pragma once

#include "core/backend/memory_backend.hpp"
#include "core/repository/point_store.hpp"
#include "core/repository/repository.hpp"
#include "core/repository/writer.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/seeded_random.hpp"

#include <map>
#include <string>
#include <vector>

namespace backup::testing {

/// Frames of 4 KiB, packs of 32 KiB, chunks of 1 to 16 KiB.
repository::Parameters tiny_parameters();

/// Makes one in `backend`; returns its key file.
repository::KeyFile init_tiny_repository(backend::Backend& backend, Random& random, Clock& clock);

repository::Repository open_tiny_repository(backend::Backend& backend,
                                            const repository::KeyFile& key);

/// Files by path "a/b": content. The tree of a point.
using Files = std::map<std::string, Bytes>;

/// Writes and commits a point with these files.
repository::PointRecord write_point(const repository::Repository& repository,
                                    const std::string& name,
                                    const Files& files,
                                    Random& random,
                                    Clock& clock);

/// Everything in a point's tree, read back.
Files read_files(const repository::Repository& repository, const repository::PointRecord& record);

/// A few small files, one that is cut into chunks, one that does not shrink, one empty.
Files some_files(SeededRandom& random);

}  // namespace backup::testing
