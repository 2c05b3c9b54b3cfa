// Asking where a file is to be written, for every dialog of the program. The name gets its ending before the question
// whether a file of that name may be replaced, and a dot in a name is no ending.
#pragma once

#include <functional>

#include <QString>

class QWidget;

namespace quibble {

struct SaveQuestion {
    QString title;
    QString filter;
    QString start;   // folder and proposed name, with or without the ending
    QString ending;  // without a dot: "session"
};

/// Opens a dialog that blocks nothing. `chosen` hears a name with the ending, of a file that is not there or may be
/// replaced; it is not called when the user gives up or `window` goes.
void askWhereToSave(QWidget* window, const SaveQuestion& question, std::function<void(const QString& path)> chosen);

/// The path, with the ending behind it unless it has that ending already, in capitals or not.
[[nodiscard]] QString withEnding(const QString& path, const QString& ending);

/// A title as a file name without ending: no separators and control characters, no dots at its ends, not too long.
[[nodiscard]] QString fileNameOf(const QString& title);

}  // namespace quibble
