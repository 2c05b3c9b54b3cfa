#include "data/store/sqlite_version.h"

#include <sqlite3.h>

namespace quibble {

const char* sqliteVersion() { return sqlite3_libversion(); }

}  // namespace quibble
