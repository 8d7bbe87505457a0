// SPDX-License-Identifier: Apache-2.0
#include "tests/model/oracle.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace backup::model_test {

void Oracle::expect(const std::string& name, const testing::Files& files) {
    state_.lock()->expected.insert_or_assign(name, files);
}

void Oracle::committed(const std::string& id, const std::string& name) {
    // Somebody may have forgotten it before its writer was told that it is there.
    state_.lock()->promises[id].name = name;
}

void Oracle::about_to_forget(const std::string& id) {
    state_.lock()->promises[id].may_be_forgotten = true;
}

Oracle::ForgetAttempt::ForgetAttempt(Oracle& oracle, std::vector<std::string> ids)
    : oracle_(oracle),
      ids_(std::move(ids)) {
    auto state = oracle_.state_.lock();
    state->forgetting.insert(this);
    look_at_holds(*state);
}

Oracle::ForgetAttempt::~ForgetAttempt() {
    oracle_.state_.lock()->forgetting.erase(this);
}

bool Oracle::ForgetAttempt::may_succeed() const {
    const auto state = oracle_.state_.lock();
    return may_succeed_;
}

void Oracle::ForgetAttempt::look_at_holds(State& state) {
    const auto is_held = [&state](const std::string& id) { return state.promises[id].is_held; };
    if (std::any_of(ids_.begin(), ids_.end(), is_held)) {
        return;
    }
    may_succeed_ = true;
    for (const auto& id : ids_) {
        state.promises[id].may_be_forgotten = true;
    }
}

Oracle::HoldAttempt::HoldAttempt(Oracle& oracle, std::string id)
    : oracle_(oracle),
      id_(std::move(id)),
      releases_begun_(oracle.state_.lock()->promises[id_].releases_begun) {}

void Oracle::HoldAttempt::succeeded(const std::string& point_name) {
    auto state = oracle_.state_.lock();
    auto& promise = state->promises[id_];
    const auto was_alone =
        promise.releases_under_way == 0 && promise.releases_begun == releases_begun_;
    if (was_alone) {
        promise.name = point_name;
        promise.may_be_forgotten = false;
        promise.is_held = true;
    }
}

Oracle::ReleaseAttempt::ReleaseAttempt(Oracle& oracle, std::string id)
    : oracle_(oracle),
      id_(std::move(id)) {
    auto state = oracle_.state_.lock();
    auto& promise = state->promises[id_];
    promise.is_held = false;
    ++promise.releases_begun;
    ++promise.releases_under_way;
    for (auto* attempt : state->forgetting) {
        attempt->look_at_holds(*state);
    }
}

Oracle::ReleaseAttempt::~ReleaseAttempt() {
    --oracle_.state_.lock()->promises[id_].releases_under_way;
}

bool Oracle::is_promised(const std::string& id) const {
    auto state = state_.lock();
    const auto found = state->promises.find(id);
    return found != state->promises.end() && !found->second.may_be_forgotten &&
           !found->second.name.empty();
}

bool Oracle::is_held(const std::string& id) const {
    auto state = state_.lock();
    const auto found = state->promises.find(id);
    return found != state->promises.end() && found->second.is_held;
}

std::vector<std::string> Oracle::promised() const {
    auto state = state_.lock();
    std::vector<std::string> ids;
    for (const auto& [id, promise] : state->promises) {
        if (!promise.may_be_forgotten && !promise.name.empty()) {
            ids.push_back(id);
        }
    }
    return ids;
}

testing::Files Oracle::files_of(const std::string& point_name) const {
    return state_.lock()->expected.at(point_name);
}

std::vector<std::string> Oracle::find_broken_promises() const {
    return find_broken(false);
}

std::vector<std::string> Oracle::find_broken_points() const {
    return find_broken(true);
}

std::vector<std::string> Oracle::find_broken(bool all_points) const {
    std::vector<std::string> broken;
    try {
        const auto repository = testing::open_tiny_repository(storage_, key_);
        const auto ids = promised();
        std::set<std::string> missing(ids.begin(), ids.end());
        for (const auto& record : repository::list_points(repository)) {
            const auto was_promised = missing.erase(record.point.id) != 0;
            if (!was_promised && !all_points) {
                continue;
            }
            try {
                if (testing::read_files(repository, record) != files_of(record.point.name)) {
                    broken.push_back(concat("point ", record.point.name, " holds other bytes"));
                }
            } catch (const Error& error) {
                broken.push_back(concat("point ", record.point.name, ": ", error.what()));
            }
        }
        for (const auto& id : missing) {
            broken.push_back(concat("point ", id, " has vanished"));
        }
    } catch (const Error& error) {
        broken.push_back(concat("the repository cannot be read: ", error.what()));
    }
    return broken;
}

}  // namespace backup::model_test
