// SPDX-License-Identifier: Apache-2.0
// The storage as one client of the schedule sees it: every call waits for the client's turn, and a
// dead client's calls do nothing. May be made blind on purpose, to prove that the test sees what a
// broken protocol does.
#pragma once

#include "core/backend/backend.hpp"
#include "tests/model/schedule.hpp"

#include <string>
#include <vector>

namespace backup::model_test {

/// What a client is made to ignore.
struct Blindness {
    std::vector<std::string> unseen_folders;  // lists show nothing in them
    bool takes_taken_names = false;           // an exclusive put overwrites nothing, and succeeds
};

class ClientBackend : public backend::Backend {
  public:
    ClientBackend(backend::Backend& storage,
                  Schedule& schedule,
                  std::size_t client,
                  Blindness blindness = {})
        : storage_(storage),
          schedule_(schedule),
          client_(client),
          blindness_(std::move(blindness)) {}

    std::string location() const override { return "memory, shared"; }

    std::unique_ptr<backend::BlobWriter> create(std::string_view folder) override;
    void put(std::string_view name, ByteView bytes, bool exclusive = false) override;
    void sync() override;
    Bytes get(std::string_view name) override;
    void get_range(std::string_view name, std::uint64_t offset, std::span<std::byte> out) override;
    std::uint64_t size(std::string_view name) override;
    bool exists(std::string_view name) override;
    void list(std::string_view folder,
              const std::function<void(backend::BlobInfo)>& visit) override;
    void remove(std::string_view name) override;

  private:
    class Writer;

    template <typename Call>
    auto call(std::string_view what, std::string_view blob, Call effect);

    backend::Backend& storage_;
    Schedule& schedule_;
    std::size_t client_;
    Blindness blindness_;
};

}  // namespace backup::model_test
