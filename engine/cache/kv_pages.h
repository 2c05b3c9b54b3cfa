// The memory of a KV cache: planes of the same size, each a contiguous range of addresses whose pages are occupied when
// they are first written. Caches that begin alike share the pages of their common beginning: those are mapped from
// where they were written, and a page that is written to becomes the writer's own. One thread at a time for all caches
// that share.
#pragma once

#include <cstddef>
#include <memory>
#include <set>
#include <vector>

#include "engine/values/result.h"

namespace quibble {

/// A file in memory that holds bytes [begin, ...) of every plane of one cache. It lives as long as anybody holds an
/// extent of it and gives the memory behind the longest extent back.
class KvFile {
public:
    /// Errors: OutOfMemory (the system gives no such file).
    [[nodiscard]] static Result<std::shared_ptr<KvFile>> create(int planes, std::size_t plane_bytes, std::size_t begin);
    ~KvFile();
    KvFile(const KvFile&) = delete;
    KvFile& operator=(const KvFile&) = delete;

    [[nodiscard]] int descriptor() const { return descriptor_; }
    /// Where byte `at` of a plane lies in the file.
    [[nodiscard]] std::size_t offset(int plane, std::size_t at) const {
        return static_cast<std::size_t>(plane) * plane_bytes_ + at;
    }
    /// Bytes that the extents hold, all planes.
    [[nodiscard]] std::size_t bytes() const;

private:
    friend class KvExtent;
    KvFile(int descriptor, int planes, std::size_t plane_bytes, std::size_t begin)
        : descriptor_(descriptor), planes_(planes), plane_bytes_(plane_bytes), begin_(begin) {}
    void release(std::size_t end);

    int descriptor_;
    int planes_;
    std::size_t plane_bytes_;  // whole pages
    std::size_t begin_;
    std::multiset<std::size_t> ends_;  // of the extents
};

/// Bytes [begin, end) of every plane, in a file.
class KvExtent {
public:
    KvExtent(std::shared_ptr<KvFile> file, std::size_t begin, std::size_t end);
    KvExtent(const KvExtent& other) : KvExtent(other.file_, other.begin_, other.end_) {}
    KvExtent(KvExtent&& other) noexcept = default;
    KvExtent& operator=(KvExtent other) noexcept;
    ~KvExtent();

    [[nodiscard]] const std::shared_ptr<KvFile>& file() const { return file_; }
    [[nodiscard]] std::size_t begin() const { return begin_; }
    [[nodiscard]] std::size_t end() const { return end_; }

private:
    std::shared_ptr<KvFile> file_;  // nullptr: moved from
    std::size_t begin_, end_;
};

/// Consecutive from 0 on; all but the last end at a page.
using KvExtents = std::vector<KvExtent>;

class KvPages {
public:
    /// `shared_bytes` of every plane begin with what `shared` holds; the whole pages of them are shared, the rest is
    /// copied. Errors: OutOfMemory.
    [[nodiscard]] static Result<KvPages> create(int planes, std::size_t plane_bytes, const KvExtents& shared = {},
                                                std::size_t shared_bytes = 0);
    KvPages(KvPages&& other) noexcept;
    KvPages& operator=(KvPages&&) = delete;
    ~KvPages();

    [[nodiscard]] std::byte* plane(int index) const { return memory_ + static_cast<std::size_t>(index) * plane_bytes_; }
    /// Bytes of a plane that lie in pages of others.
    [[nodiscard]] std::size_t sharedBytes() const { return own_begin_; }
    /// What holds the first `bytes` of every plane. Shared pages must not have been written.
    [[nodiscard]] KvExtents extents(std::size_t bytes) const;

private:
    KvPages() = default;
    [[nodiscard]] Result<void> map(const KvExtents& shared, std::size_t shared_bytes);
    [[nodiscard]] bool copyRest(const KvExtents& shared, std::size_t end);

    std::byte* memory_ = nullptr;  // [planes, plane_bytes_]
    int planes_ = 0;
    std::size_t plane_bytes_ = 0;  // whole pages
    std::size_t own_begin_ = 0;    // where the own pages of a plane begin
    KvExtents shared_;
    KvExtents own_;  // one
};

}  // namespace quibble
