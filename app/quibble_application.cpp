#include "app/quibble_application.h"

#include <cstdio>
#include <new>
#include <optional>

#include <QIcon>
#include <QMetaObject>
#include <QThread>

#include "engine/base/log.h"
#include "engine/values/check.h"
#include "engine/values/version.h"

namespace quibble {

QuibbleApplication::QuibbleApplication(int& argc, char** argv) : QApplication(argc, argv) {
    setApplicationName(QStringLiteral("quibble"));
    setApplicationDisplayName(QStringLiteral("Quibble"));
    setApplicationVersion(QString::fromLatin1(kVersion));
    setDesktopFileName(QStringLiteral("quibble"));
    setWindowIcon(QIcon(QStringLiteral(":/quibble/icons/quibble.svg")));
}

bool QuibbleApplication::notify(QObject* receiver, QEvent* event) {
    QString what;
    // Other threads hand out events of their own, which no frame waits for.
    std::optional<FrameWatch::Handling> handling;
    if (QThread::currentThread() == thread()) handling.emplace(frames_, receiver, event);
    try {
        return QApplication::notify(receiver, event);
    } catch (const ContractError& broken) {
        what = QString::fromUtf8(broken.what());
    } catch (const std::bad_alloc&) {
        what = tr("out of memory");
    }
    logError("internal error: " + what.toStdString());
    std::fprintf(stderr, "quibble: internal error: %s\n", qUtf8Printable(what));
    // Not from here: whoever hears it paints and lays out, and this event is not over.
    QMetaObject::invokeMethod(
        this, [this, what] { emit contractBroken(what); }, Qt::QueuedConnection);
    return false;
}

}  // namespace quibble
