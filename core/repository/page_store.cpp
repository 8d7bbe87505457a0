// SPDX-License-Identifier: Apache-2.0
#include "core/repository/page_store.hpp"

#include "core/base/error.hpp"
#include "core/repository/chunk_store.hpp"
#include "core/repository/page_cache.hpp"
#include "core/repository/point_store.hpp"
#include "core/repository/tree_builder.hpp"
#include "core/repository/tree_reader.hpp"
#include "core/repository/writer.hpp"

#include <algorithm>
#include <cstring>

namespace backup::repository {
namespace {

class WriterSink : public PageSink {
  public:
    explicit WriterSink(Writer& writer) : writer_(writer) {}

    content::ShortId put(content::ChunkKind kind, ByteView bytes) override {
        return writer_.add_chunk(kind, bytes).short_id();
    }

  private:
    Writer& writer_;
};

class StoreSource : public PageSource {
  public:
    explicit StoreSource(ChunkStore& chunks) : chunks_(chunks) {}

    Bytes get(const content::ShortId& id) override { return chunks_.read(id); }

    void get_range(const ChunkPiece& piece, std::span<std::byte> out) override {
        chunks_.read_range(piece, out);
    }

    void collect(const ChunkPiece& piece, std::uint64_t size, ByteChain& out) override {
        chunks_.collect(piece, size, out);
    }

  private:
    ChunkStore& chunks_;
};

constexpr std::size_t kIdBytes = sizeof(content::ShortId::bytes);
constexpr std::uint64_t kPageTableLimitBytes = 1U << 30U;
// Taken for granted: a part of the index may be lost, and what is left of a point can be read.
constexpr std::uint64_t kFewPages = 1U << 20U;

std::vector<content::ShortId> read_page_table(ChunkStore& chunks, const PointRecord& record) {
    std::vector<content::ShortId> pages;
    const auto take_over = [&pages](ByteView table) {
        const auto known = pages.size();
        pages.resize(table.size() / kIdBytes);
        for (auto i = known; i < pages.size(); ++i) {
            std::memcpy(pages[i].bytes.data(), table.data() + i * kIdBytes, kIdBytes);
        }
        std::vector<content::ShortId> fresh(pages.begin() + static_cast<std::ptrdiff_t>(known),
                                            pages.end());
        std::sort(fresh.begin(), fresh.end());
        if (std::adjacent_find(fresh.begin(), fresh.end()) != fresh.end()) {
            throw Error(ErrorCode::CorruptData, "page table of the point names a page twice");
        }
    };
    const auto most = std::max(chunks.chunk_count(), kFewPages);
    const auto table = read_stream(
        chunks, record.pages, std::min(kPageTableLimitBytes, most * kIdBytes), take_over);
    if (table.size() % kIdBytes != 0) {
        throw Error(ErrorCode::CorruptData, "page table of the point has an impossible length");
    }
    return pages;
}

}  // namespace

void PageSource::collect(const ChunkPiece& piece, std::uint64_t size, ByteChain& out) {
    get_range(piece, append_room(out, size));
}

std::unique_ptr<PageSink> make_page_sink(Writer& writer) {
    return std::make_unique<WriterSink>(writer);
}

std::unique_ptr<PageSource> make_page_source(ChunkStore& chunks) {
    return std::make_unique<StoreSource>(chunks);
}

TreeBuilder::TreeBuilder(Writer& writer) : TreeBuilder(make_page_sink(writer)) {}

TreeReader::TreeReader(ChunkStore& chunks,
                       DirectoryRef root,
                       std::vector<content::ShortId> pages,
                       TreeReaderOptions options)
    : TreeReader(make_page_source(chunks), root, std::move(pages), options) {}

std::unique_ptr<TreeReader> TreeReader::open(ChunkStore& chunks,
                                             const PointRecord& record,
                                             TreeReaderOptions options) {
    return open(chunks,
                std::make_shared<PageCache>(make_page_source(chunks), options.page_cache_bytes),
                record);
}

std::unique_ptr<TreeReader> TreeReader::open(ChunkStore& chunks,
                                             std::shared_ptr<PageCache> cache,
                                             const PointRecord& record) {
    return std::make_unique<TreeReader>(
        std::move(cache), record.root, read_page_table(chunks, record));
}

}  // namespace backup::repository
