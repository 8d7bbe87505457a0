// SPDX-License-Identifier: Apache-2.0
// Who can open a repository: its key slots listed, added and removed. Data is never touched.
#pragma once

#include "core/repository/repository.hpp"

#include <string>
#include <vector>

namespace backup::repository {

struct KeySlot {
    std::string id;  // of the blob keys/<id>
    SlotMethod method = SlotMethod::KeyFile;
    bool is_damaged = false;
    bool is_used = false;  // the secret given opens it
};

/// Sorted by id.
std::vector<KeySlot> list_key_slots(backend::Backend& backend,
                                    const RepositoryId& id,
                                    const Secret& secret);

/// Another slot, for `fresh`; durable when it returns. Returns its id. Throws WrongKey when
/// `secret` opens no slot.
std::string add_key_slot(backend::Backend& backend,
                         const RepositoryId& id,
                         const Secret& secret,
                         const Secret& fresh,
                         Random& random);

/// By id or a unique beginning of it. Throws NotFound; InvalidArgument when `secret` opens no other
/// slot: what is removed must not be the last one that anybody is known to open.
KeySlot choose_slot_to_remove(backend::Backend& backend,
                              const RepositoryId& id,
                              const Secret& secret,
                              const std::string& slot);
void remove_key_slot(backend::Backend& backend, const KeySlot& slot);

}  // namespace backup::repository
