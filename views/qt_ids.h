// Database ids as arguments of Qt signals. Qt 6.4 cannot stream an enum over `long` by itself and fails to compile the
// signal. Include this wherever a signal or slot carries a RunId or SessionId.
#pragma once

#include <QDataStream>
#include <QMetaType>

#include "engine/values/ids.h"

namespace quibble {

inline QDataStream& operator<<(QDataStream& stream, RunId id) { return stream << static_cast<qint64>(raw(id)); }
inline QDataStream& operator<<(QDataStream& stream, SessionId id) { return stream << static_cast<qint64>(raw(id)); }

inline QDataStream& operator>>(QDataStream& stream, RunId& id) {
    qint64 value = 0;
    stream >> value;
    id = RunId{value};
    return stream;
}

inline QDataStream& operator>>(QDataStream& stream, SessionId& id) {
    qint64 value = 0;
    stream >> value;
    id = SessionId{value};
    return stream;
}

}  // namespace quibble

Q_DECLARE_METATYPE(quibble::RunId)
Q_DECLARE_METATYPE(quibble::SessionId)
