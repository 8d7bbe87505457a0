// SPDX-License-Identifier: Apache-2.0
// A real repository in memory, and points made of plain values.
#pragma once

#include "core/backend/memory_backend.hpp"
#include "core/repository/chunk_store.hpp"
#include "core/repository/point_store.hpp"
#include "core/repository/repository.hpp"
#include "core/repository/writer.hpp"
#include "core/view/node.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/unit/repository_tree/random_tree.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace backup::testing {

class MadeRepository {
  public:
    MadeRepository();

    /// Content of a file that does not stand inline: cut at `cut` bytes.
    repository::FileContent store(std::string_view bytes, std::size_t cut = 1U << 20U);

    /// Commits `root` (objects/, volumes/, extra/) as a point of the clock's time.
    repository::PointRecord commit(const std::string& name,
                                   TestNode root,
                                   std::vector<std::string> namespaces = {"shop"});

    /// A minute later.
    void tick() { clock_.advance(std::chrono::minutes(1)); }

    const repository::Repository& repository() const { return *repository_; }

    repository::ChunkStore& chunks() { return *chunks_; }

    backend::MemoryBackend& backend() { return backend_; }

    FakeClock& clock() { return clock_; }

  private:
    repository::Writer& writer();

    backend::MemoryBackend backend_;
    SeededRandom random_;
    FakeClock clock_;
    std::unique_ptr<repository::Repository> repository_;
    std::unique_ptr<repository::ChunkStore> chunks_;
    std::unique_ptr<repository::Writer> writer_;
};

/// A file with inline content of any length.
TestNode make_text(std::string name, std::string text);

/// objects/namespaces/shop with a few kinds, cluster objects, extra/resources.json, and the volumes
/// given for "shop".
TestNode make_shop(std::vector<TestNode> volumes = {});

/// Lines "path type", in walking order.
std::vector<std::string> list_all(const view::NodePointer& root);

std::string read_at(view::Node& node, std::uint64_t offset, std::size_t length);

}  // namespace backup::testing
