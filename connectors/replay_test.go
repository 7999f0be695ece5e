package connectors_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// readCustomer reads {"key":…,"name":…,"about":…}. Names must begin with a
// letter of the word, and about must not contain it, unless it is empty.
func readCustomer(word, raw string) connectors.Record {
	var v struct {
		Key, Name, About, Above string
		Gone                    bool
	}
	if err := json.Unmarshal([]byte(raw), &v); err != nil {
		return connectors.Record{Err: err, Raw: []byte(raw)}
	}
	if v.Name == "panic" {
		panic("cannot read this")
	}
	c := &customer{Record: content.Record{Raw: []byte(raw)}, Key: v.Key, Name: v.Name}
	if word != "" && !strings.Contains(word, v.Name[:1]) {
		return connectors.Record{Key: v.Key, Err: fmt.Errorf("bad name %q", v.Name), Raw: []byte(raw)}
	}
	r := connectors.Record{Row: c, Deleted: v.Gone}
	if v.Above != "" {
		c.AboveKey = &v.Above
	}
	switch {
	case v.About == "":
	case word != "" && strings.Contains(v.About, word):
		r.Values = append(r.Values, connectors.BadValue{Column: "About", Value: v.About, Err: errors.New("bad text")})
	default:
		c.About = &v.About
	}
	return r
}

// newReplayShop is a shop whose records are JSON.
func newReplayShop(t *testing.T, kind string, change ...func(*connectors.Spec[settings])) *shop {
	t.Helper()
	return newShop(t, kind, content.Orphan, append([]func(*connectors.Spec[settings]){func(spec *connectors.Spec[settings]) {
		spec.Replay = func(_ context.Context, in connectors.Input[settings]) (func(context.Context, connectors.Payload) connectors.Record, error) {
			if in.Settings.Word == "refuse" {
				return nil, errors.New("refused")
			}
			return func(_ context.Context, p connectors.Payload) connectors.Record {
				if len(p.Raw) == 0 {
					return connectors.Record{}
				}
				if in.Settings.Word == "order" {
					return connectors.Record{Row: &order{Key: "1"}}
				}
				return readCustomer(in.Settings.Word, string(p.Raw))
			}, nil
		}
	}}, change...)...)
}

func (s *shop) replay(options connectors.Options) (*connectors.Result, error) {
	s.t.Helper()
	task := s.task()
	result, err := s.engine.Replay(context.Background(), task, s.conn, options)
	status := jobs.Completed
	if err != nil {
		status = jobs.Failed
	}
	task.End(status)
	for name, c := range result.Streams {
		if c.Seen != c.Created+c.Updated+c.Unchanged+c.Duplicates+c.Failed {
			s.t.Errorf("%s: the counts do not add up to seen: %+v", name, *c)
		}
	}
	return result, err
}

func (s *shop) open() []string {
	return s.texts("SELECT key, scope, column_name FROM import_failures WHERE replayed_at IS NULL ORDER BY key, scope, column_name")
}

func TestReplay(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newReplayShop(t, kind)
		give := func(word string, list ...string) connectors.Stream {
			var records []connectors.Record
			for _, raw := range list {
				records = append(records, readCustomer(word, raw))
			}
			return s.stream("customer", true, records...)
		}
		s.must(connectors.Options{}, give("A", `{"Key":"1","Name":"Acme","About":"with A in it"}`, `{"Key":"2","Name":"Bolt","Above":"1"}`, `{"Key":"3","Name":"Coyote"}`,
			`{"Key":"4","Name":"Ant","About":"also A"}`, `{"Key":"5","Name":"Dingo","Gone":true}`))
		if diff := cmp.Diff([]string{"1 | field | About", "2 | record | ", "3 | record | ", "4 | field | About", "5 | record | "}, s.open()); diff != "" {
			t.Fatal(diff)
		}

		// With the same settings nothing succeeds and nothing changes.
		before := s.texts("SELECT id, name, about, updated_at FROM customers ORDER BY id")
		result, err := s.replay(connectors.Options{Settings: json.RawMessage(`{"word":"A"}`)})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&connectors.Counts{Seen: 5, Unchanged: 2, Failed: 3, BadValues: 2}, result.Streams["customer"]); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(before, s.texts("SELECT id, name, about, updated_at FROM customers ORDER BY id")); diff != "" {
			t.Error(diff)
		}
		if n := len(s.open()); n != 5 || len(result.Failures) != 5 {
			t.Errorf("%d are open, listed %v", n, result.Failures)
		}

		// Settings that let one more pass.
		result, err = s.replay(connectors.Options{Settings: json.RawMessage(`{"word":"AB"}`)})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&connectors.Counts{Seen: 5, Created: 1, Updated: 2, Failed: 2, Indexed: 3}, result.Streams["customer"]); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"3 | record | ", "5 | record | "}, s.open()); diff != "" {
			t.Error(diff)
		}
		// It is linked and found; what was left out is there.
		if diff := cmp.Diff([]string{"2 | 1 | Acme"}, s.linked()); diff != "" {
			t.Error(diff)
		}
		if got := s.found("bolt"); !slices.Equal(got, []string{"Bolt"}) {
			t.Errorf("found %v", got)
		}
		if got := s.found("also"); !slices.Equal(got, []string{"Ant"}) {
			t.Errorf("found %v", got)
		}

		// Nothing is deleted, whatever the payload says.
		result, err = s.replay(connectors.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&connectors.Counts{Seen: 2, Created: 1, Failed: 1, Indexed: 1}, result.Streams["customer"]); diff != "" {
			t.Error(diff)
		}
		if len(result.Failures) != 1 || !strings.Contains(result.Failures[0].Reason, "a replay deletes nothing") {
			t.Errorf("listed %v", result.Failures)
		}
		if diff := cmp.Diff([]string{"1", "2", "3", "4"}, s.stored()); diff != "" {
			t.Error(diff)
		}
		// A second replay has nothing left to do.
		if result, err = s.replay(connectors.Options{}); err != nil || result.Streams["customer"].Seen != 1 {
			t.Error(result.Streams["customer"], err)
		}
	})
}

// A replay must not write what is out of date over what has come since.
func TestReplayOfWhatHasComeAgain(t *testing.T) {
	s := newReplayShop(t, "sqlite")
	bad := func(raw string) connectors.Record { return readCustomer("A", raw) }
	s.must(connectors.Options{}, s.stream("customer", true, bad(`{"Key":"1","Name":"Old name"}`), bad(`{"Key":"2","Name":"Acme","About":"A"}`), bad(`{"Key":"3","Name":"Gone"}`)))
	s.must(connectors.Options{}, s.customers(&customer{Key: "1", Name: "New name"}, &customer{Key: "2", Name: "Acme", About: ptr("new")}))
	result, err := s.replay(connectors.Options{})
	if err != nil || len(result.Streams) != 0 {
		t.Errorf("%v %v", result.Streams, err)
	}
	if got := s.texts("SELECT customer_key, name, about FROM customers ORDER BY 1"); !slices.Equal(got, []string{"1 | New name | -", "2 | Acme | new"}) {
		t.Errorf("stored %q", got)
	}
}

// Values that were read when a record was imported are not lost because the
// settings of the replay cannot read them.
func TestReplayLosesNothing(t *testing.T) {
	s := newReplayShop(t, "sqlite")
	r := readCustomer("", `{"Key":"1","Name":"Acme","About":"A"}`)
	r.Values = []connectors.BadValue{{Column: "City", Value: "?", Err: errors.New("bad city")}}
	s.must(connectors.Options{}, s.stream("customer", true, r))
	result, err := s.replay(connectors.Options{Settings: json.RawMessage(`{"word":"A"}`)})
	if err != nil {
		t.Fatal(err)
	}
	if c := result.Streams["customer"]; c.Failed != 1 || !strings.Contains(result.Failures[0].Reason, "About was read when it was imported, and cannot be read now: bad text") {
		t.Errorf("%+v, listed %v", *c, result.Failures)
	}
	if got := s.texts("SELECT about FROM customers"); !slices.Equal(got, []string{"A"}) {
		t.Errorf("stored %q", got)
	}
	if len(s.open()) != 1 {
		t.Errorf("open %v", s.open())
	}
}

func TestReplayOfOddFailures(t *testing.T) {
	s := newReplayShop(t, "sqlite")
	fail := errors.New("bad")
	gone := readCustomer("", `{"Key":"5","Name":"Five"}`)
	gone.Values = []connectors.BadValue{{Column: "City", Err: fail}}
	partly := readCustomer("", `{"Key":"6","Name":"Six"}`)
	partly.Values = []connectors.BadValue{{Column: "City", Err: fail}, {Column: "About", Err: fail}}
	s.must(connectors.Options{}, s.stream("customer", true,
		connectors.Record{Key: "1", Err: fail},                                            // without a payload
		connectors.Record{Key: "2", Err: fail, Raw: []byte(`{"Key":"2","Name":"panic"}`)}, // that makes the function panic
		connectors.Record{Key: "3", Err: fail, Raw: []byte(`{"Key":"","Name":"No key"}`)},
		connectors.Record{Key: "4", Err: fail, Raw: []byte(`not JSON`)},
		gone, partly))
	s.exec("UPDATE customers SET deleted_at = updated_at WHERE customer_key = ?", "5")
	result, err := s.replay(connectors.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&connectors.Counts{Seen: 5, Unchanged: 1, Failed: 4}, result.Streams["customer"]); diff != "" {
		t.Error(diff)
	}
	var reasons []string
	for _, f := range result.Failures {
		reasons = append(reasons, f.Key+" "+f.Reason)
	}
	want := []string{"1 invalid: its payload was not kept; import it again", "2 its Replay panicked: cannot read this", "3 invalid: the key customer_key is empty",
		"4 invalid character 'o' in literal null (expecting 'u')"}
	if diff := cmp.Diff(want, reasons); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1 | record | ", "2 | record | ", "3 | record | ", "4 | record | "}, s.open()); diff != "" {
		t.Error(diff)
	}
}

// More failures than are replayed in one transaction, several for one record.
func TestReplayOfManyFailures(t *testing.T) {
	s := newReplayShop(t, "sqlite")
	var give []connectors.Record
	for i := range 450 {
		r := readCustomer("", fmt.Sprintf(`{"Key":"%d","Name":"Number %d"}`, i, i))
		r.Values = []connectors.BadValue{{Column: "City", Err: errors.New("bad")}, {Column: "About", Err: errors.New("bad")}, {Column: "Else", Err: errors.New("bad")}}
		give = append(give, r)
	}
	s.must(connectors.Options{}, s.stream("customer", true, give...))
	result, err := s.replay(connectors.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&connectors.Counts{Seen: 450, Unchanged: 450}, result.Streams["customer"]); diff != "" {
		t.Error(diff)
	}
	if n := len(s.open()); n != 0 {
		t.Errorf("%d are open", n)
	}
}

func TestReplayIsRefused(t *testing.T) {
	s := newReplayShop(t, "sqlite")
	s.must(connectors.Options{}, s.stream("customer", true, connectors.Record{Key: "1", Err: errors.New("bad"), Raw: []byte("{}")}))
	for _, test := range []struct {
		options connectors.Options
		want    string
	}{
		{connectors.Options{DryRun: true}, "replay shop: invalid: a replay has no dry run"},
		{connectors.Options{Settings: json.RawMessage(`{"word":"refuse"}`)}, "replay shop: refused"},
		{connectors.Options{Settings: json.RawMessage(`{"x":1}`)}, `replay shop: invalid settings: json: unknown field "x"`},
	} {
		if _, err := s.replay(test.options); err == nil || err.Error() != test.want {
			t.Errorf("%v, want %s", err, test.want)
		}
	}
	result, err := s.replay(connectors.Options{Settings: json.RawMessage(`{"word":"order"}`)})
	if err != nil || result.Streams["customer"].Failed != 1 || !strings.Contains(result.Failures[0].Reason, "gave a *connectors_test.order") {
		t.Errorf("%v %v", result.Failures, err)
	}
	plain := newShop(t, "sqlite", content.Orphan)
	if _, err := plain.engine.Replay(t.Context(), plain.task(), plain.conn, connectors.Options{}); !errors.Is(err, content.ErrInvalid) {
		t.Error(err)
	}
}

// A replay of all maps what is stored anew: what comes out the same is not written, what
// would lose a value or has no payload stays, and what a user has set is kept.
func TestReplayOfAll(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newReplayShop(t, kind)
		var give []connectors.Record
		for i := range 250 {
			give = append(give, readCustomer("", fmt.Sprintf(`{"Key":"%d","Name":"Number %d","About":"of %d"}`, i, i, i)))
		}
		give = append(give, readCustomer("", `{"Key":"lossy","Name":"Acme","About":"with NA in it"}`), connectors.Record{Row: &customer{Key: "bare", Name: "No payload"}})
		s.must(connectors.Options{}, s.stream("customer", true, give...))
		s.exec("UPDATE customers SET marked = ?", "by a user")
		replay := func(word string, want connectors.Counts) {
			t.Helper()
			result, err := s.replay(connectors.Options{All: true, Settings: json.RawMessage(`{"word":"` + word + `"}`)})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&want, result.Streams["customer"]); diff != "" {
				t.Error(diff)
			}
		}
		before := s.texts("SELECT * FROM customers ORDER BY id")
		replay("", connectors.Counts{Seen: 251, Unchanged: 251})
		if diff := cmp.Diff(before, s.texts("SELECT * FROM customers ORDER BY id")); diff != "" {
			t.Error("the same again was written:", diff)
		}
		// As if an earlier version of the program had mapped it in another way.
		s.exec("UPDATE customers SET about = NULL, row_hash = ? WHERE customer_key LIKE '1%'", make([]byte, 16))
		replay("NA", connectors.Counts{Seen: 251, Updated: 111, Unchanged: 139, Failed: 1, BadValues: 0})
		if got := s.texts("SELECT customer_key, about, marked FROM customers WHERE customer_key IN ('1', '199', 'lossy', 'bare') ORDER BY 1"); !slices.Equal(got,
			[]string{"1 | of 1 | by a user", "199 | of 199 | by a user", "bare | - | by a user", "lossy | with NA in it | by a user"}) {
			t.Errorf("stored %q", got)
		}
		if len(s.open()) != 0 {
			t.Errorf("it has noted failures: %q", s.open())
		}
	})
}

// A replay whose process dies at any commit goes on where it was: it ends the same, has
// counted the same, and maps nothing again that was mapped.
func TestReplayAfterACrash(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		calls := 0
		s := newReplayShop(t, kind, func(spec *connectors.Spec[settings]) {
			spec.FailureRate = 1
			read := spec.Replay
			spec.Replay = func(ctx context.Context, in connectors.Input[settings]) (func(context.Context, connectors.Payload) connectors.Record, error) {
				again, err := read(ctx, in)
				return func(ctx context.Context, p connectors.Payload) connectors.Record { calls++; return again(ctx, p) }, err
			}
		})
		var give []connectors.Record
		for i := range 230 {
			name, about := "Number", "of"
			if i/55%2 == 1 { // they fail again
				name, about = "Bad", "Not of"
			}
			good := func(name, about string) connectors.Record {
				return readCustomer("", fmt.Sprintf(`{"Key":"%03d","Name":"%s %d","About":"%s %d"}`, i, name, i, about, i))
			}
			switch {
			case i < 110: // a value was left out
				r := good("Number", about)
				r.Row.(*customer).About = nil
				r.Values = []connectors.BadValue{{Column: "About", Value: "x", Err: errors.New("bad")}}
				give = append(give, r)
			case i < 220:
				r := connectors.Record{Err: errors.New("bad"), Raw: content.RecordOf(good(name, "of").Row).Raw}
				if i%2 == 0 { // else nobody knows which it is
					r.Key = fmt.Sprintf("%03d", i)
				}
				give = append(give, r)
			default:
				give = append(give, good("Number", "of"))
			}
		}
		ended := func(dieAt int, after bool) (lines []string, died bool, called int) {
			s.clear()
			s.must(connectors.Options{}, s.stream("customer", true, give...))
			task, options := s.task(), connectors.Options{All: true, Settings: json.RawMessage(`{"word":"N"}`)}
			task.DieAt, task.After, calls = dieAt, after, 0
			result, err := s.engine.Replay(t.Context(), task, s.conn, options)
			if died = errors.Is(err, connectortest.ErrDied); died {
				result, err = s.engine.Replay(t.Context(), task.Again(), s.conn, options)
			}
			if err != nil {
				t.Fatal(dieAt, err)
			}
			task.End(jobs.Completed)
			lines = append(s.texts("SELECT customer_key, name, about FROM customers ORDER BY 1"), s.open()...)
			return append(lines, fmt.Sprintf("%+v", *result.Streams["customer"])), died, calls
		}
		want, _, once := ended(0, false)
		for dieAt, died := 1, true; died; dieAt++ {
			var got []string
			var called int
			got, died, called = ended(dieAt, dieAt%2 == 0)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("dead at commit %d: %s", dieAt, diff)
			}
			if called > once+100 { // a page is mapped twice at most
				t.Errorf("dead at commit %d: %d payloads were read, %d without a death", dieAt, called, once)
			}
		}
	})
}
