// MainWindow: file choosers and dialogs. None of them stops the window: a run goes on behind them.
#include <algorithm>

#include <QApplication>
#include <QClipboard>
#include <QDialog>
#include <QDialogButtonBox>
#include <QFileDialog>
#include <QFormLayout>
#include <QFrame>
#include <QLabel>
#include <QPushButton>
#include <QToolButton>
#include <QVBoxLayout>

#include "app/banner.h"
#include "app/data_export.h"
#include "app/engine_values.h"
#include "app/main_window.h"
#include "app/marker_list_dialog.h"
#include "app/run_controller.h"
#include "app/run_facts.h"
#include "app/session_controller.h"
#include "app/setup_controller.h"
#include "data/file_kind.h"
#include "views/experts/experts_view.h"
#include "views/number_field.h"
#include "views/plots/export_dialog.h"
#include "views/plots/scatter_view.h"
#include "views/plots/traces_view.h"
#include "views/run_setup/decoding_panel.h"
#include "views/run_setup/sampler_panel.h"
#include "views/save_file.h"
#include "views/sessions/session_browser.h"
#include "views/speculation/speculation_view.h"
#include "views/token_stream/token_stream_panel.h"
#include "views/widgets.h"

namespace quibble {

namespace {

using OnPath = std::function<void(const QString& path)>;

void askForFile(QWidget* window, const QString& title, const QString& filter, const QString& start,
                const OnPath& chosen) {
    auto* dialog = new QFileDialog(window, title, start, filter);
    dialog->setObjectName(QStringLiteral("openDialog"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::ExistingFile);
    QObject::connect(dialog, &QFileDialog::fileSelected, window, [chosen](const QString& path) { chosen(path); });
    dialog->open();
}

QString folderOf(const QString& path) { return QFileInfo(path).absolutePath(); }

QDialog* factsDialog(QWidget* window, const QString& title, const std::vector<std::pair<QString, QString>>& facts) {
    auto* dialog = new QDialog(window);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setWindowTitle(title);
    auto* form = new QFormLayout;
    QString plain;
    for (const auto& [name, value] : facts) {
        auto* label = new QLabel(value, dialog);
        label->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
        label->setWordWrap(true);
        auto* caption = new QLabel(name, dialog);
        useTextColour(caption, TextRole::Muted);
        form->addRow(caption, label);
        plain += name + QStringLiteral(": ") + value + QLatin1Char('\n');
    }
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, dialog);
    QPushButton* copy = buttons->addButton(QObject::tr("Copy"), QDialogButtonBox::ActionRole);
    QObject::connect(copy, &QPushButton::clicked, dialog, [plain] { QGuiApplication::clipboard()->setText(plain); });
    QObject::connect(buttons, &QDialogButtonBox::rejected, dialog, &QDialog::reject);
    auto* column = new QVBoxLayout(dialog);
    column->addLayout(form);
    column->addWidget(buttons);
    dialog->setMinimumWidth(Theme::instance().em(32));
    return dialog;
}

QString modelFilter() {
    QStringList endings;
    for (const char* ending : kModelEndings) endings += QLatin1String(ending);
    return MainWindow::tr("Models (*.%1);;All files (*)").arg(endings.join(QLatin1String(" *.")));
}

}  // namespace

bool opensAsModel(const QString& path) {
    const FileKind kind = fileKindOf(toPath(path));
    if (kind != FileKind::Unknown || QFileInfo(path).isDir()) return kind == FileKind::Model;
    // Nothing that is known: the one who reads such files says best what is wrong with it.
    return std::any_of(std::begin(kModelEndings), std::end(kModelEndings), [&](const char* ending) {
        return path.endsWith(QLatin1Char('.') + QLatin1String(ending), Qt::CaseInsensitive);
    });
}

void MainWindow::chooseModel() {
    askForFile(this, tr("Open model"), modelFilter(), settings_.folder(QStringLiteral("models")),
               [this](const QString& path) {
                   settings_.setFolder(QStringLiteral("models"), folderOf(path));
                   openModel(toPath(path));
               });
}

void MainWindow::chooseReference() {
    askForFile(this, tr("Reference model"), modelFilter(), settings_.folder(QStringLiteral("models")),
               [this](const QString& path) {
                   settings_.setFolder(QStringLiteral("models"), folderOf(path));
                   setReferenceFile(path);
               });
}

void MainWindow::chooseDraft(int which) {
    askForFile(this, tr("Draft model"), modelFilter(), settings_.folder(QStringLiteral("models")),
               [this, which](const QString& path) {
                   settings_.setFolder(QStringLiteral("models"), folderOf(path));
                   parts_.decoding->setDraftFile(which, path);
               });
}

void MainWindow::setReferenceFile(const QString& path) {
    parts_.setup->setReference({.kind = ReferenceKind::File, .path = toPath(path).string()});
}

void MainWindow::chooseSessionToImport() {
    askForFile(this, tr("Import session"), tr("Sessions (*.%1);;All files (*)").arg(QLatin1String(kSessionEnding)),
               settings_.folder(QStringLiteral("sessions")), [this](const QString& path) {
                   settings_.setFolder(QStringLiteral("sessions"), folderOf(path));
                   parts_.banners->clear(QStringLiteral("file"));
                   parts_.sessions->importSession(toPath(path));
               });
}

void MainWindow::chooseProblems() {
    const QString kind = QStringLiteral("problems");
    askForFile(this, tr("Open problem set"), tr("Problem sets (*.%1);;All files (*)").arg(QLatin1String(kSetEnding)),
               settings_.folder(kind, toQString(paths_.shippedProblems().parent_path())),
               [this, kind](const QString& path) {
                   settings_.setFolder(kind, folderOf(path));
                   openProblems(toPath(path));
               });
}

void MainWindow::chooseDatabase() {
    // Opens what exists under the name that is chosen, and makes what does not: nothing is ever replaced.
    auto* dialog = new QFileDialog(this, tr("Open or make a database"), folderOf(toQString(database_)),
                                   tr("Databases (*.db);;All files (*)"));
    dialog->setObjectName(QStringLiteral("databaseDialog"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setAcceptMode(QFileDialog::AcceptSave);
    dialog->setFileMode(QFileDialog::AnyFile);
    dialog->setOption(QFileDialog::DontConfirmOverwrite);
    connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& path) {
        changeDatabase(toPath(QFileInfo::exists(path) ? path : withEnding(path, QStringLiteral("db"))));
    });
    dialog->open();
}

void MainWindow::changeDatabase(const std::filesystem::path& path) {
    useDatabase(path);
    if (!parts_.sessions->openLast()) parts_.runs->showPreview();
}

void MainWindow::chooseCopy() {
    askWhereToSave(this,
                   {.title = tr("Save a copy of the database"),
                    .filter = tr("Databases (*.db)"),
                    .start = toQString(database_),
                    .ending = QStringLiteral("db")},
                   [this](const QString& path) { parts_.sessions->saveCopy(toPath(path)); });
}

void MainWindow::exportSession(SessionId session) {
    const QString folder = settings_.folder(QStringLiteral("sessions"));
    askWhereToSave(this,
                   {.title = tr("Export session"),
                    .filter = tr("Sessions (*.%1)").arg(QLatin1String(kSessionEnding)),
                    .start = folder + QLatin1Char('/') + fileNameOf(parts_.sessions->sessionName(session)),
                    .ending = QLatin1String(kSessionEnding)},
                   [this, session](const QString& path) {
                       settings_.setFolder(QStringLiteral("sessions"), folderOf(path));
                       exportSessionTo(session, path);
                   });
}

void MainWindow::exportData() {
    const RunDocument* document = parts_.runs->document();
    if (document->size() == 0) {
        return parts_.banners->showError(QStringLiteral("export"),
                                         {ErrorCode::NotFound, tr("There are no tokens to export").toStdString(),
                                          tr("Make or open a run first").toStdString()});
    }
    auto* dialog = new DataExportDialog(*document, this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &QDialog::accepted, this, [this, dialog, document] {
        const DataFormat format = dialog->format();
        const ExportRange range = dialog->range();
        const bool csv = format == DataFormat::Csv;
        askWhereToSave(
            this,
            {.title = tr("Export data"),
             .filter = csv ? tr("CSV (*.csv)") : tr("JSON Lines (*.jsonl)"),
             .start = settings_.folder(QStringLiteral("exports")) + QLatin1Char('/') + exportName(*document, QString()),
             .ending = csv ? QStringLiteral("csv") : QStringLiteral("jsonl")},
            [this, range, format](const QString& path) {
                settings_.setFolder(QStringLiteral("exports"), folderOf(path));
                exportDataTo(path, format, range);
            });
    });
    dialog->open();
}

FigureView* MainWindow::figureInView(const std::vector<FigureView*>& figures) {
    // The tab of a dock that is not in front is visible to Qt, but nothing of it can be seen.
    const auto seen = [](const QWidget* widget) { return widget->isVisible() && !widget->visibleRegion().isEmpty(); };
    const auto focused = [](const QWidget* widget) { return widget->isAncestorOf(QApplication::focusWidget()); };
    for (FigureView* figure : figures) {
        if (QApplication::focusWidget() != nullptr && (figure == QApplication::focusWidget() || focused(figure)) &&
            seen(figure))
            return figure;
    }
    const auto found = std::find_if(figures.begin(), figures.end(), seen);
    return found != figures.end() ? *found : figures.front();
}

void MainWindow::exportFigure(FigureView* asked) {
    std::vector<FigureView*> figures{parts_.traces, parts_.scatter};
    for (const FigureDeck* deck :
         {static_cast<FigureDeck*>(parts_.speculation), static_cast<FigureDeck*>(parts_.experts)}) {
        if (!deck->isEmpty()) figures.insert(figures.end(), deck->deckFigures().begin(), deck->deckFigures().end());
    }
    auto* dialog = new ExportDialog(figures, provenanceLine(parts_.runs->document()->trace()),
                                    settings_.folder(QStringLiteral("exports")), this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->chooseFigure(asked != nullptr ? asked : figureInView(figures));
    connect(dialog, &ExportDialog::exported, this, [this](const QString& path) {
        settings_.setFolder(QStringLiteral("exports"), folderOf(path));
        showSaved(path);
    });
    dialog->open();
}

void MainWindow::editMarkerList(const QString& name) {
    const MarkerSet* listed = marker_lists_.find(name.toStdString());
    MarkerSet set = listed != nullptr ? *listed : markerSetOf(parts_.setup->request().penalty);
    const bool own = marker_lists_.isEditable(set.name);
    const std::string replaces = own ? set.name : std::string();
    if (!own) {
        set.note = tr("copy of %1").arg(QString::fromStdString(set.name)).toStdString();
        set.name = marker_lists_.freeName(set.name);
    }
    MarkerListDialog::Hooks hooks;
    if (const auto& open = parts_.runs->model()) {
        hooks.resolve = [model = open->model](const MarkerSet& candidate) {
            return resolveMarkers(candidate, *model->tokenizer());
        };
    }
    hooks.save = [this, replaces](const MarkerSet& edited) { return marker_lists_.save(edited, replaces); };
    auto* dialog = new MarkerListDialog(set, std::move(hooks), this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &MarkerListDialog::saved, this, [this](const QString& saved) { updateMarkerLists(saved); });
    dialog->open();
}

void MainWindow::openSampler() {
    fitContent(sampler_popup_);
    popUpAt(sampler_popup_, parts_.model_bar->samplerButton());
    parts_.sampler->temperatureBox()->setFocus();
    parts_.sampler->temperatureBox()->selectAll();
}

void MainWindow::showModelDetails() {
    const auto& open = parts_.runs->model();
    if (!open) {
        return parts_.banners->showError(
            QStringLiteral("model"),
            {ErrorCode::NotFound, tr("No model is open").toStdString(), tr("Open one with Ctrl+O").toStdString()});
    }
    factsDialog(this, tr("Model"), modelFacts(*open->model))->open();
}

void MainWindow::showRunDetails() {
    const auto facts = runFacts(parts_.runs->document()->trace());
    if (facts.empty()) {
        return parts_.banners->showError(QStringLiteral("run"),
                                         {ErrorCode::NotFound, tr("There is no run yet").toStdString(),
                                          parts_.runs->document()->runHint().toStdString()});
    }
    factsDialog(this, tr("Run"), facts)->open();
}

}  // namespace quibble
