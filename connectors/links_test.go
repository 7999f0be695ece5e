package connectors_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/content"
)

func (s *shop) linked() []string {
	return s.texts(`SELECT o.order_key, o.customer_key, c.name FROM shop_orders o LEFT JOIN customers c ON c.id = o.customer_id AND c.organization_id = o.organization_id
UNION ALL SELECT c.customer_key, c.above_key, a.name FROM customers c LEFT JOIN customers a ON a.id = c.above_id AND a.organization_id = c.organization_id WHERE c.above_key IS NOT NULL ORDER BY 1`)
}

func TestLinks(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Orphan)
		check := func(what string, want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, s.linked()); diff != "" {
				t.Errorf("%s: %s", what, diff)
			}
		}
		all := connectors.Options{Force: true}
		bolt, acme := &customer{Key: "b", Name: "Bolt", AboveKey: ptr("a")}, &customer{Key: "a", Name: "Acme"}
		first := &order{Key: "1", Name: "First", CustomerKey: ptr("a")}
		// Children are read before their parents, and a record before the one above.
		s.must(all, s.orders(first, &order{Key: "2", Name: "Second", CustomerKey: ptr("z")}), s.customers(bolt, acme))
		check("children first", "1 | a | Acme", "2 | z | -", "b | a | Acme")

		// A missing parent arrives later, in an import without orders.
		s.must(all, s.customers(bolt, acme, &customer{Key: "z", Name: "Zorro"}))
		check("a parent later", "1 | a | Acme", "2 | z | Zorro", "b | a | Acme")

		// Moved to another parent, to one that is not there, and to none.
		s.must(all, s.orders(&order{Key: "1", Name: "First", CustomerKey: ptr("b")}, &order{Key: "2", Name: "Second", CustomerKey: ptr("q")}))
		check("moved", "1 | b | Bolt", "2 | q | -", "b | a | Acme")
		s.must(all, s.orders(&order{Key: "1", Name: "First"}, &order{Key: "2", Name: "Second", CustomerKey: ptr("a")}))
		check("to none", "1 | - | -", "2 | a | Acme", "b | a | Acme")

		// In a circle, and to itself.
		s.must(all, s.customers(&customer{Key: "b", Name: "Bolt", AboveKey: ptr("a")}, &customer{Key: "a", Name: "Acme", AboveKey: ptr("b")}, &customer{Key: "z", Name: "Zorro", AboveKey: ptr("z")}))
		check("in a circle", "1 | - | -", "2 | a | Acme", "a | b | Bolt", "b | a | Acme", "z | z | Zorro")
	})
}

// An import that ended before it came to the links leaves them to the next one,
// even when that finds nothing else to do.
func TestLinksOfAnImportThatBrokeOff(t *testing.T) {
	s := newShop(t, "sqlite", content.Orphan)
	streams := []connectors.Stream{s.orders(&order{Key: "1", Name: "First", CustomerKey: ptr("a")}), s.customers(&customer{Key: "a", Name: "Acme"})}
	task := s.task()
	task.DieAt = 4 // the turn, the orders, the customers; then the links
	s.streams = streams
	if _, err := s.engine.Import(context.Background(), task, s.conn, nil, connectors.Options{}); !errors.Is(err, connectortest.ErrDied) {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1 | a | -"}, s.linked()); diff != "" {
		t.Fatal(diff)
	}
	task.End("failed")
	result, _ := s.must(connectors.Options{}, streams...)
	if diff := cmp.Diff(&connectors.Counts{Seen: 1, Unchanged: 1}, result.Streams["order"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1 | a | Acme"}, s.linked()); diff != "" {
		t.Error(diff)
	}
}
