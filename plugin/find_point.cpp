// SPDX-License-Identifier: Apache-2.0
#include "plugin/find_point.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/view/point_files.hpp"
#include "core/view/resolve.hpp"
#include "core/view/walk.hpp"
#include "plugin/open_repository.hpp"

#include <optional>

namespace backup::plugin {

repository::PointRecord find_point(const OpenedRepository& repository,
                                   std::string_view text,
                                   Clock& clock) {
    std::optional<Error> damage;
    const auto on_damaged = [&damage](const std::string& blob, const Error& error) {
        damage = error;
        damage->add_context(concat("point ", blob));
    };
    const auto points = repository::list_points(repository.repository, on_damaged);
    if (points.empty() && damage) {
        throw Error(*damage);
    }
    if (points.empty()) {
        throw Error(ErrorCode::PointNotFound, "there are no recovery points yet")
            .hint("make one with 'kubectl backup create'");
    }
    return view::resolve_point(points, text, clock.now());
}

PlaceInPoint find_place(OpenedRepository& repository, std::string_view text, Clock& clock) {
    PlaceInPoint place;
    place.argument = parse_path(text);
    place.record = find_point(repository, place.argument.point, clock);
    place.node =
        view::get_path(view::open_point(repository.chunks, place.record), place.argument.path);
    return place;
}

}  // namespace backup::plugin
