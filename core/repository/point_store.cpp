// SPDX-License-Identifier: Apache-2.0
#include "core/repository/point_store.hpp"

#include "core/base/json.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/content/compression.hpp"
#include "core/model/fit_ledger.hpp"
#include "core/repository/blob_access.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/parse_stored.hpp"
#include "core/repository/sealed_blob.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <optional>
#include <tuple>
#include <unordered_map>

namespace backup::repository {

namespace {

constexpr std::string_view kRecord = "the record of the point";
constexpr std::uint64_t kLargestPackList = std::uint64_t{1} << 30U;

[[noreturn]] void refuse(std::string_view reason) {
    throw Error(ErrorCode::CorruptData, concat(kRecord, " is damaged: ", reason));
}

template <typename Id>
Id parse_id(const std::string& text) {
    Id id;
    if (text.size() != 2 * id.bytes.size()) {
        refuse("an id is of a wrong length");
    }
    const auto bytes = from_hex(text);
    std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
    return id;
}

std::uint32_t parse_u32(std::int64_t value) {
    if (value < 0 || value > std::numeric_limits<std::uint32_t>::max()) {
        refuse("a number is out of its range");
    }
    return static_cast<std::uint32_t>(value);
}

Json to_json(const Stream& stream) {
    Json::Array items;
    items.reserve(stream.size());
    for (const auto& [id, length] : stream) {
        items.push_back(Json::array({id.hex(), std::uint64_t{length}}));
    }
    return items;
}

Stream stream_at(const Json& json, std::string_view name) {
    const auto* const items = json.find(name);
    if (items == nullptr || !items->is_array()) {
        refuse(concat("'", name, "' is missing"));
    }
    Stream stream;
    for (const auto& item : items->items()) {
        if (!item.is_array() || item.items().size() != 2 || !item.items()[0].is_string() ||
            !item.items()[1].is_number()) {
            refuse(concat("'", name, "' is not a list of chunks"));
        }
        stream.emplace_back(parse_id<content::ChunkId>(item.items()[0].string()),
                            parse_u32(item.items()[1].integer()));
    }
    return stream;
}

Json to_json(const PointRecord& record) {
    auto json = Json::object({{"version", 1}});
    const auto described = model::to_json(record.point);
    auto& members = json.members();
    members.insert(members.end(), described.members().begin(), described.members().end());
    json["root"] =
        Json::object({{"page", record.root.page.hex()}, {"slot", std::uint64_t{record.root.slot}}});
    json["pages"] = to_json(record.pages);
    json["ledger"] = to_json(record.ledger);
    json["packs"] = to_json(record.packs);
    return json;
}

PointRecord record_from_json(const Json& json) {
    if (const auto version = json.integer_at({"version"}); version != 1) {
        throw Error(ErrorCode::UnknownFormat, concat("the point's record has version ", version));
    }
    PointRecord record;
    record.point = model::recovery_point_from_json(json);
    record.root.page = parse_id<content::ShortId>(json.text_at({"root", "page"}));
    record.root.slot = parse_u32(json.integer_at({"root", "slot"}, -1));
    record.pages = stream_at(json, "pages");
    record.ledger = stream_at(json, "ledger");
    record.packs = stream_at(json, "packs");
    return record;
}

PointRecord load_point(const Repository& repository,
                       const std::string& blob_name,
                       const PointName& name) {
    const auto blob =
        get_named_blob(repository.backend(), blob_name, name.digest, format::kLargestPoint);
    return with_context([&] { return blob_name; },
                        [&] {
                            auto record = decode_point(repository, blob);
                            if (format_compact(record.point.created) != name.time) {
                                refuse("its name tells another time");
                            }
                            record.point.id = to_hex(name.digest);
                            return record;
                        });
}

/// Somebody has forgotten the point since it was listed. A list that fails throws.
bool is_gone(const Repository& repository, const std::string& blob_name) {
    bool is_there = false;
    repository.backend().list(kPointsFolder, [&](const backend::BlobInfo& info) {
        is_there = is_there || info.name == blob_name;
    });
    return !is_there;
}

/// A point that is in the storage, and what came of loading it.
struct ListedPoint {
    std::string blob_name;
    PointName name;
    std::optional<PointRecord> record;
    std::optional<Error> failure;
};

/// Each is one small read: from a cold disk or a distant storage most of the time is waiting.
void load_points(const Repository& repository, std::span<ListedPoint* const> points) {
    constexpr std::size_t kManyPoints = 32;
    constexpr std::size_t kThreads = 8;
    std::atomic<std::size_t> next = 0;
    const auto load = [&](const std::stop_token& stop) {
        for (auto i = next++; i < points.size() && !stop.stop_requested(); i = next++) {
            auto& point = *points[i];
            point.failure = failure_of(
                [&] { point.record = load_point(repository, point.blob_name, point.name); });
        }
    };
    TaskGroup others;
    for (std::size_t i = 1; i < kThreads && points.size() >= kManyPoints; ++i) {
        others.start(load);
    }
    load({});
    others.wait();
}

}  // namespace

std::vector<PointRecord> list_points(
    const Repository& repository,
    const std::function<void(const std::string&, const Error&)>& on_damaged,
    std::span<const PointRecord> known) {
    std::unordered_map<std::string_view, const PointRecord*> known_ids;
    for (const auto& record : known) {
        known_ids.emplace(record.point.id, &record);
    }
    std::vector<ListedPoint> listed;
    repository.backend().list(kPointsFolder, [&listed](const backend::BlobInfo& info) {
        if (auto name = find_point_name(info.name)) {
            listed.push_back({info.name, std::move(*name), {}, {}});
        }
    });
    std::vector<ListedPoint*> unknown;
    for (auto& point : listed) {
        if (const auto same = known_ids.find(to_hex(point.name.digest)); same != known_ids.end()) {
            point.record = *same->second;
        } else {
            unknown.push_back(&point);
        }
    }
    load_points(repository, unknown);
    std::vector<PointRecord> points;
    points.reserve(listed.size());
    for (auto& point : listed) {
        if (point.record) {
            points.push_back(std::move(*point.record));
            continue;
        }
        if (point.failure->code() == ErrorCode::NotFound && is_gone(repository, point.blob_name)) {
            continue;
        }
        if (!on_damaged) {
            throw Error(*point.failure);
        }
        on_damaged(point.blob_name, *point.failure);
    }
    std::sort(points.begin(), points.end(), [](const PointRecord& left, const PointRecord& right) {
        return std::tie(left.point.created, left.point.id) <
               std::tie(right.point.created, right.point.id);
    });
    return points;
}

Bytes read_stream(ChunkStore& chunks,
                  const Stream& stream,
                  std::uint64_t limit_bytes,
                  const std::function<void(ByteView so_far)>& check) {
    Bytes bytes;
    for (const auto& [id, length] : stream) {
        if (length > limit_bytes - bytes.size()) {
            throw Error(ErrorCode::CorruptData,
                        concat("a stream of the point has more than ", limit_bytes, " bytes"));
        }
        append(bytes, chunks.read(id, content::ChunkKind::Metadata, length));
        if (check) {
            check(bytes);
        }
    }
    return bytes;
}

std::vector<content::Digest> read_pack_list(ChunkStore& chunks, const PointRecord& record) {
    std::vector<content::Digest> names;
    const auto take_over = [&names](ByteView list) {
        content::Digest name{};
        auto rest = list.subspan(names.size() * name.size());
        for (; rest.size() >= name.size(); rest = rest.subspan(name.size())) {
            std::copy_n(rest.begin(), name.size(), name.begin());
            if (!names.empty() && name <= names.back()) {
                throw Error(ErrorCode::CorruptData, "it is not in order");
            }
            names.push_back(name);
        }
    };
    with_context([] { return std::string("list of its packs"); },
                 [&] {
                     const auto list =
                         read_stream(chunks, record.packs, kLargestPackList, take_over);
                     if (list.size() != names.size() * sizeof(content::Digest)) {
                         throw Error(ErrorCode::CorruptData, "it is of a wrong length");
                     }
                 });
    return names;
}

model::Ledger read_ledger(ChunkStore& chunks, const PointRecord& record) {
    return with_context([] { return std::string("ledger"); },
                        [&] {
                            constexpr model::LedgerBounds bounds;
                            const auto bytes = read_stream(chunks, record.ledger, bounds.bytes);
                            return parse_stored("it", [&] {
                                return model::ledger_from_json(
                                    parse_json(as_text(bytes), {.values = bounds.values}));
                            });
                        });
}

Bytes encode_point(const Repository& repository, const PointRecord& record, Random& random) {
    BlobSealer sealer(repository.id(), repository.keys(), BlobKind::Point, random);
    Bytes blob = to_bytes(sealer.header());
    const auto described = to_json(record);
    const auto json = format_json(described);
    if (json.size() > format::kLargestPoint || count_values(described) > JsonLimits{}.values) {
        throw Error(ErrorCode::Internal, "the record of the point is too long");
    }
    sealer.append_section(blob, 0, {}, content::compress_whole(as_bytes(json)));
    return blob;
}

PointRecord decode_point(const Repository& repository, ByteView blob) {
    const BlobOpener opener(repository.id(), repository.keys(), BlobKind::Point, blob, "the point");
    const auto stored = opener.open(0, {}, blob.subspan(format::kHeaderBytes));
    const auto plain = content::decompress_whole(stored, format::kLargestPoint);
    return parse_stored(kRecord, [&] { return record_from_json(parse_json(as_text(plain))); });
}

}  // namespace backup::repository
