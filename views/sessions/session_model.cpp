#include "views/sessions/session_model.h"

#include <algorithm>
#include <set>

namespace quibble {

struct SessionModel::Node {
    SessionItem item;
    Node* parent = nullptr;
    int row = 0;
    std::vector<std::unique_ptr<Node>> children;
};

SessionModel::SessionModel(QObject* parent) : QAbstractItemModel(parent), root_(std::make_unique<Node>()) {}
SessionModel::~SessionModel() = default;

SessionModel::Node* SessionModel::find(SessionId session, RunId run) const {
    const auto& nodes = run == kNoRun ? sessions_ : runs_;
    const auto found = nodes.find(run == kNoRun ? raw(session) : raw(run));
    return found == nodes.end() ? nullptr : found->second;
}

SessionModel::Node* SessionModel::placeFor(const SessionItem& item) const {
    if (item.run == kNoRun) return root_.get();
    Node* place = item.parent == kNoRun ? nullptr : find(item.session, item.parent);
    if (place != nullptr && place->item.session != item.session) place = nullptr;
    // Not under itself.
    for (const Node* above = place; above != nullptr; above = above->parent) {
        if (above->item.run == item.run) place = nullptr;
        if (place == nullptr) break;
    }
    if (place == nullptr) place = find(item.session, kNoRun);
    return place == nullptr ? root_.get() : place;
}

int SessionModel::rowFor(const Node& parent, const SessionItem& item) {
    const auto after = std::upper_bound(
        parent.children.begin(), parent.children.end(), item.order,
        [](std::int64_t order, const std::unique_ptr<Node>& node) { return order < node->item.order; });
    return static_cast<int>(after - parent.children.begin());
}

void SessionModel::renumber(Node* parent, std::size_t from) {
    for (std::size_t row = from; row < parent->children.size(); ++row)
        parent->children[row]->row = static_cast<int>(row);
}

void SessionModel::put(const std::vector<SessionItem>& items) {
    for (std::size_t i = 0; i < items.size();) {
        if (Node* known = find(items[i].session, items[i].run); known != nullptr) {
            change(known, items[i++]);
            continue;
        }
        // New rows that stand one behind the other come in one piece.
        Node* const parent = placeFor(items[i]);
        const int row = rowFor(*parent, items[i]);
        std::set<RunId> group;
        std::size_t end = i;
        for (; end < items.size(); ++end) {
            const SessionItem& item = items[end];
            const bool follows = end == i || items[end - 1].order <= item.order;
            if (find(item.session, item.run) != nullptr || group.contains(item.parent) || group.contains(item.run))
                break;
            if (placeFor(item) != parent || !follows || rowFor(*parent, item) != row) break;
            if (end > i && (item.run == kNoRun || parent == root_.get())) break;
            group.insert(item.run);
        }
        insert(parent, row, &items[i], &items[i] + (end - i));
        i = end;
    }
}

void SessionModel::insert(Node* parent, int row, const SessionItem* first, const SessionItem* last) {
    beginInsertRows(indexOf(parent), row, row + static_cast<int>(last - first) - 1);
    std::vector<std::unique_ptr<Node>> made;
    for (const SessionItem* item = first; item != last; ++item) {
        auto node = std::make_unique<Node>();
        node->item = *item;
        node->parent = parent;
        (item->run == kNoRun ? sessions_[raw(item->session)] : runs_[raw(item->run)]) = node.get();
        if (item->parent != kNoRun && find(item->session, item->parent) == nullptr)
            waiting_.emplace(raw(item->parent), raw(item->run));
        made.push_back(std::move(node));
    }
    parent->children.insert(parent->children.begin() + row, std::make_move_iterator(made.begin()),
                            std::make_move_iterator(made.end()));
    renumber(parent, static_cast<std::size_t>(row));
    endInsertRows();
    for (const SessionItem* item = first; item != last; ++item) adopt(find(item->session, item->run));
}

// What came before its parent moves under it.
void SessionModel::adopt(Node* parent) {
    if (parent->item.run == kNoRun) {
        // Runs of a session that was not there.
        for (std::size_t row = 0; row < root_->children.size();) {
            Node* const node = root_->children[row].get();
            if (node->item.run == kNoRun || node->item.session != parent->item.session)
                ++row;
            else
                move(node, parent, rowFor(*parent, node->item));
        }
        return;
    }
    const auto [begin, end] = waiting_.equal_range(raw(parent->item.run));
    std::vector<std::int64_t> branches;
    for (auto at = begin; at != end; ++at) branches.push_back(at->second);
    waiting_.erase(begin, end);
    for (const std::int64_t id : branches) {
        Node* const branch = find(kNoSession, RunId{id});
        if (branch != nullptr && branch->parent != parent && placeFor(branch->item) == parent)
            move(branch, parent, rowFor(*parent, branch->item));
    }
}

void SessionModel::move(Node* node, Node* parent, int row) {
    Node* const before = node->parent;
    const int old_row = node->row;
    if (before == parent && (row == old_row || row == old_row + 1)) return;
    beginMoveRows(indexOf(before), old_row, old_row, indexOf(parent), row);
    std::unique_ptr<Node> moved = std::move(before->children[static_cast<std::size_t>(old_row)]);
    before->children.erase(before->children.begin() + old_row);
    if (before == parent && row > old_row) --row;
    moved->parent = parent;
    parent->children.insert(parent->children.begin() + row, std::move(moved));
    renumber(before, 0);
    renumber(parent, 0);
    endMoveRows();
}

void SessionModel::change(Node* node, const SessionItem& item) {
    if (node->item == item) return;
    const bool reordered = node->item.order != item.order;
    const SessionItem before = std::exchange(node->item, item);
    if (node->item.tooltip.isEmpty() && before.title == item.title && before.status == item.status)
        node->item.tooltip = before.tooltip;
    if (reordered) {
        // The row itself is in the way of a search by order.
        auto& siblings = node->parent->children;
        int row = 0;
        for (const auto& sibling : siblings) row += sibling.get() != node && sibling->item.order <= item.order ? 1 : 0;
        move(node, node->parent, row >= node->row ? row + 1 : row);
    }
    const QModelIndex index = indexOf(node);
    emit dataChanged(index, index);
}

void SessionModel::forget(const Node* node) {
    for (const auto& child : node->children) forget(child.get());
    if (node->item.run == kNoRun)
        sessions_.erase(raw(node->item.session));
    else
        runs_.erase(raw(node->item.run));
}

void SessionModel::remove(SessionId session, RunId run) {
    Node* const node = find(session, run);
    if (node == nullptr) return;
    Node* const parent = node->parent;
    const int row = node->row;
    beginRemoveRows(indexOf(parent), row, row);
    forget(node);
    parent->children.erase(parent->children.begin() + row);
    renumber(parent, static_cast<std::size_t>(row));
    endRemoveRows();
}

void SessionModel::setItems(const std::vector<SessionItem>& items) {
    std::set<std::int64_t> sessions, runs;
    for (const SessionItem& item : items)
        (item.run == kNoRun ? sessions : runs).insert(item.run == kNoRun ? raw(item.session) : raw(item.run));
    std::vector<SessionItem> gone;
    for (const auto& [id, node] : runs_) {
        if (!runs.contains(id)) gone.push_back(node->item);
    }
    for (const auto& [id, node] : sessions_) {
        if (!sessions.contains(id)) gone.push_back(node->item);
    }
    // A row that stays must not go with one that it hangs under.
    put(items);
    for (const SessionItem& item : gone) {
        Node* const node = find(item.session, item.run);
        if (node == nullptr) continue;
        for (std::size_t row = 0; row < node->children.size();) {
            Node* const child = node->children[row].get();
            Node* const above = item.run == kNoRun ? root_.get() : find(item.session, kNoRun);
            if (!runs.contains(raw(child->item.run)))
                ++row;
            else
                move(child, above == nullptr ? root_.get() : above,
                     rowFor(above == nullptr ? *root_ : *above, child->item));
        }
        remove(item.session, item.run);
    }
}

void SessionModel::setCurrentRun(RunId run) {
    const QModelIndex before = indexOfRun(current_run_);
    current_run_ = run;
    const QModelIndex after = indexOfRun(run);
    for (const QModelIndex& index : {before, after}) {
        if (index.isValid()) emit dataChanged(index, index, {CurrentRole});
    }
}

void SessionModel::setTooltip(SessionId session, RunId run, const QString& text) {
    if (Node* node = find(session, run); node != nullptr) node->item.tooltip = text;
}

SessionModel::Node* SessionModel::nodeOf(const QModelIndex& index) const {
    return index.isValid() ? static_cast<Node*>(index.internalPointer()) : root_.get();
}

QModelIndex SessionModel::indexOf(const Node* node) const {
    return node == nullptr || node == root_.get() ? QModelIndex() : createIndex(node->row, 0, node);
}

const SessionItem* SessionModel::item(const QModelIndex& index) const {
    return index.isValid() ? &nodeOf(index)->item : nullptr;
}

QModelIndex SessionModel::indexOfRun(RunId run) const {
    return run == kNoRun ? QModelIndex() : indexOf(find(kNoSession, run));
}
QModelIndex SessionModel::indexOfSession(SessionId session) const { return indexOf(find(session, kNoRun)); }

std::vector<SessionItem> SessionModel::sessions() const {
    std::vector<SessionItem> items;
    for (const auto& [id, node] : sessions_) items.push_back(node->item);
    return items;
}

std::vector<RunId> SessionModel::runsFrom(SessionId session, RunId first) const {
    std::vector<RunId> found;
    for (const auto& [id, node] : runs_) {
        if (id >= raw(first) && id > 0 && node->item.session == session) found.push_back(RunId{id});
    }
    return found;
}

QModelIndex SessionModel::index(int row, int column, const QModelIndex& parent) const {
    const Node* node = nodeOf(parent);
    if (row < 0 || column != 0 || row >= static_cast<int>(node->children.size())) return {};
    return createIndex(row, 0, node->children[static_cast<std::size_t>(row)].get());
}

QModelIndex SessionModel::parent(const QModelIndex& index) const {
    return index.isValid() ? indexOf(nodeOf(index)->parent) : QModelIndex();
}
int SessionModel::rowCount(const QModelIndex& parent) const {
    return parent.column() > 0 ? 0 : static_cast<int>(nodeOf(parent)->children.size());
}
int SessionModel::columnCount(const QModelIndex&) const { return 1; }

bool SessionModel::hasChildren(const QModelIndex& parent) const {
    return rowCount(parent) > 0 || (parent.isValid() && canFetchMore(parent));
}

bool SessionModel::canFetchMore(const QModelIndex& parent) const {
    if (!parent.isValid()) return more_sessions_;
    const Node* node = nodeOf(parent);
    return node->item.run == kNoRun && node->children.empty() && node->item.runs > 0;
}

void SessionModel::fetchMore(const QModelIndex& parent) {
    if (!parent.isValid())
        emit sessionsWanted();
    else if (canFetchMore(parent))
        emit runsWanted(nodeOf(parent)->item.session);
}

int SessionModel::commonStart(const Node* node) const {
    if (node->item.run == kNoRun || node->item.earlier) return 0;
    const QString& title = node->item.title;
    qsizetype common = 0;
    for (const int other : {node->row - 1, node->row + 1}) {
        if (other < 0 || other >= static_cast<int>(node->parent->children.size())) continue;
        const SessionItem& neighbour = node->parent->children[static_cast<std::size_t>(other)]->item;
        if (neighbour.earlier || neighbour.title == title) continue;
        const auto mismatch = std::mismatch(title.begin(), title.end(), neighbour.title.begin(), neighbour.title.end());
        common = std::max<qsizetype>(common, mismatch.first - title.begin());
    }
    if (common == 0) return 0;
    // Whole parts of the title, else whole words.
    const qsizetype comma = title.lastIndexOf(QStringLiteral(", "), common);
    return static_cast<int>(comma >= 0 ? comma + 2 : title.lastIndexOf(QLatin1Char(' '), common - 1) + 1);
}

QVariant SessionModel::data(const QModelIndex& index, int role) const {
    const SessionItem* row = item(index);
    if (row == nullptr) return {};
    const QString below = row->subtitle.isEmpty() || row->status.isEmpty()
                              ? row->subtitle + row->status
                              : row->subtitle + QStringLiteral(" · ") + row->status;
    switch (role) {
        case Qt::DisplayRole:
        case Qt::EditRole: return row->title;
        case Qt::ToolTipRole: return row->tooltip.isEmpty() ? row->title + QLatin1Char('\n') + below : row->tooltip;
        case Qt::AccessibleTextRole: return row->title + QStringLiteral(", ") + below;
        case SubtitleRole: return row->subtitle;
        case StatusRole: return row->status;
        case RunningRole: return row->running;
        case IsSessionRole: return row->run == kNoRun;
        case SearchRole:
            return row->title + QLatin1Char('\n') + below + QLatin1Char('\n') + row->tooltip + QLatin1Char('\n') +
                   row->found;
        case CurrentRole: return row->run != kNoRun && row->run == current_run_;
        case CommonRole: return commonStart(nodeOf(index));
        default: return {};
    }
}

Qt::ItemFlags SessionModel::flags(const QModelIndex& index) const {
    const SessionItem* row = item(index);
    if (row == nullptr) return Qt::NoItemFlags;
    return Qt::ItemIsEnabled | Qt::ItemIsSelectable | (row->earlier ? Qt::NoItemFlags : Qt::ItemIsEditable);
}

bool SessionModel::setData(const QModelIndex& index, const QVariant& value, int role) {
    const QString title = value.toString().trimmed();
    if (role != Qt::EditRole || !index.isValid() || title.isEmpty()) return false;
    SessionItem& row = nodeOf(index)->item;
    if (title == row.title) return true;
    row.title = title;
    const SessionItem renamed_row = row;  // whoever hears of it may take the row away
    emit dataChanged(index, index);
    emit renamed(renamed_row.session, renamed_row.run, title);
    return true;
}

}  // namespace quibble
