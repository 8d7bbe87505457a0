// SPDX-License-Identifier: Apache-2.0
#include "core/repository/config.hpp"

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "core/content/frame_group.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/parse_stored.hpp"
#include "core/repository/sealed_blob.hpp"

#include <limits>

namespace backup::repository {

namespace {

constexpr std::uint32_t kSmallestFrame = 1U << 10U;
constexpr std::uint32_t kSmallestPack = 4U << 10U;
constexpr std::uint32_t kLargestInline = 64U << 10U;

Json to_json(const Parameters& parameters, TimePoint created) {
    const auto number = [](std::uint32_t value) { return Json(std::uint64_t{value}); };
    return Json::object({{"version", 1},
                         {"created", format_rfc3339(created)},
                         {"chunker",
                          Json::object({{"min", number(parameters.chunker.min_bytes)},
                                        {"average", number(parameters.chunker.average_bytes)},
                                        {"max", number(parameters.chunker.max_bytes)}})},
                         {"frameSize", number(parameters.frame_bytes)},
                         {"packSize", number(parameters.pack_bytes)},
                         {"inlineLimit", number(parameters.inline_limit_bytes)}});
}

std::uint32_t size_at(const Json& json, std::initializer_list<std::string_view> path) {
    const auto value = json.integer_at(path, -1);
    if (value < 0 || value > std::numeric_limits<std::uint32_t>::max()) {
        throw Error(ErrorCode::CorruptData, "config lacks a size");
    }
    return static_cast<std::uint32_t>(value);
}

Parameters parameters_from_json(const Json& json) {
    const auto version = json.integer_at({"version"});
    if (version != 1) {
        throw Error(ErrorCode::UnknownFormat, concat("config has version ", version));
    }
    Parameters parameters;
    parameters.chunker.min_bytes = size_at(json, {"chunker", "min"});
    parameters.chunker.average_bytes = size_at(json, {"chunker", "average"});
    parameters.chunker.max_bytes = size_at(json, {"chunker", "max"});
    parameters.frame_bytes = size_at(json, {"frameSize"});
    parameters.pack_bytes = size_at(json, {"packSize"});
    parameters.inline_limit_bytes = size_at(json, {"inlineLimit"});
    check_parameters(parameters);
    return parameters;
}

}  // namespace

void check_parameters(const Parameters& parameters) {
    parameters.chunker.check();
    if (parameters.frame_bytes < kSmallestFrame ||
        parameters.frame_bytes > content::kLargestFrameBytes) {
        throw Error(ErrorCode::InvalidArgument, "frames have 1 KiB to 1 MiB");
    }
    if (parameters.pack_bytes < kSmallestPack || parameters.pack_bytes > format::kLargestPack / 4) {
        throw Error(ErrorCode::InvalidArgument, "packs have 4 KiB to 256 MiB");
    }
    if (parameters.inline_limit_bytes > kLargestInline) {
        throw Error(ErrorCode::InvalidArgument, "at most 64 KiB stand in a page");
    }
}

Bytes encode_config(const RepositoryId& id,
                    const KeyRing& keys,
                    const Parameters& parameters,
                    TimePoint created,
                    Random& random) {
    BlobSealer sealer(id, keys, BlobKind::Config, random);
    Bytes blob = to_bytes(sealer.header());
    sealer.append_section(blob, 0, {}, as_bytes(format_json(to_json(parameters, created))));
    return blob;
}

Parameters decode_config(ByteView blob, const RepositoryId& id, const KeyRing& keys) {
    const BlobOpener opener(id, keys, BlobKind::Config, blob, std::string(kConfigName));
    const auto plain = opener.open(0, {}, blob.subspan(format::kHeaderBytes));
    return parse_stored(kConfigName,
                        [&] { return parameters_from_json(parse_json(as_text(plain))); });
}

}  // namespace backup::repository
