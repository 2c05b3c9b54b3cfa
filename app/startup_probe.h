// Measures the start of the program, from the birth of the process: when the window was first painted, and when it was
// first painted with its model loaded. For --exit-after-first-frame.
#pragma once

#include <QObject>

namespace quibble {

class MainWindow;

/// Milliseconds since this process was made; negative where the system does not say. Resolution: 10 ms.
[[nodiscard]] double processAgeMs();

class StartupProbe : public QObject {
    Q_OBJECT
public:
    /// Prints one JSON line {"first_frame_ms": .., "model_frame_ms": ..} to standard output and quits. Without a model,
    /// or when it cannot be opened, model_frame_ms is null.
    explicit StartupProbe(MainWindow* window);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void report(double model_frame_ms);
    MainWindow* window_;
    double first_frame_ms_ = -1;
    bool model_settled_ = false;
    bool done_ = false;
};

}  // namespace quibble
