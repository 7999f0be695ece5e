package connectors_test

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"testing"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/search"
)

// A customer has orders and invoices below it.
type customer struct {
	content.Record
	Key      string  `db:"customer_key" content:"key"`
	Name     string  `db:"name" content:"title"`
	City     *string `db:"city" content:"facet"`
	About    *string `db:"about" content:"text"`
	Internal *string `db:"internal" content:"metadata"`
	Marked   *string `db:"marked" content:"kept,filter"`
	AboveKey *string `db:"above_key" content:"filter,unindexed"`
	AboveID  *string `db:"above_id" content:"link=customer,from=above_key,unindexed"`
}

type order struct {
	content.Record
	Key         string  `db:"order_key" content:"key"`
	Name        string  `db:"name" content:"title"`
	CustomerKey *string `db:"customer_key" content:"filter,unindexed"`
	CustomerID  *string `db:"customer_id" content:"parent=customer,from=customer_key,unindexed"`
}

func customerType(rule content.OnDelete) *content.Type {
	return content.Define(content.Spec[customer]{Name: "customer", Label: "Customer",
		Children: []content.Child{{Type: "order", Relation: "orders", OnDelete: rule}, {Type: "customer", Relation: "branches"}}})
}

func orderType() *content.Type {
	return content.Define(content.Spec[order]{Name: "order", Label: "Order", Table: "shop_orders"})
}

func ptr[T any](v T) *T { return &v }

// A shop is a database with a connection whose streams a test sets.
type shop struct {
	t       testing.TB
	db      *database.DB
	auth    *content.Authority
	store   *store.Store
	engine  *connectors.Engine
	search  *search.Searcher
	scope   content.Scope
	org     string
	conn    *connectors.Connection
	clock   time.Time
	streams []connectors.Stream
}

// newShop opens a new database. Rule is what becomes of the orders of a customer
// who is deleted; change edits the connection.
func newShop(t testing.TB, kind string, rule content.OnDelete, change ...func(*connectors.Spec[settings])) *shop {
	t.Helper()
	s := &shop{t: t, db: databasetest.Open(t, kind), auth: content.NewAuthority(), clock: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	spec := connectors.Spec[settings]{Name: "shop", Label: "Shop", Types: []*content.Type{customerType(rule), orderType()},
		Open: func(context.Context, connectors.Input[settings]) (connectors.Session, error) {
			return connectors.Streams(s.streams), nil
		}}
	for _, c := range change {
		c(&spec)
	}
	s.conn = connectors.New(spec)
	if err := connectors.Check(s.conn); err != nil {
		t.Fatal(err)
	}
	registry, err := content.NewRegistry(s.conn.Types()...)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Ensure(t.Context(), s.db, registry.Types()...); err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return s.clock }
	s.store = store.New(s.db, registry, s.auth)
	s.store.Now = now
	config := search.Config{DB: s.db, Authority: s.auth, Registry: registry, Now: now}
	s.search = search.NewSearcher(config)
	s.engine = &connectors.Engine{DB: s.db, Auth: s.auth, Store: s.store, Index: search.NewIndexer(config), Now: now}
	s.org = "the-shop"
	s.scope = s.auth.Mint(s.org, "tester")
	s.clear()
	return s
}

// clear empties the database: a new one takes longer.
func (s *shop) clear() {
	s.t.Helper()
	s.exec("DELETE FROM run_keys WHERE set_id >= ?", 0)
	s.exec("DELETE FROM organizations WHERE id = ?", s.org)
	s.exec("INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?)", s.org, "shop", s.db.Dialect().Time(s.clock))
}

type settings struct {
	Word  string            `json:"word,omitempty"`
	List  []string          `json:"list,omitempty"`
	Words map[string]string `json:"words,omitempty"`
}

func (s *shop) exec(query string, args ...any) {
	s.t.Helper()
	if err := s.db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
}

// texts returns the rows of a query, each as one line.
func (s *shop) texts(query string, args ...any) []string {
	s.t.Helper()
	return databasetest.Lines(s.t, s.db, query, args...)
}

func (s *shop) count(query string, args ...any) int {
	s.t.Helper()
	lines := s.texts(query, args...)
	n, err := strconv.Atoi(lines[0])
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// task is a run that is at work, an hour after the one before.
func (s *shop) task() *connectortest.Task {
	s.t.Helper()
	s.clock = s.clock.Add(time.Hour)
	return connectortest.NewTask(s.t, s.db, s.scope, s.org, s.conn.RunType(), s.clock)
}

// load runs an import of these streams to its end.
func (s *shop) load(options connectors.Options, streams ...connectors.Stream) (*connectors.Result, *connectortest.Task, error) {
	s.t.Helper()
	f := s.task()
	s.streams = streams
	result, err := s.engine.Import(context.Background(), f, s.conn, nil, options)
	status := jobs.Completed
	if err != nil {
		status = jobs.Failed
	}
	f.End(status)
	for name, c := range result.Streams {
		if c.Seen != c.Created+c.Updated+c.Unchanged+c.Duplicates+c.Failed {
			s.t.Errorf("%s: the counts do not add up to seen: %+v", name, *c)
		}
	}
	return result, f, err
}

// must is load for imports that complete.
func (s *shop) must(options connectors.Options, streams ...connectors.Stream) (*connectors.Result, *connectortest.Task) {
	s.t.Helper()
	result, f, err := s.load(options, streams...)
	if err != nil {
		s.t.Fatal(err)
	}
	return result, f
}

func (s *shop) typ(name string) *content.Type {
	typ, err := s.store.Registry().Lookup(name)
	if err != nil {
		s.t.Fatal(err)
	}
	return typ
}

// stream makes a stream that gives records, with positions if numbered.
func (s *shop) stream(typeName string, numbered bool, records ...connectors.Record) connectors.Stream {
	return connectors.Stream{Type: s.typ(typeName), Read: func(_ context.Context, from string) iter.Seq2[connectors.Record, error] {
		return func(yield func(connectors.Record, error) bool) {
			start := 0
			if from != "" {
				start, _ = strconv.Atoi(from)
			}
			for i, r := range records[start:] {
				if numbered {
					r.Position = number(start + i + 1)
				}
				if !yield(copyOf(r), nil) {
					return
				}
			}
		}
	}}
}

type number int

func (n number) String() string { return strconv.Itoa(int(n)) }

// copyOf gives a record with a row of its own, as a source that is read again
// does.
func copyOf(r connectors.Record) connectors.Record {
	switch row := r.Row.(type) {
	case *customer:
		r.Row = ptr(*row)
	case *order:
		r.Row = ptr(*row)
	}
	return r
}

func rows[R content.Row](list ...R) (records []connectors.Record) {
	for _, row := range list {
		records = append(records, connectors.Record{Row: row})
	}
	return records
}

func (s *shop) customers(list ...*customer) connectors.Stream {
	return s.stream("customer", true, rows(list...)...)
}

func (s *shop) orders(list ...*order) connectors.Stream {
	return s.stream("order", true, rows(list...)...)
}

// many makes n customers.
func many(n int) (list []*customer) {
	for i := range n {
		list = append(list, &customer{Record: content.Record{Raw: fmt.Appendf(nil, `{"n":%d}`, i)}, Key: fmt.Sprintf("c%05d", i), Name: fmt.Sprintf("Customer %d", i), City: ptr("Town")})
	}
	return list
}

// stored lists the live customers by key.
func (s *shop) stored() []string {
	return s.texts("SELECT customer_key FROM customers WHERE organization_id = ? AND deleted_at IS NULL ORDER BY 1", s.org)
}

// found searches and lists the titles of what is found, in order.
func (s *shop) found(text string) []string {
	s.t.Helper()
	result, err := s.search.Search(context.Background(), s.scope, search.Query{Text: text, Limit: 100})
	if err != nil {
		s.t.Fatal(err)
	}
	titles := []string{}
	for _, h := range result.Hits {
		titles = append(titles, h.Title)
	}
	return titles
}

// onBoth runs a test on both databases.
func onBoth(t *testing.T, test func(t *testing.T, kind string)) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) { test(t, kind) })
	}
}
