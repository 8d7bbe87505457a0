// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/verify_records.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/maintenance/checks.hpp"
#include "core/repository/blob_access.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/format.hpp"
#include "core/repository/hold.hpp"
#include "core/repository/keys.hpp"

#include <set>
#include <vector>

namespace backup::maintenance {

using namespace repository;

namespace {

constexpr std::uint64_t kLargestHold = 1U << 20U;

class RecordVerification {
  public:
    RecordVerification(const Repository& repository, const OnProblem& on_problem)
        : repository_(repository),
          backend_(repository.backend()),
          on_problem_(on_problem) {}

    void run() {
        verify_slots();
        verify_holds();
        load_checks(repository_, on_problem_);
    }

  private:
    void attempt(const std::string& blob, const std::function<void()>& action) {
        const auto failure = failure_of(action);
        if (failure && failure->code() == ErrorCode::Interrupted) {
            throw Error(*failure);
        }
        // What was removed since it was listed is not missed.
        if (failure && failure->code() != ErrorCode::NotFound) {
            on_problem_(blob, *failure);
        }
    }

    void verify_slots() {
        std::vector<std::string> names;
        backend_.list(kKeysFolder,
                      [&names](const backend::BlobInfo& info) { names.push_back(info.name); });
        for (const auto& name : names) {
            attempt(name, [&] {
                const auto slot = get_blob(backend_, name, format::kSlotBytes);
                if (slot_name(slot) != name) {
                    throw Error(ErrorCode::CorruptData, "it is damaged: its hash is not its name");
                }
                slot_method(slot);
            });
        }
    }

    void verify_holds() {
        // Before the points: what is held stays.
        const auto held = list_held_points(repository_);
        std::set<std::string> points;
        backend_.list(kPointsFolder, [&points](const backend::BlobInfo& info) {
            if (const auto name = find_point_name(info.name)) {
                points.insert(to_hex(name->digest));
            }
        });
        for (const auto& point : held) {
            const auto name = hold_name(content::parse_digest(point));
            attempt(name, [&] {
                decode_hold(repository_, get_blob(backend_, name, kLargestHold), point);
                if (!points.contains(point) && backend_.exists(name)) {
                    throw Error(ErrorCode::CorruptData,
                                "the point it holds is not there: somebody removed it, or a hold "
                                "that came too late was left");
                }
            });
        }
    }

    const Repository& repository_;
    backend::Backend& backend_;
    const OnProblem& on_problem_;
};

}  // namespace

void verify_records(const Repository& repository, const OnProblem& on_problem) {
    RecordVerification(repository, on_problem).run();
}

}  // namespace backup::maintenance
