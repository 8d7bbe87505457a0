// SPDX-License-Identifier: Apache-2.0
#include "tests/fault/byte_classes.hpp"

#include "core/base/text.hpp"
#include "core/repository/format.hpp"

#include <algorithm>

namespace backup::testing {

namespace {

namespace format = repository::format;

/// Cuts a blob into classes from its beginning to its end.
class Cutter {
  public:
    explicit Cutter(ByteView blob) : blob_(blob) {}

    Cutter& take(std::string_view name, std::size_t bytes) {
        if (bytes > 0) {
            classes_.push_back({std::string(name), at_, at_ + bytes});
        }
        at_ += bytes;
        return *this;
    }

    /// Ciphertext, then its tag.
    Cutter& take_section(std::string_view name, std::size_t stored) {
        take(name, stored - format::kTagBytes);
        return take(concat(name, ", tag"), format::kTagBytes);
    }

    std::size_t rest(std::size_t kept_at_end = 0) const { return blob_.size() - at_ - kept_at_end; }

    std::uint32_t number_at(std::size_t from_end) const {
        return load_le<std::uint32_t>(blob_.data() + blob_.size() - from_end);
    }

    std::vector<ByteClass> finish() { return std::move(classes_); }

  private:
    ByteView blob_;
    std::size_t at_ = 0;
    std::vector<ByteClass> classes_;
};

void take_header(Cutter& cutter) {
    cutter.take("magic", 4).take("kind", 1).take("suite", 1).take("version", 2);
    cutter.take("features", 4).take("reserved", 4).take("repository id", 16);
    cutter.take("salt", 32).take("commitment", 16).take("reserved at the end", 16);
}

void take_slot(Cutter& cutter) {
    cutter.take("magic", 4).take("kind", 1).take("method", 1).take("version", 2);
    cutter.take("reserved", 8).take("repository id", 16).take("salt", 32).take("cost", 4);
    cutter.take("nonce", 12).take_section("master key", cutter.rest());
}

void take_pack(Cutter& cutter) {
    const std::size_t chunk_table = cutter.number_at(32);
    const std::size_t frame_table = cutter.number_at(28);
    const auto tables = chunk_table + frame_table + format::kPackTrailerBytes;
    take_header(cutter);
    cutter.take("first frame's beginning", 16).take_section("frames", cutter.rest(tables));
    cutter.take_section("chunk table", chunk_table).take_section("frame table", frame_table);
    cutter.take("trailer: table sizes", 8).take("trailer: counts", 8);
    cutter.take("trailer: blob size", 8).take("trailer: end mark", 8);
}

void take_index(Cutter& cutter) {
    const std::size_t packs = cutter.number_at(36);
    const std::size_t fences = cutter.number_at(32);
    const std::size_t replaced = cutter.number_at(28);
    const std::size_t filter = cutter.number_at(24);
    const auto tables = packs + fences + replaced + filter + format::kIndexTrailerBytes;
    take_header(cutter);
    if (cutter.rest(tables) > 0) {
        cutter.take_section("record blocks", cutter.rest(tables));
    }
    cutter.take_section("pack table", packs).take_section("fences", fences);
    cutter.take_section("replaced", replaced).take_section("filter", filter);
    cutter.take("trailer: counts", 12).take("trailer: section sizes", 16);
    cutter.take("trailer: reserved", 4).take("trailer: blob size", 8).take("trailer: end mark", 8);
}

void take_parity(Cutter& cutter) {
    const auto quarter = cutter.rest() / 4;
    cutter.take("magic", 4).take("first header", 60).take("first quarter", quarter);
    cutter.take("second quarter", quarter).take("third quarter", quarter);
    cutter.take("rest", cutter.rest(64)).take("last header", 64);
}

std::string describe(std::string_view manner, std::string_view where) {
    return concat(manner, ": ", where);
}

void add_flips(const NamedBlob& blob, const ByteClass& where, std::vector<Damage>& damages) {
    const auto flip = [&](std::size_t at, std::byte mask, std::string_view which) {
        auto bytes = blob.bytes;
        bytes[at] ^= mask;
        damages.push_back(
            {Manner::Flipped, describe("flipped", concat(where.name, which)), std::move(bytes)});
    };
    flip(where.begin, std::byte{0x01}, ", first byte");
    flip((where.begin + where.end) / 2, std::byte{0x10}, ", middle byte");
    flip(where.end - 1, std::byte{0x80}, ", last byte");
}

void add_cuts(const NamedBlob& blob,
              const std::vector<ByteClass>& classes,
              std::vector<Damage>& damages) {
    const auto cut = [&](std::size_t size, std::string_view where) {
        damages.push_back(
            {Manner::CutShort,
             describe("cut short", where),
             Bytes(blob.bytes.begin(), blob.bytes.begin() + static_cast<std::ptrdiff_t>(size))});
    };
    for (const auto& where : classes) {
        cut(where.begin, concat("before ", where.name));
        if (where.end - where.begin > 1) {
            cut((where.begin + where.end) / 2, concat("inside ", where.name));
        }
    }
    cut(blob.bytes.size() - 1, "without its last byte");
}

void add_lengthened(const NamedBlob& blob, std::vector<Damage>& damages) {
    auto longer = blob.bytes;
    longer.push_back(std::byte{0});
    damages.push_back({Manner::Lengthened, "lengthened: by a zero byte", longer});
    longer.resize(blob.bytes.size() + 4096);
    damages.push_back({Manner::Lengthened, "lengthened: by a block of zeros", longer});
    longer = blob.bytes;
    append(longer, blob.bytes);
    damages.push_back({Manner::Lengthened, "lengthened: twice itself", std::move(longer)});
}

void add_blanks(const NamedBlob& blob, std::vector<Damage>& damages) {
    damages.push_back({Manner::Blanked, "blanked: all zeros", Bytes(blob.bytes.size())});
    auto half = blob.bytes;
    std::fill(half.begin() + static_cast<std::ptrdiff_t>(half.size() / 2), half.end(), std::byte{});
    damages.push_back({Manner::Blanked, "blanked: second half zeros", std::move(half)});
}

}  // namespace

std::vector<ByteClass> classes_of(std::string_view name, ByteView blob) {
    Cutter cutter(blob);
    if (name.starts_with("keys/")) {
        take_slot(cutter);
    } else if (name.starts_with("packs/")) {
        take_pack(cutter);
    } else if (name.starts_with("index/")) {
        take_index(cutter);
    } else if (name.starts_with("parity/")) {
        take_parity(cutter);
    } else {
        take_header(cutter);
        cutter.take_section("section", cutter.rest());
    }
    return cutter.finish();
}

std::vector<Damage> damages_of(const NamedBlob& blob, const std::vector<NamedBlob>& others) {
    std::vector<Damage> damages;
    const auto classes = classes_of(blob.name, blob.bytes);
    for (const auto& where : classes) {
        add_flips(blob, where, damages);
    }
    add_cuts(blob, classes, damages);
    add_lengthened(blob, damages);
    add_blanks(blob, damages);
    auto manner = Manner::RolledBack;
    for (const auto& other : others) {
        if (other.name == blob.name && other.bytes == blob.bytes) {
            manner = Manner::Swapped;
        } else if (manner == Manner::RolledBack) {
            damages.push_back({manner, describe("replaced by the older", other.name), other.bytes});
        } else {
            damages.push_back({manner, describe("replaced by", other.name), other.bytes});
        }
    }
    damages.push_back({Manner::Removed, "removed", std::nullopt});
    return damages;
}

}  // namespace backup::testing
