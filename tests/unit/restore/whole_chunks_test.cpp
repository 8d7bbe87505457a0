// SPDX-License-Identifier: Apache-2.0
// Who copies all of a file reads its chunks as wholes: only then are their names proved.
#include "core/base/file_descriptor.hpp"
#include "core/restore/restore_volume.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/view/chunked_node.hpp"

using namespace backup;
using backup::testing::make_chunked_node;
using backup::testing::TempDir;

namespace {

constexpr std::uint64_t kMiB = 1U << 20U;

std::string text_of(view::Node& node) {
    std::string text(node.info().attributes.size, '\0');
    dynamic_cast<testing::FakeNode&>(node).testing::FakeNode::read(
        0, std::as_writable_bytes(std::span(text.data(), text.size())));
    return text;
}

}  // namespace

TEST_CASE("a restored file is read by its chunks, whether it is read ahead or not") {
    const TempDir target;
    const auto size = GENERATE(std::uint64_t{100}, 9 * kMiB + 7, 40 * kMiB + 7);
    const auto node = make_chunked_node(size);
    const auto result = restore::copy_to_local(node, target / "file", {}, {});
    CHECK(result.problem_count == 0);
    CHECK(node->was_read_by_chunks());
    CHECK((as_text(read_file(target / "file")) == text_of(*node)));
}

TEST_CASE("a restored image is read by its chunks") {
    const TempDir target;
    const auto node = make_chunked_node(9 * kMiB + 7);
    restore::restore_image(node, target / "image", {}, {});
    CHECK(node->was_read_by_chunks());
    CHECK((as_text(read_file(target / "image")) == text_of(*node)));
}
