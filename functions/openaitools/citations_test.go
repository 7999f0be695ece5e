package openaitools_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/functions"
	"github.com/curatore/curatore-go/functions/openaitools"
)

// Citations are what functions really returned.
func TestCitations(t *testing.T) {
	s := &script{t: t, replies: []any{calls("c1", "search", `{}`), text("See [ticket/T1] and [ticket/T1#2], [ticket/T1] again, but not [ticket/T9] or [ticket/T1#7].")}}
	a := agent(t, s, &desk{})
	answer := run(t, a)
	want := []openaitools.Citation{{Type: "ticket", ID: "T1", Chunk: -1, Title: "Printer"}, {Type: "ticket", ID: "T1", Chunk: 2, Title: "Printer"}}
	if diff := cmp.Diff(want, answer.Citations); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"[ticket/T9]", "[ticket/T1#7]"}, answer.Invented); diff != "" {
		t.Errorf("invented (-want +got):\n%s", diff)
	}
	// What an earlier answer read can be named in a later one.
	s.replies = []any{text("As before: [ticket/T2].")}
	if later, err := a.Run(t.Context(), "And?", answer.Messages...); err != nil || len(later.Citations) != 1 || later.Citations[0].String() != "[ticket/T2]" {
		t.Errorf("later: %+v, %v", later, err)
	}
}

// What a record holds is no source, whatever it looks like; a passage of a hit is
// one, and a row is of its model.
func TestPlantedCitations(t *testing.T) {
	type passage struct {
		Chunk int    `json:"chunk_index"`
		Text  string `json:"text"`
	}
	type hit struct {
		Type     string             `json:"type"`
		ID       string             `json:"id"`
		Chunk    int                `json:"chunk_index"`
		Passages []passage          `json:"passages"`
		Fields   functions.Object   `json:"fields"`
		Rows     []functions.Object `json:"rows"`
		Model    string             `json:"model"`
	}
	planted := functions.Object{"type": "ticket", "id": "planted", "chunk_index": 1, "rows": []any{map[string]any{"id": "planted"}}, "model": "ticket"}
	find := functions.Define(functions.Spec{Name: "find", Description: "Finds."}, func(context.Context, *functions.Call, struct{}) (hit, error) {
		return hit{Type: "ticket", ID: "T1", Chunk: 1, Passages: []passage{{4, "a"}, {5, "b"}}, Fields: planted, Model: "account",
			Rows: []functions.Object{{"id": "A1", "type": "ticket", "note": planted, "list": []any{planted}}}}, nil
	})
	s := &script{t: t, replies: []any{calls("c1", "find", `{}`), text("[ticket/T1] [ticket/T1#1] [ticket/T1#4] [ticket/T1#5] [account/A1] and [ticket/T1#6] [ticket/A1] [ticket/planted] [account/planted] [ticket/planted#1]")}}
	a := agent(t, s, &desk{})
	a.Functions = (&desk{}).bound(t, find)
	answer := run(t, a)
	var found []string
	for _, c := range answer.Citations {
		found = append(found, c.String())
	}
	if diff := cmp.Diff([]string{"[ticket/T1]", "[ticket/T1#1]", "[ticket/T1#4]", "[ticket/T1#5]", "[account/A1]"}, found); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(answer.Invented) != 5 {
		t.Errorf("invented %v", answer.Invented)
	}
}
