// Package forecasts is a tutorial: a data connection in one file, for the
// spreadsheet in which an agency publishes what it plans to buy.
//
// Such a list comes out every few weeks, with rows that are new, moved to another
// quarter, or gone. What people ask is what has changed. So the record type keeps
// its earlier versions (History), and each edition is a snapshot: what is not in it
// any more is deleted, unless most of it is missing, which looks like a mistake.
//
// The steps are numbered.
package forecasts

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
)

// 1. The record. A field is a column of the table; its tag says what it is for: the
// key that tells records apart, the title, what is searched, counted, sorted by.

// Forecast is one planned procurement.
type Forecast struct {
	content.Record
	Number   string     `db:"forecast_number" content:"key" label:"Forecast number"`
	Title    string     `db:"title" content:"title"`
	Office   string     `db:"office" content:"facet"`
	NAICS    string     `db:"naics_code" content:"facet" label:"NAICS"`
	SetAside *string    `db:"set_aside" content:"facet" label:"Set-aside"`
	Value    *float64   `db:"estimated_value" content:"sort" description:"US dollars."`
	Release  *time.Time `db:"solicitation_date" content:"date,filter,sort" label:"Planned solicitation"`
	Summary  *string    `db:"summary" content:"text"`
}

// 2. The type: names for people and models, and the statistics they want to see.
var forecasts = content.Define(content.Spec[Forecast]{
	Name: "forecast", Label: "Forecast", FormalName: "Acquisition Forecast", Icon: "calendar", Color: "lime", History: true,
	Description: "A procurement that an agency plans.",
	Statistics:  []content.Statistic{{Name: "total"}, {Name: "by_office", GroupBy: "office", Value: "estimated_value"}, {Name: "due_in_90_days", Due: "solicitation_date", Days: 90}},
})

// 3. The settings: what differs between agencies. Here they name the columns.

// Settings say under which headings the sheet has its columns.
type Settings struct {
	Number   string `json:"number,omitempty"`
	Title    string `json:"title,omitempty"`
	Office   string `json:"office,omitempty"`
	NAICS    string `json:"naics,omitempty"`
	SetAside string `json:"set_aside,omitempty"`
	Value    string `json:"value,omitempty"`
	Release  string `json:"release,omitempty"`
	Summary  string `json:"summary,omitempty"`
}

// New declares the connection. Tables, imports, search and functions follow.
func New() *connectors.Connection {
	return connectors.New(connectors.Spec[Settings]{
		Name: "forecasts", Label: "Acquisition forecasts", Icon: "calendar", Color: "lime", Types: []*content.Type{forecasts},
		Settings: Settings{Number: "Number", Title: "Title", Office: "Office", NAICS: "NAICS", SetAside: "Set-Aside", Value: "Estimated Value", Release: "Solicitation Date", Summary: "Description"},
		Files:    "the one file of an edition, as CSV",
		Open:     open, Replay: replay,
	})
}

// 4. The session of one import: it looks at the file before anything is changed.
func open(_ context.Context, in connectors.Input[Settings]) (connectors.Session, error) {
	if len(in.Files) != 1 {
		return nil, fmt.Errorf("%w: give the one file of an edition, as CSV", content.ErrInvalid)
	}
	f := in.Files[0]
	sheet := csv.NewReader(io.NewSectionReader(f.ReaderAt, 0, f.Size))
	header, err := sheet.Read()
	if err != nil {
		return nil, fmt.Errorf("%w: %s has no header: %w", content.ErrInvalid, f.Name, err)
	}
	for i, name := range header {
		header[i] = strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))
	}
	if !slices.ContainsFunc(header, func(name string) bool { return strings.EqualFold(name, in.Settings.Number) }) {
		return nil, fmt.Errorf("%w: %s has no column %q; name it in the settings (columns found: %s)", content.ErrInvalid, f.Name, in.Settings.Number, strings.Join(header, ", "))
	}
	end := make([]byte, 1)
	if _, err := f.ReadAt(end, f.Size-1); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return connectors.Streams{{Type: forecasts, Read: func(context.Context, string) iter.Seq2[connectors.Record, error] {
		return rows(f.Name, sheet, header, in.Settings)
	}, Incomplete: func() string { // then nothing is deleted
		if end[0] != '\n' && end[0] != '\r' {
			return f.Name + " ends within a line, as if it had been cut short"
		}
		return ""
	}}}, nil
}

// 5. The stream: a record for each row. An error that is yielded ends the import; a
// row that cannot be read, or a value of one, is told and stops nothing.
func rows(file string, sheet *csv.Reader, header []string, s Settings) iter.Seq2[connectors.Record, error] {
	return func(yield func(connectors.Record, error) bool) {
		for {
			fields, err := sheet.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil && !errors.Is(err, csv.ErrFieldCount) {
				yield(connectors.Record{}, err)
				return
			}
			line, _ := sheet.FieldPos(0)
			cells := map[string]string{}
			for i, name := range header[:min(len(header), len(fields))] {
				cells[name] = strings.TrimSpace(fields[i])
			}
			r := record(cells, s)
			r.Place = connectors.Place{File: file, Line: line}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// record reads the cells of a row, by their headings, and keeps them as its payload.
func record(cells map[string]string, s Settings) (r connectors.Record) {
	at := func(column string) string {
		for name, v := range cells {
			if strings.EqualFold(name, column) {
				return v
			}
		}
		return ""
	}
	raw, _ := json.Marshal(cells) // texts always encode
	f := &Forecast{Record: content.Record{Raw: raw}, Number: at(s.Number), Title: at(s.Title), Office: at(s.Office), NAICS: at(s.NAICS), SetAside: optional(at(s.SetAside)), Summary: optional(at(s.Summary))}
	if v := strings.NewReplacer("$", "", ",", "").Replace(at(s.Value)); v != "" {
		n, err := strconv.ParseFloat(v, 64)
		if err != nil {
			r.Values = append(r.Values, connectors.BadValue{Column: s.Value, Value: at(s.Value), Err: errors.New("it is no amount")})
		} else {
			f.Value = &n
		}
	}
	if v := at(s.Release); v != "" {
		t, err := time.Parse("1/2/2006", v)
		if err != nil {
			r.Values = append(r.Values, connectors.BadValue{Column: s.Release, Value: v, Err: errors.New("it is no date such as 9/30/2026")})
		} else {
			f.Release = &t
		}
	}
	r.Row = f
	return r
}

// 6. The replay: a payload is read once more, when the settings or this file have
// changed. It needs no sheet.
func replay(_ context.Context, in connectors.Input[Settings]) (func(context.Context, connectors.Payload) connectors.Record, error) {
	return func(_ context.Context, p connectors.Payload) connectors.Record {
		var cells map[string]string
		if err := json.Unmarshal(p.Raw, &cells); err != nil {
			return connectors.Record{Raw: p.Raw, Err: err}
		}
		return record(cells, in.Settings)
	}, nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
