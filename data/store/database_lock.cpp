#include "data/store/database_lock.h"

#include <cerrno>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace quibble {

Result<std::shared_ptr<DatabaseLock>> DatabaseLock::acquire(const std::filesystem::path& database) {
    const std::string path = database.string() + ".lock";
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0) {
        return fail(ErrorCode::Io, "cannot create " + path + ": " + std::generic_category().message(errno),
                    "Choose a folder that you may write to");
    }
    std::shared_ptr<DatabaseLock> lock(new DatabaseLock(descriptor));
    int outcome = 0;
    do outcome = ::flock(descriptor, LOCK_EX | LOCK_NB);
    while (outcome != 0 && errno == EINTR);
    if (outcome == 0) return lock;
    if (errno == EWOULDBLOCK) {
        return fail(ErrorCode::Busy, database.string() + " is being written by another window or command",
                    "Close it, open the file read only, or use another file");
    }
    return fail(ErrorCode::Io, "cannot lock " + path + ": " + std::generic_category().message(errno),
                "Use a folder on a local disk");
}

DatabaseLock::~DatabaseLock() { ::close(descriptor_); }

}  // namespace quibble
