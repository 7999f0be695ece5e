package content_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
)

type address struct {
	Street string `json:"street,omitempty"`
	City   string `json:"city,omitempty"`
}

type ticket struct {
	content.Record
	Key      string         `db:"ticket_id" content:"key"`
	Subject  string         `db:"subject" content:"title"`
	Body     *string        `db:"body" content:"text"`
	Status   string         `db:"status" content:"facet"`
	Score    *float64       `db:"score" content:"sort"`
	Votes    int            `db:"votes"`
	Open     *bool          `db:"is_open" content:"filter"`
	Closed   *time.Time     `db:"closed_at" content:"filter,sort"`
	Due      *time.Time     `db:"due_on" content:"date,sort"`
	Site     *address       `db:"site" content:"metadata"`
	Tags     []string       `db:"tags"`
	ParentID *string        `db:"parent_id" content:"parent=ticket,from=parent_key"`
	Above    *string        `db:"parent_key" content:"hidden"`
	private  map[string]int // no column
}

func ticketType() *content.Type {
	return content.Define(content.Spec[ticket]{Name: "ticket", Label: "Ticket", Group: "helpdesk",
		Display:  map[string]string{"crm": "Case"},
		Children: []content.Child{{Type: "ticket", Relation: "follow_ups"}}})
}

func TestDefineMakesFieldsFromTags(t *testing.T) {
	typ := ticketType()
	if _, err := content.NewRegistry(typ); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range typ.Fields() {
		null := ""
		if f.Nullable {
			null = "?"
		}
		got = append(got, f.Name+" "+f.Kind.String()+null)
	}
	want := []string{"ticket_id string", "subject string", "body string?", "status string", "score float?", "votes int",
		"is_open bool?", "closed_at time?", "due_on date?", "site json?", "tags json?", "parent_id string?", "parent_key string?"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if typ.Table() != "tickets" || typ.Key().Name != "ticket_id" || typ.Parent().LinkFrom != "parent_key" {
		t.Errorf("table %q, key %q, parent %+v", typ.Table(), typ.Key().Name, typ.Parent())
	}
	if typ.Label("crm") != "Case" || typ.Label("default") != "Ticket" || typ.Label("nowhere") != "Ticket" {
		t.Error("a display name does not follow its context")
	}
}

func TestFieldsReadAndWriteRows(t *testing.T) {
	typ := ticketType()
	at := time.Date(2026, 3, 4, 5, 6, 7, 8000, time.FixedZone("east", 3600))
	values := map[string]any{
		"ticket_id": "T-1", "subject": "Printer", "body": "on fire", "status": "open", "score": 1.5, "votes": int64(3),
		"is_open": true, "closed_at": at.UTC(), "due_on": time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC),
		"site": json.RawMessage(`{"city":"Rome"}`), "tags": json.RawMessage(`["a"]`), "parent_id": "x", "parent_key": "T-0",
	}
	row := typ.New()
	for _, f := range typ.Fields() {
		f.Set(row, values[f.Name])
		if d := cmp.Diff(values[f.Name], f.Value(row)); d != "" {
			t.Errorf("%s: %s", f.Name, d)
		}
	}
	if r := row.(*ticket); r.Site.City != "Rome" || *r.Body != "on fire" || !r.Closed.Equal(at) || r.Tags[0] != "a" {
		t.Errorf("the struct does not hold what was set: %+v", r)
	}
	for _, f := range typ.Fields() {
		f.Set(row, nil)
	}
	if d := cmp.Diff(&ticket{}, row, cmp.AllowUnexported(ticket{}, content.Record{})); d != "" {
		t.Errorf("setting nil leaves something behind: %s", d)
	}
}

func TestDynamicTypesAreLikeDefinedOnes(t *testing.T) {
	typ := content.DefineDynamic(content.Spec[content.Dynamic]{Name: "plan", Label: "Plan", Group: "sheets"},
		content.FieldSpec{Name: "number", Kind: content.String, Roles: content.Key},
		content.FieldSpec{Name: "agency", Kind: content.String, Roles: content.Title | content.Facet},
		content.FieldSpec{Name: "value", Kind: content.Float})
	if _, err := content.NewRegistry(typ); err != nil {
		t.Fatal(err)
	}
	row := typ.New()
	for i, v := range []any{"7", "Navy", 2.5} {
		typ.Fields()[i].Set(row, v)
	}
	d := typ.Document(row)
	if d.Title != "Navy" || d.Text != "Agency: Navy" || typ.KeyOf(row) != "7" {
		t.Errorf("document %+v", d)
	}
}
