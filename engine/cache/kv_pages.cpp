#include "engine/cache/kv_pages.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/values/check.h"

namespace quibble {

namespace {

std::size_t pageBytes() {
    static const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return bytes;
}
std::size_t pagesDown(std::size_t bytes) { return bytes / pageBytes() * pageBytes(); }
std::size_t pagesUp(std::size_t bytes) { return pagesDown(bytes + pageBytes() - 1); }

tl::unexpected<Error> noMemory(std::size_t bytes) {
    return fail(
        ErrorCode::OutOfMemory,
        "the system gives no memory for a KV cache of " + std::to_string(bytes >> 20) + " MiB: " + std::strerror(errno),
        "Choose a smaller context or a smaller type for the KV cache");
}

}  // namespace

Result<std::shared_ptr<KvFile>> KvFile::create(int planes, std::size_t plane_bytes, std::size_t begin) {
    const std::size_t total = static_cast<std::size_t>(planes) * plane_bytes;
    const int descriptor = ::memfd_create("quibble-kv", MFD_CLOEXEC);
    if (descriptor < 0) return noMemory(total);
    std::shared_ptr<KvFile> file(new KvFile(descriptor, planes, plane_bytes, begin));
    // A hole: its pages come with the first write.
    if (::ftruncate(descriptor, static_cast<off_t>(total)) != 0) return noMemory(total);
    return file;
}

KvFile::~KvFile() { ::close(descriptor_); }

std::size_t KvFile::bytes() const {
    return ends_.empty() ? 0 : static_cast<std::size_t>(planes_) * (*ends_.rbegin() - begin_);
}

void KvFile::release(std::size_t end) {
    ends_.erase(ends_.find(end));
    if (ends_.empty()) return;  // the file goes with its last holder
    const std::size_t kept = pagesUp(*ends_.rbegin());
    if (kept >= pagesUp(end)) return;
    for (int plane = 0; plane < planes_; ++plane) {
        // A system that cannot do this keeps the pages until the file goes.
        (void)::fallocate(descriptor_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                          static_cast<off_t>(offset(plane, kept)), static_cast<off_t>(plane_bytes_ - kept));
    }
}

KvExtent::KvExtent(std::shared_ptr<KvFile> file, std::size_t begin, std::size_t end)
    : file_(std::move(file)), begin_(begin), end_(end) {
    file_->ends_.insert(end_);
}

KvExtent& KvExtent::operator=(KvExtent other) noexcept {
    std::swap(file_, other.file_);
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
    return *this;
}

KvExtent::~KvExtent() {
    if (file_ != nullptr) file_->release(end_);
}

Result<KvPages> KvPages::create(int planes, std::size_t plane_bytes, const KvExtents& shared,
                                std::size_t shared_bytes) {
    QUIBBLE_CHECK(
        shared_bytes <= plane_bytes && (shared_bytes == 0 || (!shared.empty() && shared_bytes <= shared.back().end())),
        "more bytes to share than there are");
    KvPages pages;
    pages.planes_ = planes;
    pages.plane_bytes_ = pagesUp(std::max<std::size_t>(plane_bytes, 1));
    pages.own_begin_ = pagesDown(shared_bytes);
    auto file = KvFile::create(planes, pages.plane_bytes_, pages.own_begin_);
    if (!file) return tl::unexpected(file.error());
    pages.own_.emplace_back(std::move(*file), pages.own_begin_, pages.plane_bytes_);
    if (auto mapped = pages.map(shared, shared_bytes); !mapped) return tl::unexpected(mapped.error());
    return pages;
}

Result<void> KvPages::map(const KvExtents& shared, std::size_t shared_bytes) {
    const std::size_t total = static_cast<std::size_t>(planes_) * plane_bytes_;
    void* address = ::mmap(nullptr, total, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                           own_.front().file()->descriptor(), 0);
    if (address == MAP_FAILED) return noMemory(total);
    memory_ = static_cast<std::byte*>(address);
    for (const KvExtent& extent : shared) {
        const std::size_t end = std::min(extent.end(), own_begin_);
        if (extent.begin() >= end) break;
        shared_.emplace_back(extent.file(), extent.begin(), end);
        for (int i = 0; i < planes_; ++i) {
            // Private: what is written here stays here.
            void* part = ::mmap(plane(i) + extent.begin(), end - extent.begin(), PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED, extent.file()->descriptor(),
                                static_cast<off_t>(extent.file()->offset(i, extent.begin())));
            if (part == MAP_FAILED) return noMemory(total);
        }
    }
    if (!copyRest(shared, shared_bytes)) return noMemory(total);
    return {};
}

// The beginning of a page that is shared in part: [own_begin_, end) of each plane.
bool KvPages::copyRest(const KvExtents& shared, std::size_t end) {
    if (end == own_begin_) return true;
    const auto holds = [&](const KvExtent& extent) { return extent.begin() <= own_begin_ && end <= extent.end(); };
    const auto source = std::find_if(shared.begin(), shared.end(), holds);
    QUIBBLE_CHECK(source != shared.end(), "a page lies in one extent");
    for (int i = 0; i < planes_; ++i) {
        for (std::size_t at = own_begin_; at < end;) {
            const ssize_t n = ::pread(source->file()->descriptor(), plane(i) + at, end - at,
                                      static_cast<off_t>(source->file()->offset(i, at)));
            if (n <= 0) return false;
            at += static_cast<std::size_t>(n);
        }
    }
    return true;
}

KvPages::KvPages(KvPages&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      planes_(other.planes_),
      plane_bytes_(other.plane_bytes_),
      own_begin_(other.own_begin_),
      shared_(std::move(other.shared_)),
      own_(std::move(other.own_)) {}

KvPages::~KvPages() {
    if (memory_ != nullptr) ::munmap(memory_, static_cast<std::size_t>(planes_) * plane_bytes_);
}

KvExtents KvPages::extents(std::size_t bytes) const {
    KvExtents parts;
    for (const KvExtent& extent : shared_) {
        if (extent.begin() < bytes) parts.emplace_back(extent.file(), extent.begin(), std::min(extent.end(), bytes));
    }
    if (own_begin_ < bytes) parts.emplace_back(own_.front().file(), own_begin_, bytes);
    return parts;
}

}  // namespace quibble
