// SPDX-License-Identifier: Apache-2.0
// The storage as one client of the schedule sees it: every call waits for the client's turn, and a
// dead client's calls do nothing. May be made blind on purpose, to prove that the test sees what a
// broken protocol does.
#pragma once

#include "core/backend/forwarding_backend.hpp"
#include "tests/model/schedule.hpp"

#include <atomic>
#include <string>
#include <vector>

namespace backup::model_test {

/// The call of a client that puts another one's point.
inline constexpr std::string_view kLatePut = "puts exclusively, late,";
/// Its look, behind the put of a point, whether that may stay.
inline constexpr std::string_view kLateLook = "looks, late, for";

/// What a client is made to ignore.
struct Blindness {
    std::vector<std::string> unseen_folders;  // lists show nothing in them
    std::string unseen_ending = "/";          // and no names that end so
    bool takes_taken_names = false;           // an exclusive put overwrites nothing, and succeeds
    bool is_late_for_points = false;          // its puts of points are told as kLatePut
};

class ClientBackend : public backend::ForwardingBackend {
  public:
    ClientBackend(backend::Backend& storage,
                  Schedule& schedule,
                  std::size_t client,
                  Blindness blindness = {})
        : ForwardingBackend(storage),
          storage_(storage),
          schedule_(schedule),
          client_(client),
          blindness_(std::move(blindness)) {}

    std::string location() const override { return "memory, shared"; }

    void put(std::string_view name, ByteView bytes, bool exclusive = false) override;
    void list(std::string_view folder,
              const std::function<void(backend::BlobInfo)>& visit) override;

  protected:
    void pass(backend::StorageCall call,
              std::string_view blob,
              const std::function<void()>& effect) override;

  private:
    void take_turn(std::string_view what,
                   std::string_view blob,
                   const std::function<void()>& effect);

    backend::Backend& storage_;
    Schedule& schedule_;
    std::size_t client_;
    Blindness blindness_;
    std::atomic<bool> has_put_point_ = false;
};

}  // namespace backup::model_test
