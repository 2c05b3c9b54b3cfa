#include "views/run_setup/run_setup_panel.h"

#include <QCheckBox>
#include <QFrame>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSignalBlocker>
#include <QTextBrowser>
#include <QToolButton>
#include <QVBoxLayout>

#include "views/theme.h"
#include "views/token_stream/token_pieces.h"
#include "views/widgets.h"

namespace quibble {

RunSetupPanel::RunSetupPanel(QWidget* parent) : View(tr("Problem"), parent) {
    const Theme& theme = Theme::instance();
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(theme.em(0.55), theme.em(0.5), theme.em(0.55), theme.em(0.6));
    column->setSpacing(theme.em(0.4));
    text_ = new QPlainTextEdit(this);
    text_->setProperty("plain", true);
    text_->setTabChangesFocus(true);
    text_->setAccessibleName(tr("Prompt"));
    text_->setPlaceholderText(tr("What should the model think about?"));
    text_->document()->setDocumentMargin(1);
    text_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    text_->installEventFilter(this);
    text_->setMinimumHeight(theme.em(4));
    column->addWidget(text_, 1);
    auto* buttons = new QHBoxLayout;
    buttons->setSpacing(theme.em(0.3));
    new_button_ = new QPushButton(tr("New"), this);
    new_button_->setToolTip(tr("Draw another problem"));
    new_button_->setAccessibleName(tr("New problem"));
    free_button_ = new QPushButton(tr("Free prompt"), this);
    free_button_->setToolTip(tr("Write a prompt of your own, without a known answer"));
    tokens_button_ = makeFlatButton(QStringLiteral("tokens"), tr("Show the exact prompt tokens"), this);
    buttons->addWidget(new_button_);
    buttons->addWidget(free_button_);
    buttons->addStretch(1);
    buttons->addWidget(tokens_button_);
    column->addLayout(buttons);
    blocked_ = makeCaption({}, this);
    useTextColour(blocked_, TextRole::Bad);
    blocked_->hide();
    column->addWidget(blocked_);
    raw_ = new QCheckBox(tr("raw completion"), this);
    raw_->setToolTip(tr("Continue the text as it stands, without the chat template of the model"));
    column->addWidget(raw_);

    connect(new_button_, &QPushButton::clicked, this, &RunSetupPanel::newProblemRequested);
    connect(free_button_, &QPushButton::clicked, this, [this] {
        setKind(false);
        text_->setFocus();
        text_->selectAll();
        emit promptChanged();
    });
    connect(raw_, &QCheckBox::toggled, this, &RunSetupPanel::promptChanged);
    connect(tokens_button_, &QToolButton::clicked, this, &RunSetupPanel::openTokens);
    connect(text_, &QPlainTextEdit::textChanged, this, [this] {
        // An edited problem is not that problem any more: its answer does not hold.
        if (!problem_id_.isEmpty() && text_->toPlainText() != problem_text_) setKind(false);
        emit promptChanged();
    });
    setFocusProxy(text_);
}

void RunSetupPanel::setBlocked(const QString& reason) {
    blocked_->setText(reason);
    blocked_->setVisible(!reason.isEmpty());
}

void RunSetupPanel::setKind(bool problem) {
    if (!problem) {
        problem_id_.clear();
        known_answer_.clear();
        problem_text_.clear();
    }
    setTitle(problem ? tr("Problem") : tr("Prompt"));
    setFigures(problem && !known_answer_.isEmpty() ? tr("known answer %1").arg(known_answer_) : QString());
}

void RunSetupPanel::showProblem(const QString& id, const QString& text, const QString& known_answer) {
    {
        const QSignalBlocker block(text_);
        problem_id_ = id;
        problem_text_ = text;
        known_answer_ = known_answer;
        text_->setPlainText(text);
    }
    setKind(!id.isEmpty());
    emit promptChanged();
}

void RunSetupPanel::showFreePrompt(const QString& text) {
    {
        const QSignalBlocker block(text_);
        text_->setPlainText(text);
    }
    setKind(false);
    emit promptChanged();
}

void RunSetupPanel::show(const RunRequest& request) {
    const QSignalBlocker block(raw_);
    raw_->setChecked(request.raw);
    const QString text = QString::fromStdString(request.prompt);
    if (request.problem_id.empty()) showFreePrompt(text);
    else showProblem(QString::fromStdString(request.problem_id), text, QString::fromStdString(request.known_answer));
}

void RunSetupPanel::fill(RunRequest& request) const {
    request.prompt = text_->toPlainText().toStdString();
    request.raw = raw_->isChecked();
    request.problem_id = problem_id_.toStdString();
    request.known_answer = known_answer_.toStdString();
}

QString RunSetupPanel::prompt() const { return text_->toPlainText(); }
bool RunSetupPanel::raw() const { return raw_->isChecked(); }

void RunSetupPanel::setProblemsAvailable(bool available) {
    new_button_->setEnabled(available);
    new_button_->setToolTip(available ? tr("Draw another problem") : tr("The problem set that comes with the program was not found"));
}

bool RunSetupPanel::eventFilter(QObject* watched, QEvent* event) {
    if (watched == text_ && event->type() == QEvent::KeyPress) {
        const auto* key = static_cast<QKeyEvent*>(event);
        if ((key->key() == Qt::Key_Return || key->key() == Qt::Key_Enter) && key->modifiers() & Qt::ControlModifier) {
            emit runRequested();
            return true;
        }
    }
    return View::eventFilter(watched, event);
}

void RunSetupPanel::setPromptTokens(std::vector<PromptToken> tokens) {
    tokens_ = std::move(tokens);
    renderTokens();
}

void RunSetupPanel::openTokens() {
    if (tokens_popup_ == nullptr) {
        auto* popup = new QFrame(this, Qt::Popup);
        popup->setObjectName(QStringLiteral("popup"));
        auto* column = new QVBoxLayout(popup);
        tokens_text_ = new QTextBrowser(popup);
        tokens_text_->setAccessibleName(tr("Prompt tokens"));
        tokens_text_->setFrameShape(QFrame::NoFrame);
        tokens_title_ = makeCaption({}, popup);
        column->addWidget(tokens_title_);
        column->addWidget(tokens_text_);
        tokens_popup_ = popup;
    }
    const Theme& theme = Theme::instance();
    tokens_popup_->resize(theme.em(28), theme.em(18));
    tokens_popup_->move(tokens_button_->mapToGlobal(QPoint(0, -tokens_popup_->height() - 4)));
    renderTokens();
    tokens_popup_->show();
    tokens_text_->setFocus();
    emit promptTokensRequested();
}

void RunSetupPanel::renderTokens() {
    if (tokens_popup_ == nullptr) return;
    const ThemeColors& colors = Theme::instance().colors();
    QString html;
    for (const PromptToken& token : tokens_) {
        const QString label = tokenLabelOf(token.bytes, true).toHtmlEscaped();
        const QString colour = (token.special ? colors.accent : colors.text).name();
        html += QStringLiteral("<span style='color:%1'>%2</span><span style='color:%3'><sub>%4</sub></span> ")
                    .arg(colour, label, colors.muted.name())
                    .arg(token.id);
        if (token.bytes.find('\n') != std::string::npos) html += QStringLiteral("<br>");
    }
    tokens_text_->setFont(Theme::instance().monoSmallFont());
    tokens_text_->setHtml(html);
    tokens_title_->setText(tokens_.empty() ? tr("The prompt has not been tokenized yet") : tr("%n tokens go to the model, as they are:", nullptr, static_cast<int>(tokens_.size())));
}

}  // namespace quibble
