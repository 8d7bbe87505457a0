// SPDX-License-Identifier: Apache-2.0
#include "core/backend/memory_backend.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace backup::backend {

class MemoryBackend::Writer : public BlobWriter {
  public:
    explicit Writer(MemoryBackend& backend) : backend_(backend) {}

    void write(ByteView bytes) override { append(bytes_, bytes); }

    void commit(std::string_view name) override {
        backend_.store(name, std::exchange(bytes_, {}), false);
    }

  private:
    MemoryBackend& backend_;
    Bytes bytes_;
};

std::unique_ptr<BlobWriter> MemoryBackend::create(std::string_view folder) {
    if (!folder.empty()) {
        check_blob_name(folder);
    }
    return std::make_unique<Writer>(*this);
}

void MemoryBackend::put(std::string_view name, ByteView bytes, bool exclusive) {
    store(name, to_bytes(bytes), exclusive);
}

Bytes MemoryBackend::get(std::string_view name) {
    return *get_blob(name);
}

void MemoryBackend::get_range(std::string_view name,
                              std::uint64_t offset,
                              std::span<std::byte> out) {
    const auto blob = get_blob(name);
    if (offset > blob->size() || out.size() > blob->size() - offset) {
        throw Error(ErrorCode::CorruptData, concat(name, " is shorter than expected"));
    }
    std::copy_n(blob->data() + offset, out.size(), out.data());
}

std::uint64_t MemoryBackend::size(std::string_view name) {
    return get_blob(name)->size();
}

bool MemoryBackend::exists(std::string_view name) {
    return find(name) != nullptr;
}

void MemoryBackend::list(std::string_view folder, const std::function<void(BlobInfo)>& visit) {
    check_blob_name(folder);
    std::vector<BlobInfo> found;
    {
        const auto prefix = concat(folder, "/");
        auto blobs = blobs_.lock();
        for (auto at = blobs->lower_bound(prefix);
             at != blobs->end() && at->first.starts_with(prefix);
             ++at) {
            found.push_back({at->first, at->second.blob->size(), at->second.modified_seconds});
        }
    }
    std::for_each(found.begin(), found.end(), visit);
}

void MemoryBackend::remove(std::string_view name) {
    check_blob_name(name);
    auto blobs = blobs_.lock();
    if (const auto at = blobs->find(name); at != blobs->end()) {
        blobs->erase(at);
    }
}

MemoryBackend::Blob MemoryBackend::find(std::string_view name) {
    check_blob_name(name);
    auto blobs = blobs_.lock();
    const auto at = blobs->find(name);
    return at == blobs->end() ? nullptr : at->second.blob;
}

MemoryBackend::Blob MemoryBackend::get_blob(std::string_view name) {
    auto blob = find(name);
    if (blob == nullptr) {
        throw Error(ErrorCode::NotFound, concat("there is no blob ", name));
    }
    return blob;
}

void MemoryBackend::store(std::string_view name, Bytes bytes, bool exclusive) {
    check_blob_name(name);
    Stored stored{std::make_shared<const Bytes>(std::move(bytes)), 0};
    if (clock_ != nullptr) {
        stored.modified_seconds =
            std::chrono::floor<std::chrono::seconds>(clock_->now()).time_since_epoch().count();
    }
    const auto is_new = blobs_.lock()->try_emplace(std::string(name), std::move(stored)).second;
    if (!is_new && exclusive) {
        throw Error(ErrorCode::AlreadyExists, concat("there is a blob ", name, " already"));
    }
}

}  // namespace backup::backend
