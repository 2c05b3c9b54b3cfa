#include "views/token_stream/token_stream_panel.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QTimer>
#include <QVBoxLayout>

#include "engine/grading/answer_text.h"
#include "engine/grading/run_grade.h"
#include "views/run_document.h"
#include "views/theme.h"
#include "views/token_stream/origin_mark.h"
#include "views/token_stream/token_stream_view.h"
#include "views/widgets.h"

namespace quibble {

TokenStreamPanel::TokenStreamPanel(RunDocument* document, QWidget* parent)
    : View(tr("Tokens"), parent), document_(document), stream_(new TokenStreamView(document, this)) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    buildFindBar();
    column->addWidget(find_bar_);
    column->addWidget(stream_, 1);
    auto* legend = new OriginLegend(document, this);
    column->addWidget(legend);
    connect(stream_, &TokenStreamView::originsChanged, legend, &OriginLegend::setWanted);

    live_button_ = new QPushButton(tr("Jump to live"), stream_);
    live_button_->setIcon(Theme::instance().icon(QStringLiteral("live")));
    live_button_->setVisible(false);
    connect(live_button_, &QPushButton::clicked, stream_, [this] { stream_->setFollowTail(true); });
    const auto show_button = [this] {
        live_button_->setVisible(!stream_->followsTail() && document_->live());
        placeLiveButton();
    };
    connect(stream_, &TokenStreamView::followTailChanged, this, show_button);
    connect(document_, &RunDocument::stateChanged, this, show_button);

    auto* hint = makeCaption({}, stream_->viewport());
    empty_hint_ = hint;
    hint->setAlignment(Qt::AlignCenter);
    const auto say = [this, hint] {
        hint->setText(tr("No tokens yet. The model thinks here.") + QLatin1Char('\n') + document_->runHint() +
                      QLatin1Char('.'));
    };
    say();
    connect(document_, &RunDocument::runHintChanged, hint, say);
    empty_hint_->setAttribute(Qt::WA_TransparentForMouseEvents);
    stream_->installEventFilter(this);
    stream_->viewport()->installEventFilter(this);

    note_timer_ = new QTimer(this);
    note_timer_->setSingleShot(true);
    connect(note_timer_, &QTimer::timeout, this, &TokenStreamPanel::updateNotes);
    const auto later = [this] {
        empty_hint_->setVisible(document_->size() == 0);
        // The answer is searched in the whole text: not at every frame.
        if (!note_timer_->isActive()) note_timer_->start(document_->size() > 20000 ? 2000 : 400);
    };
    connect(document_, &RunDocument::applied, this, later);
    connect(document_, &RunDocument::finished, this, &TokenStreamPanel::updateNotes);
    connect(document_, &RunDocument::reset, this, [this, later] {
        later();
        updateNotes();
    });
    connect(stream_, &TokenStreamView::findRequested, this, &TokenStreamPanel::openFind);
    connect(stream_, &TokenStreamView::findChanged, this, &TokenStreamPanel::updateFindLabel);
    setFocusProxy(stream_);
    later();
    updateNotes();
}

void TokenStreamPanel::buildFindBar() {
    find_bar_ = new QWidget(this);
    auto* row = new QHBoxLayout(find_bar_);
    row->setContentsMargins(8, 5, 8, 5);
    find_edit_ = new QLineEdit(find_bar_);
    find_edit_->setPlaceholderText(tr("Find in the text"));
    find_edit_->setAccessibleName(tr("Find in the text"));
    find_edit_->setClearButtonEnabled(true);
    find_label_ = makeCaption({}, find_bar_);
    find_label_->setWordWrap(false);
    auto* previous = makeFlatButton(QStringLiteral("up"), tr("Previous hit (Shift+Enter)"), find_bar_);
    auto* next = makeFlatButton(QStringLiteral("down"), tr("Next hit (Enter)"), find_bar_);
    auto* close = makeFlatButton(QStringLiteral("close"), tr("Close (Esc)"), find_bar_);
    row->addWidget(find_edit_, 1);
    row->addWidget(find_label_);
    row->addWidget(previous);
    row->addWidget(next);
    row->addWidget(close);
    connect(find_edit_, &QLineEdit::textChanged, stream_, [this](const QString& text) {
        // Capitals in what is searched make it exact.
        stream_->setFindText(text, text == text.toLower() ? Qt::CaseInsensitive : Qt::CaseSensitive);
    });
    connect(previous, &QToolButton::clicked, stream_, [this] { stream_->findNext(true); });
    connect(next, &QToolButton::clicked, stream_, [this] { stream_->findNext(); });
    connect(close, &QToolButton::clicked, this, &TokenStreamPanel::closeFind);
    find_edit_->installEventFilter(this);
    find_bar_->setVisible(false);
}

void TokenStreamPanel::openFind() {
    find_bar_->setVisible(true);
    const QString selected = stream_->selectedText().trimmed();
    if (!selected.isEmpty() && selected.size() <= 60 && !selected.contains(QLatin1Char('\n')))
        find_edit_->setText(selected);
    find_edit_->setFocus();
    find_edit_->selectAll();
}

void TokenStreamPanel::closeFind() {
    find_bar_->setVisible(false);
    find_edit_->clear();
    stream_->setFindText({});
    stream_->setFocus();
}

bool TokenStreamPanel::eventFilter(QObject* watched, QEvent* event) {
    if (watched == find_edit_ && event->type() == QEvent::KeyPress) {
        const auto* key = static_cast<QKeyEvent*>(event);
        if (key->key() == Qt::Key_Escape) {
            closeFind();
            return true;
        }
        if (key->key() == Qt::Key_Return || key->key() == Qt::Key_Enter || key->key() == Qt::Key_F3) {
            stream_->findNext(key->modifiers() & Qt::ShiftModifier);
            return true;
        }
    }
    if (watched == stream_ && event->type() == QEvent::Resize) {
        placeLiveButton();
    }
    if (watched == stream_->viewport() && event->type() == QEvent::Resize)
        empty_hint_->setGeometry(stream_->viewport()->rect());
    return View::eventFilter(watched, event);
}

void TokenStreamPanel::resizeEvent(QResizeEvent* event) {
    View::resizeEvent(event);
    placeLiveButton();
}

void TokenStreamPanel::placeLiveButton() {
    live_button_->adjustSize();
    const int gap = Theme::instance().em(0.7);
    live_button_->move(stream_->width() - live_button_->width() - 2 * gap,
                       stream_->height() - live_button_->height() - gap);
    live_button_->raise();
}

void TokenStreamPanel::updateFindLabel() {
    const int count = stream_->findCount();
    if (find_edit_->text().isEmpty())
        find_label_->clear();
    else if (count == 0)
        find_label_->setText(tr("no hit"));
    else if (stream_->findCurrent() < 0)
        find_label_->setText(tr("%n hits", nullptr, count));
    else
        find_label_->setText(tr("%1 of %2").arg(stream_->findCurrent() + 1).arg(count));
}

void TokenStreamPanel::updateNotes() {
    const RunTrace& trace = document_->trace();
    const std::string& known = trace.request().known_answer;
    QString thinking, answer;
    if (!known.empty() && document_->size() > 0) {
        if (const auto reached = answerReachedAt(trace, known)) {
            int after = 0;
            for (std::size_t i = *reached + 1; i < trace.points().size(); ++i)
                after += trace.points()[i].token.thinking ? 1 : 0;
            thinking = tr("answer reached at token %1, %n tokens spent after it", nullptr, after).arg(*reached);
        }
        if (trace.finished()) {
            const auto grade = gradeOf(trace);
            const QString wanted = QString::fromStdString(knownAnswer(known));
            if (grade && grade->isRight())
                answer = tr("matches %1").arg(wanted);
            else if (grade && grade->verdict == Verdict::NotGradable)
                answer = tr("not gradable against %1: %2").arg(wanted, QString::fromStdString(grade->reason));
            else if (grade && isOverthinking(trace))
                answer = tr("wrong, though it had %1: overthinking").arg(wanted);
            else if (grade)
                answer = tr("does not match %1").arg(wanted);
        }
    }
    stream_->setSectionNotes(thinking, answer);
}

}  // namespace quibble
