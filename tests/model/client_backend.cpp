// SPDX-License-Identifier: Apache-2.0
#include "tests/model/client_backend.hpp"

#include <algorithm>
#include <type_traits>

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

}  // namespace

template <typename Call>
auto ClientBackend::call(std::string_view what, std::string_view blob, Call effect) {
    const Turn turn(schedule_, client_, what, blob);
    if constexpr (std::is_void_v<decltype(effect())>) {
        effect();
        schedule_.survive_call(client_);
    } else {
        auto result = effect();
        schedule_.survive_call(client_);
        return result;
    }
}

/// Nobody sees a blob before its commit, so only that is a step.
class ClientBackend::Writer : public backend::BlobWriter {
  public:
    Writer(ClientBackend& backend, std::unique_ptr<backend::BlobWriter> blob)
        : backend_(backend),
          blob_(std::move(blob)) {}

    void write(ByteView bytes) override { blob_->write(bytes); }

    void commit(std::string_view name) override {
        backend_.call("commits", name, [&] { blob_->commit(name); });
    }

  private:
    ClientBackend& backend_;
    std::unique_ptr<backend::BlobWriter> blob_;
};

std::unique_ptr<backend::BlobWriter> ClientBackend::create(std::string_view folder) {
    return std::make_unique<Writer>(*this, storage_.create(folder));
}

void ClientBackend::put(std::string_view name, ByteView bytes, bool exclusive) {
    call(exclusive ? "puts exclusively" : "puts", name, [&] {
        storage_.put(name, bytes, exclusive && !blindness_.takes_taken_names);
    });
}

void ClientBackend::sync() {
    call("syncs", "", [&] { storage_.sync(); });
}

Bytes ClientBackend::get(std::string_view name) {
    return call("gets", name, [&] { return storage_.get(name); });
}

void ClientBackend::get_range(std::string_view name,
                              std::uint64_t offset,
                              std::span<std::byte> out) {
    call("reads", name, [&] { storage_.get_range(name, offset, out); });
}

std::uint64_t ClientBackend::size(std::string_view name) {
    return call("sizes", name, [&] { return storage_.size(name); });
}

bool ClientBackend::exists(std::string_view name) {
    return call("looks for", name, [&] { return storage_.exists(name); });
}

void ClientBackend::list(std::string_view folder,
                         const std::function<void(backend::BlobInfo)>& visit) {
    // The visits come behind the call: what they do may be calls of their own.
    const auto found = call("lists", folder, [&] {
        std::vector<backend::BlobInfo> all;
        storage_.list(folder, [&all](backend::BlobInfo info) { all.push_back(std::move(info)); });
        return all;
    });
    const auto is_unseen = [this](const backend::BlobInfo& info) {
        return std::any_of(blindness_.unseen_folders.begin(),
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

void ClientBackend::remove(std::string_view name) {
    call("removes", name, [&] { storage_.remove(name); });
}

}  // namespace backup::model_test
