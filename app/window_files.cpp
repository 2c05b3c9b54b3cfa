// MainWindow: exports, imports and problem sets that go on beside it, and what a window does that is closed meanwhile.
#include <QAction>
#include <QFileInfo>
#include <QMessageBox>
#include <QPushButton>
#include <QTimer>

#include "app/banner.h"
#include "app/data_export.h"
#include "app/file_work.h"
#include "app/main_window.h"
#include "app/run_controller.h"
#include "app/session_controller.h"
#include "views/status/run_status_bar.h"

namespace quibble {

namespace {

constexpr int kShortWorkMs = 300;  // nobody is asked about work that takes no longer
constexpr const char* kQuestion = "fileWorkQuestion";

}  // namespace

void MainWindow::wireFileWork() {
    connect(parts_.status, &RunStatusBar::workCancelRequested, parts_.work, &FileWork::cancelShown);
    connect(parts_.work, &FileWork::changed, this, [this] {
        const FileWork& work = *parts_.work;
        parts_.status->setWork({.doing = work.doing(),
                                .figures = work.figures(),
                                .tip = work.tip(),
                                .ending = work.keeps() ? tr("Stop: %1. What is done is kept").arg(work.doing())
                                                       : tr("Cancel: %1").arg(work.doing())});
        if (parts_.work->busy()) return;
        if (auto* question = findChild<QMessageBox*>(QString::fromLatin1(kQuestion))) question->done(QDialog::Rejected);
        if (closing_after_work_) QMetaObject::invokeMethod(this, &QWidget::close, Qt::QueuedConnection);
    });
}

void MainWindow::exportDataTo(const QString& path, DataFormat format, const ExportRange& range) {
    parts_.work->start({.doing = tr("Exporting %1").arg(QFileInfo(path).fileName()),
                        .job = [this, path, format, range, trace = parts_.runs->document()->snapshot()](
                                   const std::stop_token& stop) -> Worker::Answer {
                            return [this, path, done = exportTrace(*trace, toPath(path), format, range, stop)] {
                                if (!done) return showFileTrouble(QStringLiteral("export"), done.error());
                                showSaved(path);
                            };
                        },
                        .broken = [this](const Error& error) { showFileTrouble(QStringLiteral("export"), error); }});
}

void MainWindow::exportSessionTo(SessionId session, const QString& path) {
    parts_.sessions->exportSession(session, toPath(path));
}

void MainWindow::showSaved(const QString& path) {
    parts_.banners->clear(QStringLiteral("export"));
    statusBar()->showMessage(tr("Saved %1").arg(path), kMessageMs);
}

void MainWindow::showFileTrouble(const QString& key, const Error& error) {
    if (error.code == ErrorCode::Cancelled)
        return statusBar()->showMessage(tr("Cancelled: nothing was changed"), kMessageMs);
    closing_after_work_ = false;  // a failure is read before the window goes
    parts_.banners->showError(key, error);
}

void MainWindow::showStoreTrouble(const QString& key, const QString& message) {
    if (message.isEmpty()) return parts_.banners->clear(key);
    parts_.banners->showMessage({.kind = BannerMessage::Kind::Problem,
                                 .key = key,
                                 .cause = message,
                                 .hint = tr("Nothing is lost yet: writing is tried again until it works."),
                                 .action = {},
                                 .on_action = {}});
}

void MainWindow::closeAfterFileWork() {
    closing_after_work_ = true;
    QTimer::singleShot(kShortWorkMs, this, [this] {
        if (!closing_after_work_ || !parts_.work->busy() ||
            findChild<QMessageBox*>(QString::fromLatin1(kQuestion)) != nullptr)
            return;
        auto* box = new QMessageBox(QMessageBox::Question, tr("Close Quibble"),
                                    tr("%1 is not finished.").arg(parts_.work->doing()), QMessageBox::NoButton, this);
        box->setObjectName(QString::fromLatin1(kQuestion));
        box->setAttribute(Qt::WA_DeleteOnClose);
        const bool keeps = parts_.work->keeps();
        box->setInformativeText(
            keeps ? tr("The window closes when it is. If it is stopped, what is done is kept, and the rest can be done "
                       "another time.")
                  : tr("The window closes when it is. If it is cancelled, nothing of it is kept."));
        QPushButton* keep = box->addButton(tr("&Keep the window open"), QMessageBox::RejectRole);
        keep->setObjectName(QStringLiteral("keepOpen"));
        QPushButton* cancel =
            box->addButton(keeps ? tr("&Stop it and close") : tr("&Cancel it and close"), QMessageBox::DestructiveRole);
        cancel->setObjectName(QStringLiteral("cancelWork"));
        box->setDefaultButton(keep);
        box->setEscapeButton(keep);
        connect(box, &QMessageBox::buttonClicked, this, [this, cancel](const QAbstractButton* button) {
            if (button == cancel)
                parts_.work->cancelAll();
            else
                closing_after_work_ = false;
        });
        box->open();
    });
}

}  // namespace quibble
