#include "engine/file/mapped_file.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace quibble {
namespace {

// Closes a descriptor at the end of the scope; a mapping stays valid after its descriptor is closed.
class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

tl::unexpected<Error> systemFailure(ErrorCode code, const std::filesystem::path& path, const char* doing,
                                    std::string hint) {
    return fail(code, "cannot " + std::string(doing) + " " + path.string() + ": " + std::strerror(errno),
                std::move(hint));
}

// What Git leaves in place of a large file when its extension for them (LFS) is not installed.
bool isGitPointer(std::string_view bytes) {
    return bytes.size() < 1024 && bytes.starts_with("version https://git-lfs.github.com/");
}

// Maps a file so that offsets and addresses agree up to the size of a large page, as large pages need it. The mapping
// itself begins with small pages, because a large page is in memory as a whole once a byte of it is read. nullptr: the
// system refuses.
std::byte* mapAligned(int file, std::size_t size) {
    constexpr std::size_t kLargePage = std::size_t{2} << 20;
    if (size < kLargePage || size > PTRDIFF_MAX - kLargePage) {
        void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
        return address == MAP_FAILED ? nullptr : static_cast<std::byte*>(address);
    }
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t mapped = (size + page - 1) / page * page;
    const std::size_t room = mapped + kLargePage;
    void* reserved = ::mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (reserved == MAP_FAILED) return nullptr;
    auto* begin = static_cast<std::byte*>(reserved);
    const std::size_t before = (kLargePage - reinterpret_cast<std::uintptr_t>(begin) % kLargePage) % kLargePage;
    if (::mmap(begin + before, size, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0) == MAP_FAILED) {
        const int why = errno;
        ::munmap(begin, room);
        errno = why;
        return nullptr;
    }
    if (before > 0) ::munmap(begin, before);
    ::munmap(begin + before + mapped, room - before - mapped);
    (void)::madvise(begin + before, size, MADV_NOHUGEPAGE);  // refused: only memory is lost
    return begin + before;
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.get() < 0) {
        const bool missing = errno == ENOENT || errno == ENOTDIR;
        return systemFailure(missing ? ErrorCode::NotFound : ErrorCode::Io, path, "open",
                             missing ? "Check the path" : "Check that the file may be read");
    }
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return systemFailure(ErrorCode::Io, path, "examine", {});
    if (!S_ISREG(status.st_mode))
        return fail(ErrorCode::Io, path.string() + " is not a regular file", "Choose a model file");

    MappedFile mapped;
    mapped.path_ = path;
    mapped.size_ = static_cast<std::size_t>(status.st_size);
    if (mapped.size_ == 0) return mapped;
    const std::byte* address = mapAligned(file.get(), mapped.size_);
    if (address == nullptr) {
        mapped.size_ = 0;
        return systemFailure(ErrorCode::Io, path, "map", "The address space or the file system may not allow it");
    }
    mapped.data_ = address;
    if (isGitPointer({reinterpret_cast<const char*>(address), mapped.size_})) {
        return fail(ErrorCode::FileCorrupt,
                    path.string() + " is a pointer of Git LFS: the file itself was not downloaded",
                    "Run \"git lfs pull\" in its folder, or download the file");
    }
    return mapped;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)), path_(std::move(other.path_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    if (this != &other) {
        release();
        data_ = std::exchange(other.data_, nullptr);
        size_ = std::exchange(other.size_, 0);
        path_ = std::move(other.path_);
    }
    return *this;
}

MappedFile::~MappedFile() { release(); }

void MappedFile::dropPages(std::span<const std::byte> part) const noexcept {
    advise(part, MADV_DONTNEED);  // refused: only memory is lost
}

void MappedFile::useLargePages(std::span<const std::byte> part) const noexcept {
    advise(part, MADV_HUGEPAGE);  // refused: only speed is lost
}

void MappedFile::advise(std::span<const std::byte> part, int advice) const noexcept {
    const auto file_begin = reinterpret_cast<std::uintptr_t>(data_);
    const auto begin = reinterpret_cast<std::uintptr_t>(part.data());
    if (data_ == nullptr || begin < file_begin || begin - file_begin > size_ ||
        part.size() > size_ - (begin - file_begin))
        return;
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const std::uintptr_t first = (begin + page - 1) / page * page;
    const std::uintptr_t end = (begin + part.size()) / page * page;
    if (first < end) (void)::madvise(const_cast<std::byte*>(part.data()) + (first - begin), end - first, advice);
}

void MappedFile::release() noexcept {
    if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
    data_ = nullptr;
    size_ = 0;
}

}  // namespace quibble
