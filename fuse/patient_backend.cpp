// SPDX-License-Identifier: Apache-2.0
#include "fuse/patient_backend.hpp"

#include "core/base/patience.hpp"

namespace backup::fuse {

namespace {

class PatientReader : public backend::BlobReader {
  public:
    explicit PatientReader(std::unique_ptr<backend::BlobReader> reader)
        : reader_(std::move(reader)) {}

    void read(std::uint64_t offset, std::span<std::byte> out) override {
        need_patience();
        reader_->read(offset, out);
    }

  private:
    std::unique_ptr<backend::BlobReader> reader_;
};

}  // namespace

std::unique_ptr<backend::BlobWriter> PatientBackend::create(std::string_view folder) {
    need_patience();
    return backend_.create(folder);
}

void PatientBackend::put(std::string_view name, ByteView bytes, bool exclusive) {
    need_patience();
    backend_.put(name, bytes, exclusive);
}

void PatientBackend::sync() {
    need_patience();
    backend_.sync();
}

Bytes PatientBackend::get(std::string_view name) {
    need_patience();
    return backend_.get(name);
}

void PatientBackend::get_range(std::string_view name,
                               std::uint64_t offset,
                               std::span<std::byte> out) {
    need_patience();
    backend_.get_range(name, offset, out);
}

std::unique_ptr<backend::BlobReader> PatientBackend::open(std::string_view name) {
    need_patience();
    return std::make_unique<PatientReader>(backend_.open(name));
}

std::uint64_t PatientBackend::size(std::string_view name) {
    need_patience();
    return backend_.size(name);
}

bool PatientBackend::exists(std::string_view name) {
    need_patience();
    return backend_.exists(name);
}

void PatientBackend::list(std::string_view folder,
                          const std::function<void(backend::BlobInfo)>& visit) {
    need_patience();
    backend_.list(folder, visit);
}

void PatientBackend::remove(std::string_view name) {
    need_patience();
    backend_.remove(name);
}

}  // namespace backup::fuse
