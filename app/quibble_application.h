// QApplication with one barrier: a broken contract of our own code ends the handling of that event, not the program.
#pragma once

#include <QApplication>

#include "app/frame_watch.h"

namespace quibble {

class QuibbleApplication : public QApplication {
    Q_OBJECT
public:
    QuibbleApplication(int& argc, char** argv);
    bool notify(QObject* receiver, QEvent* event) override;

signals:
    void contractBroken(const QString& what);

private:
    FrameWatch frames_;
};

}  // namespace quibble
