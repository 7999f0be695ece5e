package salesforce

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce/export"
	"github.com/curatore/curatore-go/content"
)

// Options decide what an import would else find out from the export, and name
// the columns of custom fields, which differ between Salesforce organizations.
// The zero value is right for most.
type Options struct {
	Encoding  string `json:"encoding,omitempty"`   // utf-8, windows-1252, utf-16le or utf-16be; "" to find out
	DateOrder string `json:"date_order,omitempty"` // of slash dates: "month first" or "day first"; "" to find out

	// SmallBusiness names, for each small-business flag of an account, the column
	// that holds it; nil means [DefaultSmallBusiness].
	SmallBusiness map[string]string `json:"small_business,omitempty"`
	// CurrentEmployee is the column that says whether a contact still works for
	// its account; "" means "Current_Employee__c".
	CurrentEmployee string `json:"current_employee,omitempty"`
	// OpportunityDates are columns of opportunities that hold dates worth
	// keeping; they become custom_dates.
	OpportunityDates []string `json:"opportunity_dates,omitempty"`

	// Objects are imported beside accounts, contacts and opportunities. They belong
	// to the program: their tables are made when it opens the database.
	Objects []Object `json:"-"`

	// API lets imports without files ask Salesforce for what has changed.
	API API `json:"api,omitzero"`
}

// DefaultSmallBusiness returns the flags of government contracting and the
// columns in which they usually stand.
func DefaultSmallBusiness() map[string]string {
	return map[string]string{"sba_8a": "SBA_8a__c", "hubzone": "HUBZone__c", "wosb": "WOSB__c", "edwosb": "EDWOSB__c",
		"sdvosb": "SDVOSB__c", "vosb": "VOSB__c", "sdb": "SDB__c", "small_business": "Small_Business__c"}
}

// New declares the connection "salesforce". At most one Options is taken.
func New(options ...Options) *connectors.Connection {
	spec := connectors.Spec[Options]{
		Name: "salesforce", Label: "Salesforce", Description: "Accounts, contacts and opportunities from Salesforce's weekly export.",
		Icon: "cloud", Color: "sky",
		Types: []*content.Type{accountType(), contactType(), opportunityType()},
		Files: "all parts of one export (WE_…_1.ZIP, WE_…_2.ZIP, …)", WithoutFiles: func(o Options) bool { return o.API.URL != "" },
		Open: open, Replay: replay,
	}
	if len(options) > 0 {
		spec.Settings = options[0]
		for _, o := range options[0].Objects {
			spec.Types = append(spec.Types, o.objectMap().typ)
		}
	}
	return connectors.New(spec)
}

// An objectMap says how the rows of a Salesforce object become records.
type objectMap struct {
	object  string // "Account"
	typ     *content.Type
	columns map[string]string  // field -> column; the field's kind says how to read it
	special map[string]special // field -> what reads it out of several columns
}

func objectMaps(o Options) []objectMap {
	maps := []objectMap{accountMap(o), contactMap(o), opportunityMap(o)}
	for _, object := range o.Objects {
		maps = append(maps, object.objectMap())
	}
	return maps
}

// readsDate reports whether a column is read as a date or a time.
func (m objectMap) readsDate(column string) bool {
	for field, c := range m.columns {
		if f, ok := m.typ.Field(field); ok && strings.EqualFold(c, column) && (f.Kind == content.Time || f.Kind == content.Date) {
			return true
		}
	}
	for _, s := range m.special {
		if s.dates && slices.ContainsFunc(s.parts, func(p part) bool { return strings.EqualFold(p.column, column) }) {
			return true
		}
	}
	return false
}

// fingerprint stands for the mapping: it is another one when Options name other
// columns.
func (m objectMap) fingerprint() []byte {
	b := []byte(m.object)
	for _, f := range m.typ.Fields() {
		b = fmt.Appendf(b, " %s=%q", f.Name, m.columns[f.Name])
		for _, p := range m.special[f.Name].parts {
			b = fmt.Appendf(b, " %q=%q", p.name, p.column)
		}
	}
	sum := sha256.Sum256(b)
	return sum[:8]
}

// session is one export that was looked through.
type session struct {
	export *export.Export
	order  export.DateOrder
	maps   []objectMap
	absent []string // columns that the options name and the export does not have
}

func open(ctx context.Context, in connectors.Input[Options]) (connectors.Session, error) {
	if len(in.Files) == 0 {
		return openBulk(ctx, in)
	}
	order, err := dateOrder(in.Settings.DateOrder)
	if err != nil {
		return nil, err
	}
	files := make([]export.File, len(in.Files))
	for i, f := range in.Files {
		files[i] = export.File{Name: f.Name, Size: f.Size, ReaderAt: f.ReaderAt}
	}
	s := &session{maps: objectMaps(in.Settings)}
	var names []string
	for _, m := range s.maps {
		names = append(names, m.object)
	}
	if s.export, err = export.Open(ctx, files, names, export.Options{Encoding: in.Settings.Encoding, DateOrder: order}); err != nil {
		return nil, err
	}
	for _, m := range s.maps {
		if s.export.Has(m.object) && s.export.Column(m.object, "Id") < 0 {
			return nil, fmt.Errorf("%w: %s.csv has no column Id; export the object with its Id (columns found: %s)",
				content.ErrInvalid, m.object, strings.Join(s.export.Header(m.object), ", "))
		}
	}
	if s.order, err = s.export.DateOrder(s.readsDate); err != nil {
		return nil, fmt.Errorf("%w; set date_order to \"month first\" or \"day first\"", err)
	}
	s.absent = absent(s.export, in.Settings)
	return s, nil
}

// readsDate reports whether a column is read as a date or a time.
func (s *session) readsDate(object, column string) bool {
	return slices.ContainsFunc(s.maps, func(m objectMap) bool { return m.object == object && m.readsDate(column) })
}

// absent returns the columns that the options name and that are not there, most
// often for a typing error. Those that are looked for by default are left out.
func absent(e *export.Export, o Options) (names []string) {
	look := func(object string, columns ...string) {
		for _, c := range columns {
			if c != "" && e.Has(object) && e.Column(object, c) < 0 {
				names = append(names, object+"."+c)
			}
		}
	}
	look("Account", slices.Sorted(maps.Values(o.SmallBusiness))...)
	look("Contact", o.CurrentEmployee)
	look("Opportunity", o.OpportunityDates...)
	return names
}

func dateOrder(s string) (export.DateOrder, error) {
	for _, o := range []export.DateOrder{export.MonthFirst, export.DayFirst} {
		if strings.EqualFold(s, o.String()) {
			return o, nil
		}
	}
	if s == "" {
		return export.Unsettled, nil
	}
	return 0, fmt.Errorf("%w date_order %q; use \"month first\" or \"day first\"", content.ErrInvalid, s)
}

// Describe implements connectors.Describer.
func (s *session) Describe() map[string]any {
	d := map[string]any{"encoding": s.export.Encoding(), "csv_files": s.export.Files()}
	if s.order != export.Unsettled {
		d["date_order"] = s.order.String()
	}
	if parts := s.export.Parts(); len(parts) > 0 {
		d["parts"] = parts
	}
	if len(s.absent) > 0 {
		d["missing_columns"] = s.absent
	}
	if id := s.export.OrgID(); id != "" {
		d["salesforce_organization"] = id
	}
	return d
}

// Close implements connectors.Session; the program closes its files.
func (s *session) Close() error { return nil }

// Streams implements connectors.Session: one for each object that the export
// has, accounts first.
func (s *session) Streams() []connectors.Stream {
	var streams []connectors.Stream
	for _, m := range s.maps {
		if !s.export.Has(m.object) {
			continue
		}
		_, total := s.export.Progress(m.object, export.Position{})
		var cut string
		streams = append(streams, connectors.Stream{
			Type: m.typ, Total: total, Read: s.read(m, &cut),
			Incomplete: func() string {
				if ok, why := s.export.Complete(); !ok {
					return why
				}
				return cut
			},
		})
	}
	return slices.Clip(streams)
}
