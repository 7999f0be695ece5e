package salesforce

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/curatore/curatore-go/content"
)

// An Object is a Salesforce object beside accounts, contacts and opportunities, as a
// type whose fields are known only when the program runs. [Describe] makes one of a
// describe call, [FromHeader] of the header of an export, and [Standard] has the
// usual ones.
type Object struct {
	Name    string // "Lead", "Bid__c": of the export's file and of the API
	Label   string // for people
	Title   string // the column that names a record; "" is its id
	Columns []Column
}

// A Column is a column of an Object that is imported.
type Column struct {
	Name  string // "LastName"
	Label string
	Kind  content.Kind
	Roles content.Role // beside what follows from Title; see content.Role
}

// Type returns the name of the record type: "salesforce_lead".
func (o Object) Type() string { return "salesforce_" + snake(o.Name) }

// snake makes "last_name" of "LastName" and "bid_date" of "Bid_Date__c".
func snake(name string) string {
	name = strings.TrimSuffix(name, "__c")
	var b strings.Builder
	last := rune('_')
	for i, r := range name {
		switch {
		case unicode.IsUpper(r) && r < 128:
			if i > 0 && last != '_' && !unicode.IsUpper(last) {
				b.WriteByte('_')
			}
			b.WriteRune(unicode.ToLower(r))
		case r == '_' && last == '_', r >= 128:
		case unicode.IsLower(r), unicode.IsDigit(r), r == '_':
			b.WriteRune(r)
		}
		last = r
	}
	s := strings.Trim(b.String(), "_")
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		s = "c_" + s
	}
	return s[:min(len(s), 28)]
}

func (o Object) objectMap() objectMap {
	m := objectMap{object: o.Name, columns: map[string]string{}}
	fields := []content.FieldSpec{{Name: "salesforce_id", Label: "Salesforce id", Kind: content.String, Roles: content.Key}}
	title := -1
	for _, c := range o.Columns {
		name := snake(c.Name)
		for base, n := name, 2; name == "raw" || name == "id" || name == "instance" || strings.HasSuffix(name, "_at") || slices.ContainsFunc(fields, func(f content.FieldSpec) bool { return f.Name == name }); n++ {
			name = fmt.Sprintf("%s_%d", base, n)
		}
		if strings.EqualFold(c.Name, o.Title) {
			title = len(fields)
		}
		fields = append(fields, content.FieldSpec{Name: name, Label: c.Label, Kind: c.Kind, Roles: c.Roles})
		m.columns[name] = c.Name
	}
	spec := content.Spec[content.Dynamic]{Name: o.Type(), Label: o.Label, FormalName: "Salesforce " + o.Label, Icon: "table", Color: "sky",
		Statistics: []content.Statistic{{Name: "total"}},
		Title: func(d *content.Dynamic) string {
			if title >= 0 && title < len(d.Values) {
				if s, ok := d.Values[title].(string); ok && s != "" {
					return s
				}
			}
			s, _ := d.Values[0].(string)
			return s
		}}
	m.typ = content.DefineDynamic(spec, fields...)
	return m
}

// Standard returns leads, cases, tasks, events, products and users, with the columns
// that every Salesforce has.
func Standard() []Object {
	text := func(names ...string) (columns []Column) {
		for _, n := range names {
			columns = append(columns, Column{Name: n, Kind: content.String, Roles: content.Searched})
		}
		return columns
	}
	facet := func(names ...string) (columns []Column) {
		for _, n := range names {
			columns = append(columns, Column{Name: n, Kind: content.String, Roles: content.Facet})
		}
		return columns
	}
	link := func(names ...string) (columns []Column) {
		for _, n := range names {
			columns = append(columns, Column{Name: n, Kind: content.String, Roles: content.Filterable | content.Unindexed})
		}
		return columns
	}
	one := func(name string, kind content.Kind, roles content.Role) []Column {
		return []Column{{Name: name, Kind: kind, Roles: roles}}
	}
	body := func(name string) []Column { return one(name, content.String, content.Text) }
	times := slices.Concat(one("CreatedDate", content.Time, content.Sortable|content.Unindexed), one("LastModifiedDate", content.Time, content.Sortable|content.Unindexed))
	return []Object{
		{Name: "Lead", Label: "Lead", Title: "LastName", Columns: slices.Concat(text("LastName", "FirstName", "Company", "Title", "Email", "Phone"), facet("Status", "LeadSource", "Industry"),
			one("IsConverted", content.Bool, content.Filterable), body("Description"), link("OwnerId"), times)},
		{Name: "Case", Label: "Case", Title: "Subject", Columns: slices.Concat(text("Subject", "CaseNumber"), facet("Status", "Priority", "Origin", "Type"),
			one("IsClosed", content.Bool, content.Filterable), one("ClosedDate", content.Time, content.Filterable|content.Sortable), body("Description"), link("AccountId", "ContactId", "OwnerId"), times)},
		{Name: "Task", Label: "Task", Title: "Subject", Columns: slices.Concat(text("Subject"), facet("Status", "Priority"),
			one("ActivityDate", content.Date, content.Filterable|content.Sortable), one("IsClosed", content.Bool, content.Filterable), body("Description"), link("WhoId", "WhatId", "AccountId", "OwnerId"), times)},
		{Name: "Event", Label: "Event", Title: "Subject", Columns: slices.Concat(text("Subject", "Location"),
			one("StartDateTime", content.Time, content.Filterable|content.Sortable), one("EndDateTime", content.Time, content.Filterable), body("Description"), link("WhoId", "WhatId", "AccountId", "OwnerId"), times)},
		{Name: "Product2", Label: "Product", Title: "Name", Columns: slices.Concat(text("Name", "ProductCode"), facet("Family"), one("IsActive", content.Bool, content.Filterable), body("Description"), times)},
		{Name: "User", Label: "User", Title: "Name", Columns: slices.Concat(text("Name", "Username", "Email", "Title"), facet("Department"), one("IsActive", content.Bool, content.Filterable), times)},
	}
}

// FromHeader makes an Object of the header of its file in an export. All columns
// are text, since a header says no more; the first of Name, Subject, LastName and
// Title that it has names a record.
func FromHeader(name, label string, header []string) Object {
	o := Object{Name: name, Label: label}
	for _, column := range header {
		if !known(column) {
			o.Columns = append(o.Columns, Column{Name: column, Kind: content.String, Roles: rolesOf(column, "string")})
		}
	}
	o.Title = titleOf(header)
	return o
}

// known reports whether a column has a meaning of its own.
func known(column string) bool {
	return slices.ContainsFunc([]string{"Id", "IsDeleted", "SystemModstamp"}, func(k string) bool { return strings.EqualFold(k, column) })
}

func titleOf(columns []string) string {
	for _, wanted := range []string{"Name", "Subject", "LastName", "Title"} {
		if i := index(columns, wanted); i >= 0 {
			return columns[i]
		}
	}
	return ""
}

func rolesOf(column, kind string) content.Role {
	switch {
	case kind == "textarea", strings.EqualFold(column, "Description"):
		return content.Text
	case kind == "picklist":
		return content.Facet
	case strings.HasSuffix(column, "Id"), kind == "reference":
		return content.Filterable | content.Unindexed
	case kind == "string", kind == "email", kind == "phone", kind == "url":
		return content.Searched
	}
	return content.Filterable | content.Sortable
}

// Describe makes an Object of the answer to a describe call
// (/services/data/vNN.0/sobjects/NAME/describe). Compound fields and files are left
// out.
func Describe(answer []byte) (Object, error) {
	var d struct {
		Name   string `json:"name"`
		Label  string `json:"label"`
		Fields []struct {
			Name      string `json:"name"`
			Label     string `json:"label"`
			Type      string `json:"type"`
			NameField bool   `json:"nameField"`
		} `json:"fields"`
	}
	if err := json.Unmarshal(answer, &d); err != nil || d.Name == "" || len(d.Fields) == 0 {
		return Object{}, fmt.Errorf("%w: it is no answer to a describe call", content.ErrInvalid)
	}
	o := Object{Name: d.Name, Label: d.Label}
	if o.Label == "" {
		o.Label = d.Name
	}
	for _, f := range d.Fields {
		kind := content.String
		switch f.Type {
		case "address", "location", "base64", "complexvalue", "anyType":
			continue
		case "boolean":
			kind = content.Bool
		case "int", "long":
			kind = content.Int
		case "double", "currency", "percent":
			kind = content.Float
		case "date":
			kind = content.Date
		case "datetime":
			kind = content.Time
		}
		if f.NameField {
			o.Title = f.Name
		}
		if !known(f.Name) {
			o.Columns = append(o.Columns, Column{Name: f.Name, Label: f.Label, Kind: kind, Roles: rolesOf(f.Name, f.Type)})
		}
	}
	return o, nil
}
