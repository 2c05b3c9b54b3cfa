// The text of a run, token by token: coloured by a measurement, markers underlined, interventions and injected tokens
// marked, thinking and answer under their own headings. An own scroll area: only visible lines are painted, 100,000
// tokens lay out in one go, and appending touches the tail only. Text is the same as TokenPieces::text().
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <QAbstractScrollArea>

#include "views/run_document.h"
#include "views/token_stream/token_layout.h"

namespace quibble {

class TokenStreamView : public QAbstractScrollArea {
    Q_OBJECT
public:
    explicit TokenStreamView(RunDocument* document, QWidget* parent = nullptr);
    ~TokenStreamView() override;

    [[nodiscard]] RunDocument* document() const { return document_; }
    [[nodiscard]] const TokenPieces& pieces() const { return *pieces_; }
    [[nodiscard]] const TokenLayout& layoutOfTokens() const { return *layout_; }

    /// How many tokens were painted so far, each as often as it was; what a test counts instead of a time.
    [[nodiscard]] std::int64_t tokensPainted() const { return painted_; }

    [[nodiscard]] int tokenAt(const QPoint& viewport_point) const;  // -1: none
    [[nodiscard]] QRect tokenRect(int index) const;                 // first line of the token, viewport coordinates
    void scrollToToken(int index);

    [[nodiscard]] bool followsTail() const { return follow_tail_; }
    [[nodiscard]] bool showsInvisibles() const { return show_invisibles_; }
    /// Drafted, corrected and bonus tokens carry a mark above them.
    [[nodiscard]] bool showsOrigins() const { return show_origins_; }

    // Search: hits are highlighted; the current one gets the selection.
    void setFindText(const QString& text, Qt::CaseSensitivity sensitivity = Qt::CaseInsensitive);
    [[nodiscard]] int findCount() const;
    [[nodiscard]] int findCurrent() const { return find_current_; }  // -1: none
    void findNext(bool backwards = false);

    [[nodiscard]] QString selectedText() const;   // the exact bytes where they are UTF-8, \xNN where not
    [[nodiscard]] QString selectedTable() const;  // tab-separated with a header line, C locale

    /// Right of the section headings: "answer reached at token 41", "matches". Empty: only the number of tokens.
    void setSectionNotes(const QString& thinking, const QString& answer);
    /// What stands beside the answer.
    [[nodiscard]] const QString& answerNote() const { return answer_note_; }

public slots:
    void setFollowTail(bool follow);
    void setShowInvisibles(bool show);
    void setShowOrigins(bool show);
    void copyText();
    void copyTable();
    void selectAllTokens();
    void selectNextMarker(bool backwards = false);
    void selectNextUncertain(bool backwards = false);
    void selectNextIntervention(bool backwards = false);

signals:
    void followTailChanged(bool follow);
    void invisiblesChanged(bool show);
    void originsChanged(bool show);
    void findRequested();                             // Ctrl+F
    void findChanged();                               // number of hits or current hit
    void inspectRequested(int index);                 // Enter or double click: bring the inspector forward
    void branchHereRequested(quibble::Position pos);  // context menu: choose an alternative at this position

protected:
    bool viewportEvent(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void scrollContentsBy(int dx, int dy) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    struct FindHit {
        qsizetype begin, end;  // characters of TokenPieces::text()
    };

    void onReset();
    void onApplied();
    void relayout();
    void updateScrollBar();
    void moveCurrent(int index, bool extend);
    [[nodiscard]] int nearestToken(const QPoint& viewport_point) const;
    [[nodiscard]] int tokenAbove(int index, int lines) const;
    void searchFrom(qsizetype offset);
    void updateDescription();
    [[nodiscard]] QString tipOf(int token) const;
    void showTokenTip(const QPoint& viewport_point, const QPoint& global);
    struct Paint;                                   // what a frame needs to know, gathered once
    [[nodiscard]] bool isPending(int token) const;  // the shown KL has not arrived
    void paintLine(Paint& paint, int line);
    void paintRunBack(Paint& paint, int token, const QRectF& cell) const;
    void paintRunText(Paint& paint, const TokenLayout::Run& run, const QRectF& cell, const QPointF& at) const;
    void paintOrderedText(Paint& paint, double top) const;
    void paintRunMarks(Paint& paint, int token, const QRectF& cell) const;
    void paintFindHits(Paint& paint, const QRectF& row) const;
    void paintHeading(Paint& paint, int section, int top) const;

    RunDocument* document_;
    std::unique_ptr<TokenPieces> pieces_;
    std::unique_ptr<TokenLayout> layout_;
    bool follow_tail_ = true;
    bool moving_scroll_bar_ = false;  // we move it, not the user
    bool scrolled_by_mouse_ = false;  // a drag selects: do not jump to the token under the mouse
    int margin_ = 12;
    bool show_invisibles_ = false;
    bool show_origins_ = true;
    int anchor_ = -1;
    std::int64_t painted_ = 0;
    QString find_text_;
    Qt::CaseSensitivity find_sensitivity_ = Qt::CaseInsensitive;
    std::vector<FindHit> hits_;
    int find_current_ = -1;
    QString thinking_note_, answer_note_;
};

}  // namespace quibble
