// SPDX-License-Identifier: Apache-2.0
#include "tests/model/client_backend.hpp"

#include <algorithm>

namespace backup::model_test {

namespace {

class Turn {
  public:
    Turn(Schedule& schedule, std::size_t client, std::string_view what, std::string_view blob)
        : schedule_(schedule),
          client_(client) {
        schedule_.begin_call(client_, what, blob);
    }

    ~Turn() { schedule_.end_call(client_); }

    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

  private:
    Schedule& schedule_;
    std::size_t client_;
};

std::string_view word_for(backend::StorageCall call) {
    using backend::StorageCall;
    switch (call) {
        case StorageCall::Commit:
            return "commits";
        case StorageCall::Put:
            return "puts";
        case StorageCall::Sync:
            return "syncs";
        case StorageCall::Get:
            return "gets";
        case StorageCall::Open:
            return "opens";
        case StorageCall::Read:
            return "reads";
        case StorageCall::Size:
            return "sizes";
        case StorageCall::Exists:
            return "looks for";
        case StorageCall::List:
            return "lists";
        case StorageCall::Remove:
            return "removes";
        case StorageCall::Create:
        case StorageCall::Write:
            break;
    }
    return {};
}

}  // namespace

void ClientBackend::pass(backend::StorageCall call,
                         std::string_view blob,
                         const std::function<void()>& effect) {
    // Nobody sees a blob before its commit, so only that is a step.
    if (call == backend::StorageCall::Exists && has_put_point_) {
        take_turn(kLateLook, blob, effect);
    } else if (const auto word = word_for(call); !word.empty()) {
        take_turn(word, blob, effect);
    } else {
        effect();
    }
}

void ClientBackend::take_turn(std::string_view what,
                              std::string_view blob,
                              const std::function<void()>& effect) {
    const Turn turn(schedule_, client_, what, blob);
    effect();
    schedule_.survive_call(client_);
}

void ClientBackend::put(std::string_view name, ByteView bytes, bool exclusive) {
    const auto is_late = blindness_.is_late_for_points && name.starts_with("points/");
    take_turn(is_late     ? kLatePut
              : exclusive ? "puts exclusively"
                          : "puts",
              name,
              [&] { storage_.put(name, bytes, exclusive && !blindness_.takes_taken_names); });
    if (name.starts_with("points/")) {
        has_put_point_ = true;
    }
}

void ClientBackend::list(std::string_view folder,
                         const std::function<void(backend::BlobInfo)>& visit) {
    // The visits come behind the call: what they do may be calls of their own.
    std::vector<backend::BlobInfo> found;
    ForwardingBackend::list(folder,
                            [&found](backend::BlobInfo info) { found.push_back(std::move(info)); });
    const auto is_unseen = [this](const backend::BlobInfo& info) {
        return info.name.ends_with(blindness_.unseen_ending) ||
               std::any_of(blindness_.unseen_folders.begin(),
                           blindness_.unseen_folders.end(),
                           [&info](const auto& prefix) {
                               return std::string_view(info.name).starts_with(prefix + "/");
                           });
    };
    for (const auto& info : found) {
        if (!is_unseen(info)) {
            visit(info);
        }
    }
}

}  // namespace backup::model_test
