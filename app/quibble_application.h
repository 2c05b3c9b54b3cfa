// QApplication with one barrier: a broken contract of our own code ends the handling of that event, not the program.
#pragma once

#include <QApplication>

namespace quibble {

class QuibbleApplication : public QApplication {
    Q_OBJECT
public:
    QuibbleApplication(int& argc, char** argv);
    bool notify(QObject* receiver, QEvent* event) override;

signals:
    void contractBroken(const QString& what);
};

}  // namespace quibble
