// SPDX-License-Identifier: Apache-2.0
#include "core/backend/forwarding_backend.hpp"

namespace backup::backend {

class ForwardingBackend::Writer : public BlobWriter {
  public:
    Writer(ForwardingBackend& backend, std::unique_ptr<BlobWriter> blob)
        : backend_(backend),
          blob_(std::move(blob)) {}

    void write(ByteView bytes) override {
        backend_.pass(StorageCall::Write, {}, [&] { blob_->write(bytes); });
    }

    void commit(std::string_view name) override {
        backend_.pass(StorageCall::Commit, name, [&] { blob_->commit(name); });
    }

  private:
    ForwardingBackend& backend_;
    std::unique_ptr<BlobWriter> blob_;
};

class ForwardingBackend::Reader : public BlobReader {
  public:
    Reader(ForwardingBackend& backend, std::unique_ptr<BlobReader> blob)
        : backend_(backend),
          blob_(std::move(blob)) {}

    void read(std::uint64_t offset, std::span<std::byte> out) override {
        backend_.pass(StorageCall::Read, {}, [&] { blob_->read(offset, out); });
    }

  private:
    ForwardingBackend& backend_;
    std::unique_ptr<BlobReader> blob_;
};

std::unique_ptr<BlobWriter> ForwardingBackend::create(std::string_view folder) {
    std::unique_ptr<BlobWriter> blob;
    pass(StorageCall::Create, folder, [&] { blob = to_.create(folder); });
    return std::make_unique<Writer>(*this, std::move(blob));
}

void ForwardingBackend::put(std::string_view name, ByteView bytes, bool exclusive) {
    pass(StorageCall::Put, name, [&] { to_.put(name, bytes, exclusive); });
}

void ForwardingBackend::sync() {
    pass(StorageCall::Sync, {}, [&] { to_.sync(); });
}

Bytes ForwardingBackend::get(std::string_view name) {
    Bytes bytes;
    pass(StorageCall::Get, name, [&] { bytes = to_.get(name); });
    return bytes;
}

void ForwardingBackend::get_range(std::string_view name,
                                  std::uint64_t offset,
                                  std::span<std::byte> out) {
    pass(StorageCall::Read, name, [&] { to_.get_range(name, offset, out); });
}

std::unique_ptr<BlobReader> ForwardingBackend::open(std::string_view name) {
    std::unique_ptr<BlobReader> blob;
    pass(StorageCall::Open, name, [&] { blob = to_.open(name); });
    return std::make_unique<Reader>(*this, std::move(blob));
}

std::uint64_t ForwardingBackend::size(std::string_view name) {
    std::uint64_t size = 0;
    pass(StorageCall::Size, name, [&] { size = to_.size(name); });
    return size;
}

bool ForwardingBackend::exists(std::string_view name) {
    bool is_there = false;
    pass(StorageCall::Exists, name, [&] { is_there = to_.exists(name); });
    return is_there;
}

void ForwardingBackend::list(std::string_view folder, const std::function<void(BlobInfo)>& visit) {
    pass(StorageCall::List, folder, [&] { to_.list(folder, visit); });
}

void ForwardingBackend::remove(std::string_view name) {
    pass(StorageCall::Remove, name, [&] { to_.remove(name); });
}

void ForwardingBackend::pass(StorageCall /*call*/,
                             std::string_view /*blob*/,
                             const std::function<void()>& effect) {
    effect();
}

}  // namespace backup::backend
