package functions_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
)

// A person agrees elsewhere than in the agent's conversation: the agent's next
// call passes, once, and only as it was agreed to.
func TestDecidedElsewhere(t *testing.T) {
	ledgers(t, func(t *testing.T, config functions.Config, mint func(string, string) content.Scope, now *time.Time) {
		b := &board{}
		e := engine(t, config, b.functions()...)
		person := e.Bind(mint("org-1", "me"))
		agent := person.Agent()
		write := func(fns functions.Bound, args string) error {
			*now = now.Add(time.Second / 10)
			_, err := fns.Call(t.Context(), "write_note", []byte(args))
			return err
		}
		waiting := func() (list []functions.Confirmation) {
			t.Helper()
			list, err := person.Waiting(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		asked := confirmation(t, write(agent, `{"text":"hello","secret":"s3cret"}`))
		confirmation(t, write(agent, `{"text":"hello","secret":"s3cret"}`)) // it asks again
		other := confirmation(t, write(agent, `{"text":"bye"}`))
		list := waiting()
		if len(list) != 2 || list[1].ID != other.ID || list[0].ID == asked.ID || list[0].Principal != "me" || list[0].Function != "write_note" ||
			!strings.Contains(string(list[0].Arguments), "hello") || strings.Contains(string(list[0].Arguments), "s3cret") || list[0].Token != "" {
			t.Fatalf("waiting: %+v", list)
		}
		for name, c := range map[string]struct {
			bound functions.Bound
			id    string
			want  functions.Code
		}{
			"the agent itself":     {agent, list[0].ID, functions.CodeForbidden},
			"who may only read":    {person.Reading(), list[0].ID, functions.CodeForbidden},
			"nobody":               {functions.Bound{}, list[0].ID, functions.CodeForbidden},
			"another organization": {e.Bind(mint("org-2", "me")), list[0].ID, functions.CodeNotFound},
			"nothing":              {person, "AAAAAAAA", functions.CodeNotFound},
			"no text":              {person, "\x00\xff", functions.CodeNotFound},
			"an empty id":          {person, "", functions.CodeNotFound},
		} {
			if err := c.bound.Decide(t.Context(), c.id, true); failure(t, err).Code != c.want {
				t.Errorf("%s: %v", name, err)
			}
			if c.want == functions.CodeForbidden {
				if _, err := c.bound.Waiting(t.Context()); failure(t, err).Code != c.want {
					t.Errorf("%s lists: %v", name, err)
				}
			}
		}
		if err := person.Decide(t.Context(), " "+strings.ToLower(list[0].ID)+"\n", true); err != nil {
			t.Fatal(err)
		}
		if err := person.Decide(t.Context(), other.ID, false); err != nil {
			t.Fatal(err)
		}
		if left := waiting(); len(left) != 0 {
			t.Errorf("still waiting: %+v", left)
		}
		if err := person.Decide(t.Context(), list[0].ID, true); failure(t, err).Code != functions.CodeNotFound {
			t.Errorf("decided twice: %v", err)
		}
		for name, err := range map[string]error{
			"what was refused":  write(agent, `{"text":"bye"}`),
			"other arguments":   write(agent, `{"text":"hello","secret":"other"}`),
			"another principal": write(e.Bind(mint("org-1", "you")).Agent(), `{"text":"hello","secret":"s3cret"}`),
			"the organization":  write(e.Bind(mint("org-2", "me")).Agent(), `{"text":"hello","secret":"s3cret"}`),
		} {
			if failure(t, err).Code != functions.CodeConfirmation {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := write(agent, `{"secret":"s3cret", "text":"hello"}`); err != nil {
			t.Errorf("what was agreed: %v", err)
		}
		again := confirmation(t, write(agent, `{"text":"hello","secret":"s3cret"}`))
		if err := person.Decide(t.Context(), again.ID, true); err != nil {
			t.Fatal(err)
		}
		*now = now.Add(11 * time.Minute)
		if err := write(agent, `{"text":"hello","secret":"s3cret"}`); failure(t, err).Code != functions.CodeConfirmation {
			t.Errorf("too late: %v", err)
		}
		if diff := cmp.Diff([]string{"hello"}, b.notes); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for range 150 { // what an agent may have waiting is bounded
			confirmation(t, write(agent, `{"text":"`+strings.Repeat("x", 1+len(waiting())%3)+`"}`))
		}
		if n := len(waiting()); n == 0 || n > 100 {
			t.Errorf("%d wait", n)
		}
	})
}

// What would fail in any case fails before a person is asked.
func TestCheckComesBeforeThePerson(t *testing.T) {
	ran := false
	checked := functions.Define(functions.Spec{Name: "send", Description: "Sends.", Effect: functions.Writes,
		Check: func(_ context.Context, call *functions.Call) error {
			var in note
			if err := call.Decode(&in); err != nil {
				return err
			}
			switch in.Text {
			case "panic":
				panic("at the disco")
			case "wrong":
				return functions.Errorf(functions.CodeInvalid, "That is wrong.")
			}
			return nil
		}},
		func(_ context.Context, _ *functions.Call, in note) (note, error) {
			ran = true
			return in, nil
		})
	fns := engine(t, functions.Config{}, checked).Bind(scope)
	for args, want := range map[string]functions.Code{`{"text":"wrong"}`: functions.CodeInvalid, `{"text":"panic"}`: functions.CodeInternal, `{"text":"right"}`: functions.CodeConfirmation} {
		if _, err := fns.Agent().Call(t.Context(), "send", []byte(args)); failure(t, err).Code != want {
			t.Errorf("%s: %v", args, err)
		}
	}
	if _, err := fns.Call(t.Context(), "send", []byte(`{"text":"wrong"}`)); failure(t, err).Code != functions.CodeInvalid {
		t.Errorf("a program: %v", err)
	}
	if ran {
		t.Error("the handler ran")
	}
	_, err := functions.NewEngine(functions.Config{}, functions.Define(functions.Spec{Name: "look", Description: "d", Check: func(context.Context, *functions.Call) error { return nil }},
		func(_ context.Context, _ *functions.Call, in note) (note, error) { return in, nil }))
	if err == nil || !strings.Contains(err.Error(), "Check") {
		t.Errorf("a check of a function that reads: %v", err)
	}
}
