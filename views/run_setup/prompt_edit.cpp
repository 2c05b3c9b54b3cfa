#include "views/run_setup/prompt_edit.h"

#include <algorithm>
#include <utility>

#include <QKeyEvent>
#include <QLocale>
#include <QMimeData>
#include <QTextDocument>
#include <QUrl>

#include "views/text_shaping.h"

namespace quibble {

namespace {

constexpr qsizetype kHead = 1500, kTail = 500;  // characters of an excerpt

bool canBeEdited(QStringView text) {
    if (text.size() > PromptEdit::kMostEditable) return false;
    for (qsizetype begin = 0; begin < text.size();) {
        qsizetype end = text.indexOf(QLatin1Char('\n'), begin);
        if (end < 0) end = text.size();
        if (end - begin > PromptEdit::kLongestParagraph) return false;
        begin = end + 1;
    }
    return true;
}

QString withLineFeeds(QString text) {
    text.replace(QLatin1String("\r\n"), QLatin1String("\n"));
    for (const QChar end : {QChar(QChar::ParagraphSeparator), QChar(QChar::LineSeparator)})
        text.replace(end, QLatin1Char('\n'));
    return text;
}

}  // namespace

PromptEdit::PromptEdit(QWidget* parent) : QPlainTextEdit(parent) {
    connect(this, &QPlainTextEdit::textChanged, this, [this] {
        drawAsItIs();
        if (showing_) return;
        held_ = false;
        setReadOnly(false);
        // toPlainText() would make blanks of no-break spaces.
        remember(withLineFeeds(document()->toRawText()));
        emit promptChanged();
    });
}

// The font of the document, which the editor sets to its own whenever that changes.
void PromptEdit::drawAsItIs() {
    const QFont plain = asItIs(font(), document()->toRawText());
    if (document()->defaultFont() == plain) return;
    const QSignalBlocker text_is_the_same(this);
    document()->setDefaultFont(plain);
}

void PromptEdit::changeEvent(QEvent* event) {
    QPlainTextEdit::changeEvent(event);
    if (event->type() == QEvent::FontChange) drawAsItIs();
}

void PromptEdit::remember(const QString& text) {
    prompt_ = text;
    utf8_ = text.toStdString();
}

void PromptEdit::setPrompt(const QString& text) {
    before_.clear();
    display(withLineFeeds(text));
}

void PromptEdit::display(const QString& text) {
    remember(text);
    held_ = !canBeEdited(text);
    QString shown = text;
    if (held_) {
        const qsizetype between = text.size() - kHead - kTail;
        shown = text.left(kHead) + tr("\n⋯ %1 characters ⋯\n").arg(QLocale().toString(between)) + text.right(kTail);
    }
    const bool was_showing = std::exchange(showing_, true);
    setPlainText(shown);
    setReadOnly(held_);
    showing_ = was_showing;
}

void PromptEdit::takeBack() {
    if (!held_) return;
    display(std::exchange(before_, QString()));
    moveCursor(QTextCursor::End);
    emit promptChanged();
}

bool PromptEdit::event(QEvent* event) {
    // An excerpt cannot be edited, but the paste that led to it can be undone.
    if (held_ && (event->type() == QEvent::ShortcutOverride || event->type() == QEvent::KeyPress)) {
        if (static_cast<QKeyEvent*>(event)->matches(QKeySequence::Undo)) {
            if (event->type() == QEvent::KeyPress) takeBack();
            event->accept();
            return true;
        }
    }
    return QPlainTextEdit::event(event);
}

// A file that is dropped here is opened by the window; its name is no prompt.
bool PromptEdit::canInsertFromMimeData(const QMimeData* source) const {
    const QList<QUrl> urls = source->urls();
    const bool files = std::any_of(urls.begin(), urls.end(), [](const QUrl& url) { return url.isLocalFile(); });
    return !files && QPlainTextEdit::canInsertFromMimeData(source);
}

void PromptEdit::insertFromMimeData(const QMimeData* source) {
    if (isReadOnly() || !source->hasText()) return;
    const QString inserted = withLineFeeds(source->text());
    const QTextCursor cursor = textCursor();
    const QString joined = prompt_.left(cursor.selectionStart()) + inserted + prompt_.mid(cursor.selectionEnd());
    if (canBeEdited(joined)) return QPlainTextEdit::insertFromMimeData(source);
    const QString before = prompt_;
    display(joined);
    before_ = before;
    emit promptChanged();
}

}  // namespace quibble
