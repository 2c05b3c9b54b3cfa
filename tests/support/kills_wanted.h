// How many processes a kill test kills: QUIBBLE_KILLS, for long runs by hand.
#pragma once

#include <QByteArray>
#include <QtGlobal>

namespace quibble::testing {

inline int killsWanted(int usually) {
    bool is_number = false;
    const int wanted = qEnvironmentVariableIntValue("QUIBBLE_KILLS", &is_number);
    return is_number && wanted > 0 ? wanted : usually;
}

}  // namespace quibble::testing
