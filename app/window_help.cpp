// MainWindow: what the Help menu shows of the program itself, the log and the diagnostics.
#include <QDesktopServices>
#include <QGuiApplication>
#include <QUrl>

#include "app/diagnostics_dialog.h"
#include "app/main_window.h"
#include "app/run_controller.h"
#include "data/store/sqlite_version.h"
#include "engine/base/log.h"
#include "kernels/ops.h"
#include "views/log/log_window.h"

namespace quibble {

namespace {

constexpr std::size_t kLinesAtOnce = 4'000;  // what a frame has time for

QString logPlace() {
    const LogState state = logState();
    if (!state.trouble.empty())
        return MainWindow::tr("The lines are in memory only: %1").arg(QString::fromStdString(state.trouble));
    if (state.file.empty()) return MainWindow::tr("The lines are in memory only");
    return toQString(state.file);
}

}  // namespace

void MainWindow::showLog() {
    if (log_window_ == nullptr) {
        LogWindow::Source source;
        source.lines = [](std::uint64_t after) { return logLinesAfter(after, kLinesAtOnce); };
        source.place = logPlace;
        if (const auto file = logState().file; !file.empty()) {
            source.open_folder = [folder = toQString(file.parent_path())] {
                QDesktopServices::openUrl(QUrl::fromLocalFile(folder));
            };
        }
        log_window_ = new LogWindow(std::move(source), this);
    }
    log_window_->show();
    log_window_->raise();
    log_window_->activateWindow();
}

void MainWindow::showAbout() {
    const auto text = [](const std::filesystem::path& path, const char* otherwise) {
        return path.empty() ? std::string(otherwise) : path.string();
    };
    FrontEnd front_end{"quibble",
                       {{"Qt", std::string(qVersion()) + ", built with " + QT_VERSION_STR},
                        {"Platform", QGuiApplication::platformName().toStdString()},
                        {"SQLite", sqliteVersion()}},
                       {{"Settings", settings_.file().toStdString()},
                        {"Database", text(database_, "none is open")},
                        {"Marker lists", text(paths_.marker_dir, "none")},
                        {"Shipped data", text(paths_.data_dir, "not found: set QUIBBLE_DATA_DIR")},
                        {"State", text(paths_.state_dir, "none")}},
                       {}};
    if (const auto& opened = parts().runs->model(); opened && opened->model != nullptr)
        front_end.model = tuningFacts(*opened->model);
    auto* dialog = new DiagnosticsDialog(front_end, kernels::allOps(), this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->open();
}

}  // namespace quibble
