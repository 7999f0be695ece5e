package connectortest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// A task is a run without a runner. It can die at a commit.
type task struct {
	w       *workshop
	run     jobs.Run
	saved   json.RawMessage // the checkpoint as committed
	next    json.RawMessage
	commits int
	dieAt   int  // the commit that fails, counted from 1; 0 is none
	after   bool // it dies when the commit is done
	before  func(commit int)
}

var _ connectors.Task = (*task)(nil)

// errDied is what a process is told that goes on although another one has taken
// over its run.
var errDied = fmt.Errorf("the process died: %w", content.ErrSuperseded)

func (w *workshop) newTask() *task {
	w.t.Helper()
	w.clock = w.clock.Add(time.Hour)
	t := &task{w: w, run: jobs.Run{ID: uuid.Must(uuid.NewV7()).String(), Type: w.Connection.RunType(), Attempt: 1, CreatedAt: w.clock}}
	w.exec("INSERT INTO runs (id, organization_id, type, queue, label, status, config, created_by, created_at) VALUES (?, ?, ?, 'test', 'run', 'running', '{}', 'test', ?)",
		t.run.ID, organization, t.run.Type, w.db.Dialect().Time(w.clock))
	return t
}

// again is the task as another process finds it.
func (t *task) again() *task {
	n := *t
	n.run.Attempt++
	n.commits, n.dieAt, n.next = 0, 0, nil
	return &n
}

func (t *task) end(status jobs.Status) {
	t.w.exec("UPDATE runs SET status = ? WHERE id = ?", string(status), t.run.ID)
}

func (t *task) Run() jobs.Run               { return t.run }
func (t *task) Scope() content.Scope        { return t.w.scope }
func (t *task) Checkpoint() json.RawMessage { return t.saved }

func (t *task) SetCheckpoint(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		t.w.t.Error(err)
	}
	t.next = b
}

func (t *task) Progress(phase string, done, total int64) {
	if done < 0 || total > 0 && done > total {
		t.w.t.Errorf("progress: %s %d of %d", phase, done, total)
	}
}

func (t *task) Info(kind, message string, data any)  { t.w.log.note(kind, message, data) }
func (t *task) Warn(kind, message string, data any)  { t.w.log.note(kind, message, data) }
func (t *task) Error(kind, message string, data any) { t.w.log.note(kind, message, data) }

// A logbook keeps what is logged and told, to be looked through for secrets.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) note(values ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(&l.text, "%+v\n", values)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (t *task) Commit(ctx context.Context, do func(ctx context.Context, tx *database.Tx) error) error {
	t.commits++
	if t.before != nil {
		t.before(t.commits)
	}
	if t.commits == t.dieAt && !t.after {
		return errDied
	}
	t.next = nil
	if err := t.w.db.Write(ctx, do); err != nil {
		return err
	}
	if t.next != nil {
		t.saved = t.next
	}
	if t.commits == t.dieAt {
		return errDied
	}
	return nil
}
