#include "app/startup_probe.h"

#include <cstdio>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>

#include <unistd.h>

#include <QCoreApplication>
#include <QEvent>
#include <QTimer>

#include "app/main_window.h"
#include "app/run_controller.h"
#include "views/token_stream/token_stream_panel.h"
#include "views/token_stream/token_stream_view.h"

namespace quibble {

double processAgeMs() {
    std::ifstream in("/proc/self/stat");
    std::string line;
    if (!std::getline(in, line)) return -1;
    // The name in parentheses may hold blanks; the start time is the 20th field after it, in clock ticks since boot.
    std::istringstream fields(line.substr(line.rfind(')') + 1));
    std::string field;
    for (int i = 0; i < 20; ++i) fields >> field;
    const double started = std::strtod(field.c_str(), nullptr) / static_cast<double>(sysconf(_SC_CLK_TCK));
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9 - started) * 1e3;
}

StartupProbe::StartupProbe(MainWindow* window) : QObject(window), window_(window) {
    window->parts().stream->stream()->viewport()->installEventFilter(this);
    // The paint that follows shows the loaded model.
    connect(window->parts().runs, &RunController::modelOpened, this, [this] {
        model_settled_ = true;
        window_->parts().stream->stream()->viewport()->update();
    });
    connect(window->parts().runs, &RunController::modelFailed, this, [this] { report(-1); });
}

bool StartupProbe::eventFilter(QObject* watched, QEvent* event) {
    if (event->type() == QEvent::Paint && !done_) {
        // After this paint has reached the screen.
        QTimer::singleShot(0, this, [this, settled = model_settled_] {
            if (first_frame_ms_ < 0) first_frame_ms_ = processAgeMs();
            const RunController* runs = window_->parts().runs;
            if (settled)
                report(processAgeMs());
            else if (!runs->model() && !runs->loadingModel())
                report(-1);
        });
    }
    return QObject::eventFilter(watched, event);
}

void StartupProbe::report(double model_frame_ms) {
    if (done_) return;
    done_ = true;
    if (model_frame_ms < 0)
        std::printf("{\"first_frame_ms\": %.0f, \"model_frame_ms\": null}\n", first_frame_ms_);
    else
        std::printf("{\"first_frame_ms\": %.0f, \"model_frame_ms\": %.0f}\n", first_frame_ms_, model_frame_ms);
    std::fflush(stdout);
    QCoreApplication::quit();
}

}  // namespace quibble
