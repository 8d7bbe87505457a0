// SPDX-License-Identifier: Apache-2.0
#include "core/backend/limited_backend.hpp"

#include "core/base/error.hpp"

#include <algorithm>

namespace backup::backend {

class LimitedBackend::Writer : public BlobWriter {
  public:
    Writer(LimitedBackend& backend, std::unique_ptr<BlobWriter> blob)
        : backend_(backend),
          blob_(std::move(blob)) {}

    void write(ByteView bytes) override {
        while (!bytes.empty()) {
            const auto size = std::min<std::uint64_t>(bytes.size(), backend_.limit_.piece());
            backend_.wait_for(size);
            blob_->write(bytes.first(static_cast<std::size_t>(size)));
            bytes = bytes.subspan(static_cast<std::size_t>(size));
        }
    }

    void commit(std::string_view name) override { blob_->commit(name); }

  private:
    LimitedBackend& backend_;
    std::unique_ptr<BlobWriter> blob_;
};

std::unique_ptr<BlobWriter> LimitedBackend::create(std::string_view folder) {
    return std::make_unique<Writer>(*this, ForwardingBackend::create(folder));
}

void LimitedBackend::put(std::string_view name, ByteView bytes, bool exclusive) {
    wait_for(bytes.size());
    ForwardingBackend::put(name, bytes, exclusive);
}

void LimitedBackend::wait_for(std::uint64_t bytes) {
    if (limit_.is_limited() && !limit_.wait_for(bytes, stop_)) {
        throw Error(ErrorCode::Interrupted, "interrupted");
    }
}

}  // namespace backup::backend
