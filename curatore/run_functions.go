package curatore

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/invopop/jsonschema"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/functions"
)

// A runSummary is a run as a function shows it: without its settings, which may
// be nobody's business.
type runSummary struct {
	ID         string     `json:"id"`
	Type       string     `json:"type"`
	Label      string     `json:"label,omitempty"`
	Status     string     `json:"status"`
	Phase      string     `json:"phase,omitempty"`
	Done       int64      `json:"done"`
	Total      int64      `json:"total"`
	Error      string     `json:"error,omitempty"`
	CreatedBy  string     `json:"created_by"`
	CreatedAt  time.Time  `json:"created_at"`
	StartedAt  *time.Time `json:"started_at,omitempty"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
}

func summarizeRun(r jobs.Run) runSummary {
	return runSummary{ID: r.ID, Type: r.Type, Label: r.Label, Status: string(r.Status), Phase: r.Phase, Done: r.Done, Total: r.Total, Error: r.Error,
		CreatedBy: r.CreatedBy, CreatedAt: r.CreatedAt, StartedAt: r.StartedAt, FinishedAt: r.FinishedAt}
}

type runDetail struct {
	runSummary
	Result functions.Object `json:"result,omitempty" jsonschema_description:"What it came to, such as counts by stream"`
	Events []runEvent       `json:"events" jsonschema_description:"The last ones, the oldest first"`
}

type runEvent struct {
	At      time.Time `json:"at"`
	Level   string    `json:"level"`
	Message string    `json:"message"`
}

type runList struct {
	Runs []runSummary `json:"runs" jsonschema_description:"The newest first"`

	fetch func(ctx context.Context, limit int) error
}

func (l *runList) Len() int { return len(l.Runs) }

func (l *runList) Shorten(ctx context.Context, _ *functions.Call, n int) error {
	return l.fetch(ctx, n)
}

// The numbers of runs and events that functions return.
const (
	runsShown   = 20
	mostRuns    = 100
	eventsShown = 20
)

// runFunctions are those that look at runs and start them.
func (c *Curator) runFunctions() []*functions.Function {
	all := []*functions.Function{c.getRun(), c.listRuns()}
	if names := c.unattended(); len(names) > 0 {
		all = append(all, c.startImport(names))
	}
	return all
}

func (c *Curator) getRun() *functions.Function {
	return functions.Define(functions.Spec{
		Name:        "get_run",
		Description: "Shows one run, such as an import: where it stands, what it came to, and its last events.",
		Category:    "runs",
		Tags:        []string{"runs"},
	}, func(ctx context.Context, call *functions.Call, in struct {
		ID string `json:"id" jsonschema:"minLength=1,maxLength=200" jsonschema_description:"From list_runs or start_import"`
	}) (runDetail, error) {
		run, err := c.jobs.Get(ctx, call.Scope(), in.ID)
		if err != nil {
			return runDetail{}, err
		}
		detail := runDetail{runSummary: summarizeRun(run)}
		if len(run.Result) > 0 {
			_ = json.Unmarshal(run.Result, &detail.Result) // a result that is no object is not shown
		}
		events, err := c.lastEvents(ctx, call.Scope(), run.ID)
		if err != nil {
			return runDetail{}, err
		}
		for _, e := range events {
			detail.Events = append(detail.Events, runEvent{e.At, string(e.Level), e.Message})
		}
		call.SetSource("runs")
		call.SetMessage("%s is %s", cmp.Or(run.Label, run.Type), run.Status)
		return detail, nil
	})
}

// lastEvents returns the last events of a run.
func (c *Curator) lastEvents(ctx context.Context, scope content.Scope, id string) (last []jobs.Event, err error) {
	after := int64(0)
	for {
		events, err := c.jobs.Events(ctx, scope, id, after, 1000)
		if err != nil {
			return nil, err
		}
		last = append(last, events...)
		last = last[max(0, len(last)-eventsShown):]
		if len(events) < 1000 {
			return last, nil
		}
		after = events[len(events)-1].ID
	}
}

func (c *Curator) listRuns() *functions.Function {
	return functions.Define(functions.Spec{
		Name:        "list_runs",
		Description: "Lists runs, such as imports, the newest first: what is going on, what was done, what failed.",
		Category:    "runs",
		Tags:        []string{"runs"},
		Defaults:    map[string]any{"limit": runsShown},
		Input: func(s *jsonschema.Schema) {
			statuses, _ := s.Properties.Get("statuses")
			for _, status := range jobs.Statuses() {
				statuses.Items.Enum = append(statuses.Items.Enum, string(status))
			}
			types, _ := s.Properties.Get("types")
			for _, job := range c.jobs.Jobs() {
				types.Items.Enum = append(types.Items.Enum, job.Type)
			}
		},
	}, func(ctx context.Context, call *functions.Call, in struct {
		Types    []string `json:"types,omitempty" jsonschema:"uniqueItems=true"`
		Statuses []string `json:"statuses,omitempty" jsonschema:"uniqueItems=true"`
		Limit    int      `json:"limit,omitempty" jsonschema:"minimum=1" jsonschema_description:"At most 100; a higher number is lowered to 100"`
		Cursor   string   `json:"cursor,omitempty" jsonschema:"maxLength=1000" jsonschema_description:"next_cursor of the previous result, with otherwise unchanged arguments"`
	}) (*runList, error) {
		q := jobs.Query{Types: in.Types, Cursor: in.Cursor}
		for _, status := range in.Statuses {
			q.Statuses = append(q.Statuses, jobs.Status(status))
		}
		if in.Limit > mostRuns {
			call.Note("limit %d was lowered to %d, the most at a time; go on with next_cursor", in.Limit, mostRuns)
		}
		call.SetSource("runs")
		list := &runList{}
		list.fetch = func(ctx context.Context, limit int) error {
			q.Limit = limit
			page, err := c.jobs.List(ctx, call.Scope(), q)
			if err != nil {
				return err
			}
			list.Runs = nil
			for _, run := range page.Runs {
				list.Runs = append(list.Runs, summarizeRun(run))
			}
			call.SetNext(page.Next)
			call.SetMessage("Found %d runs", len(list.Runs))
			return nil
		}
		return list, list.fetch(ctx, min(in.Limit, mostRuns))
	})
}

// unattended returns the connections whose imports may do without files.
func (c *Curator) unattended() (names []any) {
	for _, conn := range c.order {
		if !conn.FilesOnly() {
			names = append(names, conn.Name())
		}
	}
	return names
}

type startInput struct {
	Connection string `json:"connection"`
	Instance   string `json:"instance,omitempty" jsonschema:"maxLength=200" jsonschema_description:"Where the connection has several"`
}

func (c *Curator) startImport(names []any) *functions.Function {
	var needs []string
	for _, conn := range c.order {
		if slices.Contains(names, any(conn.Name())) {
			for _, t := range conn.Types() {
				needs = append(needs, t.Name())
			}
		}
	}
	slices.Sort(needs)
	return functions.Define(functions.Spec{
		Name:        "start_import",
		Description: "Starts an import of a connection that fetches its records itself, and returns its run at once; get_run tells how it goes. An import changes records, and may delete those that are gone in the source.",
		Category:    "runs",
		Tags:        []string{"runs", "import"},
		Needs:       slices.Compact(needs),
		Effect:      functions.Writes,
		Input: func(s *jsonschema.Schema) {
			connection, _ := s.Properties.Get("connection")
			connection.Enum = names
		},
		Check: c.canStart,
	}, func(ctx context.Context, call *functions.Call, in startInput) (runSummary, error) {
		var run *jobs.Run
		err := call.Write(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
			config := importConfig{Options: connectors.Options{Instance: in.Instance}}
			run, err = c.importRuns[in.Connection].Enqueue(ctx, tx, call.Scope(), config, jobs.Options{Label: "started by " + call.Scope().Principal()})
			return err
		})
		if err != nil {
			return runSummary{}, fmt.Errorf("import %s: %w", in.Connection, err)
		}
		call.SetSource("runs")
		call.SetMessage("Started the import of %s", in.Connection)
		return summarizeRun(*run), nil
	})
}

// canStart refuses an import that could not begin: of a connection that is
// switched off, of one that lacks files, or with settings that are wrong.
func (c *Curator) canStart(ctx context.Context, call *functions.Call) error {
	var in startInput
	if err := call.Decode(&in); err != nil {
		return err
	}
	off, err := c.off(call.Scope())
	if err != nil {
		return err
	}
	if off.Connections[in.Connection] {
		return functions.Errorf(functions.CodeDisabled, "The connection %s is switched off for this organization.", in.Connection)
	}
	options, err := c.settled(ctx, call.Scope(), in.Connection, connectors.Options{Instance: in.Instance})
	if err != nil {
		return err
	}
	if err := c.connections[in.Connection].Unattended(options.Settings); err != nil {
		return &functions.Error{Code: functions.CodeInvalid, Cause: err, Message: fmt.Sprintf("An import of %s cannot begin: %v.", in.Connection, err),
			Hint: "This function is for connections that fetch their records themselves. A person has to give the files to the program, or to mend the settings of the connection."}
	}
	return nil
}
