#include "views/run_setup/run_setup_panel.h"

#include <algorithm>

#include <QCheckBox>
#include <QFrame>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QLocale>
#include <QPushButton>
#include <QSignalBlocker>
#include <QTextBrowser>
#include <QTextDocument>
#include <QToolButton>
#include <QVBoxLayout>

#include "views/run_setup/prompt_edit.h"
#include "views/theme.h"
#include "views/token_stream/token_pieces.h"
#include "views/widgets.h"

namespace quibble {

RunSetupPanel::RunSetupPanel(QWidget* parent) : View(tr("Problem"), parent) {
    const Theme& theme = Theme::instance();
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(theme.em(0.55), theme.em(0.5), theme.em(0.55), theme.em(0.6));
    column->setSpacing(theme.em(0.4));
    text_ = new PromptEdit(this);
    text_->setProperty("plain", true);
    text_->setTabChangesFocus(true);
    text_->setAccessibleName(tr("Prompt"));
    text_->setPlaceholderText(tr("What should the model think about?"));
    text_->document()->setDocumentMargin(1);
    text_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    text_->installEventFilter(this);
    setLeastLines(text_, 4);
    column->addWidget(text_, 1);
    auto* length_row = new QHBoxLayout;
    column->addLayout(length_row);
    speciality_ = makeCaption({}, this);
    column->addWidget(speciality_);
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
    length_note_ = makeCaption({}, this);
    take_back_ = new QPushButton(tr("Take back"), this);
    take_back_->setToolTip(tr("The prompt as it was before this text"));
    length_row->addWidget(length_note_, 1);
    length_row->addWidget(take_back_);
    blocked_ = makeCaption({}, this);
    useTextColour(blocked_, TextRole::Bad);
    blocked_->hide();
    column->addWidget(blocked_);
    raw_ = new QCheckBox(tr("raw completion"), this);
    raw_->setToolTip(tr("Continue the text as it stands, without the chat template of the model"));
    set_button_ = new QPushButton(tr("Run all"), this);
    set_button_->setObjectName(QStringLiteral("runSetButton"));
    auto* last_row = new QHBoxLayout;
    last_row->addWidget(raw_, 1);
    last_row->addWidget(set_button_);
    column->addLayout(last_row);
    connect(set_button_, &QPushButton::clicked, this, &RunSetupPanel::setRequested);

    connect(new_button_, &QPushButton::clicked, this, &RunSetupPanel::newProblemRequested);
    connect(free_button_, &QPushButton::clicked, this, [this] {
        free_ = true;
        showKind();
        text_->setFocus();
        text_->selectAll();
        emit promptChanged();
    });
    connect(raw_, &QCheckBox::toggled, this, &RunSetupPanel::promptChanged);
    connect(tokens_button_, &QToolButton::clicked, this, &RunSetupPanel::openTokens);
    connect(take_back_, &QPushButton::clicked, text_, [this] {
        text_->takeBack();
        text_->setFocus();
    });
    connect(text_, &PromptEdit::promptChanged, this, [this] {
        free_ = false;
        showKind();
        emit promptChanged();
    });
    setFocusProxy(text_);
    showKind();
}

void RunSetupPanel::setBlocked(const QString& reason) {
    blocked_->setText(reason);
    blocked_->setVisible(!reason.isEmpty());
}

void RunSetupPanel::setSpeciality(const QString& text) {
    speciality_->setText(text);
    showKind();
}

// An edited problem is not that problem any more, and its answer does not hold; with the text the answer comes back.
bool RunSetupPanel::isProblem() const { return !free_ && !problem_id_.isEmpty() && text_->prompt() == problem_text_; }

void RunSetupPanel::showKind() {
    const bool problem = isProblem();
    setTitle(problem ? tr("Problem") : tr("Prompt"));
    setFigures(problem && !known_answer_.isEmpty() ? tr("known answer %1").arg(known_answer_) : QString());
    speciality_->setVisible(!problem && !speciality_->text().isEmpty());
    length_note_->setVisible(text_->held());
    take_back_->setVisible(text_->held());
    if (text_->held()) {
        length_note_->setText(tr("%1 characters, too many to edit here; the model gets all of them.")
                                  .arg(QLocale().toString(text_->prompt().size())));
    }
}

void RunSetupPanel::showProblem(const QString& id, const QString& text, const QString& known_answer) {
    problem_id_ = id;
    known_answer_ = known_answer;
    free_ = false;
    text_->setPrompt(text);
    problem_text_ = text_->prompt();
    showKind();
    emit promptChanged();
}

void RunSetupPanel::showFreePrompt(const QString& text) { showProblem({}, text, {}); }

void RunSetupPanel::show(const RunRequest& request) {
    const QSignalBlocker block(raw_);
    raw_->setChecked(request.raw);
    const QString text = QString::fromStdString(request.prompt);
    if (request.problem_id.empty())
        showFreePrompt(text);
    else
        showProblem(QString::fromStdString(request.problem_id), text, QString::fromStdString(request.known_answer));
}

void RunSetupPanel::fill(RunRequest& request) const {
    request.prompt = text_->utf8();
    request.raw = raw_->isChecked();
    request.problem_id = isProblem() ? problem_id_.toStdString() : std::string();
    request.known_answer = isProblem() ? known_answer_.toStdString() : std::string();
}

QString RunSetupPanel::prompt() const { return text_->prompt(); }
bool RunSetupPanel::tokensShown() const { return tokens_popup_ != nullptr && tokens_popup_->isVisible(); }
bool RunSetupPanel::raw() const { return raw_->isChecked(); }

void RunSetupPanel::setProblemsAvailable(bool available) {
    new_button_->setEnabled(available);
    new_button_->setToolTip(available ? tr("Draw another problem")
                                      : tr("The problem set that comes with the program was not found"));
}

void RunSetupPanel::setSetOffer(const QString& text, const QString& tip, bool possible) {
    set_button_->setText(text);
    set_button_->setToolTip(tip);
    set_button_->setEnabled(possible);
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

void RunSetupPanel::setPromptTokens(std::vector<PromptToken> tokens, std::size_t total) {
    tokens_ = std::move(tokens);
    tokens_total_ = std::max(total, tokens_.size());
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
    renderTokens();
    popUpAt(tokens_popup_, tokens_button_);
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
    if (tokens_.size() < tokens_total_)
        html += QStringLiteral("<br>") + tr("and %n more", nullptr, static_cast<int>(tokens_total_ - tokens_.size()));
    tokens_text_->setFont(Theme::instance().monoSmallFont());
    tokens_text_->setHtml(html);
    tokens_title_->setText(
        tokens_.empty() ? tr("The prompt has not been tokenized yet")
                        : tr("%n tokens go to the model, as they are:", nullptr, static_cast<int>(tokens_total_)));
}

}  // namespace quibble
