package jobs

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/curatore/curatore-go/content/database"
)

// A Run is one execution of a job, as it stood when it was read. It is a value:
// it does not change when the run goes on.
type Run struct {
	ID     string          `json:"id"`     // UUIDv7
	Type   string          `json:"type"`   // of its Job
	Queue  string          `json:"queue"`  // that it waits in
	Label  string          `json:"label"`  // what it works on, for people
	Status Status          `json:"status"` // where it stands
	Config json.RawMessage `json:"config"` // what it was started with; {} for nothing

	Phase string `json:"phase"` // what it does now, such as "importing"; empty at first
	Done  int64  `json:"done"`  // units of the phase that are done
	Total int64  `json:"total"` // units of the phase; 0 when not known

	Result json.RawMessage `json:"result"` // nil when there is none; a failed run may have one too
	Error  string          `json:"error"`  // why it did not complete, and what to do; else empty

	Attempt     int    `json:"attempt"`      // how often it was started; 0 while it has not been
	CreatedBy   string `json:"created_by"`   // the principal of the Scope that started it
	CancelCause string `json:"cancel_cause"` // why it was cancelled or is about to be; else empty

	// Times are UTC, of the clock of the process that did it.
	CreatedAt  time.Time  `json:"created_at"`
	StartedAt  *time.Time `json:"started_at"`  // of the first attempt; nil while it has not been
	FinishedAt *time.Time `json:"finished_at"` // nil while it has not ended
}

// Err returns nil for a run that has not ended or has completed, and otherwise
// an error with the run's label and why it did not complete. It matches
// [ErrCancelled] and [ErrTimedOut].
func (r Run) Err() error {
	text := fmt.Sprintf("%s: %s", cmp.Or(r.Label, r.Type), r.Error)
	switch r.Status {
	case Failed:
		return fmt.Errorf("%s", text)
	case TimedOut:
		return &interruption{ErrTimedOut, text}
	case Cancelled:
		return &interruption{ErrCancelled, text}
	}
	return nil
}

// A record is the row of a run with what is not for its readers.
type record struct {
	Run
	organization string
	fence        int64
	checkpoint   []byte
}

const columns = "id, type, queue, label, status, config, phase, done, total, result, error, attempt," +
	" created_by, cancel_cause, created_at, started_at, finished_at, organization_id, fence, checkpoint"

// scan reads a row with the columns above.
func (r *record) scan(row interface{ Scan(dest ...any) error }) error {
	return row.Scan(&r.ID, &r.Type, &r.Queue, &r.Label, &r.Status, (*[]byte)(&r.Config), &r.Phase, &r.Done, &r.Total,
		(*[]byte)(&r.Result), &r.Error, &r.Attempt, &r.CreatedBy, &r.CancelCause, database.ScanTime(&r.CreatedAt),
		database.ScanNullTime(&r.StartedAt), database.ScanNullTime(&r.FinishedAt), &r.organization, &r.fence, &r.checkpoint)
}
