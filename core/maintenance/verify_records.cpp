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
#include "core/repository/session_store.hpp"
#include "core/repository/stored_record.hpp"

#include <set>
#include <string_view>
#include <vector>

namespace backup::maintenance {

using namespace repository;

namespace {

constexpr std::uint64_t kLargestHold = 1U << 20U;

/// What it means that such a blob is damaged (docs/format.md section 9).
std::string_view meaning_of(SessionBlob role) {
    switch (role) {
        case SessionBlob::Base:
            return "; no point loses anything: a prune waits for this run until it has given no "
                   "sign for two hours, then removes it";
        case SessionBlob::Beat:
            return "; no point loses anything: only its time counts, and a prune removes it with "
                   "its session";
        case SessionBlob::End:
            return "; if the run that made it is dead and its point is not listed, that backup is "
                   "to be run again; a prune removes it when there was no sign for two hours";
    }
    return {};
}

class RecordVerification {
  public:
    RecordVerification(const Repository& repository,
                       const OnProblem& on_problem,
                       const OnProblem& on_warning)
        : repository_(repository),
          backend_(repository.backend()),
          on_problem_(on_problem),
          on_warning_(on_warning) {}

    void run() {
        verify_slots();
        verify_holds();
        verify_sessions();
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

    void verify_sessions() {
        std::vector<std::string> blobs;
        backend_.list(kSessionsFolder,
                      [&blobs](const backend::BlobInfo& info) { blobs.push_back(info.name); });
        for (const auto& blob : blobs) {
            if (const auto name = find_session_name(blob)) {
                attempt(blob, [&] { verify_session(blob, *name); });
            }
        }
    }

    void verify_session(const std::string& blob, const SessionBlobName& name) {
        const auto failure =
            failure_of([&] { decode(blob, name, get_blob(backend_, blob, kLargestStoredRecord)); });
        if (failure && !is_damaged_record(repository_, blob, *failure)) {
            throw Error(*failure);
        }
        if (failure) {
            on_warning_(blob,
                        Error(failure->code(), concat(failure->message(), meaning_of(name.role))));
        }
    }

    void decode(const std::string& blob, const SessionBlobName& name, ByteView bytes) {
        switch (name.role) {
            case SessionBlob::Base:
                decode_session(repository_, bytes, name.id);
                break;
            case SessionBlob::End:
                decode_session_end(repository_, bytes, name.id);
                break;
            case SessionBlob::Beat:
                // Anything with the id.
                check_session_id(
                    decode_record(repository_, BlobKind::Session, bytes, blob), name.id, blob);
                break;
        }
    }

    const Repository& repository_;
    backend::Backend& backend_;
    const OnProblem& on_problem_;
    const OnProblem& on_warning_;
};

}  // namespace

void verify_records(const Repository& repository,
                    const OnProblem& on_problem,
                    const OnProblem& on_warning) {
    RecordVerification(repository, on_problem, on_warning).run();
}

}  // namespace backup::maintenance
