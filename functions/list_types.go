package functions

import (
	"context"
	"slices"

	"github.com/curatore/curatore-go/content"
)

type typeList struct {
	Types []typeSummary `json:"types"`
}

func (l *typeList) Len() int { return len(l.Types) }

func (l *typeList) Shorten(_ context.Context, call *Call, n int) error {
	call.Note("only the first %d of %d types; the others by their group, or by search", n, len(l.Types))
	call.SetMessage("There are %s; these are %d", count(len(l.Types), "type"), n)
	l.Types = l.Types[:n]
	return nil
}

type typeSummary struct {
	Type        string      `json:"type" jsonschema_description:"Name for get, search and query_model"`
	Label       string      `json:"label"`
	FormalName  string      `json:"formal_name"`
	Description string      `json:"description,omitempty"`
	Group       string      `json:"group"`
	HasText     bool        `json:"has_text"`
	ParentType  string      `json:"parent_type,omitempty"`
	Children    []childType `json:"children"`
}

type childType struct {
	Relation string `json:"relation"`
	Type     string `json:"type"`
	Label    string `json:"label"`
	Field    string `json:"field" jsonschema_description:"Field of the child that holds the id of this record"`
}

func listTypes(s Sources) *Function {
	return Define(Spec{
		Name:        "list_types",
		Description: "Lists the types of records that there are, with their groups and how they belong together. Start here when you do not know what data exists.",
		Category:    "records",
		Tags:        []string{"types"},
	}, func(_ context.Context, call *Call, in struct {
		Group string `json:"group,omitempty" jsonschema_description:"Only the types of this group"`
	}) (typeList, error) {
		var list typeList
		off, err := s.offTypes(call)
		if err != nil {
			return list, err
		}
		for _, t := range s.Registry.Types() {
			if slices.Contains(off, t.Name()) {
				continue
			}
			if in.Group == "" || slices.Contains(t.Groups(), in.Group) {
				list.Types = append(list.Types, summarize(t))
			}
		}
		if groups := s.Registry.Groups(); len(list.Types) == 0 && in.Group != "" {
			return list, invalid([]Problem{{Path: "group", Message: notOneOf(in.Group, anys(groups))}}, "")
		}
		call.SetMessage("There are %s", count(len(list.Types), "type"))
		return list, nil
	})
}

func summarize(t *content.Type) typeSummary {
	summary := typeSummary{Type: t.Name(), Label: t.Label(""), FormalName: t.FormalName(), Description: t.Description(),
		Group: t.Group(), HasText: t.HasText(), Children: childTypes(t)}
	if parent := t.Parent(); parent != nil {
		summary.ParentType = parent.LinkType
	}
	return summary
}

func childTypes(t *content.Type) []childType {
	var children []childType
	for _, c := range t.Children() {
		children = append(children, childType{Relation: c.Relation, Type: c.Type, Label: c.Label, Field: c.Field})
	}
	return children
}

func anys(values []string) []any {
	all := make([]any, len(values))
	for i, value := range values {
		all[i] = value
	}
	return all
}
