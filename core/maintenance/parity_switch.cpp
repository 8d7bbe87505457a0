// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/parity_switch.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/maintenance/healing.hpp"
#include "core/repository/blob_access.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/format.hpp"
#include "core/repository/parity.hpp"
#include "core/repository/session_store.hpp"

#include <set>

namespace backup::maintenance {

using namespace repository;

namespace {

/// Throws CorruptData when the pack is damaged.
void make_parity(const Repository& repository, const content::Digest& pack) {
    auto& backend = repository.backend();
    const auto blob = get_named_blob(backend, pack_name(pack), pack, format::kLargestPack);
    ParityMaker maker;
    maker.update(blob);
    // Whatever is there under this name was looked at, and is damaged.
    backend.remove(parity_name(pack));
    backend.put(parity_name(pack), maker.finish(pack));
}

std::vector<backend::BlobInfo> list_all(backend::Backend& backend, std::string_view folder) {
    std::vector<backend::BlobInfo> blobs;
    backend.list(folder, [&blobs](const backend::BlobInfo& info) { blobs.push_back(info); });
    return blobs;
}

}  // namespace

ParityResult turn_parity_on(const Repository& repository,
                            bool dry_run,
                            const Surroundings& surroundings) {
    auto& backend = repository.backend();
    if (!dry_run) {
        // Before the list: a writer that begins now makes parity by itself.
        backend.put(kParityMark, {});
        backend.sync();
    }
    ParityResult result;
    const auto packs = list_all(backend, kPacksFolder);
    surroundings.progress.stage("parity");
    surroundings.progress.expect(packs.size(), 0);
    for (const auto& info : packs) {
        throw_if_stopped(surroundings.stop);
        const auto pack = find_pack_digest(info.name);
        if (!pack) {
            continue;
        }
        ++result.packs;
        const bool is_made = backend.exists(parity_name(*pack)) &&
                             !failure_of([&] { check_parity(repository, *pack); });
        if (!is_made) {
            std::optional<Error> failure;
            if (!dry_run) {
                failure = failure_of([&] { make_parity(repository, *pack); });
            }
            if (failure && failure->code() != ErrorCode::CorruptData &&
                failure->code() != ErrorCode::NotFound) {
                throw Error(*failure);
            }
            if (failure) {
                result.problems.push_back({info.name, failure->what(), failure->code()});
            } else {
                ++result.made;
                result.bytes += parity_bytes(info.size);
            }
        }
        surroundings.progress.advance(1, info.size);
    }
    if (!dry_run) {
        backend.sync();
    }
    return result;
}

ParityResult turn_parity_off(const Repository& repository,
                             bool dry_run,
                             const Surroundings& surroundings) {
    auto& backend = repository.backend();
    if (!dry_run) {
        backend.remove(kParityMark);
        backend.sync();
    }
    ParityResult result;
    for (const auto& info : list_all(backend, kParityFolder)) {
        throw_if_stopped(surroundings.stop);
        if (!find_parity_pack(info.name)) {
            continue;
        }
        ++result.removed;
        result.bytes += info.size;
        if (!dry_run) {
            backend.remove(info.name);
        }
    }
    if (!dry_run) {
        backend.sync();
    }
    return result;
}

std::vector<content::Digest> list_packs_without_parity(const Repository& repository) {
    auto& backend = repository.backend();
    if (!backend.exists(kParityMark)) {
        return {};
    }
    // Before the parity: a writer puts that first, a prune removes it last.
    auto packs = list_present_packs(repository);
    std::set<content::Digest> healable;
    backend.list(kParityFolder, [&healable](const backend::BlobInfo& info) {
        if (const auto pack = find_parity_pack(info.name)) {
            healable.insert(*pack);
        }
    });
    if (!backend.exists(kParityMark)) {
        // Turned off meanwhile: the list may lack what was there.
        return {};
    }
    std::erase_if(packs, [&](const content::Digest& pack) {
        return healable.contains(pack) || !backend.exists(pack_name(pack));
    });
    return packs;
}

}  // namespace backup::maintenance
