// What the session browser shows: plain values, made by the controller from the store.
#pragma once

#include <QString>

#include "engine/values/ids.h"
#include "views/qt_ids.h"

namespace quibble {

/// One row. A session has run == kNoRun; a branch names the run it leaves. Rows come in the order in which they are to stand;
/// a parent may come after its children.
struct SessionItem {
    SessionId session = kNoSession;
    RunId run = kNoRun;
    RunId parent = kNoRun;   // of a branch
    QString title;           // "Apples and coins", "RTN 3 bit, λ 0", "branch at 31 “ Then”"
    QString subtitle;        // "today, 14 runs", "318 ✓ · 62 tok · 4 markers"
    QString tooltip;
    bool running = false;
    bool operator==(const SessionItem&) const = default;
};

}  // namespace quibble
