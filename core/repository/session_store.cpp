// SPDX-License-Identifier: Apache-2.0
#include "core/repository/session_store.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/parse_stored.hpp"
#include "core/repository/stored_record.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace backup::repository {

namespace {

constexpr std::string_view kCommit = "commit";
constexpr std::string_view kExpired = "expired";

SessionRecord record_from_json(const Json& json, const std::string& id) {
    const auto what = session_name(id);
    check_session_id(json, id, what);
    SessionRecord session;
    session.id = id;
    session.host = json.text_at({"host"});
    session.pid = json.integer_at({"pid"});
    session.program = json.text_at({"program"});
    parse_stored(what, [&] {
        session.started = parse_rfc3339(json.text_at({"started"}));
        const auto* const knows = json.find("knows");
        for (const auto& item : knows == nullptr ? Json::Array() : knows->items()) {
            session.knows.push_back(item.string());
        }
        return true;
    });
    return session;
}

SessionEnd end_from_json(const Json& json, const std::string& id) {
    const auto what = session_end_name(id);
    check_session_id(json, id, what);
    SessionEnd end;
    const auto how = json.text_at({"end"});
    if (how == kExpired) {
        return end;
    }
    end.point_name = json.text_at({"point"});
    end.point = parse_stored(what, [&] { return from_base64(json.text_at({"blob"})); });
    const auto name = find_point_name(end.point_name);
    if (how != kCommit || !name || content::sha256(end.point) != name->digest) {
        throw Error(ErrorCode::CorruptData, concat(what, " does not hold the point it names"));
    }
    return end;
}

struct FoundBlob {
    std::string name;
    SessionBlob role;
};

/// The first one is what makes a session; the end must not be alone while it is there.
int removal_rank(const FoundBlob& blob) {
    return blob.role == SessionBlob::Base ? 0 : blob.role == SessionBlob::Beat ? 1 : 2;
}

}  // namespace

void check_session_id(const Json& json, const std::string& id, const std::string& what) {
    if (json.text_at({"id"}) != id) {
        throw Error(ErrorCode::CorruptData, concat(what, " is the record of another session"));
    }
}

std::vector<SessionState> list_sessions(const Repository& repository) {
    std::map<std::string, SessionState> sessions;
    std::map<std::string, std::vector<FoundBlob>> blobs;
    repository.backend().list(kSessionsFolder, [&](const backend::BlobInfo& info) {
        if (const auto name = find_session_name(info.name)) {
            auto& session = sessions[name->id];
            session.record.id = name->id;
            session.is_begun = session.is_begun || name->role == SessionBlob::Base;
            session.has_end = session.has_end || name->role == SessionBlob::End;
            session.last_sign_seconds = std::max(session.last_sign_seconds, info.modified_seconds);
            blobs[name->id].push_back({info.name, name->role});
        }
    });
    std::vector<SessionState> states;
    for (auto& [id, session] : sessions) {
        auto& found = blobs[id];
        std::stable_sort(found.begin(), found.end(), [](const auto& left, const auto& right) {
            return removal_rank(left) < removal_rank(right);
        });
        for (auto& blob : found) {
            session.blobs.push_back(std::move(blob.name));
        }
        if (session.is_begun) {
            try {
                const auto json = find_record(repository, BlobKind::Session, session_name(id));
                session.is_begun = json.has_value();
                if (json) {
                    session.record = record_from_json(*json, id);
                }
            } catch (const Error& error) {
                if (!is_damaged_record(repository, session_name(id), error)) {
                    throw;
                }
            }
        }
        states.push_back(std::move(session));
    }
    return states;
}

std::optional<SessionEnd> find_session_end(const Repository& repository, const std::string& id) {
    const auto json = find_record(repository, BlobKind::Session, session_end_name(id));
    return json ? std::optional(end_from_json(*json, id)) : std::nullopt;
}

bool put_session_end(const Repository& repository,
                     const std::string& id,
                     const SessionEnd& end,
                     Random& random) {
    auto json = Json::object({{"version", 1}, {"id", id}});
    if (end.point_name.empty()) {
        json["end"] = Json(kExpired);
    } else {
        json["end"] = Json(kCommit);
        json["point"] = end.point_name;
        json["blob"] = to_base64(end.point);
    }
    return put_new(repository.backend(),
                   session_end_name(id),
                   encode_record(repository, BlobKind::Session, json, random));
}

void remove_session(const Repository& repository, const SessionState& session) {
    for (const auto& blob : session.blobs) {
        repository.backend().remove(blob);
    }
}

std::string lost_ticket_name(std::string_view id) {
    return concat(session_name(id), "-lost");
}

Bytes encode_session(const Repository& repository, const SessionRecord& session, Random& random) {
    Json::Array knows;
    for (const auto& id : session.knows) {
        knows.push_back(id);
    }
    const auto json = Json::object({{"version", 1},
                                    {"id", session.id},
                                    {"host", session.host},
                                    {"pid", session.pid},
                                    {"program", session.program},
                                    {"started", format_rfc3339(session.started)},
                                    {"knows", std::move(knows)}});
    return encode_record(repository, BlobKind::Session, json, random);
}

SessionRecord decode_session(const Repository& repository, ByteView blob, const std::string& id) {
    return record_from_json(decode_record(repository, BlobKind::Session, blob, session_name(id)),
                            id);
}

SessionEnd decode_session_end(const Repository& repository, ByteView blob, const std::string& id) {
    return end_from_json(decode_record(repository, BlobKind::Session, blob, session_end_name(id)),
                         id);
}

bool put_new(backend::Backend& backend, const std::string& name, ByteView bytes) {
    try {
        backend.put(name, bytes, true);
        return true;
    } catch (const Error& error) {
        if (error.code() == ErrorCode::AlreadyExists) {
            return false;
        }
        throw;
    }
}

std::vector<content::Digest> list_present_packs(const Repository& repository) {
    std::vector<content::Digest> packs;
    repository.backend().list(kPacksFolder, [&packs](const backend::BlobInfo& info) {
        if (const auto pack = find_pack_digest(info.name)) {
            packs.push_back(*pack);
        }
    });
    std::sort(packs.begin(), packs.end());
    return packs;
}

}  // namespace backup::repository
