package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/curatore/curatore-go/content"
)

// Bounds of the events that wait to be stored, when the database is slower than the
// job is talkative. Postgres reads no JSON that is ten times as long.
const (
	maxNotes    = 10_000
	maxNoteSize = 16 << 20 // bytes, of all of them
)

// A Task is a run in the hands of its job. Its methods are safe for concurrent
// use. Progress and events cost no statement of their own: they are kept, and
// stored with the next [Task.Commit], or about a second later when there is
// none, and at the end of the run, however it ends.
type Task struct {
	s         *Service
	job       *job
	scope     content.Scope
	fence     int64
	resumable bool
	cancel    context.CancelCauseFunc // ends the context of the job
	turn      chan struct{}           // held while writing the row of the run
	flush     chan struct{}           // asks for the notes to be stored soon
	done      chan struct{}           // closed when the run has left this process
	over      atomic.Bool             // the job has returned or completed, or is given up
	completed atomic.Bool             // by Complete: the end of the run is stored
	beatSoon  atomic.Pointer[func()]  // begins to beat

	mu         sync.Mutex
	run        *Run            // of a record that nobody else has
	checkpoint json.RawMessage // as committed
	next       *checkpoint     // for the next Commit; nil when there is no new one
	notes      []note
	noteSize   int // of these, in bytes
	dropped    int
	changes    int       // of progress
	written    int       // the changes that are stored
	renewed    time.Time // when the lease was, by this process's monotonic clock
	stored     int       // how many times notes were stored
	lost       int       // times in a row without a new checkpoint
}

// maxCheckpoint bounds a checkpoint, in bytes of JSON.
const maxCheckpoint = 16 << 20

type checkpoint struct {
	value json.RawMessage
	err   error // of encoding it
}

func (c *checkpoint) check(run string) error {
	if c == nil || c.err == nil {
		return nil
	}
	return fmt.Errorf("run %s: %w: its checkpoint cannot be stored: %w", run, content.ErrInvalid, c.err)
}

func newTask(s *Service, r *record, cancel context.CancelCauseFunc) *Task {
	return &Task{s: s, job: s.byType[r.Type], fence: r.Fence, resumable: r.resumable, cancel: cancel,
		scope: s.authority.Mint(r.OrganizationID, r.CreatedBy), turn: make(chan struct{}, 1), flush: make(chan struct{}, 1),
		done: make(chan struct{}), run: &r.Run, checkpoint: r.checkpoint, lost: r.lost, renewed: time.Now()}
}

// Run returns the run with the progress so far.
func (t *Task) Run() Run {
	t.mu.Lock()
	defer t.mu.Unlock()
	return *t.run
}

// Scope returns the Scope in which the run was started: its organization and
// the principal in CreatedBy.
func (t *Task) Scope() content.Scope { return t.scope }

// Checkpoint returns the checkpoint of the last commit, which may have been made
// by an earlier attempt in another process, byte for byte as encoding/json gave
// it. It is nil before the first.
func (t *Task) Checkpoint() json.RawMessage {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.checkpoint
}

// SetCheckpoint sets from where another attempt goes on. It is encoded as JSON
// now, and stored by the Commit at work when called in its function, else by the
// next [Task.Commit] that succeeds; never without one. A value that cannot be
// encoded, or is more than 16 MB, makes that Commit fail. Call it from the goroutine
// that commits.
func (t *Task) SetCheckpoint(v any) {
	value, err := json.Marshal(v)
	switch {
	case err == nil && !utf8.Valid(value):
		err = errors.New("it is not valid UTF-8")
	case len(value) > maxCheckpoint:
		err = fmt.Errorf("it is %d bytes of JSON; keep what is larger than %d elsewhere", len(value), maxCheckpoint)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next = &checkpoint{value, err}
}

// Progress tells what the job does now and how far it is. Within a phase done
// never goes back: a smaller number is ignored. Total is 0 when it is not
// known, and may change. It costs no input or output.
func (t *Task) Progress(phase string, done, total int64) {
	phase = cleanText(phase, maxName)
	t.mu.Lock()
	done, total = max(done, 0), max(total, 0)
	if phase == t.run.Phase {
		done = max(done, t.run.Done)
	}
	if total > 0 {
		total = max(done, total)
	}
	changed := phase != t.run.Phase || done != t.run.Done || total != t.run.Total
	if changed {
		t.run.Phase, t.run.Done, t.run.Total = phase, done, total
		t.changes++
	}
	t.mu.Unlock()
	if changed {
		t.s.watchers.wake(t.run.OrganizationID, t.run.ID)
	}
}

// Debug adds an event for whoever looks for the cause of something.
func (t *Task) Debug(eventType, message string, data any) { t.note(Debug, eventType, message, data) }

// Info adds an event that tells what happens. Data is encoded as JSON; nil is
// none, more than 1 MB of it is left out. Text is made valid UTF-8 without NUL, and
// cut at 8 kB.
func (t *Task) Info(eventType, message string, data any) { t.note(Info, eventType, message, data) }

// Warn adds an event about something that somebody should look at.
func (t *Task) Warn(eventType, message string, data any) { t.note(Warn, eventType, message, data) }

// Error adds an event about something that failed. It does not fail the run.
func (t *Task) Error(eventType, message string, data any) { t.note(Error, eventType, message, data) }

func (t *Task) note(level Level, kind, message string, data any) {
	if t.over.Load() {
		return // nobody would store it
	}
	t.add(newNote(t.s.now(), level, kind, message, data), false)
}

// told is what there is to tell about the task's run.
func (t *Task) told(notes []note) told { return told{t.run.OrganizationID, t.run.ID, notes} }

// add keeps a note until it is stored. One that must always has a place.
func (t *Task) add(n note, must bool) {
	t.mu.Lock()
	if must || len(t.notes) < maxNotes && t.noteSize < maxNoteSize {
		t.notes, t.noteSize = append(t.notes, n), t.noteSize+n.size()
	} else {
		t.dropped++
	}
	many := len(t.notes) >= maxNotes/10 || t.noteSize >= maxNoteSize/10
	t.mu.Unlock()
	if many {
		if begin := t.beatSoon.Load(); begin != nil {
			(*begin)()
		}
		select {
		case t.flush <- struct{}{}:
		default: // asked for already
		}
	}
}

// A draft is what a write stores of a task.
type draft struct {
	phase       string
	done, total int64
	next        *checkpoint // nil to keep the one that is stored
	notes       []note
	taken       int // of the task's notes
	dropped     int
	changes     int
}

// draft returns what is to be stored. It stays with the task until it is.
func (t *Task) draft(withCheckpoint bool) draft {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := draft{phase: t.run.Phase, done: t.run.Done, total: t.run.Total, changes: t.changes,
		notes: t.notes[:len(t.notes):len(t.notes)], taken: len(t.notes), dropped: t.dropped}
	if withCheckpoint {
		d.next = t.next
	}
	if d.dropped > 0 {
		d.notes = append(d.notes, newNote(t.s.now(), Warn, EventDropped,
			fmt.Sprintf("%d events were left out, because the database was slower than the job", d.dropped), map[string]int{"count": d.dropped}))
	}
	return d
}

// settle takes note that a draft was stored.
func (t *Task) settle(d draft, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.renewed, t.written = at, d.changes
	if len(d.notes) > 0 {
		for _, n := range t.notes[:d.taken] {
			t.noteSize -= n.size()
		}
		t.notes = append([]note(nil), t.notes[d.taken:]...)
		t.dropped -= d.dropped
		t.stored++
	}
	if d.next != nil {
		t.checkpoint, t.lost = d.next.value, 0
		if t.next == d.next {
			t.next = nil
		}
	}
}

// forget drops a checkpoint that was set in a transaction which was rolled back;
// one from before it stays for the next.
func (t *Task) forget(before *checkpoint) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next = before
}
