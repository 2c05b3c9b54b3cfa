#include "engine/base/open_note.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/text/utf8.h"
#include "engine/values/version.h"

namespace quibble {

namespace {

constexpr const char* kBegin = "window-";
constexpr const char* kEnding = ".open";

std::string timeText(std::time_t time) {
    std::tm parts{};
    std::array<char, 40> text{};
    if (localtime_r(&time, &parts) == nullptr ||
        std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S%z", &parts) == 0)
        return "an unknown time";
    return text.data();
}

// The file belongs to somebody else than us if it cannot be locked.
bool lock(int descriptor) { return ::flock(descriptor, LOCK_EX | LOCK_NB) == 0; }

std::string firstLine(int descriptor) {
    std::array<char, 200> bytes{};
    const ssize_t count = ::read(descriptor, bytes.data(), bytes.size());
    std::string text(bytes.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
    return toValidUtf8(text.substr(0, std::min(text.size(), text.find('\n'))));
}

}  // namespace

OpenNote::OpenNote(const std::filesystem::path& folder) {
    if (folder.empty()) return;
    std::error_code ignored;
    std::filesystem::create_directories(folder, ignored);
    collect(folder);
    file_ = folder / (kBegin + std::to_string(::getpid()) + kEnding);
    descriptor_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor_ < 0) return;
    (void)lock(descriptor_);
    const std::string line = std::string("Quibble ") + kVersion + ", begun " + timeText(std::time(nullptr)) + "\n";
    if (::write(descriptor_, line.data(), line.size()) < 0) {  // a full disk: the note is there, and says less
    }
}

OpenNote::~OpenNote() {
    if (descriptor_ < 0) return;
    ::unlink(file_.c_str());  // before the lock ends, so that nobody finds it without one
    ::close(descriptor_);
}

void OpenNote::touch() const {
    if (descriptor_ >= 0) (void)::futimens(descriptor_, nullptr);
}

void OpenNote::collect(const std::filesystem::path& folder) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with(kBegin) || !name.ends_with(kEnding)) continue;
        const int descriptor = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (descriptor < 0) continue;
        struct stat status {};
        if (::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && lock(descriptor) &&
            ::unlink(entry.path().c_str()) == 0) {
            const std::string who = firstLine(descriptor);
            left_.push_back("The window before did not close in good order: " +
                            (who.empty() ? std::string("its note is empty") : who) + ", last seen " +
                            timeText(status.st_mtime));
        }
        ::close(descriptor);
    }
}

}  // namespace quibble
