// A model file that menus offer by name.
#pragma once

#include <QString>

namespace quibble {

struct KnownModel {
    QString path;
    QString label;
    bool missing = false;
};

}  // namespace quibble
