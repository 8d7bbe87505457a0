// SPDX-License-Identifier: Apache-2.0
#include "core/repository/key_slots.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/repository/blob_access.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/format.hpp"

#include <algorithm>

namespace backup::repository {

namespace {

struct OpenedSlot {
    KeySlot slot;
    std::optional<SecretKey> master;
};

std::optional<SecretKey> find_master(ByteView slot, const Secret& secret) {
    return secret.key_file ? find_master_key(slot, *secret.key_file)
                           : find_master_key(slot, *secret.passphrase);
}

OpenedSlot open_slot(backend::Backend& backend,
                     const std::string& name,
                     const RepositoryId& id,
                     const Secret& secret) {
    OpenedSlot opened;
    opened.slot.id = name.substr(kKeysFolder.size() + 1);
    opened.slot.is_damaged = true;
    if (backend.size(name) != format::kSlotBytes) {
        return opened;
    }
    const auto bytes = get_blob(backend, name, format::kSlotBytes);
    if (slot_name(bytes) != name || slot_repository(bytes) != id) {
        return opened;
    }
    opened.slot.is_damaged = false;
    opened.slot.method = slot_method(bytes);
    opened.master = find_master(bytes, secret);
    opened.slot.is_used = opened.master.has_value();
    return opened;
}

std::vector<OpenedSlot> open_slots(backend::Backend& backend,
                                   const RepositoryId& id,
                                   const Secret& secret) {
    std::vector<std::string> names;
    backend.list(kKeysFolder,
                 [&names](const backend::BlobInfo& info) { names.push_back(info.name); });
    std::sort(names.begin(), names.end());
    std::vector<OpenedSlot> slots;
    for (const auto& name : names) {
        slots.push_back(open_slot(backend, name, id, secret));
    }
    return slots;
}

}  // namespace

std::vector<KeySlot> list_key_slots(backend::Backend& backend,
                                    const RepositoryId& id,
                                    const Secret& secret) {
    std::vector<KeySlot> slots;
    for (const auto& opened : open_slots(backend, id, secret)) {
        slots.push_back(opened.slot);
    }
    return slots;
}

std::string add_key_slot(backend::Backend& backend,
                         const RepositoryId& id,
                         const Secret& secret,
                         const Secret& fresh,
                         Random& random) {
    std::optional<SecretKey> master;
    for (const auto& opened : open_slots(backend, id, secret)) {
        if (opened.master) {
            master = opened.master;
        }
    }
    if (!master) {
        throw Error(ErrorCode::WrongKey, "the key does not open this repository");
    }
    const auto slot = fresh.key_file
                          ? wrap_with_key_file(*master, *fresh.key_file, random)
                          : wrap_with_passphrase(*master, id, *fresh.passphrase, {}, random);
    const auto name = slot_name(slot);
    backend.put(name, slot);
    backend.sync();
    return name.substr(kKeysFolder.size() + 1);
}

KeySlot choose_slot_to_remove(backend::Backend& backend,
                              const RepositoryId& id,
                              const Secret& secret,
                              const std::string& slot) {
    const auto slots = list_key_slots(backend, id, secret);
    std::vector<KeySlot> named;
    std::copy_if(
        slots.begin(), slots.end(), std::back_inserter(named), [&slot](const KeySlot& each) {
            return each.id.starts_with(slot);
        });
    if (slot.empty() || named.empty()) {
        throw Error(ErrorCode::NotFound, concat("there is no key slot ", printable(slot)));
    }
    if (named.size() > 1) {
        throw Error(ErrorCode::InvalidArgument,
                    concat("several key slots begin with ", printable(slot)));
    }
    const bool opens_another = std::any_of(slots.begin(), slots.end(), [&](const KeySlot& each) {
        return each.is_used && each.id != named.front().id;
    });
    if (!opens_another) {
        throw Error(
            ErrorCode::InvalidArgument,
            concat("key slot ", named.front().id, " is the only one that the key in use opens"))
            .hint("open the repository with the key that is to stay, and remove this slot then");
    }
    return named.front();
}

void remove_key_slot(backend::Backend& backend, const KeySlot& slot) {
    backend.remove(concat(kKeysFolder, "/", slot.id));
    backend.sync();
}

}  // namespace backup::repository
