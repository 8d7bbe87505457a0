// SPDX-License-Identifier: Apache-2.0
#include "core/capture/object_sink.hpp"

#include "core/content/chunker.hpp"
#include "core/content/frame_group.hpp"

namespace backup::capture {

namespace {

constexpr std::uint64_t kGroupBytes = 4U << 20U;

class RepositoryObjectSink : public ObjectSink {
  public:
    RepositoryObjectSink(const repository::Repository& repository,
                         repository::Writer& writer,
                         int compression_level)
        : parameters_(repository.parameters()),
          writer_(writer),
          hasher_(repository.keys().chunk_id),
          chunker_(repository.keys().chunker, parameters_.chunker),
          group_(parameters_.frame_bytes, compression_level, writer.verifies_writes()) {}

    repository::FileContent store(std::string_view bytes) override {
        repository::FileContent content;
        if (bytes.size() <= parameters_.inline_limit_bytes) {
            content.inline_bytes = bytes;
            return content;
        }
        const ByteView all = as_bytes(bytes);
        std::size_t done = 0;
        while (done < all.size()) {
            const auto chunk = all.subspan(done, next_length(all.subspan(done)));
            done += chunk.size();
            content.extents.push_back({add_chunk(chunk), done});
        }
        return content;
    }

    void flush() override {
        if (!group_.empty()) {
            writer_.add_group(group_.take(), repository::PackKind::Data);
        }
    }

  private:
    std::size_t next_length(ByteView rest) const {
        if (rest.size() <= parameters_.chunker.single_chunk_bytes()) {
            return rest.size();
        }
        return chunker_.next_cut(rest, true);
    }

    content::ShortId add_chunk(ByteView chunk) {
        const auto id = hasher_(content::ChunkKind::Data, chunk);
        if (writer_.claim(id.short_id())) {
            group_.add(id, content::ChunkKind::Data, chunk);
            if (group_.plain_bytes() >= kGroupBytes) {
                flush();
            }
        }
        return id.short_id();
    }

    repository::Parameters parameters_;
    repository::Writer& writer_;
    content::ChunkHasher hasher_;
    content::Chunker chunker_;
    content::FrameGroupBuilder group_;
};

class DiscardingSink : public ObjectSink {
  public:
    repository::FileContent store(std::string_view) override { return {}; }

    void flush() override {}
};

}  // namespace

std::unique_ptr<ObjectSink> make_object_sink(const repository::Repository& repository,
                                             repository::Writer& writer,
                                             int compression_level) {
    return std::make_unique<RepositoryObjectSink>(repository, writer, compression_level);
}

std::unique_ptr<ObjectSink> make_discarding_sink() {
    return std::make_unique<DiscardingSink>();
}

}  // namespace backup::capture
