// SPDX-License-Identifier: Apache-2.0
#include "core/repository/repository.hpp"

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "core/repository/blob_access.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/config.hpp"
#include "core/repository/sealed_blob.hpp"

#include <algorithm>
#include <vector>

namespace backup::repository {

namespace {

struct Slot {
    std::string name;
    Bytes bytes;
    bool is_damaged = false;
};

/// Every slot, those whose bytes are not what their name says marked.
std::vector<Slot> load_slots(backend::Backend& backend) {
    std::vector<Slot> slots;
    backend.list(kKeysFolder, [&](const backend::BlobInfo& info) {
        slots.push_back({info.name, {}, info.size != format::kSlotBytes});
    });
    std::sort(slots.begin(), slots.end(), [](const Slot& left, const Slot& right) {
        return left.name < right.name;
    });
    for (auto& slot : slots) {
        if (!slot.is_damaged) {
            slot.bytes = get_blob(backend, slot.name, format::kSlotBytes);
            slot.is_damaged = slot_name(slot.bytes) != slot.name;
        }
    }
    return slots;
}

Bytes get_config(backend::Backend& backend) {
    if (!backend.exists(kConfigName)) {
        throw Error(ErrorCode::NoRepository,
                    concat("there is no repository at ", backend.location()));
    }
    return get_blob(backend, kConfigName, format::kLargestConfig);
}

HeaderFields decode_config_header(ByteView config) {
    const auto fields = decode_header(config, kConfigName);
    if (fields.kind != BlobKind::Config) {
        throw Error(ErrorCode::CorruptData, "config is a blob of another kind");
    }
    return fields;
}

/// The config's id has no protection of its own before a key is there; the slots' names prove
/// theirs.
void check_slots_agree(const std::vector<Slot>& slots, const RepositoryId& id) {
    const auto is_intact = [](const Slot& slot) { return !slot.is_damaged; };
    const auto agrees = [&](const Slot& slot) {
        return is_intact(slot) && slot_repository(slot.bytes) == id;
    };
    if (std::any_of(slots.begin(), slots.end(), is_intact) &&
        std::none_of(slots.begin(), slots.end(), agrees)) {
        throw Error(ErrorCode::CorruptData,
                    concat("config names the repository ", to_hex(id), ", but no key slot does"));
    }
}

std::string_view word_for(SlotMethod method) {
    return method == SlotMethod::KeyFile ? "key file" : "passphrase";
}

SecretKey unlock(const std::vector<Slot>& slots, const RepositoryId& id, const Secret& secret) {
    const auto method = secret.key_file ? SlotMethod::KeyFile : SlotMethod::Passphrase;
    std::vector<std::string> damaged;
    bool has_method = false;
    for (const auto& slot : slots) {
        if (slot.is_damaged) {
            damaged.push_back(slot.name);
            continue;
        }
        if (slot_repository(slot.bytes) != id || slot_method(slot.bytes) != method) {
            continue;
        }
        has_method = true;
        const auto master = secret.key_file ? find_master_key(slot.bytes, *secret.key_file)
                                            : find_master_key(slot.bytes, *secret.passphrase);
        if (master) {
            return *master;
        }
    }
    if (!damaged.empty()) {
        throw Error(ErrorCode::CorruptData,
                    concat(join(damaged, ", "),
                           damaged.size() == 1 ? " is" : " are",
                           " damaged, and no other key slot opens with this ",
                           word_for(method)));
    }
    if (slots.empty()) {
        throw Error(ErrorCode::CorruptData, "the repository has lost its key slots (keys/)");
    }
    throw Error(ErrorCode::WrongKey,
                has_method ? concat("the ", word_for(method), " does not open this repository")
                           : concat("this repository has no ", word_for(method), " slot"));
}

}  // namespace

NewRepository make_new_repository(Random& random) {
    NewRepository fresh;
    random.fill(fresh.id);
    fresh.key_file.repository = fresh.id;
    random.fill(fresh.key_file.secret);
    return fresh;
}

void init_repository(backend::Backend& backend,
                     const NewRepository& fresh,
                     Parameters parameters,
                     const std::optional<std::string>& passphrase,
                     Random& random,
                     Clock& clock) {
    check_parameters(parameters);
    if (repository_exists(backend)) {
        throw Error(ErrorCode::RepositoryExists,
                    concat("there is a repository at ", backend.location(), " already"));
    }
    SecretKey master{};
    random.fill(master);
    const auto put_slot = [&backend](const Bytes& slot) { backend.put(slot_name(slot), slot); };
    put_slot(wrap_with_key_file(master, fresh.key_file, random));
    if (passphrase) {
        put_slot(wrap_with_passphrase(master, fresh.id, *passphrase, {}, random));
    }
    backend.sync();
    const auto keys = derive_keys(master, fresh.id);
    backend.put(kConfigName, encode_config(fresh.id, keys, parameters, clock.now(), random), true);
    backend.sync();
    backend.restore_reserve();
}

bool repository_exists(backend::Backend& backend) {
    return backend.exists(kConfigName);
}

RepositoryId read_repository_id(backend::Backend& backend) {
    const auto id = decode_config_header(get_config(backend)).repository;
    check_slots_agree(load_slots(backend), id);
    return id;
}

Repository open_repository(backend::Backend& backend, const Secret& secret) {
    if (secret.key_file.has_value() == secret.passphrase.has_value()) {
        throw Error(ErrorCode::Internal, "a repository is opened with one secret");
    }
    const auto config = get_config(backend);
    const auto id = decode_config_header(config).repository;
    const auto slots = load_slots(backend);
    check_slots_agree(slots, id);
    if (secret.key_file && secret.key_file->repository != id) {
        throw Error(ErrorCode::WrongKey,
                    concat("the key file is for repository ",
                           to_hex(secret.key_file->repository),
                           ", this is ",
                           to_hex(id)));
    }
    const auto keys = derive_keys(unlock(slots, id, secret), id);
    return {backend, id, decode_config(config, id, keys), keys};
}

}  // namespace backup::repository
