// The commands of a window, as the palette and the shortcut sheet list them.
#pragma once

#include <vector>

#include <QString>

class QAction;
class QWidget;

namespace quibble {

/// Visible actions with a text, each once, in the order of the window.
[[nodiscard]] std::vector<QAction*> windowActions(const QWidget* window);
/// Its text without the mark of the access key.
[[nodiscard]] QString actionText(const QAction* action);

}  // namespace quibble
