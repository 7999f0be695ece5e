//go:build !race

package connectortest_test

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/content"
)

type planet struct {
	content.Record
	Key    string  `db:"planet_key" content:"key"`
	Name   string  `db:"name" content:"title"`
	Around *string `db:"around"`
	Star   *string `db:"star_id" content:"parent=planet,from=around"`
}

// The simplest of connections keeps what the suite asks for.
func TestImport(t *testing.T) {
	planets := content.Define(content.Spec[planet]{Name: "planet", Label: "Planet"})
	connection := connectors.New(connectors.Spec[struct{}]{Name: "sky", Label: "Sky", Types: []*content.Type{planets},
		Open: func(_ context.Context, in connectors.Input[struct{}]) (connectors.Session, error) {
			from, to := 0, 30
			if len(in.Files) > 0 { // the import before
				from, to = 5, 25
			}
			return connectors.Streams{connectors.Rows(planets, func(context.Context) iter.Seq2[*planet, error] {
				return func(yield func(*planet, error) bool) {
					for i := from; i < to; i++ {
						around := fmt.Sprint(i / 2)
						if !yield(&planet{Key: fmt.Sprint(i), Name: fmt.Sprintf("Planet %d of %d", i, to), Around: &around}, nil) {
							return
						}
					}
				}
			})}, nil
		}})
	connectortest.Import(t, connectortest.Subject{Connection: connection, Batch: 7, Before: func() []connectors.File { return make([]connectors.File, 1) }})
}
