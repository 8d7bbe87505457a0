// SPDX-License-Identifier: Apache-2.0
// Byte buffers and views, hexadecimal text, little-endian numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace backup {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

inline ByteView as_bytes(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

inline std::string_view as_text(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline Bytes to_bytes(ByteView bytes) {
    return {bytes.begin(), bytes.end()};
}

inline void append(Bytes& out, ByteView bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

/// Lower-case hexadecimal, two characters a byte.
std::string to_hex(ByteView bytes);

/// The reverse of to_hex (upper case is read too); throws InvalidArgument on anything else.
Bytes from_hex(std::string_view text);

/// Standard base64 with padding (RFC 4648 section 4).
std::string to_base64(ByteView bytes);

/// Reads standard base64; white space is skipped; throws InvalidArgument on anything else.
Bytes from_base64(std::string_view text);

/// Little-endian store and load of an unsigned integer. The caller checks the room.
template <typename Unsigned>
void store_le(std::byte* out, Unsigned value) {
    static_assert(std::is_unsigned_v<Unsigned>);
    for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
        out[i] = static_cast<std::byte>((std::uint64_t{value} >> (8U * i)) & 0xffU);
    }
}

template <typename Unsigned>
Unsigned load_le(const std::byte* in) {
    static_assert(std::is_unsigned_v<Unsigned>);
    Unsigned value = 0;
    for (std::size_t i = sizeof(Unsigned); i-- > 0;) {
        value = static_cast<Unsigned>((static_cast<std::uint64_t>(value) << 8U) |
                                      std::to_integer<std::uint64_t>(in[i]));
    }
    return value;
}

/// Appends little-endian fields to a buffer: the writing half of every binary format here.
class ByteWriter {
  public:
    template <typename Unsigned>
    void number(Unsigned value) {
        const auto at = bytes_.size();
        bytes_.resize(at + sizeof(Unsigned));
        store_le(bytes_.data() + at, value);
    }

    void bytes(ByteView bytes) { append(bytes_, bytes); }

    /// A u32 length, then the bytes.
    void sized(ByteView bytes);

    void sized(std::string_view text) { sized(as_bytes(text)); }

    std::size_t size() const { return bytes_.size(); }

    ByteView view() const { return bytes_; }

    Bytes take() { return std::move(bytes_); }

  private:
    Bytes bytes_;
};

/// Takes little-endian fields off a view, every length checked: the reading half. Throws
/// CorruptData naming `what` when the bytes end early.
class ByteReader {
  public:
    ByteReader(ByteView bytes, std::string_view what) : bytes_(bytes), what_(what) {}

    template <typename Unsigned>
    Unsigned number() {
        return load_le<Unsigned>(bytes(sizeof(Unsigned)).data());
    }

    ByteView bytes(std::size_t count);
    ByteView sized();

    std::string sized_text() { return std::string(as_text(sized())); }

    std::size_t remaining() const { return bytes_.size(); }

    /// Throws CorruptData when anything is left over.
    void expect_end() const;

  private:
    ByteView bytes_;
    std::string_view what_;
};

}  // namespace backup
