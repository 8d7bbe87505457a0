// SPDX-License-Identifier: Apache-2.0
#include "core/repository/stored_record.hpp"

#include "core/base/text.hpp"
#include "core/content/compression.hpp"
#include "core/repository/blob_access.hpp"
#include "core/repository/parse_stored.hpp"
#include "core/repository/salvage.hpp"

namespace backup::repository {

Bytes encode_record(const Repository& repository, BlobKind kind, const Json& json, Random& random) {
    const auto text = format_json(json);
    if (text.size() > kLargestStoredRecord || count_values(json) > kMostStoredValues) {
        throw Error(ErrorCode::Internal, "a record of the repository is too long");
    }
    BlobSealer sealer(repository.id(), repository.keys(), kind, random);
    Bytes blob = to_bytes(sealer.header());
    sealer.append_section(blob, 0, {}, content::compress_whole(as_bytes(text)));
    return blob;
}

Json decode_record(const Repository& repository,
                   BlobKind kind,
                   ByteView blob,
                   const std::string& what) {
    const BlobOpener opener(repository.id(), repository.keys(), kind, blob, what);
    const auto stored = opener.open(0, {}, blob.subspan(format::kHeaderBytes));
    const auto plain = content::decompress_whole(stored, kLargestStoredRecord);
    return parse_stored(what, [&] {
        auto json = parse_json(as_text(plain), {.values = kMostStoredValues});
        if (const auto version = json.integer_at({"version"}); version != 1) {
            throw Error(ErrorCode::UnknownFormat, concat(what, " has version ", version));
        }
        return json;
    });
}

Json read_record(const Repository& repository, BlobKind kind, const std::string& name) {
    return decode_record(
        repository, kind, get_blob(repository.backend(), name, kLargestStoredRecord), name);
}

std::optional<Json> find_record(const Repository& repository,
                                BlobKind kind,
                                const std::string& name) {
    try {
        return read_record(repository, kind, name);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::NotFound) {
            return std::nullopt;
        }
        throw;
    }
}

bool is_damaged_record(const Repository& repository, const std::string& blob, const Error& error) {
    // A damaged header may look like a format of the future.
    return error.code() == ErrorCode::UnknownFormat ||
           is_damage(repository.backend(), blob, kLargestStoredRecord, error);
}

}  // namespace backup::repository
