// The real window on the shipped model, with a fresh folder for everything the user keeps.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include <QAbstractEventDispatcher>
#include <QAction>
#include <QApplication>
#include <QElapsedTimer>
#include <QLayout>
#include <QTemporaryDir>
#include <QTest>
#include <QThread>

#include "app/banner.h"
#include "app/file_work.h"
#include "app/main_window.h"
#include "app/run_controller.h"
#include "app/session_controller.h"
#include "app/setup_controller.h"
#include "views/inspector/token_inspector.h"
#include "views/markers/markers_panel.h"
#include "views/plots/scatter_view.h"
#include "views/plots/traces_view.h"
#include "views/run_setup/model_bar.h"
#include "views/run_setup/run_setup_panel.h"
#include "views/run_setup/sampler_panel.h"
#include "views/sessions/session_browser.h"
#include "views/theme.h"
#include "views/token_stream/token_stream_panel.h"
#include "views/token_stream/token_stream_view.h"

namespace quibble {

inline constexpr int kPatience = 60'000;  // ms; the machine may be busy

/// As QTest::qWaitFor, but it tells when it sleeps between two turns of the event loop, so that a meter of turns does
/// not count that.
inline bool waitUntil(const std::function<bool()>& done) {
    QElapsedTimer clock;
    clock.start();
    while (!done()) {
        if (clock.elapsed() > kPatience) return false;
        QCoreApplication::processEvents();
        QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
        emit QAbstractEventDispatcher::instance()->aboutToBlock();
        QThread::msleep(1);
    }
    return true;
}

class WindowFixture {
public:
    /// Opens the window as a start of the program does. The folder lives as long as the fixture.
    void open(const std::filesystem::path& model = {}) {
        window_.reset();
        window_ = std::make_unique<MainWindow>(AppPaths::locate(folder_.path()));
        window_->parts().runs->setPace(0);  // nobody watches
        window_->begin(model);
        window_->parts().runs->setPace(0);  // as fast as it goes
        window_->show();
        fit();
    }
    bool waitForModel() const {
        return waitUntil([this] { return parts().runs->model().has_value() && !parts().runs->loadingModel(); });
    }
    void close() { window_.reset(); }

    [[nodiscard]] MainWindow& window() const { return *window_; }
    [[nodiscard]] const MainWindow::Parts& parts() const { return window_->parts(); }
    [[nodiscard]] RunDocument& document() const { return *parts().runs->document(); }
    [[nodiscard]] const RunTrace& trace() const { return document().trace(); }
    [[nodiscard]] QString file(const QString& name) const { return folder_.filePath(name); }

    bool waitForEnd() const {
        return waitUntil([this] { return !parts().runs->live(); });
    }
    bool waitForTokens(int count) const {
        return waitUntil([this, count] { return document().size() >= count; });
    }
    bool waitForState(RunState state) const {
        return waitUntil([this, state] { return parts().runs->liveState() == state; });
    }
    /// Until nothing is exported or imported any more.
    bool waitForFiles() const {
        return waitUntil([this] { return !parts().work->busy(); });
    }
    /// Run, to the end.
    bool runToEnd() const {
        parts().runs->actions()->run()->trigger();
        return parts().runs->live() && waitForEnd();
    }
    /// Settings whose run is long enough to be interrupted, found by trying seeds: damaged weights and boosted
    /// hesitation make the model go round in circles. The run is the one that is shown afterwards.
    bool runLong() {
        if (!long_request_) {
            emit parts().model_bar->quantChosen(parseMethodChoice("rtn:bits=2,group=256").value());
            if (!waitForModel()) return false;
            RunRequest request = parts().setup->request();
            request.sampler = {.temperature = 0.8, .top_k = 0, .top_p = 1, .min_p = 0};
            request.penalty.strength = kBoost;
            request.max_tokens = 1500;
            for (request.seed = 1; request.seed < 100; ++request.seed) {
                parts().setup->show(request);
                if (!runToEnd()) return false;
                if (document().size() < kLong) continue;
                long_request_ = request;
                return true;
            }
            return false;
        }
        askForLongRun();
        return runToEnd() && document().size() >= kLong;
    }
    /// Shows those settings without running them. Precondition: runLong() was there before.
    void askForLongRun() const { parts().setup->show(*long_request_); }
    static constexpr double kBoost = -2;
    static constexpr int kLong = 400;
    [[nodiscard]] QString banners() const { return parts().banners->texts().join(QLatin1Char('\n')); }
    [[nodiscard]] bool saved() const {
        return waitUntil([this] { return parts().runs->liveRun() == kNoRun && rowOf(document().run()) == 1; });
    }

private:
    /// QUIBBLE_TEST_WINDOW=1024x700 makes the window of every test as large as that.
    void fit() const {
        const QStringList sides = qEnvironmentVariable("QUIBBLE_TEST_WINDOW").split(QLatin1Char('x'));
        if (sides.size() != 2) return;
        const QSize size(sides[0].toInt(), sides[1].toInt());
        window_->setWindowState(Qt::WindowNoState);
        window_->resize(size);
        if (Theme::instance().fontScale() > 1) return;  // larger text may need more
        if (!QTest::qWaitFor([&] { return window_->size() == size; })) {
            qFatal("the window is %d x %d, not %s", window_->width(), window_->height(),
                   qUtf8Printable(sides.join(QLatin1Char('x'))));
        }
    }
    int rowOf(RunId run) const {
        const auto summary = parts().sessions->store()->runSummary(run);
        return summary && summary->status == RunStatus::Finished ? 1 : 0;
    }
    QTemporaryDir folder_;
    std::optional<RunRequest> long_request_;
    std::unique_ptr<MainWindow> window_;
};

[[nodiscard]] inline std::vector<TokenId> tokenIds(const RunTrace& trace) {
    std::vector<TokenId> ids;
    for (const TracePoint& point : trace.points()) ids.push_back(point.token.id);
    return ids;
}

}  // namespace quibble
