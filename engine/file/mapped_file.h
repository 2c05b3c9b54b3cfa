// A whole file mapped read-only into memory. Owns the mapping; the bytes live as long as the object.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "engine/values/result.h"

namespace quibble {

class MappedFile {
public:
    /// Maps a regular file. Errors: NotFound (no such file), Io (not a regular file, not readable, mmap refused),
    /// FileCorrupt (a pointer of Git LFS in place of the file). An empty file gives an empty span.
    [[nodiscard]] static Result<MappedFile> open(const std::filesystem::path& path);

    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile();

    [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }
    [[nodiscard]] std::size_t size() const { return size_; }
    /// Gives the memory of the pages that lie wholly inside `part` back to the system, where `part` lies in this file
    /// (else nothing happens). They are read again when somebody looks at them.
    void dropPages(std::span<const std::byte> part) const noexcept;
    /// `part`, where it lies in this file, is read from end to end again and again: it is mapped in large pages where
    /// file system and page cache have them (ext4 of Linux 6.16, say), so that 2 MiB need one address translation
    /// instead of 512.
    void useLargePages(std::span<const std::byte> part) const noexcept;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    MappedFile() = default;
    void release() noexcept;
    // Of the pages that lie wholly inside `part`.
    void advise(std::span<const std::byte> part, int advice) const noexcept;

    const std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    std::filesystem::path path_;
};

}  // namespace quibble
