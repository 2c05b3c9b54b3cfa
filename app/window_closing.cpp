// MainWindow: what is asked before the window closes.
#include <optional>

#include <QCloseEvent>
#include <QMessageBox>
#include <QPushButton>

#include "app/file_work.h"
#include "app/main_window.h"
#include "app/run_controller.h"

namespace quibble {

void MainWindow::closeEvent(QCloseEvent* event) {
    if (parts_.work->busy()) {
        event->ignore();
        return closeAfterFileWork();
    }
    if (!closing_with_losses_) {
        // A file that cannot be written is known already; else the last second is written now, and that may fail as
        // well.
        std::optional<Error> unsaved = parts_.runs->unsaved();
        if (!unsaved) {
            if (auto settled = parts_.runs->settle(); !settled) unsaved = settled.error();
        }
        if (unsaved) {
            event->ignore();
            return askAboutLosses(*unsaved);
        }
    }
    setPresentation(false);
    settings_.saveWindow(saveGeometry(), saveState(Settings::kLayoutVersion));
    event->accept();
}

void MainWindow::askAboutLosses(const Error& error) {
    if (auto* asked = findChild<QMessageBox*>(QStringLiteral("unsavedQuestion"))) return asked->raise();
    auto* box = new QMessageBox(QMessageBox::Warning, tr("Close Quibble"), tr("Part of a run is not on disk yet."),
                                QMessageBox::NoButton, this);
    box->setObjectName(QStringLiteral("unsavedQuestion"));
    box->setAttribute(Qt::WA_DeleteOnClose);
    box->setInformativeText(tr("%1\n\nWriting is tried again and again until it works. The run that is shown can also "
                               "be exported to another disk (Ctrl+Shift+E).")
                                .arg(QString::fromStdString(error.line())));
    QPushButton* keep = box->addButton(tr("&Keep the window open"), QMessageBox::RejectRole);
    keep->setObjectName(QStringLiteral("keepOpen"));
    QPushButton* again = box->addButton(tr("&Try again"), QMessageBox::ActionRole);
    again->setObjectName(QStringLiteral("tryAgain"));
    QPushButton* lose = box->addButton(tr("Close and &lose it"), QMessageBox::DestructiveRole);
    lose->setObjectName(QStringLiteral("loseIt"));
    box->setDefaultButton(keep);
    box->setEscapeButton(keep);
    connect(box, &QMessageBox::buttonClicked, this, [this, again, lose](const QAbstractButton* button) {
        if (button != again && button != lose) return;
        closing_with_losses_ = button == lose || parts_.runs->settle().has_value();
        QMetaObject::invokeMethod(this, &QWidget::close, Qt::QueuedConnection);  // when the question is gone
    });
    box->open();
}

}  // namespace quibble
