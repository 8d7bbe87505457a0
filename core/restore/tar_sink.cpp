// SPDX-License-Identifier: Apache-2.0
#include "core/restore/tar_sink.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>

namespace backup::restore {

namespace {

constexpr std::size_t kBlock = 512;
/// tar reads records of 20 blocks; a stream that ends in the middle of one makes some wait for
/// more.
constexpr std::size_t kRecord = 20 * kBlock;
constexpr std::size_t kShortName = 100;
constexpr std::int64_t kSecond = 1'000'000'000;

using Header = std::array<char, kBlock>;

void put_text(Header& header, std::size_t at, std::size_t size, std::string_view text) {
    std::copy_n(text.begin(),
                std::min(size, text.size()),
                header.begin() + static_cast<std::ptrdiff_t>(at));
}

/// Octal digits; what does not fit in them in base 256, as GNU tar began it.
void put_number(Header& header, std::size_t at, std::size_t size, std::uint64_t value) {
    std::string field(size - 1, '0');
    std::uint64_t rest = value;
    for (std::size_t i = field.size(); i-- > 0; rest >>= 3U) {
        field[i] = static_cast<char>('0' + (rest & 7U));
    }
    if (rest != 0) {
        field.assign(size, '\0');
        for (std::size_t i = size; i-- > size - 8 && i > 0; value >>= 8U) {
            field[i] = static_cast<char>(value & 0xffU);
        }
        field[0] = static_cast<char>(0x80);
    }
    put_text(header, at, size, field);
}

void put_checksum(Header& header) {
    put_text(header, 148, 8, "        ");
    std::uint64_t sum = 0;
    for (const char byte : header) {
        sum += static_cast<unsigned char>(byte);
    }
    put_number(header, 148, 7, sum);
}

/// "<length> <key>=<value>\n", where the length counts itself.
std::string pax_record(std::string_view key, std::string_view value) {
    const std::size_t rest = key.size() + value.size() + 3;
    std::size_t length = rest + 1;
    while (length != rest + std::to_string(length).size()) {
        length = rest + std::to_string(length).size();
    }
    return concat(length, " ", key, "=", value, "\n");
}

std::string pax_time(std::int64_t nanoseconds) {
    std::int64_t seconds = nanoseconds / kSecond;
    std::int64_t rest = nanoseconds % kSecond;
    std::string sign;
    if (nanoseconds < 0) {
        sign = "-";
        seconds = -seconds;
        rest = -rest;
    }
    std::string fraction = std::to_string(rest);
    return concat(sign, seconds, ".", std::string(9 - fraction.size(), '0'), fraction);
}

char type_of(model::FileType type) {
    switch (type) {
        case model::FileType::Symlink:
            return '2';
        case model::FileType::CharacterDevice:
            return '3';
        case model::FileType::BlockDevice:
            return '4';
        case model::FileType::Directory:
            return '5';
        case model::FileType::Fifo:
            return '6';
        default:
            return '0';
    }
}

Header make_header(char type, std::string_view path, std::string_view link_target) {
    Header header{};
    put_text(header, 0, 100, path);
    put_text(header, 157, 100, link_target);
    put_text(header, 257, 8, std::string_view("ustar\00000", 8));
    header[156] = type;
    return header;
}

}  // namespace

std::string TarSink::path_of(std::string_view name) const {
    return path_.empty() ? std::string(name) : concat(path_, "/", name);
}

void TarSink::put(ByteView bytes) {
    out_.write(bytes);
    written_ += bytes.size();
}

void TarSink::pad() {
    static constexpr std::array<std::byte, kBlock> kZeros{};
    const std::size_t over = written_ % kBlock;
    if (over != 0) {
        put(ByteView(kZeros).first(kBlock - over));
    }
}

/// An entry that only says something about the next one.
void TarSink::put_extension(char type, std::string_view name, std::string_view content) {
    Header header = make_header(type, name, {});
    put_number(header, 100, 8, 0600);
    put_number(header, 108, 8, 0);
    put_number(header, 116, 8, 0);
    put_number(header, 124, 12, content.size());
    put_number(header, 136, 12, 0);
    put_checksum(header);
    put(as_bytes(std::string_view(header.data(), header.size())));
    put(as_bytes(content));
    pad();
}

void TarSink::put_entry(const model::FileEntry& entry, char type, std::string_view link_target) {
    const std::string path = type == '5' ? path_ + "/" : path_of(entry.name);
    std::string pax = pax_record("mtime", pax_time(entry.mtime_ns));
    for (const model::Xattr& xattr : entry.xattrs) {
        if (xattr.name != "security.selinux") {
            pax += pax_record("SCHILY.xattr." + xattr.name, xattr.value);
        }
    }
    put_extension('x', "pax", pax);
    // BusyBox reads long names in GNU's way only.
    if (path.size() > kShortName) {
        put_extension('L', "././@LongLink", path + '\0');
    }
    if (link_target.size() > kShortName) {
        put_extension('K', "././@LongLink", std::string(link_target) + '\0');
    }
    Header header = make_header(type, path, link_target);
    put_number(header, 100, 8, entry.mode);
    put_number(header, 108, 8, entry.uid);
    put_number(header, 116, 8, entry.gid);
    put_number(header, 124, 12, type == '0' ? entry.size : 0);
    put_number(header,
               136,
               12,
               static_cast<std::uint64_t>(std::max<std::int64_t>(entry.mtime_ns, 0) / kSecond));
    put_number(header, 329, 8, entry.device_major);
    put_number(header, 337, 8, entry.device_minor);
    put_checksum(header);
    put(as_bytes(std::string_view(header.data(), header.size())));
}

void TarSink::begin_directory(const model::FileEntry& entry) {
    path_lengths_.push_back(path_.size());
    if (path_lengths_.size() == 1) {
        return;
    }
    path_ = path_of(entry.name);
    put_entry(entry, '5', {});
    ++result_.directories;
}

void TarSink::end_directory() {
    path_.resize(path_lengths_.back());
    path_lengths_.pop_back();
}

void TarSink::begin_file(const model::FileEntry& entry) {
    file_ = entry;
    left_ = entry.size;
    is_header_due_ = true;
}

void TarSink::put_file_header() {
    if (std::exchange(is_header_due_, false)) {
        put_entry(file_, '0', {});
    }
}

void TarSink::write(ByteView bytes) {
    put_file_header();
    if (bytes.size() > left_) {
        throw Error(ErrorCode::Internal, "more content than the size of the file");
    }
    left_ -= bytes.size();
    result_.bytes += bytes.size();
    put(bytes);
}

void TarSink::skip(std::uint64_t hole_bytes) {
    const Bytes zeros(static_cast<std::size_t>(std::min<std::uint64_t>(hole_bytes, 64U << 10U)));
    while (hole_bytes > 0) {
        const auto count = std::min<std::uint64_t>(hole_bytes, zeros.size());
        write(ByteView(zeros).first(static_cast<std::size_t>(count)));
        hole_bytes -= count;
    }
}

void TarSink::end_file() {
    put_file_header();
    if (left_ != 0) {
        throw Error(ErrorCode::Internal, "less content than the size of the file");
    }
    pad();
    ++result_.files;
}

void TarSink::abandon_file(std::string_view reason) {
    if (!is_header_due_) {
        throw Error(ErrorCode::CorruptData, concat(printable(path_of(file_.name)), ": ", reason));
    }
    is_header_due_ = false;
    if (file_.has_link_group) {
        abandoned_.insert(path_of(file_.name));
    }
    result_.add_problem(printable(path_of(file_.name)), std::string(reason));
}

void TarSink::add(const model::FileEntry& entry) {
    if (entry.type == model::FileType::Socket) {
        result_.add_problem(printable(path_of(entry.name)), "tar has no sockets");
        return;
    }
    put_entry(entry, type_of(entry.type), entry.link_target);
    ++result_.files;
}

void TarSink::add_link(const model::FileEntry& entry, std::string_view target) {
    // The container may have an older file there.
    if (abandoned_.contains(std::string(target))) {
        result_.add_problem(printable(path_of(entry.name)),
                            concat("it is ", printable(target), ", which could not be written"));
        return;
    }
    put_entry(entry, '1', target);
    ++result_.files;
}

volume::SinkResult TarSink::finish() {
    const Bytes zeros(kRecord);
    const std::size_t over = (written_ + 2 * kBlock) % kRecord;
    put(ByteView(zeros).first(2 * kBlock));
    if (over != 0) {
        put(ByteView(zeros).first(kRecord - over));
    }
    return result_;
}

}  // namespace backup::restore
