package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/curatore/curatore-go/content/database"
)

// A Level says how much an [Event] matters.
type Level string

// The levels of events.
const (
	Debug Level = "debug"
	Info  Level = "info"
	Warn  Level = "warn"
	Error Level = "error"
)

// The types of events that this module writes. A job may use others.
const (
	EventImportStart     = "import_start"      // an import knows its files and their encoding
	EventProgress        = "progress"          // how far the job is
	EventIndexing        = "indexing"          // records are put into the search index
	EventFullSyncCleanup = "full_sync_cleanup" // what the source no longer has was deleted
	EventError           = "error"             // something failed, and the job went on
	EventPanic           = "panic"             // the job panicked; data holds the stack
	EventDropped         = "events_dropped"    // a job told more than could be stored
	EventCancelRequested = "cancel_requested"  // somebody wants the run to end
	EventReleased        = "released"          // the process that ran it ended, it waits to go on
	EventResumed         = "resumed"           // another attempt goes on from the last checkpoint
	EventParked          = "parked"            // it waits until a time
	EventRetry           = "retry"             // an attempt failed, and another one follows
	EventReplayed        = "replayed"          // another run does again what this one could not

	// The last event of a run is one of these.
	EventCompleted = "completed"
	EventFailed    = "failed"
	EventTimedOut  = "timed_out"
	EventCancelled = "cancelled"
)

// An Event is something that happened during a [Run].
type Event struct {
	ID      int64           `json:"id"` // grows within a run in the order of events
	RunID   string          `json:"run_id"`
	At      time.Time       `json:"at"` // UTC, of the clock of the process that wrote it
	Level   Level           `json:"level"`
	Type    string          `json:"type"` // one of the Event constants, or the job's own
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"` // nil when there is none
}

// A note is an event that is not stored yet, in the form in which many of them
// travel to the database as one value.
type note struct {
	At      string          `json:"at"`
	Level   Level           `json:"level"`
	Type    string          `json:"type"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// newNote makes what a job says storable, whatever it is.
func newNote(at time.Time, level Level, kind, message string, data any) note {
	n := note{At: at.UTC().Format(noteTime), Level: level, Type: cleanText(kind, maxName), Message: cleanText(message, maxMessage)}
	encoded, err := encode(data)
	if err != nil {
		encoded, _ = json.Marshal(map[string]string{"unreadable": err.Error()}) // a map of strings always encodes
	}
	n.Data = encoded
	return n
}

// size is about how many bytes it takes until it is stored.
func (n note) size() int { return 100 + len(n.Message) + len(n.Data) }

// noteTime has the fixed width in which SQLite stores times.
const noteTime = "2006-01-02T15:04:05.000000Z"

// told is what there is to tell about one run.
type told struct {
	organization, run string
	notes             []note
}

// A storedNote is a note with where it belongs.
type storedNote struct {
	Organization string `json:"o"`
	Run          string `json:"r"`
	note
}

// One value for any number of events keeps the statement the same, so that it
// stays prepared. On Postgres the same statement wakes other processes.
const (
	tellSQLite = `INSERT INTO run_events (organization_id, run_id, at, level, type, message, data)
SELECT value ->> 'o', value ->> 'r', value ->> 'at', value ->> 'level', value ->> 'type', value ->> 'message', value -> 'data'
FROM json_each(?) ORDER BY key`
	tellPostgres = `WITH told AS (INSERT INTO run_events (organization_id, run_id, at, level, type, message, data)
SELECT value ->> 'o', value ->> 'r', (value ->> 'at')::timestamptz, value ->> 'level', value ->> 'type', value ->> 'message', value -> 'data'
FROM jsonb_array_elements(?::jsonb) WITH ORDINALITY AS notes (value, n) ORDER BY n)
SELECT pg_notify(?, value) FROM jsonb_array_elements_text(?::jsonb) AS tidings (value)`
)

// tell stores events. The caller has updated the rows of the runs in the same
// transaction, which keeps the ids of the events of each in order.
func (s *Service) tell(ctx context.Context, tx *database.Tx, all ...told) error {
	var notes []storedNote
	for _, t := range all {
		for _, n := range t.notes {
			notes = append(notes, storedNote{t.organization, t.run, n})
		}
	}
	if len(notes) == 0 {
		return nil
	}
	values, err := json.Marshal(notes)
	if err != nil {
		return fmt.Errorf("encode events: %w", err)
	}
	if tx.Dialect().Name() != database.Postgres {
		_, err = tx.Exec(ctx, tellSQLite, string(values))
		return err
	}
	tidings, err := json.Marshal(s.tidingsOf(all))
	if err != nil {
		return fmt.Errorf("encode tidings: %w", err)
	}
	_, err = tx.Exec(ctx, tellPostgres, string(values), channel, string(tidings))
	return err
}
