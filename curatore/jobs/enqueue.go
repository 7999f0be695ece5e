package jobs

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// Options are what a caller decides about one run. The zero value is a run that
// begins as soon as there is a place for it.
type Options struct {
	ID         string // a UUIDv7 made beforehand, such as for files that belong to the run; empty makes one
	Label      string // what it works on, such as a file's name; empty means the job's label
	ResourceID string // of what it works on, of the job's ResourceType
	Priority   int    // from -100 to 100; of those that wait in a queue, higher ones are claimed first
	// NotBefore is when it may begin, by the database's clock; zero means at once.
	NotBefore time.Time
	// UniqueKey makes it the only live run of its type and organization with the
	// key: while there is one, Enqueue returns that. Empty means no such limit.
	UniqueKey string
	Parent    string // the run that starts it; when that is cancelled, this one is too
	Group     string // the id of a [Group] that it joins
	After     string // the id of a Group for whose completion it waits
	// MaxAttempts is how often it may fail; 0 means what its job says.
	MaxAttempts int
	// TraceID is 32 hexadecimal digits, to find what belongs together. Empty means
	// that of the job in whose context it is started, else one of its own.
	TraceID string
	// Transient says that the run's input goes with this process. When that ends,
	// the run is marked failed although its job is resumable.
	Transient bool
}

var traceForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

func (o Options) check() error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{content.ErrInvalid}, args...)...)
	}
	for _, field := range []struct{ name, text string }{{"UniqueKey", o.UniqueKey}, {"ResourceID", o.ResourceID}, {"Parent", o.Parent}, {"Group", o.Group}, {"After", o.After}} {
		if cleanText(field.text, maxName) != field.text {
			return wrong("Options.%s is %.40q…; use at most %d bytes of text", field.name, field.text, maxName)
		}
	}
	switch {
	case o.Priority < -100 || o.Priority > 100:
		return wrong("Options.Priority is %d; use -100 to 100", o.Priority)
	case o.MaxAttempts < 0:
		return wrong("Options.MaxAttempts is %d; 0 means what the job says", o.MaxAttempts)
	case o.TraceID != "" && !traceForm.MatchString(o.TraceID):
		return wrong("Options.TraceID is %.40q; use 32 hexadecimal digits", o.TraceID)
	case o.After != "" && !o.NotBefore.IsZero():
		return wrong("Options.After and NotBefore cannot both be set; let the run wait for the group, and park itself")
	}
	return nil
}

// enqueue stores a run of a job with any arguments.
func (s *Service) enqueue(ctx context.Context, tx *database.Tx, scope content.Scope, j *job, args any, o Options) (*Run, error) {
	organization, err := s.authority.Organization(scope)
	if err != nil {
		return nil, err
	}
	if j.queue == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		return nil, fmt.Errorf("enqueue %s: %w", j.Type, errors.Join(s.mistakes...))
	}
	encoded, err := config(j, args)
	if err != nil {
		return nil, err
	}
	run, err := s.insert(ctx, tx, organization, scope.Principal(), j, encoded, o, "")
	if err != nil {
		return nil, fmt.Errorf("enqueue %s: %w", j.Type, err)
	}
	return run, nil
}

// config returns the arguments of a run as they are stored.
func config(j *job, args any) (json.RawMessage, error) {
	encoded, err := encode(args)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: the arguments of %s cannot be stored: %w", content.ErrInvalid, j.Type, err)
	case encoded == nil:
		encoded = json.RawMessage("null")
	}
	return encoded, nil
}

// insert stores a run that was checked.
func (s *Service) insert(ctx context.Context, tx *database.Tx, organization, principal string, j *job, config json.RawMessage, o Options, replayOf string) (*Run, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	id, err := newID(o.ID)
	if err != nil {
		return nil, err
	}
	run := &Run{ID: id, OrganizationID: organization, Type: j.Type, Queue: j.Queue, Label: cleanText(cmp.Or(o.Label, j.Label), maxMessage), ResourceID: o.ResourceID,
		Status: Pending, Config: config, Priority: o.Priority, UniqueKey: o.UniqueKey, ParentID: o.Parent, GroupID: o.Group, AfterGroup: o.After,
		ReplayOf: replayOf, TraceID: cmp.Or(o.TraceID, traceOf(ctx), strings.ReplaceAll(id, "-", "")), MaxAttempts: o.MaxAttempts,
		CreatedBy: cleanText(principal, maxMessage), CreatedAt: s.now().UTC()}
	if !o.NotBefore.IsZero() {
		at := storable(o.NotBefore)
		run.NotBefore = &at
	}
	for range 3 { // what is in the way may be gone between two statements
		stored, err := s.store(ctx, tx, organization, run, j.Aliases, j.Resumable && !o.Transient)
		if err != nil {
			return nil, err
		}
		if stored {
			if run.Status == Pending && (run.NotBefore == nil || !run.NotBefore.After(s.now())) {
				s.dispatchAfter(ctx, tx, run)
			}
			return run, nil
		}
		if err := checkFamily(ctx, tx, organization, run); err != nil {
			return nil, err
		}
		var live record
		types, arg := anyOf(tx.Dialect(), "type", append([]string{j.Type}, j.Aliases...))
		err = live.scan(tx.QueryRow(ctx, "SELECT "+columns+" FROM runs WHERE organization_id = ? AND "+types+" AND live_key = ? AND live_key <> '' LIMIT 1", organization, arg, o.UniqueKey))
		if err == nil {
			live.Duplicate = true
			return &live.Run, nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: runs with the unique key %q begin and end too fast; try again", content.ErrBusy, o.UniqueKey)
}

// newID returns the id of a new run: the one given, or a new one.
func newID(given string) (string, error) {
	if given == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return "", fmt.Errorf("make an id: %w", err)
		}
		return id.String(), nil
	}
	if id, err := uuid.Parse(given); err != nil || id.String() != given || id.Version() != 7 {
		return "", fmt.Errorf("%w: the id %.100q of a run; use a UUIDv7, or none", content.ErrInvalid, given)
	}
	return given, nil
}

// store stores a run in one statement, which also looks at its parent and its
// groups. It returns false when one of these, or a live run with its unique key,
// also one under an earlier name of the type, is in the way.
func (s *Service) store(ctx context.Context, tx *database.Tx, organization string, run *Run, aliases []string, resumable bool) (bool, error) {
	d := tx.Dialect()
	f := familyOf(d, organization, run)
	args := slices.Concat(f.args, []any{run.ID, organization, run.Type, run.Queue, run.Label, run.ResourceID, string(run.Config), run.Priority, nullTime(d, run.NotBefore),
		run.UniqueKey, run.ParentID, run.GroupID, run.AfterGroup, run.ReplayOf, run.TraceID, run.MaxAttempts, run.CreatedBy,
		d.Time(run.CreatedAt), d.Bind(content.Bool, resumable)})
	if len(aliases) > 0 && run.UniqueKey != "" { // the index sees those of the same name
		types, arg := anyOf(d, "type", aliases)
		f.where += " AND NOT EXISTS (SELECT 1 FROM runs WHERE organization_id = ? AND " + types + " AND live_key = ? AND live_key <> '')"
		args = append(args, organization, arg, run.UniqueKey)
	}
	query := f.with + `INSERT INTO runs (id, organization_id, type, queue, label, resource_id, config, priority, not_before,
unique_key, parent_id, group_id, after_group, replay_of, trace_id, max_attempts, created_by, created_at, resumable, status, wait_reason)
SELECT ` + database.Placeholders(19) + ", " + f.status + " WHERE " + f.where + `
ON CONFLICT (organization_id, type, live_key) WHERE live_key <> '' DO NOTHING RETURNING status, wait_reason, `
	notified := "''"
	if d.Name() == database.Postgres { // tells other processes, after the commit, without a statement of its own
		notified = "pg_notify(?, ?)"
		args = append(args, channel, s.tidings(tidingsQueue, run.Queue))
	}
	err := tx.QueryRow(ctx, query+notified, args...).Scan(&run.Status, &run.WaitReason, new(any))
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

type inJob struct{}

// traceOf returns the trace id of the job in whose context something happens.
func traceOf(ctx context.Context) string {
	if t, ok := ctx.Value(inJob{}).(*Task); ok {
		return t.run.TraceID
	}
	return ""
}

// An outbox is the runs that one transaction has stored.
type outbox map[string][]string // ids by queue

// dispatchAfter sees to it that a run which can begin is dispatched when its
// transaction is committed. Of more than can be worked on soon, the first ones are;
// the others, and those of a queue of which this program knows nothing, are found in
// the table.
func (s *Service) dispatchAfter(ctx context.Context, tx *database.Tx, run *Run) {
	if s.queues[run.Queue] == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	box := s.outboxes[tx]
	if box == nil {
		box = outbox{}
		s.outboxes[tx] = box
		ctx := context.WithoutCancel(ctx)
		tx.AfterEnd(func(committed bool) {
			s.mu.Lock()
			delete(s.outboxes, tx)
			s.mu.Unlock()
			if committed {
				s.dispatch(ctx, box)
			}
		})
	}
	if len(box[run.Queue]) < ahead {
		box[run.Queue] = append(box[run.Queue], run.ID)
	}
}

// dispatch asks for runs to be worked on. After an error they still wait in the
// table and are found by the next sweep of a process that works.
func (s *Service) dispatch(ctx context.Context, box outbox) {
	for name, ids := range box {
		if s.queues[name].busy(len(ids)) {
			continue // the next run of the queue to end looks for them
		}
		if err := s.askFor(ctx, name, ids); err != nil {
			s.log.WarnContext(ctx, "runs wait for the next sweep", "queue", name, "runs", len(ids), "error", err)
		}
	}
}

// patience is how long a Runner may take to note which runs it is asked for. One that
// cannot reach its broker must hold up neither those who enqueue nor the sweep.
const patience = 5 * time.Second

// askFor asks the Runner for runs of a queue.
func (s *Service) askFor(ctx context.Context, queue string, ids []string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("the Runner did not answer in time"))
	defer cancel()
	return s.runner.Dispatch(ctx, queue, ids...)
}
