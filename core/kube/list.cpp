// SPDX-License-Identifier: Apache-2.0
#include "core/kube/list.hpp"

#include "core/base/text.hpp"
#include "core/kube/list_splitter.hpp"

#include <algorithm>

namespace backup::kube {

namespace {

constexpr int kMostRestarts = 2;
// A server that says 410 to every page must not keep us for ever.
constexpr int kMostLeaps = 100;
constexpr std::uint64_t kLargestPage = 256U << 20U;

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
          page_size_(std::max(options.page_size, 1U)) {
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
    net::Query query() const {
        net::Query query{{"limit", std::to_string(page_size_)}};
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
        const RetryPolicy smaller_pages{
            3, std::chrono::milliseconds(0), std::chrono::milliseconds(0)};
        bool is_first = true;
        const auto may_retry = [](const Error& error) {
            return error.code() == ErrorCode::TimedOut || error.code() == ErrorCode::Unsupported;
        };
        return retry_if(smaller_pages, options_.stop, may_retry, [&] {
            if (!std::exchange(is_first, false)) {
                page_size_ = page_size_ > 100 ? 100 : std::min(page_size_, 25U);
            }
            ApiRequest request;
            request.path =
                resource_path(resource_, resource_.namespaced ? options_.ns : std::string());
            request.query = query();
            request.asked = asked_;
            request.stop = options_.stop;
            request.response_limit_bytes = kLargestPage;
            auto response = client_.exchange(request);
            if (response.status == 504) {
                throw Error(ErrorCode::TimedOut, api_error(response, asked_).message()).retryable();
            }
            return response;
        });
    }

    void deliver(std::string_view body) {
        const auto page = with_context([this] { return concat("list ", resource_.name()); },
                                       [body] { return split_list(body); });
        for (const auto item : page.items) {
            handler_.on_item(item);
            result_.bytes += item.size();
        }
        result_.count += page.items.size();
        if (result_.pages++ == 0) {
            result_.resource_version = page.resource_version;
        }
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
    std::uint32_t page_size_;
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
