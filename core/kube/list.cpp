// SPDX-License-Identifier: Apache-2.0
#include "core/kube/list.hpp"

#include "core/base/text.hpp"
#include "core/kube/list_splitter.hpp"
#include "core/kube/page_size.hpp"

#include <algorithm>

namespace backup::kube {

namespace {

constexpr int kMostRestarts = 2;
// A server that says 410 to every page must not keep us for ever.
constexpr int kMostLeaps = 100;
constexpr int kMostSlowTries = 3;
constexpr int kMostBrokenTries = 3;
constexpr std::uint64_t kLargestPage = 16U << 20U;
constexpr std::uint64_t kLargestItem = 64U << 20U;

constexpr std::string_view kMetadata =
    "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json";
constexpr std::string_view kMetadataKind = "PartialObjectMetadataList";

/// The server, or its storage, gave up: fewer items may do.
bool is_time_out(const Status& status) {
    const std::string_view text = status.message;
    return status.code == 504 ||
           (status.code >= 500 &&
            (text.find("context deadline exceeded") != std::string_view::npos ||
             text.find("request timed out") != std::string_view::npos));
}

class Lister {
  public:
    Lister(Client& client,
           const model::ApiResource& resource,
           const ListOptions& options,
           const ListHandler& handler)
        : client_(client),
          resource_(resource),
          options_(options),
          handler_(handler),
          whole_size_(options.page_size),
          metadata_size_(options.page_size),
          is_comparing_(handler.on_metadata != nullptr) {
        asked_ = {"list", resource.group, resource.plural, options.ns, ""};
    }

    ListResult run() {
        do {
            const auto response = fetch();
            if (response.status == 410) {
                recover(read_status(response));
                continue;
            }
            if (!response.is_success()) {
                throw api_error(response, asked_);
            }
            deliver(response.body);
        } while (!is_done_);
        return std::move(result_);
    }

  private:
    bool wants_metadata() const { return is_comparing_ && repeated_items_ == 0; }

    PageSize& page_size() { return wants_metadata() ? metadata_size_ : whole_size_; }

    std::uint32_t limit() {
        const auto items = page_size().items();
        return repeated_items_ == 0 ? items : std::min(items, repeated_items_);
    }

    net::Query query() {
        net::Query query{{"limit", std::to_string(limit())}};
        if (!options_.label_selector.empty()) {
            query.emplace_back("labelSelector", options_.label_selector);
        }
        if (!options_.field_selector.empty()) {
            query.emplace_back("fieldSelector", options_.field_selector);
        }
        if (!continue_token_.empty()) {
            query.emplace_back("continue", continue_token_);
        } else if (!options_.resource_version.empty()) {
            query.emplace_back("resourceVersion", options_.resource_version);
            query.emplace_back("resourceVersionMatch", "Exact");
        }
        return query;
    }

    /// One page, asked for with fewer items when that is what makes it too slow or too big.
    net::Response fetch() {
        const RetryPolicy at_once{10, std::chrono::milliseconds(0), std::chrono::milliseconds(0)};
        int slow = 0;
        int broken = 0;
        const auto may_retry = [&](const Error& error) {
            if (error.code() == ErrorCode::TimedOut) {
                page_size().shrink();
                return ++slow < kMostSlowTries;
            }
            if (error.code() == ErrorCode::KubeServerError) {
                return ++broken < kMostBrokenTries &&
                       client_.sleep(std::chrono::seconds(broken), options_.stop);
            }
            return error.code() == ErrorCode::Unsupported && page_size().shrink();
        };
        return retry_if(at_once, options_.stop, may_retry, [this] { return ask(); });
    }

    net::Response ask() {
        ApiRequest request;
        request.path = resource_path(resource_, resource_.namespaced ? options_.ns : std::string());
        request.query = query();
        request.asked = asked_;
        request.stop = options_.stop;
        request.response_limit_bytes = limit() == 1 ? kLargestItem : kLargestPage;
        if (wants_metadata()) {
            request.accept = kMetadata;
        }
        auto response = client_.exchange(request);
        if (response.status < 500) {
            return response;
        }
        const auto status = read_status(response);
        if (!options_.resource_version.empty() && is_unknown_version(status)) {
            throw Error(ErrorCode::KubeExpired, api_error(status, asked_).message());
        }
        if (is_time_out(status)) {
            throw Error(ErrorCode::TimedOut, api_error(status, asked_).message()).retryable();
        }
        throw api_error(status, asked_);
    }

    void deliver(std::string_view body) {
        const auto page = with_context([this] { return concat("list ", resource_.name()); },
                                       [body] { return split_list(body); });
        page_size().fit(page.items.size(), body.size());
        if (page.kind == kMetadataKind && !wants_metadata()) {
            throw Error(ErrorCode::KubeServerError,
                        concat("list ", resource_.name(), ": the server gives metadata only"));
        }
        if (page.kind == kMetadataKind && !take_metadata(page.items)) {
            return;
        }
        if (page.kind != kMetadataKind) {
            for (const auto item : page.items) {
                handler_.on_item(item);
                result_.bytes += item.size();
            }
        }
        go_on(page);
    }

    /// False: the page is wanted whole.
    bool take_metadata(const std::vector<std::string_view>& items) {
        const auto verdict = handler_.on_metadata(items);
        if (verdict == PageVerdict::Taken || items.empty()) {
            ++result_.metadata_pages;
            return true;
        }
        is_comparing_ = verdict == PageVerdict::Whole;
        repeated_items_ = static_cast<std::uint32_t>(items.size());
        return false;
    }

    void go_on(const ListPage& page) {
        if (result_.pages == 0) {
            // Asked for one name at an exact version, servers as old as 1.20 answer with the
            // objects of that version, but call the list by the version of just now.
            result_.resource_version = options_.resource_version.empty()
                                           ? page.resource_version
                                           : options_.resource_version;
            if (handler_.on_begin) {
                handler_.on_begin(result_.resource_version);
            }
        }
        result_.count += page.items.size();
        ++result_.pages;
        repeated_items_ = 0;
        is_done_ = page.continue_token.empty();
        if (!is_done_ && page.continue_token == continue_token_) {
            throw Error(ErrorCode::KubeServerError,
                        concat("list ", resource_.name(), ": the server repeats a page"));
        }
        continue_token_ = page.continue_token;
    }

    void recover(const Status& status) {
        if (handler_.on_restart && restarts_ < kMostRestarts && result_.pages > 0 &&
            options_.resource_version.empty()) {
            ++restarts_;
            continue_token_.clear();
            repeated_items_ = 0;
            result_ = {};
            handler_.on_restart();
        } else if (!status.continue_token.empty() && options_.resource_version.empty() &&
                   ++leaps_ <= kMostLeaps) {
            continue_token_ = status.continue_token;
            result_.is_consistent = false;
        } else {
            throw api_error(status, asked_);
        }
    }

    Client& client_;
    const model::ApiResource& resource_;
    const ListOptions& options_;
    const ListHandler& handler_;
    Asked asked_;
    PageSize whole_size_;
    PageSize metadata_size_;
    bool is_comparing_;
    std::uint32_t repeated_items_ = 0;  // of a metadata page that is fetched again, whole
    std::string continue_token_;
    ListResult result_;
    int restarts_ = 0;
    int leaps_ = 0;
    bool is_done_ = false;
};

}  // namespace

ListResult list_objects(Client& client,
                        const model::ApiResource& resource,
                        const ListOptions& options,
                        const ListHandler& handler) {
    return Lister(client, resource, options, handler).run();
}

}  // namespace backup::kube
