#include "app/diagnostics_dialog.h"

#include <QClipboard>
#include <QDialogButtonBox>
#include <QFontDatabase>
#include <QGuiApplication>
#include <QLabel>
#include <QMetaObject>
#include <QPlainTextEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QRandomGenerator>
#include <QVBoxLayout>

#include "engine/base/log.h"
#include "engine/values/version.h"
#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

DiagnosticsDialog::DiagnosticsDialog(const FrontEnd& front_end, std::span<const kernels::Ops* const> tables,
                                     QWidget* parent)
    : QDialog(parent),
      front_end_(front_end),
      tables_(tables),
      sections_(diagnose(front_end)),
      shown_(new QPlainTextEdit(this)),
      progress_(new QProgressBar(this)),
      verdict_(new QLabel(this)) {
    setWindowTitle(tr("About and diagnostics"));
    auto* column = new QVBoxLayout(this);
    auto* title = new QLabel(tr("Quibble %1").arg(QLatin1String(kVersion)), this);
    useFont(title, FontRole::Title);
    column->addWidget(title);
    column->addWidget(makeCaption(tr("A lab for watching quantized reasoning models think. GPL-3.0-or-later."), this));
    shown_->setReadOnly(true);
    shown_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    shown_->setLineWrapMode(QPlainTextEdit::NoWrap);
    shown_->setTabChangesFocus(true);
    shown_->setAccessibleName(tr("Diagnostics"));
    useFont(shown_, FontRole::MonoSmall);
    column->addWidget(shown_, 1);
    progress_->setTextVisible(false);
    progress_->setAccessibleName(tr("Progress of the self-test"));
    progress_->hide();
    column->addWidget(progress_);
    verdict_->setWordWrap(true);
    verdict_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    verdict_->setText(
        tr("The self-test computes random inputs with every instruction set of this machine and compares them with the "
           "scalar reference."));
    column->addWidget(verdict_);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
    test_ = buttons->addButton(tr("&Self-Test"), QDialogButtonBox::ActionRole);
    copy_ = buttons->addButton(tr("&Copy"), QDialogButtonBox::ActionRole);
    column->addWidget(buttons);
    connect(test_, &QPushButton::clicked, this, &DiagnosticsDialog::startTest);
    connect(copy_, &QPushButton::clicked, this, [this] { QGuiApplication::clipboard()->setText(text()); });
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    refresh();
    resize(Theme::instance().em(60), Theme::instance().em(36));
}

DiagnosticsDialog::~DiagnosticsDialog() {
    // jthread asks it to stop and waits, which takes as long as one operation.
    thread_ = {};
}

QString DiagnosticsDialog::text() const {
    std::vector<DiagnosticSection> all = sections_;
    all.push_back(results_);
    return QString::fromStdString(diagnosticText(all));
}

void DiagnosticsDialog::refresh() { shown_->setPlainText(text()); }

void DiagnosticsDialog::startTest() {
    if (testing()) return;
    test_->setEnabled(false);
    progress_->setRange(0, 0);
    progress_->show();
    verdict_->setText(tr("Checking the kernels…"));
    seed_ = QRandomGenerator::global()->generate();
    thread_ = std::jthread([this](const std::stop_token& stop) {
        const auto report = [this](int done, int total) {
            QMetaObject::invokeMethod(
                this,
                [this, done, total] {
                    progress_->setRange(0, total);
                    progress_->setValue(done);
                },
                Qt::QueuedConnection);
        };
        auto checks = kernels::selfTest(tables_, {.seed = seed_, .progress = report, .stop = stop});
        if (stop.stop_requested()) return;
        QMetaObject::invokeMethod(
            this, [this, checks = std::move(checks)] { showResults(checks); }, Qt::QueuedConnection);
    });
}

void DiagnosticsDialog::showResults(const std::vector<kernels::OpCheck>& checks) {
    thread_ = {};
    const std::string verdict = selfTestVerdict(checks);
    const std::string line = "self-test with seed " + std::to_string(seed_) + ": " + verdict;
    if (selfTestPassed(checks))
        logInfo(line);
    else
        logError(line);
    results_ = {"Self-test of the kernels, seed " + std::to_string(seed_), selfTestFacts(checks)};
    results_.facts.push_back({"Result", verdict});
    sections_ = diagnose(front_end_);
    progress_->hide();
    verdict_->setText(QString::fromStdString(verdict));
    test_->setEnabled(true);
    refresh();
    shown_->moveCursor(QTextCursor::End);
    shown_->ensureCursorVisible();
}

}  // namespace quibble
