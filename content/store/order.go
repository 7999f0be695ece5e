package store

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// A term is one step of an order.
type term struct {
	column   string
	kind     content.Kind
	nullable bool
	desc     bool
}

// orderedBy is how many characters of a title, which may have any length, decide
// where it stands, and go into a cursor. No index holds them.
const orderedBy = 256

// order turns an Order into terms that end with the id, so that no two records
// are equal and pages never overlap.
func (p *plan) order(by []Order) ([]term, error) {
	var terms []term
	for _, o := range by {
		if f, declared := p.typ.Field("title"); o.Field == "title" && (!declared || f.Has(content.Title) || !f.Sortable()) {
			terms = append(terms, term{column: "title_key", kind: content.String, desc: o.Desc})
			continue
		}
		f, err := p.typ.Column(o.Field)
		if err != nil {
			return nil, err
		}
		if !f.Sortable() {
			return nil, fmt.Errorf("%w order: %s cannot be sorted by %s; it is declared without sort", content.ErrInvalid, p.typ.Name(), o.Field)
		}
		column := quote(f.Name)
		if f.Has(content.Title) && f.Kind == content.String && !bounded(f) {
			column = fmt.Sprintf("substr(%s, 1, %d)", column, orderedBy)
		}
		terms = append(terms, term{column: column, kind: f.Kind, nullable: f.Nullable, desc: o.Desc})
	}
	if len(by) == 0 {
		terms = append(terms, term{column: "title_key", kind: content.String})
	}
	return append(terms, term{column: "id", kind: content.String}), nil
}

func keysOf(terms []term) string {
	var b strings.Builder
	for i, t := range terms {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(t.column)
	}
	return b.String()
}

// orderOf writes NULLS LAST out: the databases disagree about the default, and
// a column that has no NULL keeps its index this way.
func orderOf(terms []term) string {
	var b strings.Builder
	for i, t := range terms {
		if i > 0 {
			b.WriteString(", ")
		}
		if t.nullable {
			b.WriteString("(" + t.column + " IS NULL), ")
		}
		b.WriteString(t.column)
		if t.desc {
			b.WriteString(" DESC")
		}
	}
	return b.String()
}

type cursor struct {
	Digest string `json:"q"`
	Values []any  `json:"v"`
}

// encodeCursor makes a cursor of the order values of a page's last record.
func encodeCursor(digest string, terms []term, d database.Dialect, keys []any) string {
	values := make([]any, len(keys))
	for i, k := range keys {
		v, err := d.Value(terms[i].kind, k)
		if err != nil {
			v = k
		}
		if at, ok := v.(time.Time); ok {
			v = at.Format(time.RFC3339Nano)
		}
		values[i] = v
	}
	b, _ := json.Marshal(cursor{digest, values}) // numbers, text and booleans
	return base64.RawURLEncoding.EncodeToString(b)
}

// parse reads a value of a cursor, which anybody may have made.
func (t term) parse(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		if t.nullable {
			return nil, nil
		}
	case string, bool, json.Number:
		text := fmt.Sprint(v)
		if badText(text) < 0 {
			return t.kind.Parse(text)
		}
	}
	return nil, fmt.Errorf("it holds %.40v where a %s belongs", v, t.kind)
}

// after keeps what comes behind a cursor: rows that are equal in the first terms
// and behind in the next one.
func (w *where) after(terms []term, digest, text string) error {
	if text == "" {
		return nil
	}
	var c cursor
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		dec := json.NewDecoder(strings.NewReader(string(b)))
		dec.UseNumber()
		err = dec.Decode(&c)
	}
	switch {
	case err != nil || len(c.Values) != len(terms):
		return fmt.Errorf("%w cursor: pass next_cursor of the page before, unchanged", content.ErrInvalid)
	case c.Digest != digest:
		return fmt.Errorf("%w cursor: it belongs to another query; ask for the first page without a cursor", content.ErrInvalid)
	}
	values := make([]any, len(terms))
	for i, t := range terms {
		v, err := t.parse(c.Values[i])
		if err != nil {
			return fmt.Errorf("%w cursor: %v", content.ErrInvalid, err)
		}
		values[i] = w.dialect.Bind(t.kind, v)
	}
	plain := true
	for _, t := range terms {
		plain = plain && !t.nullable && !t.desc
	}
	if plain { // one comparison, which walks the index
		w.add("("+keysOf(terms)+") > ("+database.Placeholders(len(terms))+")", values...)
		return nil
	}
	var alternatives []string
	var args []any
	for i, t := range terms {
		var parts []string
		var partArgs []any
		for j, before := range terms[:i] {
			if values[j] == nil {
				parts = append(parts, before.column+" IS NULL")
			} else {
				parts, partArgs = append(parts, before.column+" = ?"), append(partArgs, values[j])
			}
		}
		if values[i] == nil {
			continue // NULL is last: nothing is behind it in this term
		}
		op := " > ?"
		if t.desc {
			op = " < ?"
		}
		behind := t.column + op
		if t.nullable {
			behind = "(" + behind + " OR " + t.column + " IS NULL)"
		}
		parts, partArgs = append(parts, behind), append(partArgs, values[i])
		alternatives = append(alternatives, "("+strings.Join(parts, " AND ")+")")
		args = append(args, partArgs...)
	}
	w.add("("+strings.Join(alternatives, " OR ")+")", args...)
	return nil
}
