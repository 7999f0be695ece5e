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
	ID             string          `json:"id"`              // UUIDv7
	OrganizationID string          `json:"organization_id"` // the tenant
	Type           string          `json:"type"`            // of its Job
	Queue          string          `json:"queue"`           // that it waits in
	Label          string          `json:"label"`           // what it works on, for people
	ResourceID     string          `json:"resource_id"`     // of what it works on, of the Job's ResourceType; may be empty
	Status         Status          `json:"status"`          // where it stands
	Config         json.RawMessage `json:"config"`          // what it was started with

	Phase string `json:"phase"` // what it does now, such as "importing"; empty at first
	Done  int64  `json:"done"`  // units of the phase that are done
	Total int64  `json:"total"` // units of the phase; 0 when not known

	Result json.RawMessage `json:"result"` // nil when there is none; a failed run may have one too
	Error  string          `json:"error"`  // why it did not complete, and what to do; else empty, or why the last try failed

	Priority    int    `json:"priority"`     // higher ones are claimed first
	Attempt     int    `json:"attempt"`      // how often it was started; 0 while it has not been
	Failures    int    `json:"failures"`     // how many of the attempts failed or lost their process
	MaxAttempts int    `json:"max_attempts"` // how often it may fail; 0 is what its job says
	UniqueKey   string `json:"unique_key"`   // no other live run of the type and organization has it; empty is none
	ParentID    string `json:"parent_id"`    // the run that started it; empty is none
	GroupID     string `json:"group_id"`     // the group it is one of; empty is none
	AfterGroup  string `json:"after_group"`  // the group for whose completion it waited or waits; empty is none
	ReplayOf    string `json:"replay_of"`    // the run of which it is another try by hand; empty is none
	TraceID     string `json:"trace_id"`     // 32 hexadecimal digits, shared with the runs that it starts
	CreatedBy   string `json:"created_by"`   // the principal of the Scope that started it
	CancelCause string `json:"cancel_cause"` // why it was cancelled or is about to be; else empty
	WaitReason  string `json:"wait_reason"`  // why it is parked; else empty

	NotBefore  *time.Time `json:"not_before"`  // until when it waits, in database time; nil for no such time
	LeaseUntil *time.Time `json:"lease_until"` // until when its process keeps it, in database time; nil unless running
	Fence      int64      `json:"fence"`       // grows with each claim; a write with an older one is refused

	// Times are UTC, of the clock of the process that did it.
	CreatedAt  time.Time  `json:"created_at"`
	StartedAt  *time.Time `json:"started_at"`  // of the first attempt; nil while it has not been
	FinishedAt *time.Time `json:"finished_at"` // nil while it has not ended

	// Duplicate says that Enqueue stored nothing, because this run was alive
	// under its unique key.
	Duplicate bool `json:"-"`
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
	checkpoint []byte
	resumable  bool
	lost       int // times in a row without a new checkpoint
}

const columns = "id, type, queue, label, resource_id, status, config, phase, done, total, result, error, priority, attempt, failures, max_attempts," +
	" unique_key, parent_id, group_id, after_group, replay_of, trace_id, created_by, cancel_cause, wait_reason, not_before, lease_until, fence," +
	" created_at, started_at, finished_at, organization_id, checkpoint, resumable, lost"

// scan reads a row with the columns above.
func (r *record) scan(row interface{ Scan(dest ...any) error }) error {
	return row.Scan(r.places()...)
}

// places is where each of the columns goes. Who reads many rows asks for them once,
// and copies the record.
func (r *record) places() []any {
	return []any{&r.ID, &r.Type, &r.Queue, &r.Label, &r.ResourceID, &r.Status, (*[]byte)(&r.Config), &r.Phase, &r.Done, &r.Total,
		(*[]byte)(&r.Result), &r.Error, &r.Priority, &r.Attempt, &r.Failures, &r.MaxAttempts,
		&r.UniqueKey, &r.ParentID, &r.GroupID, &r.AfterGroup, &r.ReplayOf, &r.TraceID, &r.CreatedBy, &r.CancelCause, &r.WaitReason,
		database.ScanNullTime(&r.NotBefore), database.ScanNullTime(&r.LeaseUntil), &r.Fence,
		database.ScanTime(&r.CreatedAt), database.ScanNullTime(&r.StartedAt), database.ScanNullTime(&r.FinishedAt),
		&r.OrganizationID, &r.checkpoint, &r.resumable, &r.lost}
}
