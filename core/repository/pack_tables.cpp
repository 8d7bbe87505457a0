// SPDX-License-Identifier: Apache-2.0
#include "core/repository/pack_tables.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/pack_reader.hpp"

namespace backup::repository {

PackTables read_pack_tables(const Repository& repository,
                            const content::Digest& name,
                            std::uint64_t size) {
    auto& backend = repository.backend();
    const auto blob = pack_name(name);
    if (size < format::kHeaderBytes + format::kPackTrailerBytes || size > format::kLargestPack) {
        throw Error(ErrorCode::CorruptData, concat(blob, " cannot be a pack of ", size, " bytes"));
    }
    Header header{};
    backend.get_range(blob, 0, header);
    const auto fields = decode_header(header, blob);
    Bytes end(format::kPackTrailerBytes);
    backend.get_range(blob, size - end.size(), end);
    const auto trailer = decode_trailer(end, size, blob);
    PackTables tables;
    tables.pack = {name,
                   fields.salt,
                   size,
                   trailer.frame_table_offset(),
                   trailer.frame_table_bytes,
                   trailer.frame_count,
                   fields.kind};
    if (fields.kind != BlobKind::DataPack && fields.kind != BlobKind::MetadataPack) {
        throw Error(ErrorCode::CorruptData, concat(blob, " is a blob of another kind"));
    }
    tables.chunks = PackReader(repository, tables.pack).read_chunk_table();
    return tables;
}

}  // namespace backup::repository
