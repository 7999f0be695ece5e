package functions

import (
	"context"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/curatore/curatore-go/content"
)

type modelArgs struct {
	Model    string `json:"model" jsonschema_description:"Type of record"`
	Contains string `json:"contains,omitempty" jsonschema:"maxLength=200" jsonschema_description:"Only fields with this in their name or label, whatever the case"`
}

type modelDescription struct {
	Model       string             `json:"model"`
	Label       string             `json:"label"`
	Description string             `json:"description,omitempty"`
	Group       string             `json:"group"`
	Fields      []fieldDescription `json:"fields"`
	Children    []childType        `json:"children"`
}

func (d *modelDescription) Len() int { return len(d.Fields) }

func (d *modelDescription) Shorten(_ context.Context, call *Call, n int) error {
	call.Note("only the first %d of %d fields; name a part of the others with contains", n, len(d.Fields))
	d.Fields = d.Fields[:n]
	return nil
}

type fieldDescription struct {
	Name        string `json:"name"`
	Label       string `json:"label"`
	Description string `json:"description,omitempty"`
	Kind        string `json:"kind" jsonschema_description:"string, int, float, bool, time, date or json"`
	Nullable    bool   `json:"nullable"`
	Filterable  bool   `json:"filterable"`
	Sortable    bool   `json:"sortable"`
	Numeric     bool   `json:"numeric,omitempty" jsonschema_description:"It has sums and averages"`
	Facet       bool   `json:"facet,omitempty" jsonschema_description:"It has few different values, which search counts"`
	LinksTo     string `json:"links_to,omitempty" jsonschema_description:"Type of the record whose id it holds"`
}

func describeModel(s Sources) *Function {
	return Define(Spec{
		Name:        "describe_model",
		Description: "Describes the fields of one type of record: their names and kinds, and which of them query_model can filter and sort by. Call it before query_model instead of guessing names.",
		Category:    "records",
		Tags:        []string{"types", "query"},
		Input:       func(schema *jsonschema.Schema) { enum(schema, "model", s.Registry.Names()) },
	}, func(_ context.Context, call *Call, in modelArgs) (modelDescription, error) {
		typ, err := s.lookup(call, in.Model)
		if err != nil {
			return modelDescription{}, err
		}
		d := modelDescription{Model: typ.Name(), Label: typ.Label(""), Description: typ.Description(), Group: typ.Group(), Children: childTypes(typ)}
		for _, f := range typ.Columns() {
			if hasFold(f.Name, in.Contains) || hasFold(f.Label, in.Contains) {
				d.Fields = append(d.Fields, describeField(f))
			}
		}
		call.SetSource(typ.Name())
		if in.Contains != "" {
			call.SetMessage("%s has %s with %s", typ.FormalName(), count(len(d.Fields), "field"), show(in.Contains))
		} else {
			call.SetMessage("%s has %s", typ.FormalName(), count(len(d.Fields), "field"))
		}
		return d, nil
	})
}

// hasFold reports whether a text contains another one, whatever the case.
func hasFold(text, part string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(part))
}

func describeField(f *content.Field) fieldDescription {
	return fieldDescription{Name: f.Name, Label: f.Label, Description: f.Description, Kind: f.Kind.String(), Nullable: f.Nullable,
		Filterable: f.Filterable(), Sortable: f.Sortable(), Numeric: f.Aggregatable(), Facet: f.Has(content.Facet), LinksTo: f.LinkType}
}
