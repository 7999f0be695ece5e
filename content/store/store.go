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
	"time"

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
	table    string
	imported []*content.Field // columns that an import writes
	columns  []string         // of an insert, in order
	selected string           // column list that scan reads
	width    int
	insert   string // up to VALUES
	conflict string
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
	p := &plan{typ: registered, table: registered.Table()}
	p.columns = append(p.columns, systemColumns...)
	var update []string
	for _, c := range systemColumns[4:] { // id, organization, instance and created_at stay
		update = append(update, c+" = excluded."+c)
	}
	selected := append([]string{}, systemColumns...)
	for _, f := range registered.Fields() {
		selected = append(selected, quote(f.Name))
		if f.Imported() {
			p.imported = append(p.imported, f)
			p.columns = append(p.columns, quote(f.Name))
			if !f.Has(content.Key) {
				update = append(update, quote(f.Name)+" = excluded."+quote(f.Name))
			}
		}
	}
	p.columns = append(p.columns, "raw")
	update = append(update, "raw = excluded.raw")
	p.selected = strings.Join(append(selected, "raw"), ", ")
	p.width = len(p.columns)
	p.insert = "INSERT INTO " + p.table + " (" + strings.Join(p.columns, ", ") + ") VALUES "
	p.conflict = fmt.Sprintf(" ON CONFLICT (organization_id, instance, %s) DO UPDATE SET %s", quote(registered.Key().Name), strings.Join(update, ", "))
	actual, _ := s.plans.LoadOrStore(typ.Name(), p)
	return actual.(*plan), nil
}

// systemColumns stand first in every table, raw stands last: SQLite reads a row
// from its start, and raw is long. The first four never change.
var systemColumns = []string{"id", "organization_id", "instance", "created_at", "title_key", "updated_at", "deleted_at", "indexed_at", "row_hash", "document_hash"}

// quote makes a column name safe to be a keyword ("type", "order").
func quote(name string) string { return `"` + name + `"` }

// MaxKey, MaxValue and MaxTitle bound what stands in an index, in bytes:
// Postgres cannot index long values, and both databases shall behave alike.
const (
	MaxKey   = 255
	MaxValue = 1024
	maxTitle = 512
)

// FoldTitle returns the form in which titles are compared, ordered and looked
// up by a substring: lower case in all scripts, composed, cut to 512 bytes.
func FoldTitle(title string) string {
	folded := strings.ToLower(norm.NFC.String(title))
	if len(folded) <= maxTitle {
		return folded
	}
	cut := maxTitle
	for cut > 0 && folded[cut]&0xC0 == 0x80 {
		cut--
	}
	return folded[:cut]
}
