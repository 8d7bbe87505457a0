// SPDX-License-Identifier: Apache-2.0
#include "core/repository/index_writer.hpp"

#include "core/base/error.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/index_filter.hpp"
#include "core/repository/index_layout.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace backup::repository {

namespace {

// What is hashed and handed to the backend at once.
constexpr std::size_t kBufferBytes = 256U << 10U;

std::uint32_t sealed_size(std::uint64_t plain_bytes) {
    const auto size = plain_bytes + format::kTagBytes;
    if (size > std::numeric_limits<std::uint32_t>::max()) {
        throw Error(ErrorCode::Internal, "a section of the index is too long");
    }
    return static_cast<std::uint32_t>(size);
}

}  // namespace

IndexEncoder::IndexEncoder(const Repository& repository, Random& random, Sink sink)
    : sealer_(repository.id(), repository.keys(), BlobKind::Index, random),
      sink_(std::move(sink)) {
    put(sealer_.header());
}

void IndexEncoder::add(const IndexRecord& record) {
    block_.push_back(record);
    const auto key = IndexFilter::key_of(record.id);
    if (keys_.empty() || keys_.back() != key) {
        keys_.push_back(key);
    }
    if (block_.size() == format::kRecordsPerBlock) {
        end_block();
    }
}

void IndexEncoder::end_block() {
    if (block_.empty()) {
        return;
    }
    append(fences_, block_.front().id.bytes);
    records_ += block_.size();
    put_section(blocks_, {}, encode_index_records(block_));
    ++blocks_;
    block_.clear();
}

void IndexEncoder::finish(const std::vector<IndexedPack>& packs,
                          const std::vector<content::Digest>& replaced) {
    end_block();
    Bytes names;
    for (const auto& name : replaced) {
        append(names, name);
    }
    const auto filter = IndexFilter::make(std::exchange(keys_, {})).encode();
    const auto pack_table = encode_pack_table(packs);
    IndexTrailer trailer;
    trailer.records = records_;
    trailer.blocks = blocks_;
    trailer.pack_table_bytes = sealed_size(pack_table.size());
    trailer.fences_bytes = sealed_size(fences_.size());
    trailer.replaced_bytes = sealed_size(names.size());
    trailer.filter_bytes = sealed_size(filter.size());
    trailer.blob_bytes = written_ + trailer.tables_bytes() + format::kIndexTrailerBytes;
    if (trailer.blob_bytes > format::kLargestIndexSegment) {
        throw Error(ErrorCode::Internal, "an index segment is too long");
    }
    const auto end = encode_index_trailer(trailer);
    put_section(format::kPackTableSection, {}, pack_table);
    put_section(format::kFencesSection, end, fences_);
    put_section(format::kReplacedSection, {}, names);
    put_section(format::kFilterSection, {}, filter);
    put(end);
}

void IndexEncoder::put_section(std::uint64_t section, ByteView associated, ByteView plain) {
    sealed_.resize(plain.size() + format::kTagBytes);
    sealer_.seal(section, associated, plain, sealed_);
    put(sealed_);
}

void IndexEncoder::put(ByteView bytes) {
    sink_(bytes);
    written_ += bytes.size();
}

IndexWriter::IndexWriter(const Repository& repository, Random& random)
    : blob_(repository.backend().create(kIndexFolder)),
      encoder_(repository, random, [this](ByteView bytes) {
          append(buffer_, bytes);
          written_ += bytes.size();
          if (buffer_.size() >= kBufferBytes) {
              hash_.update(buffer_);
              blob_->write(buffer_);
              buffer_.clear();
          }
      }) {}

IndexWriter::~IndexWriter() = default;

std::uint32_t IndexWriter::add_pack(const IndexedPack& pack) {
    const auto next = static_cast<std::uint32_t>(packs_.size());
    const auto [place, is_new] = pack_numbers_.try_emplace(pack.name, next);
    if (is_new) {
        packs_.push_back(pack);
    }
    return place->second;
}

void IndexWriter::add(const IndexRecord& record) {
    if ((records_ != 0 && record.id < last_) || record.pack >= packs_.size()) {
        throw Error(ErrorCode::Internal, "records of an index segment come in a wrong order");
    }
    last_ = record.id;
    ++records_;
    encoder_.add(record);
}

void IndexWriter::add_replaced(const content::Digest& name) {
    replaced_.push_back(name);
}

content::Digest IndexWriter::commit() {
    std::sort(replaced_.begin(), replaced_.end());
    replaced_.erase(std::unique(replaced_.begin(), replaced_.end()), replaced_.end());
    encoder_.finish(packs_, replaced_);
    hash_.update(buffer_);
    blob_->write(buffer_);
    buffer_ = {};
    const auto digest = hash_.finish();
    blob_->commit(index_name(digest));
    blob_.reset();
    return digest;
}

}  // namespace backup::repository
