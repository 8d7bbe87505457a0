// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/chosen_points.hpp"

#include "core/base/text.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/point_store.hpp"
#include "core/view/resolve.hpp"
#include "plugin/commands/points.hpp"

#include <algorithm>

namespace backup::plugin {

namespace {

constexpr std::size_t kShortestPrefix = 4;
constexpr std::string_view kTypePrefix = "recoverypoint/";

class Chooser {
  public:
    Chooser(const repository::Repository& repository, TimePoint now) : now_(now) {
        points_ = list_points(repository, [this](const std::string& blob, const Error& error) {
            if (const auto name = repository::find_point_name(blob)) {
                damaged_.push_back(to_hex(name->digest));
            } else {
                throw Error(error);
            }
        });
    }

    ChosenPoint choose(std::string_view text) const {
        if (text.starts_with(kTypePrefix)) {
            text.remove_prefix(kTypePrefix.size());
        }
        refuse_ambiguous(text);
        if (const auto* const id = find_damaged(text)) {
            return {*id, {}};
        }
        const auto& point = view::resolve_point(points_, text, now_).point;
        return {point.id, point.name};
    }

  private:
    void refuse_ambiguous(std::string_view text) const {
        std::vector<std::string> ids;
        for (const auto& record : points_) {
            if (record.point.name == text) {
                ids.push_back(short_id(record.point.id));
            }
        }
        if (ids.size() > 1) {
            throw Error(ErrorCode::InvalidArgument,
                        concat(ids.size(), " points are called '", printable(text), "'"))
                .hint(concat("name the one you mean by its id: ", join(ids, ", ")));
        }
    }

    const std::string* find_damaged(std::string_view text) const {
        const auto begins = [text](const std::string& id) {
            return text.size() >= kShortestPrefix && id.starts_with(text);
        };
        const auto found = std::find_if(damaged_.begin(), damaged_.end(), begins);
        const bool is_unique =
            found != damaged_.end() && std::count_if(found, damaged_.end(), begins) == 1 &&
            std::none_of(points_.begin(), points_.end(), [&](const auto& record) {
                return begins(record.point.id) || record.point.name == text;
            });
        return is_unique ? &*found : nullptr;
    }

    TimePoint now_;
    std::vector<repository::PointRecord> points_;
    std::vector<std::string> damaged_;
};

}  // namespace

std::vector<ChosenPoint> choose_points(const repository::Repository& repository,
                                       std::span<const std::string> texts,
                                       TimePoint now) {
    const Chooser chooser(repository, now);
    std::vector<ChosenPoint> chosen;
    for (const auto& text : texts) {
        auto point = chooser.choose(text);
        const bool is_new = std::none_of(chosen.begin(), chosen.end(), [&point](const auto& other) {
            return other.id == point.id;
        });
        if (is_new) {
            chosen.push_back(std::move(point));
        }
    }
    return chosen;
}

std::string label_of(const ChosenPoint& point) {
    return point.name.empty() ? short_id(point.id) : point.name;
}

}  // namespace backup::plugin
