#include "engine/model/mapped_file.h"

#include <cerrno>
#include <cstring>
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

tl::unexpected<Error> systemFailure(ErrorCode code, const std::filesystem::path& path, const char* doing, std::string hint) {
    return fail(code, "cannot " + std::string(doing) + " " + path.string() + ": " + std::strerror(errno), std::move(hint));
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
    if (!S_ISREG(status.st_mode)) return fail(ErrorCode::Io, path.string() + " is not a regular file", "Choose a model file");

    MappedFile mapped;
    mapped.path_ = path;
    mapped.size_ = static_cast<std::size_t>(status.st_size);
    if (mapped.size_ == 0) return mapped;
    void* address = ::mmap(nullptr, mapped.size_, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (address == MAP_FAILED) {
        mapped.size_ = 0;
        return systemFailure(ErrorCode::Io, path, "map", "The address space or the file system may not allow it");
    }
    mapped.data_ = static_cast<const std::byte*>(address);
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

void MappedFile::release() noexcept {
    if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
    data_ = nullptr;
    size_ = 0;
}

}  // namespace quibble
