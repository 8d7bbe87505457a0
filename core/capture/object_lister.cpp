// SPDX-License-Identifier: Apache-2.0
#include "core/capture/object_lister.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/capture/object_finder.hpp"

#include <algorithm>
#include <utility>

namespace backup::capture {

namespace {

/// So many pages in a row had to be fetched after all: what follows is not compared any more.
constexpr unsigned kPagesInVain = 2;

struct ChangedObject {
    model::ObjectKey key;
    std::string resource_version;
};

struct SettledObject {
    model::Object object;  // its metadata, or all of it when the kind needs that
    StoredObject stored;
};

class ObjectLister {
  public:
    ObjectLister(const ListerContext& context, const ObjectListing& listing, ObjectSink& sink)
        : context_(context),
          listing_(listing),
          resource_(listing.resource),
          sink_(sink),
          shares_storage_(context.versions.shares_storage(listing.resource)),
          needs_body_(context.taker.needs_body(listing.resource)) {
        if (listing.is_needed) {
            asking_ = {Asked::ByNeed, {{}, listing.why}};
        }
    }

    ListedObjects run() {
        const auto version = shares_storage_ ? context_.moment.version() : std::string();
        auto failure = failure_of([&] { list(version); });
        // The moment lies too far back by now, or this server knows nothing of it.
        if (failure && failure->code() == ErrorCode::KubeExpired && !version.empty()) {
            context_.moment.expire(version);
            forget();
            failure = failure_of([&] { list({}); });
        }
        listed_.failure = std::move(failure);
        return std::move(listed_);
    }

  private:
    /// Services say which endpoints are generated, even those that are not stored.
    bool is_comparable() {
        return context_.previous != nullptr && !listing_.is_needed &&
               resource_.name() != "services" && !context_.taker.needs_body_of_all(resource_) &&
               (resource_.namespaced && listing_.options.ns.empty()
                    ? true
                    : context_.previous->has(resource_.name(), listing_.options.ns));
    }

    void list(const std::string& version) {
        kube::ListOptions options = listing_.options;
        options.resource_version = version;
        kube::ListHandler handler;
        handler.on_item = [this](std::string_view item) { take(item); };
        handler.on_restart = [this] { forget(); };
        if (is_comparable()) {
            handler.on_metadata = [this](const auto& items) { return compare(items); };
        }
        if (shares_storage_) {
            handler.on_begin = [this](const std::string& begun) { context_.moment.offer(begun); };
        }
        const auto result = list_objects(context_.client, resource_, options, handler);
        listed_.resource_version = result.resource_version;
        listed_.is_consistent = listed_.is_consistent && result.is_consistent;
        for (const auto& changed : changed_) {
            throw_if_stopped(options.stop);
            fetch(changed);
        }
    }

    void forget() {
        listed_ = {};
        changed_.clear();
        pages_in_vain_ = 0;
    }

    bool take(std::string_view item) {
        const model::Object object(resource_, std::string(item));
        return take(object);
    }

    bool take(const model::Object& object) {
        if (listing_.is_needed && !listing_.is_needed(object.json())) {
            return false;
        }
        if (!context_.taker.take(resource_, object, asking_, sink_, listed_.findings)) {
            return false;
        }
        ++listed_.stored;
        context_.progress.advance(1, object.bytes().size());
        return true;
    }

    /// Nothing of a page is taken unless all of it is: the page may come again.
    kube::PageVerdict compare(const std::vector<std::string_view>& items) {
        // One request for each changed object, or one for the page: a hundredth is where that
        // turns.
        const std::size_t most_changed = std::max<std::size_t>(1, items.size() / 100);
        std::vector<SettledObject> settled;
        std::vector<ChangedObject> changed;
        for (const auto item : items) {
            model::Object object(resource_, std::string(item));
            if (auto same = settle(object)) {
                settled.push_back(std::move(*same));
            } else if (changed.push_back({object.key(), object.resource_version()});
                       changed.size() > most_changed) {
                return ++pages_in_vain_ < kPagesInVain ? kube::PageVerdict::Whole
                                                       : kube::PageVerdict::WholeFromNow;
            }
        }
        pages_in_vain_ = 0;
        for (const auto& [object, stored] : settled) {
            if (context_.taker.take_over(resource_, object, asking_, stored, listed_.findings)) {
                ++listed_.stored;
                ++listed_.unchanged;
                context_.progress.advance(1, stored.bytes);
            }
        }
        std::move(changed.begin(), changed.end(), std::back_inserter(changed_));
        return kube::PageVerdict::Taken;
    }

    /// What need not be fetched: it is left out anyway, or the previous point has it.
    std::optional<SettledObject> settle(model::Object& object) {
        if (context_.taker.is_out(resource_, object, asking_)) {
            return SettledObject{std::move(object), {}};
        }
        auto previous =
            context_.previous->find(object.key(), context_.versions.mark_of(resource_, object));
        if (!previous) {
            return std::nullopt;
        }
        StoredObject stored;
        stored.bytes = previous->entry.attributes.size;
        if (needs_body_) {
            auto bytes = PreviousObjects::read(*previous);
            if (!bytes) {
                return std::nullopt;
            }
            object = model::Object(resource_, std::move(*bytes));
        }
        stored.content = std::move(previous->content);
        return SettledObject{std::move(object), std::move(stored)};
    }

    /// As of the moment of the list.
    void fetch(const ChangedObject& changed) {
        auto version = shares_storage_ ? listed_.resource_version : std::string();
        std::optional<model::Object> found;
        auto failure = failure_of([&] { found = find(changed.key, version); });
        if (failure && failure->code() == ErrorCode::KubeExpired && !version.empty()) {
            failure = failure_of([&] { found = find(changed.key, {}); });
        }
        if (failure) {
            throw Error(*failure);
        }
        if (!found) {
            listed_.findings.add_skipped(changed.key, model::SkipReason::DeletedMeanwhile, {});
            return;
        }
        if (found->resource_version() != changed.resource_version) {
            listed_.is_consistent = false;
        }
        take(*found);
    }

    std::optional<model::Object> find(const model::ObjectKey& key, const std::string& version) {
        return list_one(context_.client, resource_, key, version, listing_.options.stop).object;
    }

    const ListerContext& context_;
    const ObjectListing& listing_;
    const model::ApiResource& resource_;
    ObjectSink& sink_;
    const bool shares_storage_;
    const bool needs_body_;
    Asking asking_;
    ListedObjects listed_;
    std::vector<ChangedObject> changed_;
    unsigned pages_in_vain_ = 0;
};

}  // namespace

ListedObjects list_and_take(const ListerContext& context,
                            const ObjectListing& listing,
                            ObjectSink& sink) {
    return ObjectLister(context, listing, sink).run();
}

}  // namespace backup::capture
