// SPDX-License-Identifier: Apache-2.0
#include "core/repository/gc_generation.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/parse_stored.hpp"
#include "core/repository/stored_record.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace backup::repository {

namespace {

constexpr std::size_t kIdBytes = 16;

Json to_json(const Generation& generation) {
    Json::Array packs;
    packs.reserve(generation.packs.size());
    for (const auto& pack : generation.packs) {
        packs.push_back(to_hex(pack));
    }
    auto json = Json::object({{"version", 1},
                              {"id", generation.id},
                              {"made", format_rfc3339(generation.made)},
                              {"packs", std::move(packs)}});
    if (!generation.replaces.empty()) {
        json["replaces"] = Json::Array(generation.replaces.begin(), generation.replaces.end());
    }
    return json;
}

std::string parse_generation_id(const std::string& text) {
    if (find_generation_id(generation_name(text)) != text) {
        throw Error(ErrorCode::CorruptData, "it names what is no record of a collection");
    }
    return text;
}

Generation from_json(const Json& json, const std::string& id) {
    const auto what = generation_name(id);
    Generation generation;
    generation.id = id;
    if (json.text_at({"id"}) != id) {
        throw Error(ErrorCode::CorruptData, concat(what, " is the record of another collection"));
    }
    const auto* const packs = json.find("packs");
    if (packs == nullptr) {
        throw Error(ErrorCode::CorruptData, concat(what, " names no packs"));
    }
    parse_stored(what, [&] {
        generation.made = parse_rfc3339(json.text_at({"made"}));
        for (const auto& item : packs->items()) {
            generation.packs.push_back(content::parse_digest(item.string()));
        }
        if (const auto* const replaces = json.find("replaces")) {
            for (const auto& item : replaces->items()) {
                generation.replaces.push_back(parse_generation_id(item.string()));
            }
        }
        return true;
    });
    std::sort(generation.packs.begin(), generation.packs.end());
    return generation;
}

/// Only when nobody has removed it: who did may have removed the one in its place as well.
void tell_damage(const Repository& repository,
                 const std::string& blob,
                 const Error& error,
                 const OnDamagedGeneration& on_damaged) {
    if (!repository.backend().exists(blob)) {
        return;
    }
    if (on_damaged) {
        on_damaged(blob, error);
    } else if (is_damaged_record(repository, blob, error)) {
        throw Error(error).hint("kubectl backup repo repair puts another in its place");
    } else {
        throw Error(error);
    }
}

}  // namespace

std::vector<std::string> list_generation_ids(const Repository& repository) {
    std::vector<std::string> ids;
    repository.backend().list(kGenerationsFolder, [&ids](const backend::BlobInfo& info) {
        if (auto id = find_generation_id(info.name)) {
            ids.push_back(std::move(*id));
        }
    });
    std::sort(ids.begin(), ids.end());
    return ids;
}

std::vector<Generation> list_generations(const Repository& repository,
                                         const OnDamagedGeneration& on_damaged) {
    std::vector<std::pair<std::string, std::int64_t>> found;
    repository.backend().list(kGenerationsFolder, [&found](const backend::BlobInfo& info) {
        if (auto id = find_generation_id(info.name)) {
            found.emplace_back(std::move(*id), info.modified_seconds);
        }
    });
    std::sort(found.begin(), found.end());
    std::vector<Generation> generations;
    std::map<std::string, Error> damaged;
    std::set<std::string> replaced;
    for (const auto& [id, modified] : found) {
        const auto name = generation_name(id);
        const auto failure = failure_of([&, &id = id, &modified = modified] {
            if (const auto json = find_record(repository, BlobKind::Collection, name)) {
                generations.push_back(from_json(*json, id));
                generations.back().modified_seconds = modified;
                const auto& replaces = generations.back().replaces;
                replaced.insert(replaces.begin(), replaces.end());
            }
        });
        if (failure) {
            damaged.emplace(id, *failure);
        }
    }
    std::erase_if(generations, [&](const auto& one) { return replaced.contains(one.id); });
    for (const auto& [id, error] : damaged) {
        if (!replaced.contains(id)) {
            tell_damage(repository, generation_name(id), error, on_damaged);
        }
    }
    return generations;
}

std::vector<content::Digest> condemned_packs(const std::vector<Generation>& generations) {
    std::vector<content::Digest> packs;
    for (const auto& generation : generations) {
        packs.insert(packs.end(), generation.packs.begin(), generation.packs.end());
    }
    std::sort(packs.begin(), packs.end());
    packs.erase(std::unique(packs.begin(), packs.end()), packs.end());
    return packs;
}

Generation put_generation(const Repository& repository,
                          std::vector<content::Digest> packs,
                          TimePoint made,
                          Random& random,
                          std::vector<std::string> replaces) {
    Generation generation;
    generation.id = to_hex(random.bytes(kIdBytes));
    generation.packs = std::move(packs);
    generation.replaces = std::move(replaces);
    generation.made = made;
    std::sort(generation.packs.begin(), generation.packs.end());
    repository.backend().put(
        generation_name(generation.id),
        encode_record(repository, BlobKind::Collection, to_json(generation), random),
        true);
    return generation;
}

Generation decode_generation(const Repository& repository, ByteView blob, const std::string& id) {
    return from_json(decode_record(repository, BlobKind::Collection, blob, generation_name(id)),
                     id);
}

}  // namespace backup::repository
