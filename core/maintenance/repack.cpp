// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/repack.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/pack_pipeline.hpp"
#include "core/repository/pack_reader.hpp"

#include <algorithm>
#include <utility>

namespace backup::maintenance {

using namespace repository;

namespace {

constexpr std::uint64_t kGroupBytes = 1U << 20U;

class Repacking {
  public:
    Repacking(const Repository& repository,
              ChunkStore& chunks,
              const Census& census,
              const Surroundings& surroundings,
              Session& session)
        : repository_(repository),
          chunks_(chunks),
          census_(census),
          surroundings_(surroundings),
          session_(session),
          hasher_(repository.keys().chunk_id),
          builder_(repository.parameters().frame_bytes, 1, true),
          pipeline_(repository, surroundings.random) {}

    RepackResult run(const std::vector<const PackUse*>& packs) {
        for (const auto kind : {BlobKind::DataPack, BlobKind::MetadataPack}) {
            for (const auto* const use : packs) {
                if (use->pack.kind == kind) {
                    copy_pack(*use);
                }
            }
            flush(kind);
        }
        pipeline_.drain();
        pipeline_.write_index();
        result_.stored_bytes = pipeline_.stored_bytes();
        return std::move(result_);
    }

  private:
    void copy_pack(const PackUse& use) {
        throw_if_stopped(surroundings_.stop);
        session_.keep_alive();
        const auto failure = failure_of([&] { copy_chunks(use); });
        if (!failure) {
            result_.emptied.push_back(use.pack.name);
        } else if (failure->code() == ErrorCode::CorruptData) {
            result_.problems.push_back(
                {pack_name(use.pack.name), failure->what(), failure->code()});
        } else {
            throw Error(*failure);
        }
        surroundings_.progress.advance(1, use.stored_bytes);
    }

    void copy_chunks(const PackUse& use) {
        const PackReader reader(repository_, use.pack);
        for (const auto& chunk : reader.read_chunk_table()) {
            if (!census_.is_keeper(use, chunk.id.short_id())) {
                continue;
            }
            throw_if_stopped(surroundings_.stop);
            const auto plain = chunks_.read(chunk.id.short_id());
            if (hasher_(chunk.kind, plain) != chunk.id) {
                throw Error(ErrorCode::CorruptData,
                            concat("chunk ", chunk.id.hex(), " holds other bytes than its name"));
            }
            builder_.add(chunk.id, chunk.kind, plain);
            result_.copied_bytes += plain.size();
            if (builder_.plain_bytes() >= kGroupBytes) {
                flush(use.pack.kind);
            }
        }
    }

    void flush(BlobKind kind) {
        if (!builder_.empty()) {
            pipeline_.add(builder_.take(), kind);
        }
    }

    const Repository& repository_;
    ChunkStore& chunks_;
    const Census& census_;
    const Surroundings& surroundings_;
    Session& session_;
    content::ChunkHasher hasher_;
    content::FrameGroupBuilder builder_;
    PackPipeline pipeline_;
    RepackResult result_;
};

}  // namespace

RepackResult repack(const Repository& repository,
                    ChunkStore& chunks,
                    const Census& census,
                    const std::vector<const PackUse*>& packs,
                    const Surroundings& surroundings,
                    Session& session) {
    return Repacking(repository, chunks, census, surroundings, session).run(packs);
}

}  // namespace backup::maintenance
