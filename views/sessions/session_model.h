// The rows of the session browser as a tree: session, run, branch of the run, branch of the branch. Rows come and go
// one by one and the model is never reset: what points at a row (an editor, a menu, the selection, what is open) stays
// valid as long as the row is there.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include <QAbstractItemModel>

#include "views/sessions/session_items.h"

namespace quibble {

class SessionModel : public QAbstractItemModel {
    Q_OBJECT
public:
    /// CommonRole: how many characters at the beginning of the title a neighbour has as well.
    enum Role {
        SubtitleRole = Qt::UserRole,
        StatusRole,
        RunningRole,
        IsSessionRole,
        SearchRole,
        CurrentRole,
        CommonRole
    };
    explicit SessionModel(QObject* parent = nullptr);
    ~SessionModel() override;

    /// Adds rows, or says anew what stands in them. A branch hangs under its parent; where that is not there, belongs
    /// to another session, or hangs under the branch itself, it hangs under its session; rows of an unknown session
    /// stand alone.
    void put(const std::vector<SessionItem>& items);
    /// Takes away a row and everything under it; kNoRun: the whole session.
    void remove(SessionId session, RunId run);
    /// put(), and remove() of everything else.
    void setItems(const std::vector<SessionItem>& items);
    void setCurrentRun(RunId run);
    void setTooltip(SessionId session, RunId run, const QString& text);
    /// Whether sessionsWanted() has something to bring.
    void setMoreSessions(bool more) { more_sessions_ = more; }
    [[nodiscard]] bool moreSessions() const { return more_sessions_; }

    [[nodiscard]] const SessionItem* item(const QModelIndex& index) const;
    [[nodiscard]] QModelIndex indexOfRun(RunId run) const;
    [[nodiscard]] QModelIndex indexOfSession(SessionId session) const;
    [[nodiscard]] int sessionCount() const { return static_cast<int>(sessions_.size()); }
    [[nodiscard]] std::vector<SessionItem> sessions() const;  // in no order
    /// The runs of a session with that id or a higher one, in no order.
    [[nodiscard]] std::vector<RunId> runsFrom(SessionId session, RunId first) const;
    /// Rows of all kinds.
    [[nodiscard]] int size() const { return static_cast<int>(sessions_.size() + runs_.size()); }

    [[nodiscard]] QModelIndex index(int row, int column, const QModelIndex& parent = {}) const override;
    [[nodiscard]] QModelIndex parent(const QModelIndex& index) const override;
    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] bool hasChildren(const QModelIndex& parent = {}) const override;
    [[nodiscard]] bool canFetchMore(const QModelIndex& parent) const override;
    void fetchMore(const QModelIndex& parent) override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] Qt::ItemFlags flags(const QModelIndex& index) const override;
    bool setData(const QModelIndex& index, const QVariant& value, int role) override;

signals:
    void renamed(quibble::SessionId session, quibble::RunId run, const QString& title);
    /// A session is to be shown whose runs have not been read. Whoever hears it puts them.
    void runsWanted(quibble::SessionId session);
    /// The end of the list is in sight, and there are more.
    void sessionsWanted();

private:
    struct Node;
    [[nodiscard]] Node* nodeOf(const QModelIndex& index) const;
    [[nodiscard]] QModelIndex indexOf(const Node* node) const;
    [[nodiscard]] Node* find(SessionId session, RunId run) const;
    [[nodiscard]] Node* placeFor(const SessionItem& item) const;
    [[nodiscard]] static int rowFor(const Node& parent, const SessionItem& item);
    void insert(Node* parent, int row, const SessionItem* first, const SessionItem* last);
    void change(Node* node, const SessionItem& item);
    void move(Node* node, Node* parent, int row);
    void adopt(Node* parent);
    void forget(const Node* node);
    static void renumber(Node* parent, std::size_t from);
    [[nodiscard]] int commonStart(const Node* node) const;

    std::unique_ptr<Node> root_;
    std::unordered_map<std::int64_t, Node*> sessions_, runs_;      // by id
    std::unordered_multimap<std::int64_t, std::int64_t> waiting_;  // parent that is not there -> its branches
    RunId current_run_ = kNoRun;
    bool more_sessions_ = false;
};

}  // namespace quibble
