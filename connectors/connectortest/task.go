package connectortest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// A Task is a run without a runner, for tests of imports. It can die at a commit.
// Its fields are set before the import, and what it has heard is read behind it.
type Task struct {
	DieAt     int               // the commit that fails, counted from 1; 0 is none
	After     bool              // it dies when the commit is done
	Before    func(commit int)  // called before each commit
	Committed func()            // called after each one
	Told      func(text string) // called with the message of each event
	Events    []string          // "warn error: a sentence"
	Phases    []string          // in order
	Saved     json.RawMessage   // the checkpoint as it was committed

	t       testing.TB
	db      *database.DB
	scope   content.Scope
	run     jobs.Run
	next    json.RawMessage
	commits int
	note    func(values ...any)
	mu      *sync.Mutex // of Events and Phases
}

var _ connectors.Task = (*Task)(nil)

// ErrDied is what a process is told that goes on although another one has taken
// over its run.
var ErrDied = fmt.Errorf("the process died: %w", content.ErrSuperseded)

// NewTask stores a run that is at work, and is its task.
func NewTask(t testing.TB, db *database.DB, scope content.Scope, organization, runType string, at time.Time) *Task {
	t.Helper()
	k := &Task{t: t, db: db, scope: scope, run: jobs.Run{ID: uuid.Must(uuid.NewV7()).String(), Type: runType, Attempt: 1, CreatedAt: at}, mu: &sync.Mutex{}, note: func(...any) {}}
	k.exec("INSERT INTO runs (id, organization_id, type, queue, label, status, config, created_by, created_at) VALUES (?, ?, ?, 'test', 'run', 'running', '{}', 'test', ?)",
		k.run.ID, organization, runType, db.Dialect().Time(at))
	return k
}

func (k *Task) exec(query string, args ...any) {
	k.t.Helper()
	if err := k.db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	}); err != nil {
		k.t.Fatal(err)
	}
}

// Again is the task as another process finds it.
func (k *Task) Again() *Task {
	n := *k
	n.run.Attempt++
	n.commits, n.DieAt, n.next = 0, 0, nil
	return &n
}

// End sets the status of the run.
func (k *Task) End(status jobs.Status) {
	k.t.Helper()
	k.exec("UPDATE runs SET status = ? WHERE id = ?", string(status), k.run.ID)
}

// Run implements connectors.Task.
func (k *Task) Run() jobs.Run { return k.run }

// Scope implements connectors.Task.
func (k *Task) Scope() content.Scope { return k.scope }

// Checkpoint implements connectors.Task.
func (k *Task) Checkpoint() json.RawMessage { return k.Saved }

// SetCheckpoint implements connectors.Task.
func (k *Task) SetCheckpoint(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		k.t.Error(err)
	}
	k.next = b
}

// Progress implements connectors.Task.
func (k *Task) Progress(phase string, done, total int64) {
	if done < 0 || total > 0 && done > total {
		k.t.Errorf("progress: %s %d of %d", phase, done, total)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if n := len(k.Phases); n == 0 || k.Phases[n-1] != phase {
		k.Phases = append(k.Phases, phase)
	}
}

// Info implements connectors.Task.
func (k *Task) Info(kind, message string, data any) { k.event("info", kind, message, data) }

// Warn implements connectors.Task.
func (k *Task) Warn(kind, message string, data any) { k.event("warn", kind, message, data) }

// Error implements connectors.Task.
func (k *Task) Error(kind, message string, data any) { k.event("error", kind, message, data) }

func (k *Task) event(level, kind, message string, data any) {
	k.note(kind, message, data)
	k.mu.Lock()
	k.Events = append(k.Events, level+" "+kind+": "+message)
	k.mu.Unlock()
	if k.Told != nil {
		k.Told(message)
	}
}

// Commit implements connectors.Task.
func (k *Task) Commit(ctx context.Context, do func(ctx context.Context, tx *database.Tx) error) error {
	k.commits++
	if k.Before != nil {
		k.Before(k.commits)
	}
	if k.commits == k.DieAt && !k.After {
		return ErrDied
	}
	k.next = nil
	if err := k.db.Write(ctx, do); err != nil {
		return err
	}
	if k.next != nil {
		k.Saved = k.next
	}
	if k.Committed != nil {
		k.Committed()
	}
	if k.commits == k.DieAt {
		return ErrDied
	}
	return nil
}

// A logbook keeps what is logged and told, to be looked through for secrets.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
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
