// SPDX-License-Identifier: Apache-2.0
#include "core/repository/hold.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/forget_notice.hpp"
#include "core/repository/parse_stored.hpp"
#include "core/repository/stored_record.hpp"

#include <algorithm>
#include <optional>

namespace backup::repository {

namespace {

content::Digest digest_of(const std::string& point) {
    try {
        return content::parse_digest(point);
    } catch (const Error&) {
        throw Error(ErrorCode::InvalidArgument,
                    concat("'", printable(point), "' is not the id of a point"));
    }
}

bool is_point_there(const Repository& repository, const content::Digest& point) {
    bool is_there = false;
    repository.backend().list(kPointsFolder, [&](const backend::BlobInfo& info) {
        const auto name = find_point_name(info.name);
        is_there = is_there || (name && name->digest == point);
    });
    return is_there;
}

Hold from_json(const Json& json, const std::string& point) {
    const auto what = hold_name(digest_of(point));
    Hold hold;
    hold.point = point;
    if (json.text_at({"point"}) != point) {
        throw Error(ErrorCode::CorruptData, concat(what, " is the hold of another point"));
    }
    hold.reason = json.text_at({"reason"});
    hold.host = json.text_at({"host"});
    hold.made = parse_stored(what, [&] { return parse_rfc3339(json.text_at({"made"})); });
    return hold;
}

/// What stands for the reason of a hold that cannot be read; throws what is not of this hold alone.
std::string reason_instead(const Error& error) {
    switch (error.code()) {
        case ErrorCode::CorruptData:
            return "(damaged)";
        case ErrorCode::UnknownFormat:  // also what damage can make of a header
        case ErrorCode::Io:
        case ErrorCode::Forbidden:
            return "(cannot be read)";
        default:
            throw Error(error);
    }
}

}  // namespace

void put_hold(const Repository& repository, const Hold& hold, Random& random) {
    auto& backend = repository.backend();
    const auto point = digest_of(hold.point);
    const auto json = Json::object({{"version", 1},
                                    {"point", hold.point},
                                    {"reason", hold.reason},
                                    {"host", hold.host},
                                    {"made", format_rfc3339(hold.made)}});
    backend.put(hold_name(point), encode_record(repository, BlobKind::Hold, json, random));
    backend.sync();
    // In this order, and behind the hold: a forget that has not announced itself by now sees the
    // hold, and one that is done by now has left no point.
    const bool is_leaving = is_being_forgotten(repository, point);
    if (!is_point_there(repository, point)) {
        backend.remove(hold_name(point));
        throw Error(ErrorCode::PointNotFound, concat("there is no point ", hold.point));
    }
    if (is_leaving) {
        // The hold stays: somebody else may rely on it.
        throw Error(ErrorCode::Incomplete,
                    concat("somebody began to remove the point ",
                           std::string_view(hold.point).substr(0, 12),
                           " before it was held, and nobody knows yet who wins"))
            .hint(
                "the hold is there, and no later forget takes the point; run this again when the "
                "other one has ended");
    }
    // The point that was seen, too: its writer may have died before it was durable.
    backend.sync();
}

void remove_hold(const Repository& repository, const std::string& point) {
    repository.backend().remove(hold_name(digest_of(point)));
    repository.backend().sync();
}

std::vector<std::string> list_held_points(const Repository& repository) {
    std::vector<std::string> points;
    repository.backend().list(kHoldsFolder, [&points](const backend::BlobInfo& info) {
        if (const auto point = find_held_point(info.name)) {
            points.push_back(to_hex(*point));
        }
    });
    std::sort(points.begin(), points.end());
    return points;
}

std::vector<Hold> list_holds(const Repository& repository) {
    std::vector<Hold> holds;
    for (const auto& point : list_held_points(repository)) {
        try {
            const auto name = hold_name(digest_of(point));
            if (const auto json = find_record(repository, BlobKind::Hold, name)) {
                holds.push_back(from_json(*json, point));
            }
        } catch (const Error& error) {
            holds.push_back({point, reason_instead(error), {}, {}});
        }
    }
    return holds;
}

Hold decode_hold(const Repository& repository, ByteView blob, const std::string& point) {
    const auto what = hold_name(digest_of(point));
    return from_json(decode_record(repository, BlobKind::Hold, blob, what), point);
}

}  // namespace backup::repository
