package functions

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/invopop/jsonschema"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
)

type exportArgs struct {
	Model   string      `json:"model" jsonschema_description:"Type of record"`
	Filters []filterArg `json:"filters,omitempty" jsonschema:"maxItems=20" jsonschema_description:"Conditions that must all hold"`
	AnyOf   []filterArg `json:"any_of,omitempty" jsonschema:"maxItems=20" jsonschema_description:"Conditions of which at least one must hold, besides all of filters"`
	Select  []string    `json:"select,omitempty" jsonschema:"uniqueItems=true" jsonschema_description:"Names of the fields to write; without it all but long texts and nested values"`
	Order   []orderArg  `json:"order,omitempty" jsonschema:"maxItems=5" jsonschema_description:"Without it by title"`
}

type exportResult struct {
	Exported
	Filename string `json:"filename"`
	Rows     int    `json:"rows"`
}

// maxExport bounds the rows of one export.
const maxExport = 100_000

func exportQuery(s Sources) *Function {
	return Define(Spec{
		Name:        "export_query",
		Description: "Writes the records that query_model would find, all pages of them, into a CSV file in the object store. For people who want a table; to answer a question use query_model.",
		Category:    "records",
		Tags:        []string{"query", "export"},
		Needs:       s.Registry.Names(),
		Effect:      Writes,
		Additive:    true,
		Check: func(_ context.Context, call *Call) error {
			var in exportArgs
			if err := call.Decode(&in); err != nil {
				return err
			}
			_, _, _, err := s.exported(call, in)
			return err
		},
		Input: func(schema *jsonschema.Schema) {
			enum(schema, "model", s.Registry.Names())
			for _, list := range []string{"filters", "any_of"} {
				property, _ := schema.Properties.Get(list)
				enum(property.Items, "op", opNames())
			}
		},
	}, func(ctx context.Context, call *Call, in exportArgs) (exportResult, error) {
		typ, q, columns, err := s.exported(call, in)
		if err != nil {
			return exportResult{}, err
		}
		call.SetSource(typ.Name())
		out := exportResult{Filename: typ.Name() + "_" + call.bound.engine.config.Now().UTC().Format("20060102T150405Z") + ".csv"}
		out.Exported, err = s.Export(ctx, call.Scope(), out.Filename, "text/csv; charset=utf-8", func(w io.Writer) (err error) {
			out.Rows, err = s.writeCSV(ctx, call, w, typ, columns, q)
			return err
		})
		if err != nil {
			return exportResult{}, err
		}
		call.SetMessage("Wrote %s to %s", count(out.Rows, "record"), out.Filename)
		return out, nil
	})
}

// exported returns what is to be written.
func (s Sources) exported(call *Call, in exportArgs) (*content.Type, store.Query, []string, error) {
	typ, err := s.lookup(call, in.Model)
	if err != nil {
		return nil, store.Query{}, nil, err
	}
	q, columns, err := queryArgs{Filters: in.Filters, AnyOf: in.AnyOf, Select: in.Select, Order: in.Order}.query(typ)
	return typ, q, columns, err
}

// writeCSV writes all records of a query, up to the bound, and returns how many.
func (s Sources) writeCSV(ctx context.Context, call *Call, w io.Writer, typ *content.Type, columns []string, q store.Query) (n int, err error) {
	table := csv.NewWriter(w)
	if err := table.Write(columns); err != nil {
		return 0, err
	}
	q.Limit, q.Total = 1000, true
	var total int64
	for {
		fields, page, err := s.records(call).Select(ctx, call.Scope(), typ, columns, q)
		if err != nil {
			return n, err
		}
		if q.Total {
			total = page.Total
		}
		for _, values := range page.Items {
			cells := make([]string, len(fields))
			for i, f := range fields {
				cells[i] = cell(f, values[i])
			}
			if err := table.Write(cells); err != nil {
				return n, err
			}
		}
		n += len(page.Items)
		call.Progress(Progress{Done: float64(n), Total: float64(total), Message: "writing"})
		if page.NextCursor == "" {
			break
		}
		if n >= maxExport {
			call.Truncate()
			call.Note("only the first %d of %d records were written; narrow the filters", n, total)
			break
		}
		q.Cursor, q.Total = page.NextCursor, false
	}
	table.Flush()
	return n, table.Error()
}

// cell writes a value of a field.
func cell(f *content.Field, v any) string {
	switch v := f.Show(v).(type) {
	case nil:
		return ""
	case string:
		return SafeCell(v)
	case []byte:
		return SafeCell(string(v))
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	case float64, int64, bool:
		return plainValue(v) // a negative number is no formula
	case fmt.Stringer:
		return SafeCell(v.String())
	default:
		raw, err := encode(v)
		if err != nil {
			return ""
		}
		return SafeCell(string(raw))
	}
}

// SafeCell returns text as it may stand in a cell of a CSV file: a spreadsheet
// takes what begins with =, +, -, @, a tab or the end of a line for a formula,
// which can send data away, so an apostrophe is put before it. Blanks and characters
// that nobody sees before one of these make no difference to some of them, nor does
// another width.
func SafeCell(text string) string {
	for _, r := range text {
		switch {
		case strings.ContainsRune("\t\r\n\v\f\x00=+-@＝＋－＠﹦﹢﹣﹫−", r):
			return "'" + text
		case !unicode.IsSpace(r) && unicode.IsPrint(r):
			return text
		}
	}
	return text
}
