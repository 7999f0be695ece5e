package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// No statement over runs and their events becomes slow when there are many of them:
// each that a life of many turns uses goes by an index, to rows that are few.
func TestStatementsGoByIndexes(t *testing.T) {
	t.Parallel()
	for kind, slow := range map[string]func(t *testing.T, w *world, statement string) string{database.SQLite: slowOnSQLite, database.Postgres: slowOnPostgres} {
		t.Run(kind, func(t *testing.T) {
			var mu sync.Mutex
			statements := map[string]bool{}
			db, err := database.Open(t.Context(), databasetest.DSN(t, kind), database.Options{Fault: func(statement string) error {
				mu.Lock()
				defer mu.Unlock()
				statements[statement] = true
				return nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			w := newWorld(t, db)
			liveManyLives(w)
			mu.Lock()
			used := slices.Sorted(maps.Keys(statements))
			mu.Unlock()
			if kind == database.Postgres {
				makeMany(w)
			}
			concerns := regexp.MustCompile(`\b(runs|run_events|waiting_runs|working_runs)\b`)
			looked := 0
			for _, statement := range used {
				if !concerns.MatchString(statement) {
					continue
				}
				looked++
				if why := slow(t, w, statement); why != "" {
					t.Errorf("%s\n%s", statement, why)
				}
			}
			if looked < 35 {
				t.Errorf("%d statements were seen, want all of the package", looked)
			}
		})
	}
}

// Who asks for what is active does not wait for the history to be read.
func TestActiveRunsAreFoundInALongHistory(t *testing.T) {
	t.Parallel()
	var list string
	db, err := database.Open(t.Context(), databasetest.DSN(t, database.Postgres), database.Options{Fault: func(statement string) error {
		if strings.Contains(statement, "ORDER BY created_at DESC") {
			list = statement
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w := newWorld(t, db)
	w.Service = w.service(config{Jobs: []decl{{Type: "a", Handle: noop}}})
	id := w.submit("a")
	makeMany(w)
	w.exec("UPDATE runs SET created_at = created_at - interval '1 year' WHERE id = ?", id)
	page, err := w.List(t.Context(), w.acme, jobs.Query{Active: true})
	if err != nil || len(page.Runs) != 1 || page.Runs[0].ID != id {
		t.Fatalf("%+v, %v", page, err)
	}
	lines := databasetest.Lines(t, db, "EXPLAIN ANALYZE "+list, "acme", "pending", "parked", "running", 51)
	if plan := strings.Join(lines, "\n"); !strings.Contains(plan, "rows=1 ") || strings.Contains(plan, "Rows Removed by Filter") {
		t.Error(plan)
	}
}

// makeMany stores runs that ended, with events, for the planner of Postgres to count.
func makeMany(w *world) {
	w.exec(`INSERT INTO runs (id, organization_id, type, queue, label, status, config, created_by, created_at, finished_at, resumable)
SELECT 'run ' || n, 'acme', 'a', 'q', 'a run', 'completed', '{}', 'alice', now() - n * interval '1 minute', now() - n * interval '1 minute', false FROM generate_series(1, ?) AS n`, 30_000)
	w.exec(`INSERT INTO run_events (organization_id, run_id, at, level, type, message)
SELECT 'acme', 'run ' || n % 30000, now(), 'info', 'progress', 'this is how far it is' FROM generate_series(1, ?) AS n`, 100_000)
	w.exec("SELECT brin_summarize_new_values(?)", "run_events_by_id")
	w.exec("ANALYZE")
}

// slowOnPostgres asks for the plan that serves any values.
func slowOnPostgres(t *testing.T, w *world, statement string) string {
	const dear = 1200 // of the planner's units; reading all runs or all events takes more than twice that
	var text string
	w.write(func(ctx context.Context, tx *database.Tx) error {
		if err := tx.Run(ctx, "PREPARE looked_at AS "+sqlx.Rebind(sqlx.DOLLAR, statement)+"; SET LOCAL plan_cache_mode = force_generic_plan"); err != nil {
			return err
		}
		nulls := strings.TrimSuffix(strings.Repeat("NULL, ", strings.Count(statement, "?")), ", ")
		if nulls != "" {
			nulls = "(" + nulls + ")"
		}
		return errors.Join(tx.QueryRow(ctx, "EXPLAIN (FORMAT JSON) EXECUTE looked_at"+nulls).Scan(&text), tx.Run(ctx, "DEALLOCATE looked_at"))
	})
	var plans []struct{ Plan plan }
	if err := json.Unmarshal([]byte(text), &plans); err != nil {
		t.Fatal(err)
	}
	if cost := plans[0].Plan.Cost; cost > dear || plans[0].Plan.reads("runs", "run_events") {
		return fmt.Sprintf("costs %.0f: %s", cost, text)
	}
	return ""
}

type plan struct {
	Node  string  `json:"Node Type"`
	Table string  `json:"Relation Name"`
	Cost  float64 `json:"Total Cost"`
	Plans []plan
}

// reads reports whether a plan reads one of some tables from its beginning to its end.
func (p plan) reads(tables ...string) bool {
	return p.Node == "Seq Scan" && slices.Contains(tables, p.Table) || slices.ContainsFunc(p.Plans, func(p plan) bool { return p.reads(tables...) })
}

// slowOnSQLite looks for scans without an index, and for lists that are sorted
// before they are cut.
func slowOnSQLite(t *testing.T, w *world, statement string) string {
	var plan strings.Builder
	w.write(func(ctx context.Context, tx *database.Tx) error {
		plan.Reset()
		rows, err := tx.Query(ctx, "EXPLAIN QUERY PLAN "+statement, make([]any, strings.Count(statement, "?"))...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				return err
			}
			plan.WriteString(detail + "\n")
		}
		return rows.Err()
	})
	if text := plan.String(); regexp.MustCompile(`(?m)^SCAN (runs|run_events|r|e)$`).MatchString(text) || strings.Contains(text, "TEMP B-TREE FOR ORDER BY") && strings.Contains(statement, "LIMIT") {
		return text
	}
	return ""
}

// liveManyLives makes runs wait, work, be parked, fail, be tried again and replayed,
// cancelled, lost, followed, listed and removed.
func liveManyLives(w *world) {
	began := make(chan *jobs.Task, 8)
	tries := map[string]int{}
	var mu sync.Mutex
	s := w.service(config{Queues: []jobs.Queue{{Name: "q"}, {Name: "narrow", Concurrency: 1}, {Name: jobs.QueueMaintenance}}, Jobs: []decl{
		{Type: "a", Handle: func(ctx context.Context, task *jobs.Task) (any, error) {
			task.Debug("x", "looks for a cause", nil)
			return nil, task.Commit(ctx, func(context.Context, *database.Tx) error { task.SetCheckpoint(1); return nil })
		}},
		{Type: "chosen", Queue: "narrow", Accept: func(jobs.Run) bool { return true }, Handle: noop},
		{Type: "slow", Resumable: true, Handle: untilDone(began)},
		{Type: "parks", Resumable: true, Handle: func(_ context.Context, task *jobs.Task) (any, error) {
			mu.Lock()
			defer mu.Unlock()
			if tries[task.Run().ID]++; tries[task.Run().ID] == 1 {
				return nil, jobs.Park(time.Now(), "a quota")
			}
			return nil, nil
		}},
		{Type: "fails", Handle: func(context.Context, *jobs.Task) (any, error) { return nil, jobs.Permanent(context.DeadlineExceeded) }},
	}})
	w.Service = s
	maintenance := jobs.RegisterMaintenance(s, jobs.Maintenance{KeepRuns: time.Nanosecond, KeepEvents: time.Nanosecond})
	lost, unconsumed := w.submit("slow"), w.submit("chosen")
	w.orphan(lost, 1)
	if text := w.why(unconsumed).Text; text == "" {
		w.t.Error("it does not tell why it waits")
	}
	w.start(s)
	<-began
	must := func(err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	must(s.Cancel(w.t.Context(), w.acme, lost, ""))
	w.wait(lost, jobs.Cancelled)
	w.wait(unconsumed, jobs.Completed)
	w.wait(w.submit("parks"), jobs.Completed)

	var group jobs.Group
	var all []*jobs.Run
	w.write(func(ctx context.Context, tx *database.Tx) (err error) {
		all = nil
		if group, err = s.NewGroup(ctx, tx, w.acme, "together"); err != nil {
			return err
		}
		for _, n := range []newRun{
			{Type: "slow", Options: jobs.Options{UniqueKey: "k"}}, {Type: "slow", Options: jobs.Options{UniqueKey: "k"}},
			{Type: "a", Options: jobs.Options{Group: group.ID}}, {Type: "a", Options: jobs.Options{After: group.ID}},
		} {
			run, err := w.Enqueue(ctx, tx, w.acme, n)
			if err != nil {
				return err
			}
			all = append(all, run)
		}
		run, err := w.Enqueue(ctx, tx, w.acme, newRun{Type: "chosen", Options: jobs.Options{Parent: all[0].ID, NotBefore: time.Now().Add(time.Hour)}})
		all = append(all, run)
		return errors.Join(err, s.SealGroup(ctx, tx, w.acme, group.ID))
	})
	w.wait(all[3].ID, jobs.Completed)
	if _, err := s.Group(w.t.Context(), w.acme, group.ID); err != nil {
		w.t.Fatal(err)
	}
	must(s.Cancel(w.t.Context(), w.acme, all[0].ID, "")) // and its child
	w.wait(all[4].ID, jobs.Cancelled)
	failed := w.submit("fails")
	w.wait(failed, jobs.Failed)
	_, err := s.Replay(w.t.Context(), w.acme, failed)
	must(err)

	for _, q := range []jobs.Query{{}, {Active: true, Types: []string{"a"}}, {DeadOnly: true}, {Parent: all[0].ID}, {Group: group.ID}, {Queues: []string{"q"}, CreatedBy: "alice", Since: time.Now(), Until: time.Now()}} {
		_, err := s.List(w.t.Context(), w.acme, q)
		must(err)
	}
	_, err = s.Health(w.t.Context())
	must(err)
	for _, run := range []string{"", all[2].ID} {
		after := int64(0)
		for range 2 {
			for e, err := range s.Subscribe(deadline(w.t), w.acme, jobs.Subscription{RunID: run, After: after}) {
				must(err)
				after = e.ID
				break
			}
		}
		ended, cancel := context.WithCancel(w.t.Context())
		cancel()
		for _, err := range s.Subscribe(ended, w.acme, jobs.Subscription{RunID: run, After: jobs.Newest}) {
			if !errors.Is(err, context.Canceled) {
				must(err)
			}
		}
	}
	run, err := maintenance.Submit(w.t.Context(), w.acme, struct{}{}, jobs.Options{})
	must(err)
	w.wait(run.ID, jobs.Completed)
	must(s.Stop(deadline(w.t)))
}
