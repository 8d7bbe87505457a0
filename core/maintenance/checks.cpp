// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/checks.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/repository/blob_access.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/parse_stored.hpp"
#include "core/repository/salvage.hpp"
#include "core/repository/stored_record.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

namespace backup::maintenance {

using namespace repository;

namespace {

constexpr std::size_t kItemFields = 3;

std::int64_t to_seconds(TimePoint time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

TimePoint to_time(std::int64_t seconds) {
    // What the clock can count: about the years 1678 to 2262.
    constexpr std::int64_t kMost = 9'000'000'000;
    if (seconds < -kMost || seconds > kMost) {
        throw Error(ErrorCode::InvalidArgument, "a time is out of its range");
    }
    return TimePoint(std::chrono::seconds(seconds));
}

Json to_json(const std::string& name, const Check& check) {
    return Json::array({name, to_seconds(check.when), check.is_sound});
}

template <typename Key>
void take_newer(std::map<Key, Check>& into, const Key& key, const Check& check) {
    const auto [place, is_new] = into.try_emplace(key, check);
    if (!is_new && place->second.when < check.when) {
        place->second = check;
    }
}

template <typename Take>
void for_each_item(const Json& json, std::string_view member, Take take) {
    const auto* const items = json.find(member);
    if (items == nullptr) {
        return;
    }
    for (const auto& item : items->items()) {
        const auto& fields = item.items();
        if (fields.size() < kItemFields) {
            throw Error(ErrorCode::InvalidArgument, "a check is incomplete");
        }
        take(fields[0].string(), Check{to_time(fields[1].integer()), fields[2].boolean()});
    }
}

Checks from_json(const Json& json) {
    Checks checks;
    for_each_item(json, "packs", [&](const std::string& name, const Check& check) {
        take_newer(checks.packs, content::parse_digest(name), check);
    });
    for_each_item(json, "points", [&](const std::string& id, const Check& check) {
        take_newer(checks.points, to_hex(content::parse_digest(id)), check);
    });
    return checks;
}

std::vector<std::string> list_records(backend::Backend& backend) {
    std::vector<std::string> names;
    backend.list(kChecksFolder, [&names](const backend::BlobInfo& info) {
        if (find_checks_name(info.name)) {
            names.push_back(info.name);
        }
    });
    std::sort(names.begin(), names.end());
    return names;
}

/// One that vanished was taken over into another by somebody else.
Checks load_record(const Repository& repository, const std::string& name) {
    try {
        const auto blob = get_named_blob(
            repository.backend(), name, find_checks_name(name)->digest, kLargestStoredRecord);
        return decode_checks(repository, blob, name);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::NotFound) {
            return {};
        }
        throw;
    }
}

void forget_what_is_gone(backend::Backend& backend, Checks& checks) {
    std::set<content::Digest> packs;
    backend.list(kPacksFolder, [&packs](const backend::BlobInfo& info) {
        if (const auto pack = find_pack_digest(info.name)) {
            packs.insert(*pack);
        }
    });
    std::set<std::string> points;
    backend.list(kPointsFolder, [&points](const backend::BlobInfo& info) {
        if (const auto point = find_point_name(info.name)) {
            points.insert(to_hex(point->digest));
        }
    });
    std::erase_if(checks.packs, [&](const auto& item) { return !packs.contains(item.first); });
    std::erase_if(checks.points, [&](const auto& item) { return !points.contains(item.first); });
}

}  // namespace

void Checks::merge(const Checks& other) {
    for (const auto& [name, check] : other.packs) {
        take_newer(packs, name, check);
    }
    for (const auto& [id, check] : other.points) {
        take_newer(points, id, check);
    }
}

Checks load_checks(const Repository& repository,
                   const std::function<void(const std::string&, const Error&)>& on_damaged) {
    Checks checks;
    for (const auto& name : list_records(repository.backend())) {
        try {
            checks.merge(load_record(repository, name));
        } catch (const Error& error) {
            if (!is_damage(repository.backend(), name, kLargestStoredRecord, error)) {
                throw;
            }
            if (on_damaged) {
                on_damaged(name, error);
            }
        }
    }
    return checks;
}

void remember_checks(const Repository& repository,
                     const Checks& fresh,
                     TimePoint now,
                     Random& random) {
    auto& backend = repository.backend();
    // Listed first: a record that comes while this one is made stays.
    const auto old = list_records(backend);
    auto all = load_checks(repository);
    // What is fresh counts also when a clock that was wrong wrote the older one.
    for (const auto& [name, check] : fresh.packs) {
        all.packs.insert_or_assign(name, check);
    }
    for (const auto& [id, check] : fresh.points) {
        all.points.insert_or_assign(id, check);
    }
    forget_what_is_gone(repository.backend(), all);
    const auto blob = encode_checks(repository, all, random);
    backend.put(checks_name(now, content::sha256(blob)), blob);
    backend.sync();
    for (const auto& name : old) {
        backend.remove(name);
    }
    backend.sync();
}

Bytes encode_checks(const Repository& repository, const Checks& checks, Random& random) {
    Json::Array packs;
    for (const auto& [name, check] : checks.packs) {
        packs.push_back(to_json(to_hex(name), check));
    }
    Json::Array points;
    for (const auto& [id, check] : checks.points) {
        points.push_back(to_json(id, check));
    }
    return encode_record(
        repository,
        BlobKind::Checks,
        Json::object({{"version", 1}, {"packs", std::move(packs)}, {"points", std::move(points)}}),
        random);
}

Checks decode_checks(const Repository& repository, ByteView blob, const std::string& what) {
    const auto json = decode_record(repository, BlobKind::Checks, blob, what);
    return parse_stored(what, [&] { return from_json(json); });
}

std::set<content::Digest> find_unsound_packs(const Repository& repository) {
    Checks checks;
    const auto failure = failure_of([&] { checks = load_checks(repository); });
    if (failure && failure->code() == ErrorCode::Interrupted) {
        throw Error(*failure);
    }
    std::set<content::Digest> packs;
    for (const auto& [name, check] : checks.packs) {
        if (!check.is_sound) {
            packs.insert(name);
        }
    }
    return packs;
}

std::set<std::string> damaged_points(const Checks& checks) {
    std::set<std::string> ids;
    for (const auto& [id, check] : checks.points) {
        if (!check.is_sound) {
            ids.insert(id);
        }
    }
    return ids;
}

}  // namespace backup::maintenance
