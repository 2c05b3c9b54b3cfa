// Messages above the text that block nothing: what happened, what to do, perhaps a button, and a cross. A message with
// the same key replaces the one before it; at most four are shown.
#pragma once

#include <functional>

#include <QFrame>
#include <QString>
#include <QWidget>

#include "engine/values/result.h"

class QVBoxLayout;

namespace quibble {

struct BannerMessage {
    enum class Kind { Problem, News };
    Kind kind = Kind::Problem;
    QString key;     // "model", "store", ...
    QString cause;   // one sentence
    QString hint;    // what to do; may be empty
    QString action;  // text of a button; may be empty
    std::function<void()> on_action;
};

class BannerArea : public QWidget {
    Q_OBJECT
public:
    explicit BannerArea(QWidget* parent = nullptr);

    void showMessage(const BannerMessage& message);
    void showError(const QString& key, const Error& error);
    void clear(const QString& key);
    /// Cause and hint of every message on screen, newest last.
    [[nodiscard]] QStringList texts() const;

private:
    QVBoxLayout* column_;
};

}  // namespace quibble
