// SPDX-License-Identifier: Apache-2.0
// A backend that hands each call on to another one: the base of those that add something to every
// call of the storage, or change a few. Knows nothing of what is added.
#pragma once

#include "core/backend/backend.hpp"

namespace backup::backend {

enum class StorageCall {
    Create,
    Write,
    Commit,
    Put,
    Sync,
    Get,
    Open,
    Read,
    Size,
    Exists,
    List,
    Remove
};

class ForwardingBackend : public Backend {
  public:
    /// `to` must outlive this.
    explicit ForwardingBackend(Backend& to) : to_(to) {}

    std::string location() const override { return to_.location(); }

    std::unique_ptr<BlobWriter> create(std::string_view folder) override;
    void put(std::string_view name, ByteView bytes, bool exclusive = false) override;
    void sync() override;
    Bytes get(std::string_view name) override;
    void get_range(std::string_view name, std::uint64_t offset, std::span<std::byte> out) override;
    std::unique_ptr<BlobReader> open(std::string_view name) override;
    std::uint64_t size(std::string_view name) override;
    bool exists(std::string_view name) override;
    void list(std::string_view folder, const std::function<void(BlobInfo)>& visit) override;
    void remove(std::string_view name) override;

    bool lists_at_once() override { return to_.lists_at_once(); }

    std::uint64_t release_reserve() override { return to_.release_reserve(); }

    void restore_reserve() override { to_.restore_reserve(); }

  protected:
    /// Every call of the storage comes through here, also those of the writers and readers that
    /// were handed out (these tell no name of the blob but at its commit). Does `effect`, or
    /// throws. Any thread.
    virtual void pass(StorageCall call, std::string_view blob, const std::function<void()>& effect);

  private:
    class Writer;
    class Reader;

    Backend& to_;
};

}  // namespace backup::backend
