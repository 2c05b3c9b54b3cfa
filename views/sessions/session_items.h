// What the session browser shows: plain values, made by the controller from the store.
#pragma once

#include <cstdint>

#include <QString>

#include "engine/values/ids.h"
#include "views/qt_ids.h"

namespace quibble {

/// One row. A session has run == kNoRun; a branch names the run it leaves; a parent may come after its children.
struct SessionItem {
    SessionId session = kNoSession;
    RunId run = kNoRun;
    RunId parent = kNoRun;  // of a branch
    QString title;          // "Apples and coins", "RTN 3 bit, λ 0", "branch at 31 “ Then”"
    QString subtitle;       // what may be cut off in a narrow panel: "today, 14 runs", "318 ✓ · 4 markers"
    QString tooltip;        // empty: asked for when it is to be shown
    bool running = false;
    QString status{};        // what is never cut off: "62 tok · stopped"
    std::int64_t order = 0;  // among its siblings, rising; equal ones stand as they came
    std::int64_t runs = 0;   // of a session: how many it has, shown or not
    QString found{};         // a search found the row by a text that is not shown
    bool earlier = false;    // not a run: stands for the older runs of its session, which are read when it is activated
    bool operator==(const SessionItem&) const = default;
};

/// The id of the row that stands for the older runs of a session. No run has it.
[[nodiscard]] constexpr RunId earlierRow(SessionId session) { return RunId{-raw(session)}; }

}  // namespace quibble
