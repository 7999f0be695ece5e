package functions_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/functions"
)

type note struct {
	Text   string `json:"text"`
	Secret string `json:"secret,omitempty"`
}

// A board is where notes are written; its functions write.
type board struct {
	mu    sync.Mutex
	notes []string
	fail  error
}

func (b *board) write(text string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return b.fail
	}
	b.notes = append(b.notes, text)
	return nil
}

func (b *board) functions() []*functions.Function {
	return []*functions.Function{
		functions.Define(functions.Spec{Name: "write_note", Description: "Writes.", Effect: functions.Writes, Additive: true, Sensitive: []string{"secret"}},
			func(_ context.Context, call *functions.Call, in note) (note, error) {
				call.SetMessage("written")
				return in, b.write(in.Text)
			}),
		functions.Define(functions.Spec{Name: "mark", Description: "Marks.", Effect: functions.Writes, Unconfirmed: true},
			func(_ context.Context, _ *functions.Call, in note) (note, error) { return in, b.write(in.Text) }),
	}
}

// confirmation returns what an agent's call asks a person.
func confirmation(t *testing.T, err error) *functions.Confirmation {
	t.Helper()
	e := failure(t, err)
	if e.Code != functions.CodeConfirmation || e.Confirmation == nil {
		t.Fatalf("got %v, want a confirmation", err)
	}
	raw, _ := json.Marshal(e)
	if text := string(raw) + e.Error(); strings.Contains(text, e.Confirmation.Token) {
		t.Fatalf("the model reads the token: %s", text)
	}
	return e.Confirmation
}

// ledgers runs a test with confirmations in memory and in both databases. The
// clock can be set.
func ledgers(t *testing.T, test func(t *testing.T, config functions.Config, mint func(org, principal string) content.Scope, now *time.Time)) {
	start := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	t.Run("memory", func(t *testing.T) {
		now := start
		test(t, functions.Config{Now: func() time.Time { return now }}, authority.Mint, &now)
	})
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		now := start
		clock := func() time.Time { return now }
		insertOrganizations(t, db, "org-1", "org-2")
		test(t, functions.Config{Now: clock, Ledger: &functions.Ledger{DB: db, Authority: authority, Now: clock}}, authority.Mint, &now)
	})
}

func insertOrganizations(t *testing.T, db *database.DB, ids ...string) {
	t.Helper()
	err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		for _, id := range ids {
			if _, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?)", id, id, tx.Dialect().Time(time.Now())); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// An agent's call that writes runs after a person has confirmed it, once, and
// only as it was confirmed.
func TestConfirmation(t *testing.T) {
	ledgers(t, func(t *testing.T, config functions.Config, mint func(string, string) content.Scope, now *time.Time) {
		b := &board{}
		e := engine(t, config, b.functions()...)
		agent := e.Bind(mint("org-1", "me")).Agent()
		ask := func() *functions.Confirmation {
			_, err := agent.Call(t.Context(), "write_note", []byte(`{"text":"hello"}`))
			return confirmation(t, err)
		}
		asked := ask()
		if asked.Function != "write_note" || string(asked.Arguments) != `{"text":"hello"}` || !asked.Expires.Equal(now.Add(10*time.Minute)) || !strings.Contains(asked.String(), "hello") {
			t.Errorf("asked %+v", asked)
		}
		request := functions.Request{Name: "write_note", Arguments: []byte(`{"text": "hello"}`), Confirmation: asked.Token}
		for name, c := range map[string]struct {
			bound  functions.Bound
			change func(*functions.Request)
		}{
			"other arguments":    {agent, func(r *functions.Request) { r.Arguments = []byte(`{"text":"bye"}`) }},
			"another token":      {agent, func(r *functions.Request) { r.Confirmation = "x" + r.Confirmation }},
			"another principal":  {e.Bind(mint("org-1", "you")).Agent(), func(*functions.Request) {}},
			"other organization": {e.Bind(mint("org-2", "me")).Agent(), func(*functions.Request) {}},
		} {
			changed := request
			c.change(&changed)
			if _, err := c.bound.Do(t.Context(), changed); failure(t, err).Code != functions.CodeForbidden {
				t.Errorf("%s: %v", name, err)
			}
		}
		if b.notes != nil {
			t.Fatalf("written without confirmation: %v", b.notes)
		}
		if _, err := agent.Do(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		if _, err := agent.Do(t.Context(), request); failure(t, err).Code != functions.CodeForbidden {
			t.Errorf("a second time: %v", err)
		}
		request.Confirmation = ask().Token
		*now = now.Add(11 * time.Minute)
		if _, err := agent.Do(t.Context(), request); failure(t, err).Code != functions.CodeForbidden {
			t.Errorf("too late: %v", err)
		}
		if diff := cmp.Diff([]string{"hello"}, b.notes); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, c := range []struct {
			bound functions.Bound
			name  string
		}{{agent, "mark"}, {e.Bind(mint("org-1", "me")), "write_note"}} {
			if _, err := c.bound.Call(t.Context(), c.name, []byte(`{"text":"free"}`)); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	})
}

// A person sees what is there, also what is made to be overlooked.
func TestConfirmationsShowWhatIsHidden(t *testing.T) {
	agent := engine(t, functions.Config{}, (&board{}).functions()...).Bind(scope).Agent()
	_, err := agent.Call(t.Context(), "write_note", []byte(`{"text":"keep \u202edda\u202c a\u200bb\u009b2J 東 👍 \ud83d\udc4d\ufe0f\udb40\udc41 café"}`))
	want := `write_note {"text":"keep \u202edda\u202c a\u200bb\u009b2J 東 👍 👍\ufe0f\udb40\udc41 café"}`
	if got := confirmation(t, err).String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestMemoryOfConfirmationsIsBounded(t *testing.T) {
	b := &board{}
	agent := engine(t, functions.Config{}, b.functions()...).Bind(scope).Agent()
	_, err := agent.Call(t.Context(), "write_note", []byte(`{"text":"first"}`))
	first := confirmation(t, err)
	for range 1000 {
		_, err = agent.Call(t.Context(), "write_note", []byte(`{"text":"again"}`))
	}
	last := confirmation(t, err)
	if _, err := agent.Do(t.Context(), functions.Request{Name: first.Function, Arguments: first.Arguments, Confirmation: first.Token}); failure(t, err).Code != functions.CodeForbidden {
		t.Errorf("the oldest: %v", err)
	}
	if _, err := agent.Do(t.Context(), functions.Request{Name: last.Function, Arguments: last.Arguments, Confirmation: last.Token}); err != nil {
		t.Error(err)
	}
}

func TestIdempotencyKeys(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
		clock := func() time.Time { return now }
		insertOrganizations(t, db, "org-1", "org-2")
		b := &board{}
		e := engine(t, functions.Config{Ledger: &functions.Ledger{DB: db, Authority: authority, Now: clock}}, b.functions()...)
		me := e.Bind(scope)
		do := func(fns functions.Bound, key, text string) (*functions.Result, error) {
			return fns.Do(t.Context(), functions.Request{Name: "write_note", Arguments: []byte(`{"text":"` + text + `"}`), IdempotencyKey: key})
		}
		first, err := do(me, "k1", "one")
		if err != nil {
			t.Fatal(err)
		}
		again, err := do(me, "k1", "one")
		if err != nil || len(again.Metadata.Notes) != 1 {
			t.Fatal(again, err)
		}
		if diff := cmp.Diff(first, again, cmpopts.IgnoreFields(functions.Metadata{}, "Notes")); diff != "" {
			t.Errorf("the repeated result differs (-first +again):\n%s", diff)
		}
		if _, err := do(me, "k1", "two"); failure(t, err).Code != functions.CodeConflict {
			t.Errorf("the key of another call: %v", err)
		}
		for _, other := range []content.Scope{authority.Mint("org-1", "someone else"), authority.Mint("org-2", "tester")} {
			if _, err := do(e.Bind(other), "k1", "theirs"); err != nil {
				t.Errorf("the key of another principal: %v", err)
			}
		}
		b.fail = content.ErrBusy
		if _, err := do(me, "k2", "later"); failure(t, err).Code != functions.CodeBusy {
			t.Errorf("got %v", err)
		}
		b.fail = nil
		if _, err := do(me, "k2", "later"); err != nil {
			t.Errorf("after a failure the key is free: %v", err)
		}
		if _, err := do(me, "k4", `![x](https://e.example/)`); err != nil {
			t.Error(err)
		}
		for name, want := range map[string]string{"agent": `"[image: x]"`, "program": "![x]"} {
			fns := me
			if name == "agent" {
				fns = me.Agent()
			}
			result, err := do(fns, "k4", `![x](https://e.example/)`)
			if err != nil || !strings.Contains(string(result.Data), want) {
				t.Errorf("%s: %v, %v", name, result, err)
			}
		}
		now = now.Add(25 * time.Hour)
		if _, err := do(me, "k1", "next day"); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{"one", "theirs", "theirs", "later", "![x](https://e.example/)", "next day"}, b.notes); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, key := range []string{strings.Repeat("x", 201), "\x00", "\xff"} {
			if _, err := do(me, key, "x"); failure(t, err).Code != functions.CodeInvalid {
				t.Errorf("key %.10q: %v", key, err)
			}
		}
		outcomes := me.DoAll(t.Context(), 4, repeat(functions.Request{Name: "write_note", Arguments: []byte(`{"text":"at once"}`), IdempotencyKey: "k3"}, 8)...)
		for _, o := range outcomes {
			if o.Err != nil && failure(t, o.Err).Code != functions.CodeConflict {
				t.Error(o.Err)
			}
		}
		if n := strings.Count(strings.Join(b.notes, " "), "at once"); n != 1 {
			t.Errorf("written %d times", n)
		}
	})
	_, err := engine(t, functions.Config{}, (&board{}).functions()...).Bind(scope).Do(t.Context(), functions.Request{Name: "mark", Arguments: []byte(`{"text":"x"}`), IdempotencyKey: "k"})
	if failure(t, err).Code != functions.CodeDisabled {
		t.Errorf("without a ledger: %v", err)
	}
}

func repeat(r functions.Request, n int) (all []functions.Request) {
	for range n {
		all = append(all, r)
	}
	return all
}

func TestAudit(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		insertOrganizations(t, db, "org-1", "org-2")
		clock := func() time.Time { return time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC) }
		ledger := &functions.Ledger{DB: db, Authority: authority, Now: clock}
		b := &board{}
		insert := functions.Define(functions.Spec{Name: "insert", Description: "d", Effect: functions.Writes},
			func(ctx context.Context, call *functions.Call, in note) (note, error) {
				return in, call.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
					if _, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?)", in.Text, in.Text, tx.Dialect().Time(clock())); err != nil {
						return err
					}
					if in.Secret == "fail" {
						return content.ErrConflict
					}
					return nil
				})
			})
		reads := functions.Define(functions.Spec{Name: "reads", Description: "d"}, func(ctx context.Context, call *functions.Call, in note) (note, error) {
			return in, call.Write(ctx, func(context.Context, *database.Tx) error { return nil })
		})
		e := engine(t, functions.Config{Ledger: ledger}, append(b.functions(), insert, reads)...)
		call := func(fns functions.Bound, name, args, token string) error {
			_, err := fns.Do(t.Context(), functions.Request{Name: name, Arguments: []byte(args), Confirmation: token})
			return err
		}
		me, agent := e.Bind(scope), e.Bind(scope).Agent()
		asked := confirmation(t, call(agent, "write_note", `{"text":"a","secret":"s3cret"}`, ""))
		for _, err := range []error{
			call(agent, "write_note", `{"text":"a","secret":"s3cret"}`, asked.Token),
			call(me, "insert", `{"text":"org-3"}`, ""),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := call(me, "insert", `{"text":"org-4","secret":"fail"}`, ""); failure(t, err).Code != functions.CodeConflict {
			t.Errorf("got %v", err)
		}
		if err := call(me, "reads", `{"text":"x"}`, ""); failure(t, err).Code != functions.CodeInternal {
			t.Errorf("a reading function wrote: %v", err)
		}
		b.fail = errors.New("secret cause")
		if err := call(me, "mark", `{"text":"\u0000`+`"}`, ""); failure(t, err).Code != functions.CodeInvalid {
			t.Errorf("got %v", err)
		}
		if err := call(me, "mark", `{"text":"`+strings.Repeat("x", 20_000)+`"}`, ""); failure(t, err).Code != functions.CodeInternal {
			t.Errorf("got %v", err)
		}
		entries, err := ledger.Entries(t.Context(), scope, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, entry := range entries {
			if !entry.At.Equal(clock()) || entry.Principal != "tester" {
				t.Errorf("entry %+v", entry)
			}
			confirmed := ""
			if entry.Confirmed {
				confirmed = " confirmed"
			}
			args := strings.ReplaceAll(string(entry.Arguments), `": "`, `":"`)
			got = append(got, entry.Caller+" "+entry.Function+" "+entry.Outcome+confirmed+" "+strings.ReplaceAll(strings.ReplaceAll(args, `", "`, `","`), ": 2", ":2"))
		}
		want := []string{
			`program mark internal {"bytes":20011}`,
			`program insert conflict {"text":"org-4","secret":"fail"}`,
			`program insert done {"text":"org-3"}`,
			`agent write_note done confirmed {"text":"a","secret":"[redacted]"}`,
		}
		for i := range got { // JSONB and encoding/json sort names differently
			got[i] = strings.Replace(got[i], `{"secret":"fail","text":"org-4"}`, `{"text":"org-4","secret":"fail"}`, 1)
			got[i] = strings.Replace(got[i], `{"secret":"[redacted]","text":"a"}`, `{"text":"a","secret":"[redacted]"}`, 1)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if older, err := ledger.Entries(t.Context(), scope, entries[2].ID, 5); err != nil || len(older) != 1 || older[0].ID != entries[3].ID {
			t.Errorf("older: %v, %v", older, err)
		}
		if theirs, err := ledger.Entries(t.Context(), authority.Mint("org-2", "tester"), "", 0); err != nil || len(theirs) != 0 {
			t.Errorf("another organization sees %v, %v", theirs, err)
		}
		for _, statement := range []string{"UPDATE audit_entries SET principal = 'x' WHERE id <> ?", "DELETE FROM audit_entries WHERE id <> ?"} {
			err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				_, err := tx.Exec(ctx, statement, "")
				return err
			})
			if err == nil || !strings.Contains(err.Error(), "audit") {
				t.Errorf("%s: %v", statement, err)
			}
		}
		err = db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.Exec(ctx, "DELETE FROM organizations WHERE id = ?", "org-1")
			return err
		})
		if err != nil {
			t.Errorf("the organization cannot go: %v", err)
		}
	})
}
