// Package store keeps the records of all Types in typed tables, the same on
// SQLite and on Postgres.
//
// Written for each kind of record, the code that inserts, updates, lists,
// counts and deletes is the same two dozen functions over and over, and the
// tenth copy forgets the organization in one WHERE. Here it is written once,
// over the fields of a content.Type. Every call takes a content.Scope, every
// statement names its organization, identifiers come from declarations only,
// and values are bound.
//
// Deletion is soft: a deleted record is invisible to all reads, keeps its id,
// and is restored when its key comes again, until Purge removes it.
package store

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// A Store reads and writes the records of the Types of one registry. It is safe
// for concurrent use.
type Store struct {
	db       *database.DB
	registry *content.Registry
	auth     *content.Authority

	// Now and NewID are the clock and the source of ids: UTC wall clock and
	// UUIDv7. Replace them before the first call only.
	Now   func() time.Time
	NewID func() string

	plans sync.Map // type name -> *plan
}

// New returns a Store on a database whose tables exist ([Ensure], package
// migrations). It accepts the Scopes of the given Authority only.
func New(db *database.DB, registry *content.Registry, auth *content.Authority) *Store {
	return &Store{db: db, registry: registry, auth: auth, Now: time.Now, NewID: NewID}
}

// NewID returns a new UUIDv7, which sorts by the time it was made.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// Registry returns the Types of the store.
func (s *Store) Registry() *content.Registry { return s.registry }

// A plan is what is known about a Type's table once and for all.
type plan struct {
	typ      *content.Type
	table    string           // quoted
	imported []*content.Field // columns that an import writes
	links    []*content.Field // columns that are resolved from others
	selected string           // column list that scan reads
	width    int              // columns of an insert
	into     string           // "INSERT INTO … VALUES "
	conflict string

	intoArrays, intoArraysBytes string   // "INSERT INTO … SELECT … FROM unnest(…)", for Postgres
	inserts                     sync.Map // number of rows -> statement

	measured atomic.Bool  // Postgres has statistics of the table
	asked    atomic.Int64 // how often that mattered before
}

// plan returns the plan of a Type, which must be one of the registry.
func (s *Store) plan(typ *content.Type) (*plan, error) {
	if p, ok := s.plans.Load(typ.Name()); ok {
		return p.(*plan), nil
	}
	registered, err := s.registry.Lookup(typ.Name())
	if err != nil {
		return nil, err
	}
	p := &plan{typ: registered, table: quote(registered.Table())}
	columns := []string{"id", "organization_id", "instance", "created_at", "title_key", "updated_at", "row_hash", "document_hash", "indexed_at"}
	update := []string{"deleted_at = NULL"}
	for _, c := range columns[4:indexedColumn] { // id, organization, instance and created_at stay
		update = append(update, c+" = excluded."+c)
	}
	selected := append([]string{}, systemColumns...)
	for _, f := range registered.Fields() {
		selected = append(selected, quote(f.Name))
		if f.Imported() {
			p.imported = append(p.imported, f)
			columns = append(columns, quote(f.Name))
			if !f.Has(content.Key) {
				update = append(update, quote(f.Name)+" = excluded."+quote(f.Name))
			}
		}
	}
	for _, f := range registered.With(content.Parent | content.Link) {
		if _, known := s.registry.Type(f.LinkType); known && f.LinkFrom != "" {
			p.links = append(p.links, f)
			columns = append(columns, quote(f.Name))
			update = append(update, quote(f.Name)+" = excluded."+quote(f.Name))
		}
	}
	columns = append(columns, "raw")
	// Decided on the row as it is when it is locked: it may have been deleted, or
	// indexed, since it was looked up.
	update = append(update, "raw = excluded.raw", fmt.Sprintf(
		"indexed_at = CASE WHEN excluded.indexed_at IS NOT NULL THEN excluded.indexed_at WHEN %[1]s.deleted_at IS NULL AND %[1]s.document_hash = excluded.document_hash THEN %[1]s.indexed_at END", p.table))
	p.selected = strings.Join(append(selected, "raw"), ", ")
	p.width = len(columns)
	p.into = "INSERT INTO " + p.table + " (" + strings.Join(columns, ", ") + ") VALUES "
	p.conflict = fmt.Sprintf(" ON CONFLICT (organization_id, instance, %s) DO UPDATE SET %s", quote(registered.Key().Name), strings.Join(update, ", "))
	p.intoArrays, p.intoArraysBytes = p.arrayInserts(columns)
	actual, _ := s.plans.LoadOrStore(typ.Name(), p)
	return actual.(*plan), nil
}

// Where some columns stand in an insert.
const (
	organizationColumn = 1
	instanceColumn     = 2
	updatedColumn      = 5
	indexedColumn      = 8
)

// upsertOf returns the statement that inserts or updates n rows.
func (p *plan) upsertOf(n int) string {
	if text, ok := p.inserts.Load(n); ok {
		return text.(string)
	}
	text := p.into + database.Rows(n, p.width) + p.conflict
	p.inserts.Store(n, text)
	return text
}

// read puts the values that an import writes into values, and checks them unless
// that is done.
func (p *plan) read(row content.Row, values []any, checked bool) error {
	for i, f := range p.imported {
		values[i] = f.Value(row)
		if checked {
			continue
		}
		if err := checkValue(f, values[i]); err != nil {
			return fmt.Errorf("%s %q: %w", p.typ.Name(), p.typ.KeyOf(row), err)
		}
	}
	return nil
}

// systemColumns stand first in every table, raw stands last: SQLite reads a row
// from its start, and raw is long.
var systemColumns = []string{"id", "organization_id", "instance", "created_at", "title_key", "updated_at", "deleted_at", "indexed_at", "row_hash", "document_hash"}

// quote makes a name of a table, column or index safe to be a keyword ("type",
// "order").
func quote(name string) string { return `"` + name + `"` }

// FoldTitle returns the form in which titles are compared, ordered and looked
// up by a substring: lower case in all scripts, composed, valid UTF-8 without
// NUL, cut to 512 bytes.
func FoldTitle(title string) string {
	if isASCII(title) {
		if len(title) > maxTitle {
			title = title[:maxTitle]
		}
		return strings.ToLower(title)
	}
	// Composed last: some letters have a composed form in lower case only.
	folded := norm.NFC.String(strings.ToLower(strings.ReplaceAll(title, "\x00", "")))
	if len(folded) <= maxTitle {
		return folded
	}
	cut := maxTitle
	for cut > 0 && !utf8.RuneStart(folded[cut]) {
		cut--
	}
	return folded[:cut]
}

// isASCII reports whether a text has ASCII characters only, other than NUL.
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || s[i] == 0 {
			return false
		}
	}
	return true
}
