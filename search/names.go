package search

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/inverted"
)

// ownFields can be filtered and counted for documents of all types.
var ownFields = []string{FieldType, FieldGroup, FieldContentType, FieldUpdatedAt}

// check refuses types, groups and fields that do not exist. What is declared
// exists, also while nothing of it is indexed yet; beyond that the index is asked,
// since a record can bring its own group and metadata.
func (s *Searcher) check(ctx context.Context, tx *database.Tx, v *inverted.View, organization string, q Query) error {
	for _, name := range q.Types {
		if _, err := s.config.Registry.Lookup(name); err != nil {
			return err
		}
	}
	if err := s.checkGroups(ctx, v, q.Groups); err != nil {
		return err
	}
	var unknown []string
	for _, f := range q.Filters {
		if !s.fields[f.Field] {
			unknown = append(unknown, f.Field)
		}
	}
	for _, name := range q.Facets {
		if !s.fields[name] {
			unknown = append(unknown, name)
		}
	}
	for _, h := range q.Histograms {
		switch {
		case !s.fields[h.Field]:
			unknown = append(unknown, h.Field)
		case !s.times[h.Field]:
			return fmt.Errorf("%w search: a histogram of %q, which holds no times", content.ErrInvalid, h.Field)
		}
	}
	if q.Sort.Field != "" && !s.fields[q.Sort.Field] {
		unknown = append(unknown, q.Sort.Field)
	}
	if len(unknown) == 0 {
		return nil
	}
	known, err := s.config.Index.Names(ctx, tx, organization)
	if err != nil {
		return err
	}
	for name := range s.fields {
		known = append(known, name)
	}
	for _, name := range unknown {
		if !slices.Contains(known, name) {
			slices.Sort(known)
			return fmt.Errorf("%w search: unknown field %q; known are %s", content.ErrInvalid, name, strings.Join(slices.Compact(known), ", "))
		}
	}
	return nil
}

func (s *Searcher) checkGroups(ctx context.Context, v *inverted.View, groups []string) error {
	known := s.config.Registry.Groups()
	asked := false
	for _, name := range groups {
		if !slices.Contains(known, name) && !asked {
			res, err := v.Search(ctx, inverted.Request{Facets: []string{FieldGroup}})
			if err != nil {
				return err
			}
			for _, c := range res.Facets[FieldGroup] {
				known = append(known, c.Value)
			}
			asked = true
		}
		if !slices.Contains(known, name) {
			slices.Sort(known)
			return fmt.Errorf("%w search: unknown group %q; known are %s", content.ErrInvalid, name, strings.Join(slices.Compact(known), ", "))
		}
	}
	return nil
}

// declaredFields returns the names under which the documents of the registered
// types can be filtered, and those among them that hold times.
func declaredFields(r *content.Registry) (fields, times map[string]bool) {
	fields, times = map[string]bool{}, map[string]bool{FieldUpdatedAt: true}
	for _, name := range ownFields {
		fields[name] = true
	}
	for _, t := range r.Types() {
		for _, f := range t.Fields() {
			if f.Filterable() {
				name := t.Group() + "." + f.Name
				fields[name] = true
				times[name] = times[name] || f.Kind == content.Time || f.Kind == content.Date
			}
		}
	}
	return fields, times
}
